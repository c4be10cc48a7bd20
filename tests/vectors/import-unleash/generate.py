"""Writes vectors.json: what Unleash's own engine gives our users for features.json. See README.md."""

import json
import pathlib

from yggdrasil_engine.engine import UnleashEngine

FOLDER = pathlib.Path(__file__).parent


def context(user: dict) -> dict:
    """The user as an SDK's context: texts only, and all but the id are properties."""
    text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in user.items()}
    user_id = text.pop("id")
    return {"userId": user_id, "properties": text}


def answer(engine: UnleashEngine, feature: str, user: dict) -> str | None:
    """The variant; `on` for a feature without variants; nothing where the feature is off."""
    if not engine.is_enabled(feature, context(user)).is_enabled:
        return None
    variant = engine.get_variant(feature, context(user)).variant
    return variant.name if variant is not None and variant.enabled else "on"


def main() -> None:
    state = (FOLDER / "features.json").read_text()
    users = json.loads((FOLDER / "../import-users/users.json").read_text())
    features = sorted(feature["name"] for feature in json.loads(state)["features"])
    engine = UnleashEngine()
    engine.take_state(state)
    rows = [json.dumps([answer(engine, feature, user) for feature in features]) for user in users]
    values = ",\n".join(rows)
    text = f'{{"features": {json.dumps(features)},\n"values": [\n{values}\n]}}\n'
    (FOLDER / "vectors.json").write_text(text)
    print(f"{len(users)} users, {len(features)} features")


main()
