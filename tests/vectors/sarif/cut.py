"""Takes the descriptions out of the schema of SARIF 2.1.0.

    cargo vendor, or any other way to the sources of the crate serde-sarif 0.8.0
    python3 cut.py FOLDER/src/schema.json > sarif-2.1.0.json
"""

import json
import sys


def cut(part):
    """A part of the schema without what is for people. Members of an object may be called so too."""
    if isinstance(part, list):
        return [cut(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {key: cut(value) for key, value in part.items() if key != "description" or isinstance(value, dict)}


with open(sys.argv[1], encoding="utf-8") as file:
    schema = cut(json.load(file))
# A pattern that is no regular expression in every dialect: it closes a bracket that it does not open.
for definition in ["run", "toolComponent"]:
    schema["definitions"][definition]["properties"]["language"].pop("pattern")
json.dump(schema, sys.stdout, indent=1)
print()
