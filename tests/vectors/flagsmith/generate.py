#!/usr/bin/env python3
"""Writes flagsmith.json: which variants Flagsmith's own engine assigns to our units."""

import sys
from pathlib import Path

from flag_engine.engine import get_evaluation_result

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import NO_ANSWER, write  # noqa: E402

# The last one is the control, which has what the others leave.
LAYOUTS = [
    {"weights": [50, 50]},
    {"weights": [10, 90]},
    {"weights": [33.3, 33.3, 33.4]},
    {"weights": [0.1, 0.2, 99.7]},
    {"weights": [30, 30, 40]},
    {"weights": [100, 0]},
    {"weights": [0, 100]},
    {"weights": [2] * 50},
    {"weights": [0.07, 0.01, 12.345, 87.575]},
    {"weights": [10] * 10},
    {"weights": [30, 70], "coverage": 0.5},
    {"weights": [30, 70], "coverage": 0.07},
    {"weights": [50, 50], "coverage": 0.333},
    {"weights": [50, 50], "coverage": 0},
]

# What stands before the unit: an identity's key is its identifier, or <environment key>_<identifier>.
SEEDS = [
    {"key": "checkout", "seed": "12345,"},
    {"key": "checkout", "seed": "8d4f1a44-93a0-4f8e-a1b7-2c57d2a1ad55,"},
    {"key": "checkout", "seed": "12345,AbCdEf0123456789_"},
]


def features(configuration: dict, feature_key: str) -> dict:
    """One feature, where the control is the value without a variant."""
    weights = configuration["weights"]
    variants = [
        {"value": index, "weight": weight, "priority": index, "key": str(index)}
        for index, weight in enumerate(weights[:-1])
    ]
    feature = {"key": feature_key, "name": "checkout", "enabled": True, "value": len(weights) - 1}
    return {"checkout": {**feature, "variants": variants}}


def assign(configuration: dict, unit: str):
    """The variant by the real engine; whether a unit takes part is the percentage split of a segment.

    The split's property is empty, so that it hashes the identity's key. A split on a property would turn text that
    looks like a number into one first.
    """
    feature_key, before = configuration["seed"].split(",", 1)
    if not before + unit:
        # The engine puts another key in the place of an empty one.
        return NO_ANSWER
    context = {
        "environment": {"key": "env", "name": "env"},
        "identity": {"identifier": unit, "key": before + unit},
        "features": features(configuration, feature_key),
    }
    if "coverage_seed" in configuration:
        percentage = str(round(configuration["coverage"] * 100, 6))
        condition = {"property": "", "operator": "PERCENTAGE_SPLIT", "value": percentage}
        key = configuration["coverage_seed"].split(",")[0]
        rules = [{"type": "ALL", "conditions": [condition]}]
        context["segments"] = {key: {"key": key, "name": "split", "rules": rules}}
    result = get_evaluation_result(context)
    if "coverage_seed" in configuration and not result["segments"]:
        return None
    return result["flags"]["checkout"]["value"]


def configuration(seed: dict, layout: dict) -> dict:
    """Where there is coverage, its seed has the same form as the other one, with the segment's key."""
    coverage_seed = {"coverage_seed": "77," + seed["seed"].split(",", 1)[1]} if "coverage" in layout else {}
    return {**seed, **layout, **coverage_seed}


configurations = [
    configuration(seed, layout)
    for number, seed in enumerate(SEEDS)
    for index, layout in enumerate(LAYOUTS)
    if number == 0 or index % 3 == 2 or index == 12
]
write(__file__, "flagsmith", "flagsmith-flag-engine", configurations, assign)
