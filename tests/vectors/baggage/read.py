#!/usr/bin/env python3
"""Reads headers from standard input, a list in JSON, as opentelemetry-python does."""

import json
import logging
import sys
from importlib.metadata import version

from opentelemetry.baggage import get_all
from opentelemetry.baggage.propagation import W3CBaggagePropagator

logging.disable(logging.CRITICAL)


def read(header):
    """The members of a header."""
    return dict(get_all(W3CBaggagePropagator().extract({"baggage": [header]})))


json.dump({"version": f"opentelemetry-api {version('opentelemetry-api')}", "read": [read(h) for h in json.load(sys.stdin)]},
          sys.stdout)
