#!/usr/bin/env python3
"""Asks further Python SDKs for units that have vectors already, and says how often they disagree. See compare.mjs."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

from growthbook import Experiment, GrowthBook
from openfeature.contrib.tools.flagd.core.targeting.custom_ops import fractional

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import NO_ANSWER, letter, units  # noqa: E402

VECTORS = Path(__file__).parents[1]


def compare(path: str, package: str, assign, wanted) -> None:
    """Prints one row: how many answers differ, among ASCII texts and among the others."""
    differ, asked = [0, 0], [0, 0]
    for configuration in json.loads((VECTORS / f"{path}.json").read_text())["configurations"]:
        if not wanted(configuration):
            continue
        for unit, expected in zip(units(), configuration["assigned"], strict=True):
            if expected == NO_ANSWER or not unit:
                continue
            texts = [unit, configuration["key"], configuration.get("seed", "")]
            kind = 0 if all(text.isascii() for text in texts) else 1
            asked[kind] += 1
            differ[kind] += letter(assign(configuration, unit)) != expected
    print(f"| {path} | {package} {version(package)} | {differ[0]} of {asked[0]} | {differ[1]} of {asked[1]} |")


def growthbook(hash_version: int):
    """GrowthBook's Python SDK."""

    def assign(configuration: dict, unit: str):
        ranges = configuration.get("ranges")
        experiment = Experiment(
            key=configuration["key"],
            seed=configuration.get("seed"),
            variations=list(range(len(configuration.get("weights") or ranges))),
            weights=configuration.get("weights"),
            coverage=configuration.get("coverage"),
            ranges=ranges and [tuple(of_variant[0]) for of_variant in ranges],
            hashVersion=hash_version,
        )
        result = GrowthBook(attributes={"id": unit}).run(experiment)
        return result.variationId if result.inExperiment else None

    return assign


def flagd(configuration: dict, unit: str):
    """flagd's Python core."""
    data = {"targetingKey": unit, "$flagd": {"flagKey": configuration["key"]}}
    rule = [[str(index), weight] for index, weight in enumerate(configuration["weights"])]
    answer = fractional(data, *rule)
    return None if answer is None else int(answer)


def of_experiment(configuration: dict) -> bool:
    """Neither a rollout nor a namespace."""
    return "rollout" not in configuration and configuration["key"] != "any"


compare("growthbook/growthbook-1", "growthbook", growthbook(1), of_experiment)
compare("growthbook/growthbook-2", "growthbook", growthbook(2), of_experiment)
compare("flagd/flagd-2", "openfeature-flagd-core", flagd, lambda it: "weights" in it and "seed" not in it)
