#!/usr/bin/env python3
"""Writes unleash.json: which variants Yggdrasil, the engine of Unleash's SDKs, assigns to our units."""

import json
import sys
from pathlib import Path

from yggdrasil_engine.engine import UnleashEngine

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import write  # noqa: E402

LAYOUTS = [
    {"weights": [500, 500]},
    {"weights": [900, 100]},
    {"weights": [334, 333, 333]},
    {"weights": [1, 998, 1]},
    {"weights": [0, 400, 0, 600]},
    {"weights": [100] * 10},
    {"weights": [20] * 50},
    {"weights": [50, 50]},
    {"weights": [7, 11, 13]},
    {"weights": [500, 500], "coverage": 0.5},
    {"weights": [334, 333, 333], "coverage": 0.01},
    {"weights": [334, 333, 333], "coverage": 0.99},
    {"weights": [250, 750], "coverage": 0.33},
    {"weights": [500, 500], "coverage": 0},
]

# The group of a strategy's variants is the strategy's; the group of a flag's own variants is the flag's name.
GROUPS = [
    {"key": "checkout-button"},
    {"key": "checkout-button", "seed": "pricing"},
    {"key": "größe-実験-🚦"},
    {"key": "checkout-button", "coverage_seed": "pricing"},
]


def flag(configuration: dict) -> dict:
    """A flag with one flexible rollout, whose variants are the strategy's or, with a group of their own, the flag's."""
    key = configuration["key"]
    group = configuration.get("coverage_seed", configuration.get("seed", key))
    variants = [
        {"name": str(index), "weight": weight, "stickiness": "userId"}
        for index, weight in enumerate(configuration["weights"])
    ]
    strategy = {
        "name": "flexibleRollout",
        "parameters": {
            "groupId": group,
            "rollout": str(round(configuration.get("coverage", 1) * 100)),
            "stickiness": "userId",
        },
    }
    of_flag = "coverage_seed" in configuration
    if not of_flag:
        strategy["variants"] = variants
    return {
        "name": key,
        "type": "experiment",
        "enabled": True,
        "strategies": [strategy],
        "variants": variants if of_flag else [],
    }


engines = {}


def assign(configuration: dict, unit: str):
    """The variant by the real engine."""
    text = json.dumps(configuration)
    if text not in engines:
        engine = UnleashEngine()
        engine.take_state(json.dumps({"version": 2, "features": [flag(configuration)]}))
        engines[text] = engine
    answer = engines[text].get_variant(configuration["key"], {"userId": unit})
    variant = answer.variant
    return int(variant.name) if variant.enabled else None


configurations = [
    {**group, **layout}
    for number, group in enumerate(GROUPS)
    for index, layout in enumerate(LAYOUTS)
    if number == 0 or index % 3 == 1 or "coverage_seed" in group
]
write(__file__, "unleash", "yggdrasil-engine", configurations, assign)
