#!/usr/bin/env python3
"""Writes statsig.json: which groups Statsig's own server SDK assigns to our units."""

import json
import sys
from pathlib import Path

from statsig import StatsigOptions, StatsigServer, StatsigUser

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import NO_ANSWER, write  # noqa: E402

LAYOUTS = [
    {"weights": [500, 500]},
    {"weights": [900, 100]},
    {"weights": [334, 333, 333]},
    {"weights": [1, 998, 1]},
    {"weights": [0, 1000]},
    {"weights": [100] * 10},
    {"weights": [20] * 50},
    {"weights": [50, 50]},
    {"weights": [500, 500], "coverage": 0.5},
    {"weights": [100, 900], "coverage": 0.001},
    {"weights": [334, 333, 333], "coverage": 0.137},
    {"weights": [500, 500], "coverage": 0},
]
SEEDS = [
    {"key": "checkout", "seed": "1a2b3c4d-checkout"},
    {"key": "checkout", "seed": "a.b", "coverage_seed": "layer.salt"},
    {"key": "checkout", "seed": "größe-実験-🚦", "coverage_seed": "ebene-🚦"},
]
LAYER_SALT = "0123-layer"


def rule(name: str, operator: str, target: int, salt: str, value: int) -> dict:
    """A rule that holds where the bucket of a salt compares with a target."""
    condition = {
        "type": "user_bucket",
        "targetValue": target,
        "operator": operator,
        "field": None,
        "additionalValues": {"salt": salt},
        "isDeviceBased": False,
        "idType": "userID",
    }
    return {
        "name": name,
        "id": name,
        "salt": name,
        "groupName": name,
        "passPercentage": 100,
        "conditions": [condition],
        "returnValue": {"group": value},
        "idType": "userID",
    }


def experiment(name: str, configuration: dict) -> dict:
    """An experiment as Statsig's console writes it: first the allocation, then one rule a group."""
    rules = []
    if "coverage" in configuration:
        allocated = round(configuration["coverage"] * 1000)
        rules.append(rule("layerAssignment", "gte", allocated, configuration["coverage_seed"], -1))
    weights = configuration["weights"]
    end = 0
    for index, weight in enumerate(weights):
        end += weight * 1000 // sum(weights)
        rules.append(rule(f"group-{index}", "lt", end, configuration["seed"], index))
    return {
        "name": name,
        "type": "dynamic_config",
        "salt": configuration["seed"],
        "enabled": True,
        "defaultValue": {},
        "rules": rules,
        "isDeviceBased": False,
        "idType": "userID",
        "entity": "experiment",
        "isActive": True,
        "explicitParameters": [],
    }


def with_coverage_seed(configuration: dict) -> dict:
    """The seed of the coverage stands only where there is coverage."""
    kept = {"coverage_seed": LAYER_SALT, **configuration}
    if "coverage" not in configuration:
        del kept["coverage_seed"]
    return kept


configurations = [
    with_coverage_seed({**seed, **layout})
    for number, seed in enumerate(SEEDS)
    for index, layout in enumerate(LAYOUTS)
    if number == 0 or index % 2 == 0
]
specs = {
    "dynamic_configs": [experiment(f"exp-{index}", it) for index, it in enumerate(configurations)],
    "feature_gates": [],
    "layer_configs": [],
    "layers": {},
    "id_lists": {},
    "has_updates": True,
    "time": 1,
}
statsig = StatsigServer()
statsig.initialize("secret-none", StatsigOptions(bootstrap_values=json.dumps(specs), local_mode=True))


def assign(configuration: dict, unit: str):
    """The group by the real SDK, which refuses a user without any id."""
    name = f"exp-{configurations.index(configuration)}"
    try:
        user = StatsigUser(unit)
    except ValueError:
        return NO_ANSWER
    group = statsig.get_experiment(user, name, log_exposure=False).get("group", None)
    assert group is not None, (configuration, unit)
    return None if group < 0 else group


write(__file__, "statsig", "statsig", configurations, assign)
statsig.shutdown()
