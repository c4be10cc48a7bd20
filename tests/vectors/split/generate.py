#!/usr/bin/env python3
"""Writes split.json: which treatments Split's own SDK assigns to our units."""

import json
import logging
import sys
import tempfile
from pathlib import Path

from splitio import get_factory

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import NO_ANSWER, write  # noqa: E402

logging.getLogger("splitio").setLevel(logging.CRITICAL)

LAYOUTS = [
    {"weights": [50, 50]},
    {"weights": [90, 10]},
    {"weights": [33, 33, 34]},
    {"weights": [1, 98, 1]},
    {"weights": [0, 100]},
    {"weights": [10] * 10},
    {"weights": [2] * 50},
    {"weights": [50, 50], "coverage": 0.5},
    {"weights": [10, 90], "coverage": 0.01},
    {"weights": [33, 33, 34], "coverage": 0.99},
    {"weights": [50, 50], "coverage": 0},
]
SEEDS = [
    {"key": "checkout", "seed": "-1712740282", "coverage_seed": "-2090685216"},
    {"key": "checkout", "seed": "1712740282", "coverage_seed": "7"},
    {"key": "checkout", "seed": "467569525", "coverage_seed": "467569525"},
]


def definition(name: str, configuration: dict) -> dict:
    """A split with one rollout condition for everybody."""
    partitions = [
        {"treatment": f"t{index}", "size": weight} for index, weight in enumerate(configuration["weights"])
    ]
    matcher = {
        "keySelector": {"trafficType": "user", "attribute": None},
        "matcherType": "ALL_KEYS",
        "negate": False,
    }
    return {
        "name": name,
        "trafficTypeName": "user",
        "status": "ACTIVE",
        "killed": False,
        "defaultTreatment": "none",
        "changeNumber": 1,
        "algo": 2,
        "seed": int(configuration["seed"]),
        "trafficAllocation": round(configuration.get("coverage", 1) * 100),
        "trafficAllocationSeed": int(configuration["coverage_seed"]),
        "configurations": {},
        "conditions": [
            {
                "conditionType": "ROLLOUT",
                "label": "all",
                "matcherGroup": {"combiner": "AND", "matchers": [matcher]},
                "partitions": partitions,
            }
        ],
    }


configurations = [
    {**seed, **layout}
    for number, seed in enumerate(SEEDS)
    for index, layout in enumerate(LAYOUTS)
    if number == 0 or index % 2 == 0
]
splits = [definition(f"split-{index}", it) for index, it in enumerate(configurations)]
with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
    json.dump({"ff": {"d": splits, "s": -1, "t": 1}, "rbs": {"d": [], "s": -1, "t": 1}}, file)
factory = get_factory("localhost", config={"splitFile": file.name, "impressionsMode": "NONE"})
factory.block_until_ready(5)
client = factory.client()


def assign(configuration: dict, unit: str):
    """The treatment by the real SDK, which refuses keys that are empty, or longer than 250 characters."""
    treatment = client.get_treatment(unit, f"split-{configurations.index(configuration)}")
    if treatment == "control":
        return NO_ANSWER
    return None if treatment == "none" else int(treatment[1:])


write(__file__, "split", "splitio_client", configurations, assign)
factory.destroy()
Path(file.name).unlink()
