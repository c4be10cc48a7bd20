"""Writes vectors.json: the variants that flagd's own evaluator gives our users for flags.json. See README.md."""

import json
import pathlib

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

FOLDER = pathlib.Path(__file__).parent


def answer(core: FlagdCore, flag: str, definition: dict, user: dict) -> str | None:
    """The variant's name; nothing for a disabled flag."""
    if definition["state"] == "DISABLED":
        return None
    context = EvaluationContext(user["id"], {name: value for name, value in user.items() if name != "id"})
    sample = next(iter(definition["variants"].values()))
    kinds = {bool: core.resolve_boolean_value, str: core.resolve_string_value, dict: core.resolve_object_value}
    return kinds[type(sample)](flag, type(sample)(), context).variant


def main() -> None:
    text = (FOLDER / "flags.json").read_text()
    users = json.loads((FOLDER / "../import-users/users.json").read_text())
    flags = json.loads(text)["flags"]
    core = FlagdCore()
    core.set_flags(text)
    names = sorted(flags)
    rows = [json.dumps([answer(core, name, flags[name], user) for name in names]) for user in users]
    values = ",\n".join(rows)
    (FOLDER / "vectors.json").write_text(f'{{"features": {json.dumps(names)},\n"values": [\n{values}\n]}}\n')
    print(f"{len(users)} users, {len(names)} flags")


main()
