"""Writes made-up flag definitions and what flagd's own evaluator gives made-up users, definitions a line.

    python fuzz.py SEED DEFINITIONS USERS > FILE

The same bytes each time for the same arguments. See README.md.
"""

import json
import logging
import pathlib
import sys

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "import-users"))
from chance import Chance, arguments, line  # noqa: E402

logging.disable(logging.CRITICAL)

VARIANTS = ["on", "off", "10%", "größer", "日本", "big banner", "true", "false"]
COUNTRIES = ["de", "fr", "US", "日本", "Österreich"]
VERSIONS = ["1.2.3", "2.0.0", "v2.0.0", "V2.0.0", "2.0.0-rc.1", "2.0.0-alpha.10", "dev", "10.0", "10", "100000.0.0",
            "2.0.0.0", "1.2", "1.2.3+build.5", "01.2.3", "2.0.0-0", "1-rc", "1.2.3-", "", "2.0.0-1.a"]
LITERALS = ["1.2.3", "2.0.0", "v2.0.0", "2", "1.2", "2.0.0-rc.1", "2.0.0-alpha.3", "99999.0.0", "2.0.0-0", "dev"]


def context(chance: Chance) -> dict:
    number = chance.below(1000)
    user = chance.pick([f"u{number}", f"größe-{number}", f"実験-{number}", f"{1000 + number}", f"🚦{number}"])
    made = {
        "targetingKey": user,
        "company": chance.pick(["acme", "größe", "日本", "x"]),
        "country": chance.pick(COUNTRIES),
        "email": chance.pick(["a@x.example", "größe@y.example", "b@x.example.org"]),
        "age": chance.below(80),
        "staff": chance.percent(50),
        "version": chance.pick(VERSIONS),
        "user": {"plan": chance.pick(["free", "pro"]), "age": chance.below(80)},
    }
    for name in list(made):
        if chance.percent(18):
            del made[name]
    return made


def var(name: str) -> dict:
    return {"var": name}


def test(chance: Chance, depth: int = 0) -> object:
    if depth < 2 and chance.percent(25):
        return {chance.pick(["and", "or"]): chance.several(1, 3, lambda: test(chance, depth + 1))}
    if depth < 2 and chance.percent(12):
        return {chance.pick(["!", "!!"]): [test(chance, depth + 1)]}
    kind = chance.below(13)
    if kind == 0:
        return {chance.pick(["==", "!=", "===", "!=="]): [var("country"), chance.pick(COUNTRIES)]}
    if kind == 1:
        return {chance.pick(["==", "!="]): [chance.pick(COUNTRIES), var("country")]}
    if kind == 2:
        return {"in": [var(chance.pick(["country", "company"])), chance.some(COUNTRIES + ["acme", "größe"], 1, 3)]}
    if kind == 3:
        return {"in": [chance.pick(["@x", "größe", ".org"]), var("email")]}
    if kind == 4:
        return {chance.pick(["starts_with", "ends_with"]): [var("email"), chance.pick(["a@", "größe", "example"])]}
    if kind <= 6:
        return {chance.pick(["<", "<=", ">", ">="]): [var(chance.pick(["age", "user.age"])), chance.below(80)]}
    if kind == 7:
        return {chance.pick(["<", ">"]): [chance.below(80), var("age")]}
    if kind == 8:
        return {chance.pick(["==", "!="]): [var("age"), 1 + chance.below(79)]}
    if kind == 9:
        return var(chance.pick(["staff", "country", "age"]))
    if kind == 10:
        return {"==": [var("user.plan"), chance.pick(["free", "pro"])]}
    if kind == 11:
        return {chance.pick(["==", "!="]): [var("staff"), True]}
    return {"sem_ver": [var("version"), chance.pick(["=", "!=", "<", "<=", ">", ">=", "^", "~"]), chance.pick(LITERALS)]}


def fractional(chance: Chance, names: list[str]) -> dict:
    by = chance.below(5)
    first = {
        0: [],
        1: [var("targetingKey")],
        2: [var("company")],
        3: [{"cat": [var("$flagd.flagKey"), var("targetingKey")]}],
        4: [{"cat": ["größe-", var("email")]}],
    }[by]
    parts = []
    for name in chance.some(names, 1, 4):
        weight: object = chance.pick([1, 5, 10, 25, 50, 0, -5])
        chosen: object = name
        if chance.percent(10):
            weight = {"if": [test(chance), 100, 0]}
        if chance.percent(10):
            chosen = {"if": [test(chance), chance.pick(names), name]}
        parts.append([chosen] if chance.percent(15) else [chosen, weight])
    return {"fractional": first + parts}


def value(chance: Chance, names: list[str], depth: int = 0) -> object:
    kind = chance.below(10)
    if kind < 4 or depth > 2:
        return None if chance.percent(10) else chance.pick(names)
    if kind < 7:
        return fractional(chance, names)
    parts: list = []
    for _ in range(1 + chance.below(2)):
        parts += [test(chance), value(chance, names, depth + 1)]
    if chance.percent(80):
        parts.append(value(chance, names, depth + 1))
    return {"if": parts}


def flag(chance: Chance) -> dict:
    names = chance.some(VARIANTS, 2, 4)
    made = {"state": "DISABLED" if chance.percent(5) else "ENABLED",
            "variants": {name: f"value of {name}" for name in names}, "defaultVariant": chance.pick(names)}
    if chance.percent(10):
        made["defaultVariant"] = None
    if chance.percent(92):
        made["targeting"] = value(chance, names)
        while not isinstance(made["targeting"], dict):
            made["targeting"] = value(chance, names)
    if {"true", "false"} <= set(names) and chance.percent(70):
        made["targeting"] = test(chance)
    return made


def answer(core: FlagdCore, name: str, given: dict) -> str | None:
    """The variant's name; nothing for the application's own default, also where targeting fails."""
    rest = {key: value for key, value in given.items() if key != "targetingKey"}
    try:
        return core.resolve_string_value(name, "", EvaluationContext(given.get("targetingKey"), rest)).variant
    except OpenFeatureError:
        return None


def main() -> None:
    seed, states, users = arguments()
    chance = Chance(seed)
    for number in range(states):
        names = ["a", "b", "c", "d", "größe", "x y"]
        definitions = {"flags": {name: flag(chance) for name in names}}
        core = FlagdCore()
        core.set_flags(json.dumps(definitions))
        contexts = [context(chance) for _ in range(users)]
        answers = {name: [answer(core, name, given) for given in contexts] for name in names}
        line({"name": f"{seed}/{number}", "definitions": definitions, "contexts": contexts, "answers": answers})


main()
