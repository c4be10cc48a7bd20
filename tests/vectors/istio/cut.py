"""Cuts the definitions of WasmPlugin and TrafficExtension out of Istio's generated file of all.

    go mod download -json istio.io/api@v1.31.1     # prints the folder of the module
    python3 cut.py FOLDER/kubernetes/customresourcedefinitions.gen.yaml
"""

import re
import sys

NAMES = {"wasmplugins.extensions.istio.io": "wasmplugin", "trafficextensions.extensions.istio.io": "trafficextension"}

for document in open(sys.argv[1], encoding="utf-8").read().split("\n---\n"):
    name = re.search(r"^  name: (\S+)$", document, re.MULTILINE)
    if name and name[1] in NAMES:
        with open(f"{NAMES[name[1]]}-crd.yaml", "w", encoding="utf-8") as file:
            file.write(document.strip() + "\n")
