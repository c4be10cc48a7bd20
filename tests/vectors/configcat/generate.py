#!/usr/bin/env python3
"""Writes configcat.json: which percentage options ConfigCat's own SDK gives our units."""

import json
import sys
import tempfile
from pathlib import Path

import configcatclient
from configcatclient import ConfigCatOptions, PollingMode
from configcatclient.localfiledatasource import LocalFileFlagOverrides
from configcatclient.overridedatasource import OverrideBehaviour
from configcatclient.user import User

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import NO_ANSWER, write  # noqa: E402

WEIGHTS = [
    [50, 50],
    [90, 10],
    [33, 33, 34],
    [1, 98, 1],
    [0, 100],
    [100, 0],
    [10] * 10,
    [2] * 50,
    [13, 0, 29, 58],
]
KEYS = ["checkoutButton", "a", "größe-実験-🚦"]


def setting(weights: list[int]) -> dict:
    """A whole number with percentage options for everybody."""
    options = [{"p": weight, "v": {"i": index}} for index, weight in enumerate(weights)]
    return {"t": 2, "v": {"i": -1}, "r": [], "p": options}


def client(weights: list[int]):
    """A client without a connection that knows all keys with these weights."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump({"f": {key: setting(weights) for key in KEYS}}, file)
    overrides = LocalFileFlagOverrides(file.name, OverrideBehaviour.LocalOnly)
    options = ConfigCatOptions(polling_mode=PollingMode.manual_poll(), flag_overrides=overrides)
    return configcatclient.get(f"local-{'-'.join(map(str, weights))}", options)


clients = {json.dumps(weights): client(weights) for weights in WEIGHTS}


def assign(configuration: dict, unit: str):
    """The option by the real SDK."""
    made = clients[json.dumps(configuration["weights"])]
    value = made.get_value(configuration["key"], None, User(unit))
    return NO_ANSWER if value in (None, -1) else value


configurations = [{"key": key, "weights": weights} for key in KEYS for weights in WEIGHTS]
write(__file__, "configcat", "configcat-client", configurations, assign)
configcatclient.close_all()
