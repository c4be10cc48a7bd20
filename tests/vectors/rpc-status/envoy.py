"""Prints an Envoy configuration: an abort for each gRPC status, in three listeners: `alone`, `behind` Envoy's filter
`grpc_web`, and `before` it."""
import json
import sys

API = "type.googleapis.com/envoy.extensions.filters"
MESSAGE = "down: 100 % ü"


def typed(name, kind, **fields):
    return {"name": name, "typed_config": {"@type": f"{API}.{kind}", **fields}}


def fault(status):
    abort = {"grpcStatus": status, "body": MESSAGE, "percentage": "100%"}
    return {"match": {"headers": {"x-drill": {"exact": str(status)}}}, "abort": abort}


def weir(module):
    faults = json.dumps({"faults": [fault(status) for status in range(1, 17)]})
    configuration = {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": faults}
    vm = {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module}}}
    return typed("weir", "http.wasm.v3.Wasm", config={"configuration": configuration, "vm_config": vm})


def listener(name, port, filters):
    router = typed("envoy.filters.http.router", "http.router.v3.Router")
    routes = [{"match": {"prefix": "/"}, "direct_response": {"status": 404}}]
    manager = typed(
        "envoy.filters.network.http_connection_manager",
        "network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        http_filters=[*filters, router],
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
    )
    return {"name": name, "address": address(port), "filter_chains": [{"filters": [manager]}]}


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


plugin, web = weir(sys.argv[1]), typed("envoy.filters.http.grpc_web", "http.grpc_web.v3.GrpcWeb")
listeners = [listener("alone", 19901, [plugin]), listener("behind", 19902, [web, plugin]), listener("before", 19903, [plugin, web])]
json.dump({"admin": {"address": address(19904)}, "static_resources": {"listeners": listeners}}, sys.stdout)
