"""Cuts what manifests here use out of Envoy Gateway's definitions of EnvoyExtensionPolicy and EnvoyProxy.

    go mod download -json github.com/envoyproxy/gateway@v1.9.1     # prints the folder of the module
    python3 cut.py FOLDER/charts/gateway-helm/charts/crds/crds/generated

Needs PyYAML.
"""

import sys

import yaml

NAME = "gateway.envoyproxy.io_envoyextensionpolicies.yaml"
# Other kinds of extension: whatever they hold is taken.
OTHERS = ["dynamicModule", "extProc", "lua"]

with open(f"{sys.argv[1]}/{NAME}", encoding="utf-8") as file:
    crd = yaml.safe_load(file)
schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
for name in OTHERS:
    schema["spec"]["properties"][name] = {"x-kubernetes-preserve-unknown-fields": True}
schema["status"] = {"type": "object"}
with open("envoyextensionpolicy-crd.yaml", "w", encoding="utf-8") as file:
    yaml.safe_dump(crd, file, width=100)

# Of EnvoyProxy the part for traces and logs, without descriptions.
with open(f"{sys.argv[1]}/gateway.envoyproxy.io_envoyproxies.yaml", encoding="utf-8") as file:
    crd = yaml.safe_load(file)


def plain(schema, fields=False):
    """Drops `description` where it is a word of the schema, not the name of a field.

    Settings of connections may hold anything.
    """
    if isinstance(schema, list):
        return [plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: part for name, part in schema.items() if fields or name != "description"}
    if fields and "backendSettings" in kept:
        kept["backendSettings"] = {"x-kubernetes-preserve-unknown-fields": True}
    return {name: plain(part, name == "properties" and not fields) for name, part in kept.items()}


schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
spec = schema["spec"]
telemetry = spec["properties"]["telemetry"]
telemetry["properties"] = {name: plain(telemetry["properties"][name]) for name in ["accessLog", "tracing"]}
schema["spec"] = {"type": "object", "properties": {"telemetry": plain(telemetry)}}
schema["status"] = {"type": "object"}
crd["metadata"] = {"name": crd["metadata"]["name"]}
with open("envoyproxy-crd.yaml", "w", encoding="utf-8") as file:
    yaml.safe_dump(crd, file, width=120)
