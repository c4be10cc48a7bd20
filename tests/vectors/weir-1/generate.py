#!/usr/bin/env python3
"""Generates vectors.tsv: the published test vectors of the hash weir-1.

This is an implementation of docs/hash-weir-1.md of its own. It shares no code with the Rust crate: XXH3 comes
from the PyPI package `xxhash`, which wraps the reference C library.
"""

import random
import struct
from pathlib import Path

import xxhash

BUCKETS = 1_000_000
HEADER = "# salt (hex of UTF-8)\tunit (hex)\tXXH3-64 (hex)\tbucket\n"

SALTS = [
    "",
    "a",
    "checkout-button",
    "checkout-button/coverage",
    "checkout-button/holdout",
    "exp_2024-07",
    "größe",
    "実験-七",
    "🚦",
    "s" * 100,
]

UNITS = [
    b"",
    b"\x00",
    b"0",
    b"1",
    b"23",
    b"user-42",
    b"USER-42",
    b" user-42 ",
    b"ada@example.com",
    b"550e8400-e29b-41d4-a716-446655440000",
    b"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "Jürgen Groß".encode(),
    "用户-12345".encode(),
    "👩‍🔬".encode(),
    "e\u0301 and \u00e9".encode(),
    b"\xff\xfe\xfd",
    b"\xc3",
    b"user-\x80\x81",
    bytes(range(256)),
]

# XXH3 changes its method at 4, 9, 17, 129 and 241 bytes of input and at each block of 1024 bytes; the lengths
# of units below put the whole input (8 bytes of lengths, 4 of salt, the unit) on and around them.
EDGES = [0, 1, 3, 4, 8, 9, 16, 17, 32, 64, 96, 128, 129, 160, 192, 224, 240, 241, 255, 256, 257, 512, 1024, 1025]
OVERHEAD = 12


def weir_1(salt: str, unit: bytes) -> tuple[int, int]:
    """Returns the hash and the bucket of a unit."""
    salt_bytes = salt.encode()
    message = struct.pack("<I", len(salt_bytes)) + salt_bytes + struct.pack("<I", len(unit)) + unit
    digest = xxhash.xxh3_64_intdigest(message)
    return digest, (digest * BUCKETS) >> 64


def inputs():
    """Yields each (salt, unit) once."""
    generator = random.Random(20240717)
    for salt in SALTS:
        for unit in UNITS:
            yield salt, unit
    lengths = {edge + shift - OVERHEAD for edge in EDGES for shift in (-1, 0, 1)} | set(EDGES)
    for length in sorted(length for length in lengths if length >= 0):
        yield "edge", generator.randbytes(length)
    for length in (2_000, 4_096, 10_000, 10_240):
        yield "long", generator.randbytes(length)
    for number in range(200):
        yield f"experiment_{number % 20}", f"user-{number}".encode()
    for _ in range(100):
        yield generator.randbytes(6).hex(), generator.randbytes(generator.randrange(1, 80))


def main():
    """Writes vectors.tsv beside this file."""
    rows = [(salt, unit, *weir_1(salt, unit)) for salt, unit in dict.fromkeys(inputs())]
    assert len(rows) >= 500, len(rows)
    lines = [f"{salt.encode().hex()}\t{unit.hex()}\t{digest:016x}\t{bucket}\n" for salt, unit, digest, bucket in rows]
    target = Path(__file__).with_name("vectors.tsv")
    target.write_text(HEADER + "".join(lines), encoding="ascii", newline="\n")
    print(f"{target.name}: {len(rows)} vectors")


if __name__ == "__main__":
    main()
