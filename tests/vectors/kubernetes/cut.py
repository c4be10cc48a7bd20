"""Cuts definitions to what an API server validates of manifests: one version, no descriptions, no status.

    go mod download -json sigs.k8s.io/gateway-api@v1.6.0                              # each prints the folder
    go mod download -json github.com/prometheus-operator/prometheus-operator@v0.85.0  # of a module
    python3 cut.py GATEWAY_API/config/crd/standard OPERATOR/example/prometheus-operator-crd

Needs PyYAML.
"""

import sys

import yaml

NAMES = {
    "gateway.networking.k8s.io_gateways": "gateway",
    "gateway.networking.k8s.io_httproutes": "httproute",
    "monitoring.coreos.com_podmonitors": "podmonitor",
    "monitoring.coreos.com_prometheusrules": "prometheusrule",
}


def without_descriptions(schema, names_are_fields=False):
    """Drops `description` where it is a word of the schema, not the name of a field."""
    if isinstance(schema, list):
        return [without_descriptions(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: without_descriptions(part, name == "properties" and not names_are_fields)
        for name, part in schema.items()
        if names_are_fields or name != "description"
    }


for folder in sys.argv[1:]:
    for name, short in NAMES.items():
        try:
            with open(f"{folder}/{name}.yaml", encoding="utf-8") as file:
                crd = yaml.safe_load(file)
        except FileNotFoundError:
            continue
        version = next(it for it in crd["spec"]["versions"] if it["storage"])
        version["schema"]["openAPIV3Schema"] = without_descriptions(version["schema"]["openAPIV3Schema"])
        version["schema"]["openAPIV3Schema"]["properties"]["status"] = {"type": "object"}
        crd["spec"]["versions"] = [version]
        crd["metadata"] = {"name": crd["metadata"]["name"]}
        with open(f"{short}-crd.yaml", "w", encoding="utf-8") as file:
            yaml.safe_dump(crd, file, width=120)
