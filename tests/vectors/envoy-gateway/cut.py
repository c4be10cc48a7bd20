"""Cuts what a policy for Wasm uses out of Envoy Gateway's definition of EnvoyExtensionPolicy.

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
