#!/usr/bin/env python3
"""Writes optimizely.json: which variations Optimizely's own SDK assigns to our units."""

import json
import sys
from pathlib import Path

from optimizely import logger, optimizely

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import write  # noqa: E402

LAYOUTS = [
    {"weights": [5000, 5000]},
    {"weights": [9000, 1000]},
    {"weights": [3334, 3333, 3333]},
    {"weights": [1, 9998, 1]},
    {"weights": [0, 10000]},
    {"weights": [200] * 50},
    {"weights": [50, 50]},
    {"weights": [5000, 5000], "coverage": 0.5},
    {"weights": [3000, 3000, 4000], "coverage": 0.01},
    {"weights": [1000] * 10, "coverage": 0.33},
    {"weights": [5000, 5000], "coverage": 0},
    {"ranges": [[[0.1, 0.25], [0.5, 0.75]], [[0, 0.1], [0.3333, 0.5]]]},
    {"ranges": [[[0.9999, 1]], [[0, 0.0001]]]},
]

IDS = [
    {"key": "checkout", "seed": "20000300214"},
    {"key": "checkout", "seed": "1"},
    {"key": "checkout", "seed": "größe-実験-🚦"},
]


def traffic_allocation(configuration: dict) -> list[dict]:
    """The allocation as Optimizely writes it: ends of ranges, with an empty id where nobody is."""
    ends = []
    if "ranges" in configuration:
        spans = sorted(
            (start, end, str(variant))
            for variant, spans in enumerate(configuration["ranges"])
            for start, end in spans
        )
        position = 0
        for start, end, variant in spans:
            if start > position:
                ends.append(("", start))
            ends.append((variant, end))
            position = end
    else:
        total = sum(configuration["weights"])
        position = 0
        for variant, weight in enumerate(configuration["weights"]):
            ends.append((str(variant), position + weight / total * configuration.get("coverage", 1)))
            position += weight / total
            ends.append(("", position))
    return [{"entityId": entity, "endOfRange": round(end * 10000)} for entity, end in ends]


def datafile(configuration: dict) -> str:
    """A project with one experiment."""
    count = len(configuration.get("weights", configuration.get("ranges")))
    experiment = {
        "id": configuration["seed"],
        "key": configuration["key"],
        "status": "Running",
        "layerId": "1",
        "audienceIds": [],
        "forcedVariations": {},
        "variations": [{"id": str(index), "key": str(index)} for index in range(count)],
        "trafficAllocation": traffic_allocation(configuration),
    }
    project = {
        "version": "4",
        "accountId": "1",
        "projectId": "1",
        "revision": "1",
        "experiments": [experiment],
        "groups": [],
        "attributes": [],
        "audiences": [],
        "events": [],
        "featureFlags": [],
        "rollouts": [],
    }
    return json.dumps(project)


clients = {}


def assign(configuration: dict, unit: str):
    """The variation by the real SDK."""
    text = json.dumps(configuration)
    if text not in clients:
        clients[text] = optimizely.Optimizely(datafile(configuration), logger=logger.NoOpLogger())
        assert clients[text].is_valid
    variation = clients[text].get_variation(configuration["key"], unit)
    return None if variation is None else int(variation)


configurations = [
    {**identity, **layout}
    for number, identity in enumerate(IDS)
    for index, layout in enumerate(LAYOUTS)
    if number == 0 or index % 3 == 2
]
write(__file__, "optimizely", "optimizely-sdk", configurations, assign)
