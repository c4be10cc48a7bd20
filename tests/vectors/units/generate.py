#!/usr/bin/env python3
"""Writes units.json: the ids that every vendor's SDK is asked about. See README.md."""

import json
import random
import uuid
from pathlib import Path

NAMED = [
    "",
    "0",
    "00",
    "007",
    "-0",
    "-5",
    "1.0",
    "1e3",
    "0x10",
    "12345678901234567890123",
    "9007199254740993",
    "NaN",
    "Infinity",
    "true",
    "false",
    "null",
    "undefined",
    "[]",
    "{}",
    '"quoted"',
    "%41%20",
    "a.b.c",
    "a:b",
    "a||b",
    "a/b?c=d&e#f",
    "user-42",
    "USER-42",
    "user 42",
    "Jürgen Groß",
    "e\u0301",
    "\u00e9",
    "ﬁ",
    "İstanbul",
    "ß",
    "ẞ",
    "用户-12345",
    "пользователь",
    "مستخدم",
    "משתמש",
    "ผู้ใช้",
    "사용자",
    "🚦",
    "👩\u200d🔬",
    "🇦🇶",
    "a🚦b",
    "🚦🚦🚦🚦",
    "\U0001d54f",
    "\U00010000",
    "\U0010ffff",
    "\ud7ff",
    "\ue000",
    "\ufffd",
    "\uffff",
    "\u007f",
    "\u0080",
    "\u00ff",
    "\u0100",
    "\u07ff",
    "\u0800",
]

# Between them: two, three and four bytes of UTF-8; one and two units of UTF-16.
ALPHABETS = ["äöüßéèçñøåłżčř", "абвгдежзийклмн", "用户实验变体分流", "かなカナ漢字", "🚦👩🔬🇦🎉🧪😀𝕏𐍈"]

LONG = [("a", 4096), ("a", 4097), ("user-42/", 640), ("0123456789", 1000), ("ü", 2500), ("🚦", 1200), ("aü用🚦", 4096)]


def units():
    """Yields (text, times) once for each unit."""
    generator = random.Random(20261121)
    for text in NAMED:
        yield text, 1
    for number in range(400):
        yield f"user-{number}", 1
    for _ in range(250):
        yield str(generator.randrange(10 ** generator.randrange(1, 19))), 1
    for _ in range(300):
        yield str(uuid.UUID(int=generator.getrandbits(128), version=4)), 1
    for number in range(200):
        yield f"{generator.choice(['ada', 'bob', 'eve', 'kim'])}.{number}@example.com", 1
    for _ in range(150):
        yield generator.randbytes(generator.choice([4, 8, 16, 20, 32])).hex(), 1
    for _ in range(250):
        yield "".join(chr(generator.randrange(33, 127)) for _ in range(generator.randrange(1, 60))), 1
    for length in range(1, 150):
        yield ("0123456789abcdefghijklmnopqrstuvwxyz" * 5)[:length], 1
    for _ in range(400):
        alphabet = generator.choice(ALPHABETS) + "abc-1"
        yield "".join(generator.choice(alphabet) for _ in range(generator.randrange(1, 24))), 1
    for _ in range(100):
        yield "".join(any_character(generator) for _ in range(generator.randrange(1, 12))), 1
    yield from LONG


def any_character(generator: random.Random) -> str:
    """Any code point but surrogates, which are no characters, and control characters, which no header can carry."""
    low, high = generator.choice([(0x20, 0x7F), (0xA0, 0x800), (0x800, 0xD800), (0xE000, 0x10000), (0x10000, 0x110000)])
    return chr(generator.randrange(low, high))


def main() -> None:
    """Writes one unit a line; long ones as [text, times]."""
    lines = [json.dumps(text if times == 1 else [text, times]) for text, times in dict.fromkeys(units())]
    Path(__file__).with_name("units.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(lines)} units")


if __name__ == "__main__":
    main()
