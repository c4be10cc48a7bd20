#!/usr/bin/env python3
"""Writes planout.json: what PlanOut's own library chooses for our units."""

import collections
import collections.abc
import sys
from pathlib import Path

# The library is from before Python 3.10, which moved this name.
collections.MutableMapping = collections.abc.MutableMapping

from planout.assignment import Assignment  # noqa: E402
from planout.ops.random import WeightedChoice  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import NO_ANSWER, write  # noqa: E402

WEIGHTS = [
    [0.5, 0.5],
    [1, 1],
    [0.9, 0.1],
    [0.1, 0.2, 0.7],
    [1, 2, 3, 4],
    [0, 1],
    [0, 0, 1, 0],
    [1 / 3] * 3,
    [0.1] * 10,
    [1] * 61,
    [0.000001, 12.5, 1000],
]
SALTS = ["checkout.button", "pricing.", "checkout.phase-2", "a.b.c"]


def assign(configuration: dict, unit: str):
    """The choice by the real library, which refuses text that is not ASCII."""
    experiment, parameter = configuration["seed"].rsplit(".", 1)
    assignment = Assignment(experiment)
    weights = configuration["weights"]
    choice = WeightedChoice(choices=list(range(len(weights))), weights=weights, unit=unit, salt=parameter)
    try:
        assignment["chosen"] = choice
    except UnicodeEncodeError:
        return NO_ANSWER
    return assignment["chosen"]


configurations = [{"key": "any", "seed": salt, "weights": weights} for salt in SALTS for weights in WEIGHTS]
write(__file__, "planout", "PlanOut", configurations, assign)
