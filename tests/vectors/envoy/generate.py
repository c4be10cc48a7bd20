#!/usr/bin/env python3
"""Writes envoy-xxh64.json: which weighted clusters the real Envoy chooses for our units by `use_hash_policy`.

One Envoy plays both parts: a listener that weighs clusters by the hash of a header, and a listener that answers. Each
cluster adds its index to the answer.
"""

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "units"))
from units import NO_ANSWER, write_from  # noqa: E402

WEIGHTS = [
    [50, 50],
    [90, 10],
    [9, 1],
    [1, 1, 1],
    [333, 333, 334],
    [0, 7, 0, 3],
    [1, 999_998, 1],
    [13, 29, 31, 7],
    [1] * 61,
    [2_000_000_000, 147_483_647],
]
HEADER = "x-unit"
MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def route(index: int, weights: list[int]) -> dict:
    """Weighted clusters by the hash of the header; all of them are the same listener."""
    clusters = [
        {
            "name": "answer",
            "weight": weight,
            "response_headers_to_add": [{"header": {"key": "x-variant", "value": str(variant)}}],
        }
        for variant, weight in enumerate(weights)
    ]
    return {
        "match": {"path": f"/{index}"},
        "route": {
            "hash_policy": [{"header": {"header_name": HEADER}}],
            "weighted_clusters": {"clusters": clusters, "use_hash_policy": True},
        },
    }


def listener(port: int, name: str, routes: list[dict]) -> dict:
    """A listener with these routes."""
    manager = {
        "@type": MANAGER,
        "stat_prefix": name,
        "max_request_headers_kb": 96,
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
        "route_config": {"virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}]},
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": filters}],
    }


def bootstrap(port: int, answer_port: int) -> dict:
    """The whole configuration."""
    endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": answer_port}}}
    cluster = {
        "name": "answer",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "answer",
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
    }
    direct = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    routes = [route(index, weights) for index, weights in enumerate(WEIGHTS)]
    listeners = [listener(port, "weighted", routes), listener(answer_port, "answer", [direct])]
    return {"static_resources": {"listeners": listeners, "clusters": [cluster]}}


def wait_for(port: int) -> None:
    """Returns when the port takes connections."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("Envoy does not come up")


def carried(unit: str) -> bool:
    """Whether a header can carry the text as it is: HTTP trims spaces at the ends, and Envoy refuses DEL."""
    return unit.strip(" \t") == unit and "\x7f" not in unit


def main() -> None:
    """Starts Envoy, asks it, writes."""
    envoy = subprocess.check_output([Path(__file__).parents[3] / "scripts/envoy", "path"], text=True).strip()
    version = subprocess.check_output([envoy, "--version"], text=True).split("version: ")[1].split("/")[1]
    port, answer_port = free_port(), free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(bootstrap(port, answer_port), file)
        file.flush()
        command = [envoy, "-c", file.name, "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"]
        process = subprocess.Popen(command)
        try:
            wait_for(port)
            connection = http.client.HTTPConnection("127.0.0.1", port)

            def assign(configuration: dict, unit: str):
                """The cluster by the real Envoy."""
                if not carried(unit):
                    return NO_ANSWER
                connection.putrequest("GET", f"/{WEIGHTS.index(configuration['weights'])}")
                connection.putheader(HEADER, unit.encode())
                connection.endheaders()
                response = connection.getresponse()
                response.read()
                assert response.status == 200, (response.status, unit)
                return int(response.headers["x-variant"])

            configurations = [{"key": "any", "weights": weights} for weights in WEIGHTS]
            write_from(__file__, "envoy-xxh64", f"envoy {version}", configurations, assign)
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
