"""Writes the scenarios of flagd's testbed as the cases of fuzz.py are written, a scenario a line.

    python suite.py PATH/TO/flagd-testbed/evaluator > FILE

Scenarios without a value (errors, metadata), and those of `fractional` as it was before, are left out.
"""

import json
import pathlib
import re
import sys

FOLDER = pathlib.Path(sys.argv[1])
FLAGS = json.loads((FOLDER / "flags/testkit-flags.json").read_text())


def cells(row: str) -> list[str]:
    return [cell.strip().replace('\\"', '"').replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip())[1:-1]]


def scenarios(text: str):
    """Each scenario's steps, those of outlines once for each example."""
    steps, rows, background, tags = [], None, [], []
    head, target = [], None
    for raw in text.splitlines() + ["Scenario: end"]:
        row = raw.strip()
        if row.startswith("@"):
            tags = row.split()
        elif row.startswith("Background"):
            target = background
        elif row.startswith("Scenario"):
            if steps and rows is None:
                yield background + steps
            steps, rows, target = [], None, None
            target = steps
        elif row.startswith("Examples"):
            rows, head, skip = True, [], "@fractional-v1" in tags
            tags = []
        elif row.startswith("|") and rows:
            if not head:
                head = cells(row)
            elif not skip:
                values = dict(zip(head, cells(row)))
                yield background + [re.sub(r"<([^>]+)>", lambda it: values[it[1]], step) for step in steps]
        elif re.match(r"(Given|When|Then|And|But) ", row) and target is not None:
            target.append(row)


def typed(kind: str, text: str) -> object:
    return {"Boolean": lambda: text == "true", "Integer": lambda: int(text), "Float": lambda: float(text),
            "Object": lambda: json.loads(text.replace('\\"', '"'))}.get(kind, lambda: text)()


def case(steps: list[str]) -> dict | None:
    context, key, kind, value, fallback = {}, None, "String", None, None
    for step in steps:
        if found := re.search(r'(\w+)-flag with key "(.*?)" and a fallback value "(.*)"', step):
            kind, key, fallback = found.groups()
        elif found := re.search(r'targeting key with value "(.*)"', step):
            context["targetingKey"] = found[1]
        elif found := re.search(r'outer key "(.*?)" and inner key "(.*?)", with value "(.*)"', step):
            context.setdefault(found[1], {})[found[2]] = found[3]
        elif found := re.search(r'key "(.*?)", with type "(.*?)" and with value "(.*)"', step):
            context[found[1]] = typed(found[2], found[3])
        elif found := re.search(r'resolved details value should be "(.*)"', step):
            value = found[1]
        elif "error-code" in step:
            return None
    if key is None or value is None or key not in FLAGS["flags"]:
        return None
    variants = FLAGS["flags"][key]["variants"]
    wanted = typed(kind, value)
    # Without a variant the application has its own default, which no definition has.
    names = [name for name, it in variants.items() if it == wanted and isinstance(it, bool) == isinstance(wanted, bool)]
    answer = names[0] if names else None
    if answer is None and wanted != typed(kind, fallback):
        raise ValueError(steps)
    flag = FLAGS["flags"][key]
    if flag["state"] == "DISABLED":
        answer = None
    elif not flag.get("defaultVariant") and wanted == typed(kind, fallback):
        # The value of a variant, or the application's own: the scenario does not say which.
        answer = {"differ": [None, answer]} if flag.get("targeting") else None
    definitions = {"flags": {key: FLAGS["flags"][key]}, "$evaluators": FLAGS["$evaluators"]}
    return {"name": key, "definitions": definitions, "contexts": [context], "answers": {key: [answer]}}


count = 0
for path in sorted((FOLDER / "gherkin").glob("*.feature")):
    for steps in scenarios(path.read_text()):
        made = case(steps)
        if made is not None:
            count += 1
            print(json.dumps(made))
print(f"{count} scenarios with a value", file=sys.stderr)
