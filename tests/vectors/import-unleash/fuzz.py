"""Writes made-up feature lists and what Unleash's own engine gives made-up users, a list a line.

    python fuzz.py SEED LISTS USERS > FILE

The same bytes each time for the same arguments, but for what the engine draws anew. See README.md.
"""

import json
import pathlib
import sys

from yggdrasil_engine.engine import UnleashEngine

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "import-users"))
from chance import Chance, arguments, line  # noqa: E402

COUNTRIES = ["de", "fr", "US", "日本", "Österreich"]
VERSIONS = ["1.2.3", "2.0.0", "v2.0.0", "2.0.0-rc.1", "2.0.0-alpha.10", "2.0.0-rc", "dev", "10.0", "100000.0.0",
            "2.0.0.0", "99999.1.0", "1.2.3+build.5", "01.2.3", "2.0.0-0", "3.1.0-x-y", "1.2.3-", "unknown", "2.0.0-1.a"]
LITERAL_VERSIONS = ["1.2.3", "2.0.0", "2.0.0-rc.1", "2.0.0-alpha.3", "2.0.0-rc", "100000.0.0", "99999.0.0", "v2.0.0",
                    "1.2.3+b", "2.0.0-0", "2.0.0-1.b", "3.1.0-x-y"]
NUMBERS = ["5", "17", "18", "18.5", "-3", "1e2", "0x10", "", "abc", " 7", "+18", ".5", "5.", "１８", "18,5", "1_000",
           "inf", "-Infinity", "NaN", "1e999", "0.3", "0.30000000000000004", "0.3000000000000003", "18.000000000000001"]
ADDRESSES = ["10.1.2.3", "192.168.1.42", "192.168.2.1", "127.0.0.1", "::1", "010.0.0.1", "300.1.1.1", "localhost"]
NETWORKS = ["10.0.0.0/8", "192.168.1.0/24", "192.168.0.0/23", "127.0.0.1", "bad", "0.0.0.0/0", "10.1.2.0/28"]
PATTERNS = ["^u[0-9]+$", "größe", "^[[:alpha:]]+", "(?i)^U", "a.*?b", "^(de|fr)$", "(x", "[^a-z]", "u{2,3}", r"a\.b", "^(?=a)",
            "^k", "[a-z]s$", "(?i)[^s]$", "a\\"]
TIMES = ["2026-01-01T00:00:00Z", "2026-03-01T00:00:00.000Z", "2026-06-01T12:00:00+02:00", "2026-01-01T00:00:00.12Z"]
STICKINESS = ["default", "default", "default", "userId", "userId", "sessionId", "company", "random"]


def context(chance: Chance) -> dict:
    number = chance.below(1000)
    user = chance.pick([f"u{number}", f"größe-{number}", f"実験-{number}", f"{1000 + number}", f"🚦{number}"])
    fields = {
        "userId": user,
        "sessionId": f"session-{chance.below(1000)}",
        "environment": chance.pick(["prod", "dev"]),
        "appName": chance.pick(["shop", "größe"]),
        "remoteAddress": chance.pick(ADDRESSES),
        "currentTime": chance.pick(["2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z"]),
    }
    properties = {
        "company": chance.pick(["acme", "größe", "日本", "x", "\u212aelvin", "long\u017f", "a\u0130"]),
        "country": chance.pick(COUNTRIES),
        "version": chance.pick(VERSIONS),
        "age": chance.pick(NUMBERS),
    }
    for part in (fields, properties):
        for name in list(part):
            if name != "currentTime" and chance.percent(18):
                del part[name]
    return {**fields, "properties": properties}


def constraint(chance: Chance) -> dict:
    kind = chance.below(9)
    names = ["userId", "country", "company", "environment", "sessionId"]
    texts = ["u", "größe", "1", "de", "US", "日本", "acme", "実験-5", "u7", "DE"]
    if kind <= 1:
        made = {"contextName": chance.pick(names), "operator": chance.pick(["IN", "NOT_IN"]),
                "values": chance.some(texts + COUNTRIES, 0 if chance.percent(10) else 1, 4)}
    elif kind == 2:
        made = {"contextName": chance.pick(names),
                "operator": chance.pick(["STR_STARTS_WITH", "STR_ENDS_WITH", "STR_CONTAINS"]),
                "values": chance.some(["u", "größe", "1", "e", "S", "acme", "K", "ai", 'a"b', "b\\"], 1, 2)}
    elif kind <= 4:
        made = {"contextName": "version", "operator": "SEMVER_" + chance.pick(["EQ", "GT", "GTE", "LT", "LTE"]),
                "value": chance.pick(LITERAL_VERSIONS)}
    elif kind == 5:
        made = {"contextName": "age", "operator": "NUM_" + chance.pick(["EQ", "GT", "GTE", "LT", "LTE"]),
                "value": chance.pick(["18", "5", "-3", "18.5", "0", "1000", "1e2", "0.3", "+5."])}
    elif kind == 6:
        made = {"contextName": chance.pick(["userId", "country", "company"]), "operator": "REGEX",
                "value": chance.pick(PATTERNS)}
    elif kind == 7:
        made = {"contextName": "remoteAddress", "operator": "IN_CIDR", "values": chance.some(NETWORKS, 1, 3)}
    else:
        made = {"contextName": "currentTime", "operator": chance.pick(["DATE_AFTER", "DATE_BEFORE"]),
                "value": chance.pick(TIMES)}
    if chance.percent(20):
        made["inverted"] = True
    if chance.percent(20):
        made["caseInsensitive"] = True
    return made


def variants(chance: Chance, of_strategy: bool) -> list[dict]:
    names = chance.some(["a", "b", "größer", "10%", "日本", "on banner", "off"], 1, 3)
    weights = chance.pick([[1000], [500, 500], [900, 100], [334, 333, 333], [1, 1], [0, 1000]])
    stickiness = chance.pick(STICKINESS)
    made = []
    if len(names) == 1:
        # Without any weight the engine stops.
        weights = [1000]
    for name, weight in zip(names, weights):
        variant = {"name": name, "weight": weight, "stickiness": stickiness}
        if chance.percent(40):
            variant["payload"] = {"type": "string", "value": chance.pick(["red", "größe", "{\"a\": 1}"])}
        if not of_strategy and chance.percent(20):
            variant["overrides"] = [{"contextName": chance.pick(["userId", "country"]),
                                     "values": chance.some(COUNTRIES + ["u1", "u2"], 1, 3)}]
        made.append(variant)
    return made


def strategy(chance: Chance) -> dict:
    kind = chance.below(12)
    made: dict = {"name": "default", "parameters": {}}
    share = chance.pick(["0", "10", "50", "90", "100", "100", "100"])
    if kind <= 5:
        made = {"name": "flexibleRollout", "parameters": {"rollout": share, "stickiness": chance.pick(STICKINESS)}}
        if chance.percent(80):
            made["parameters"]["groupId"] = chance.pick(["group", "größe", "a", "b", "", "a b", "group", "group", "a", "a", "b", 'a"b'])
    elif kind == 6:
        made = {"name": "gradualRolloutUserId", "parameters": {"percentage": share, "groupId": "group"}}
    elif kind == 7:
        made = {"name": "gradualRolloutSessionId", "parameters": {"percentage": share, "groupId": "größe"}}
    elif kind == 8:
        made = {"name": "userWithId", "parameters": {"userIds": chance.pick(["u1, u2,größe-3", "", "u7"])}}
    elif kind == 9:
        made = {"name": "remoteAddress", "parameters": {"IPs": ", ".join(chance.some(NETWORKS, 1, 3))}}
    if chance.percent(50):
        made["constraints"] = chance.several(1, 2, lambda: constraint(chance))
    if chance.percent(15):
        made["segments"] = [chance.pick([1, 2])]
    if chance.percent(25):
        made["variants"] = variants(chance, True)
    return made


def feature(chance: Chance, name: str, others: list[str]) -> dict:
    made = {"name": name, "type": "release", "project": "default", "enabled": chance.percent(90),
            "strategies": chance.several(0, 3, lambda: strategy(chance))}
    if chance.percent(35):
        made["variants"] = variants(chance, False)
    if others and chance.percent(45):
        made["dependencies"] = []
        for parent in chance.some(others + ["missing"] if chance.percent(5) else others, 1, 2):
            dependency = {"feature": parent}
            if chance.percent(50):
                dependency["enabled"] = chance.percent(60)
            if chance.percent(25):
                dependency["variants"] = chance.some(["a", "b", "größer", "10%"], 1, 2)
            made["dependencies"].append(dependency)
    return made


def answer(engine: UnleashEngine, name: str, given: dict) -> str | None:
    """The variant; `on` for a feature without variants; nothing where the feature is off."""
    if not engine.is_enabled(name, given).is_enabled:
        return None
    variant = engine.get_variant(name, given).variant
    return variant.name if variant is not None and variant.enabled else "on"


def main() -> None:
    seed, states, users = arguments()
    chance = Chance(seed)
    for number in range(states):
        names = ["a", "b", "c", "d", "größe", "x y", "e", "日本"]
        features = [feature(chance, name, names[:index]) for index, name in enumerate(names)]
        segments = [{"id": 1, "name": "one", "constraints": [constraint(chance)]},
                    {"id": 2, "name": "two", "constraints": []}]
        definitions = {"version": 2, "features": features, "segments": segments}
        engine = UnleashEngine()
        engine.take_state(json.dumps(definitions))
        contexts = [context(chance) for _ in range(users)]
        answers = {name: [answer(engine, name, given) for given in contexts] for name in names}
        line({"name": f"{seed}/{number}", "definitions": definitions, "contexts": contexts, "answers": answers})


main()
