#!/usr/bin/env python3
"""Writes statsig-gate.json: for whom of our units Statsig's own server SDK opens feature gates."""

import json
import sys
from pathlib import Path

from statsig import StatsigOptions, StatsigServer, StatsigUser

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import NO_ANSWER, write  # noqa: E402

PERCENTAGES = [0, 0.01, 0.05, 0.5, 1, 10, 33.33, 50, 66.6, 99.99, 100]
SALTS = [("1a2b3c4d-gate", "rule-1"), ("größe", "実験-🚦"), ("salt", "4BJyqvnfF4ZPFPTGNkKeuX:0.05:1")]


def gate(name: str, configuration: dict) -> dict:
    """A gate as Statsig's console writes it: one rule for everyone, with a pass percentage."""
    salt, rule_salt = configuration["seed"].split(".", 1)
    rule = {
        "name": name,
        "id": name,
        "salt": rule_salt,
        "groupName": name,
        "passPercentage": round(configuration["coverage"] * 100, 2),
        "conditions": [{"type": "public", "idType": "userID", "isDeviceBased": False}],
        "returnValue": True,
        "idType": "userID",
    }
    return {
        "name": name,
        "type": "feature_gate",
        "salt": salt,
        "enabled": True,
        "defaultValue": False,
        "rules": [rule],
        "isDeviceBased": False,
        "idType": "userID",
        "entity": "feature_gate",
    }


configurations = [
    {"key": "gate", "seed": f"{salt}.{rule}", "weights": [1], "coverage": round(percentage / 100, 6)}
    for number, (salt, rule) in enumerate(SALTS)
    for index, percentage in enumerate(PERCENTAGES)
    if number == 0 or index % 3 == 1
]
specs = {
    "dynamic_configs": [],
    "feature_gates": [gate(f"gate-{index}", it) for index, it in enumerate(configurations)],
    "layer_configs": [],
    "layers": {},
    "id_lists": {},
    "has_updates": True,
    "time": 1,
}
statsig = StatsigServer()
statsig.initialize("secret-none", StatsigOptions(bootstrap_values=json.dumps(specs), local_mode=True))


def assign(configuration: dict, unit: str):
    """Whether the real SDK, which refuses a user without any id, opens the gate."""
    name = f"gate-{configurations.index(configuration)}"
    try:
        user = StatsigUser(unit)
    except ValueError:
        return NO_ANSWER
    return 0 if statsig.check_gate(user, name, log_exposure=False) else None


write(__file__, "statsig-gate", "statsig", configurations, assign)
statsig.shutdown()
