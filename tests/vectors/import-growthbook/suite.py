"""Writes GrowthBook's published cases as those of fuzz.mjs are written, a case a line.

    python suite.py PATH/TO/packages/sdk-js/test/cases.json > FILE

`feature` and `run` are taken. A case is left out where it asks for what an SDK is told by its application: forced
variations, a URL, QA mode, switching it off.
"""

import json
import pathlib
import sys

OF_APPLICATION = {"forcedVariations", "qaMode", "enabled", "url"}
OF_EXPERIMENT = {"force", "active"}


def line(name: str, features: dict, context: dict, key: str, value: object) -> None:
    definitions = {"features": features, "savedGroups": context.get("savedGroups", {})}
    case = {"name": name, "definitions": definitions, "contexts": [context.get("attributes", {})], "answers": {key: [value]}}
    print(json.dumps(case))


cases = json.loads(pathlib.Path(sys.argv[1]).read_text())
skipped = []
for name, context, key, expected in cases["feature"]:
    if OF_APPLICATION & context.keys() or not context.get("features"):
        skipped.append(name)
    else:
        line(name, context["features"], context, key, expected["value"])
for name, context, experiment, value, *_ in cases["run"]:
    if OF_APPLICATION & context.keys() or OF_EXPERIMENT & experiment.keys():
        skipped.append(name)
        continue
    feature = {"defaultValue": experiment["variations"][0], "rules": [experiment]}
    line(name, {**context.get("features", {}), "the experiment": feature}, context, "the experiment", value)
print(f"{len(skipped)} that an application decides: {'; '.join(skipped)}", file=sys.stderr)
