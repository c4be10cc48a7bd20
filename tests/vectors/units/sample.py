#!/usr/bin/env python3
"""Writes sample.json: for each algorithm a few configurations with the answers for 80 units that a request header can
carry, taken from the vectors of the vendors. For tests that cost more per unit, such as those of a built module.
"""

import json
from pathlib import Path

from units import LETTERS, NO_ANSWER, NOT_COVERED, units

VECTORS = Path(__file__).parents[1]
FILES = [
    "growthbook/growthbook-1",
    "growthbook/growthbook-2",
    "unleash/unleash",
    "optimizely/optimizely",
    "flagd/flagd-1",
    "flagd/flagd-2",
    "launchdarkly/launchdarkly",
    "statsig/statsig",
    "statsig/statsig-gate",
    "planout/planout-js",
    "split/split",
    "flagsmith/flagsmith",
    "configcat/configcat",
    "envoy/envoy-xxh64",
]
OF_EACH_KIND = 40
MAX_BYTES = 200


def carried(unit: str) -> bool:
    """Whether a header carries the text as it is, and cheaply."""
    printable = all(character.isprintable() for character in unit)
    return unit != "" and unit.strip() == unit and printable and len(unit.encode()) <= MAX_BYTES


def spread(indexes: list[int]) -> list[int]:
    """Some of them, evenly."""
    return [indexes[index * len(indexes) // OF_EACH_KIND] for index in range(OF_EACH_KIND)]


def chosen(configurations: list[dict]) -> list[dict]:
    """The first with three or more variants, and the first with a coverage."""
    three = [it for it in configurations if 3 <= len(it.get("weights", [])) < 10]
    covered = [it for it in configurations if 0 < it.get("coverage", 0) < 1]
    return three[:1] + covered[:1]


def answer(letter: str):
    """A variant's index, or null where the unit takes no part."""
    return None if letter == NOT_COVERED else LETTERS.index(letter)


def main() -> None:
    """Writes one configuration a line."""
    texts = units()
    ascii_units = [index for index, unit in enumerate(texts) if carried(unit) and unit.isascii()]
    other_units = [index for index, unit in enumerate(texts) if carried(unit) and not unit.isascii()]
    rows = []
    for file in FILES:
        vectors = json.loads((VECTORS / f"{file}.json").read_text())
        for configuration in chosen(vectors["configurations"]):
            assigned = configuration.pop("assigned")
            picked = [it for it in spread(ascii_units) + spread(other_units) if assigned[it] != NO_ANSWER]
            answers = [[texts[it], answer(assigned[it])] for it in picked]
            rows.append(json.dumps({"algorithm": vectors["algorithm"], **configuration, "units": answers}))
    Path(__file__).with_name("sample.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")
    print(f"{len(rows)} configurations")


if __name__ == "__main__":
    main()
