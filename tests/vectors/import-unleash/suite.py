"""Writes Unleash's client specification as the cases of fuzz.py are written, a test a line.

    python suite.py PATH/TO/client-specification/specifications > FILE
"""

import json
import pathlib
import sys


def wanted(test: dict) -> object:
    """Whether the feature is on, or its variant."""
    expected = test["expectedResult"]
    if isinstance(expected, bool):
        return expected
    if expected["enabled"]:
        return expected["name"]
    is_on = expected.get("feature_enabled", expected.get("featureEnabled", False))
    return "on" if is_on else None


folder = pathlib.Path(sys.argv[1])
for name in json.loads((folder / "index.json").read_text()):
    specification = json.loads((folder / name).read_text())
    for test in specification.get("tests", []) + specification.get("variantTests", []):
        case = {
            "name": f"{name}: {test['description']}",
            "definitions": specification["state"],
            "contexts": [test["context"]],
            "answers": {test["toggleName"]: [wanted(test)]},
        }
        print(json.dumps(case))
