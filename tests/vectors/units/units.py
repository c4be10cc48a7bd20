"""What all Python generators of SDK vectors share: the units, and the form in which answers are written."""

import json
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
NOT_COVERED = "-"
NO_ANSWER = "!"


def units() -> list[str]:
    """All units, in the order of units.json."""
    return [it if isinstance(it, str) else it[0] * it[1] for it in json.loads((HERE / "units.json").read_text())]


def write(generator: str, algorithm: str, package: str, configurations: list[dict], assign) -> None:
    """Writes what an installed package answers: see write_from."""
    write_from(generator, algorithm, f"{package} {version(package)}", configurations, assign)


def write_from(generator: str, algorithm: str, sdk: str, configurations: list[dict], assign) -> None:
    """Writes <algorithm>.json beside the generator, whose __file__ is given.

    `assign(configuration, unit)` returns a variant's index, None where the unit takes no part, or NO_ANSWER where the
    SDK refuses the unit.
    """
    rows = []
    for configuration in configurations:
        answers = [letter(assign(configuration, unit)) for unit in units()]
        rows.append(json.dumps({**configuration, "assigned": "".join(answers)}))
    head = f'{{"algorithm": "{algorithm}",\n"sdk": "{sdk}",\n"configurations": [\n'
    Path(generator).with_name(f"{algorithm}.json").write_text(head + ",\n".join(rows) + "\n]}\n")
    print(f"{algorithm}: {len(rows)} configurations of {sdk}")


def letter(answer) -> str:
    """One character for each answer."""
    if answer is None:
        return NOT_COVERED
    return answer if answer == NO_ANSWER else LETTERS[answer]
