#!/usr/bin/env python3
"""Writes launchdarkly.json: which variations LaunchDarkly's own SDK assigns to our units."""

import json
import logging
import sys
import tempfile
from pathlib import Path

import ldclient
from ldclient import Context
from ldclient.config import Config
from ldclient.integrations import Files

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import NO_ANSWER, write  # noqa: E402

logging.getLogger("ldclient").setLevel(logging.CRITICAL)

LAYOUTS = [
    {"weights": [50000, 50000]},
    {"weights": [90000, 10000]},
    {"weights": [33334, 33333, 33333]},
    {"weights": [1, 99998, 1]},
    {"weights": [100000, 0]},
    {"weights": [0, 100000]},
    {"weights": [2000] * 50},
    {"weights": [10000] * 10},
    {"weights": [14286] * 6 + [14284]},
    {"weights": [50, 50]},
    {"ranges": [[[0, 0.1], [0.2, 0.5]], [[0.1, 0.2], [0.5, 0.99999]], [[0.99999, 1]]]},
]

# With a salt the hashed text is <flag key>.<salt>.<unit>, with a seed <seed>.<unit>. `bucket_by` is about this script
# alone: it hashes an attribute, where the empty text is one like any other.
SEEDS = [
    {"key": "checkout", "seed": "checkout.8f2a9c"},
    {"key": "checkout", "seed": "61"},
    {"key": "checkout", "seed": "-5"},
    {"key": "checkout", "seed": "größe.実験🚦", "bucket_by": "account"},
]


def flag(index: int, configuration: dict) -> dict:
    """A flag whose fallthrough is a rollout."""
    if "weights" in configuration:
        total = sum(configuration["weights"])
        pieces = [(variant, weight * 100000 // total) for variant, weight in enumerate(configuration["weights"])]
        count = len(pieces)
    else:
        count = len(configuration["ranges"])
        spans = sorted(
            (start, end, variant) for variant, spans in enumerate(configuration["ranges"]) for start, end in spans
        )
        pieces = [(variant, round((end - start) * 100000)) for start, end, variant in spans]
    rollout = {"variations": [{"variation": variant, "weight": weight} for variant, weight in pieces]}
    key, salt = f"flag-{index}", "unused"
    if "." in configuration["seed"]:
        key, salt = configuration["seed"].split(".", 1)
    else:
        rollout["seed"] = int(configuration["seed"])
    if "bucket_by" in configuration:
        rollout["bucketBy"] = configuration["bucket_by"]
    elif index % 2:
        rollout["kind"] = "experiment"
    return {
        "key": key,
        "version": 1,
        "on": True,
        "salt": salt,
        "variations": list(range(count)),
        "fallthrough": {"rollout": rollout},
        "offVariation": 0,
        "prerequisites": [],
        "targets": [],
        "rules": [],
    }


clients = {}


def client(configuration: dict):
    """A client without a connection, whose only flag is read from a file."""
    text = json.dumps(configuration)
    if text not in clients:
        made = flag(len(clients), configuration)
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8", delete=False) as file:
            # The SDK reads the file as YAML, which has no surrogate pairs.
            json.dump({"flags": {made["key"]: made}}, file, ensure_ascii=False)
        source = Files.new_data_source(paths=[file.name])
        config = Config("no-key", update_processor_class=source, send_events=False)
        clients[text] = (ldclient.LDClient(config=config, start_wait=5), made["key"])
        Path(file.name).unlink()
    return clients[text]


def assign(configuration: dict, unit: str):
    """The variation by the real SDK."""
    made, key = client(configuration)
    if "bucket_by" in configuration:
        context = Context.builder("anybody").set(configuration["bucket_by"], unit).build()
    else:
        context = Context.create(unit)
    detail = made.variation_detail(key, context, None)
    return NO_ANSWER if detail.variation_index is None else detail.variation_index


configurations = [
    {**seed, **layout}
    for number, seed in enumerate(SEEDS)
    for index, layout in enumerate(LAYOUTS)
    if number == 0 or index % 2 == 0
]
write(__file__, "launchdarkly", "launchdarkly-server-sdk", configurations, assign)
for made, _ in clients.values():
    made.close()
