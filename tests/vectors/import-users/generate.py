"""Writes users.json: the users for whom vendors' SDKs and imported configurations are compared.

The same bytes each time: the numbers come from a fixed linear congruential generator.
"""

import json
import pathlib

COUNT = 600


class Numbers:
    """Knuth's MMIX generator; the upper bits are random enough for choosing."""

    def __init__(self) -> None:
        self.state = 42

    def below(self, limit: int) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit


def unit(index: int, numbers: Numbers) -> str:
    """Ids of the shapes that sites have."""
    match index % 5:
        case 0:
            return f"user-{index}"
        case 1:
            return str(100_000 + index)
        case 2:
            return f"{numbers.below(2**31):08x}-{numbers.below(2**16):04x}-4000-8000-{index:012x}"
        case 3:
            return f"someone.{index}@example.com"
        case _:
            return f"größe-{index}-実験"


def user(index: int, numbers: Numbers) -> dict:
    attributes = {
        "id": unit(index, numbers),
        "country": ["de", "fr", "nl", "us", "jp"][numbers.below(5)],
        "plan": ["free", "pro", "enterprise"][numbers.below(3)],
        "age": 15 + numbers.below(60),
        "staff": numbers.below(10) == 0,
        "version": f"{numbers.below(4)}.{numbers.below(12)}.{numbers.below(5)}",
        "company": f"company-{numbers.below(80)}",
    }
    # Not every request has everything.
    for name in ["country", "plan", "age", "company"]:
        if numbers.below(12) == 0:
            del attributes[name]
    return attributes


def main() -> None:
    numbers = Numbers()
    lines = [json.dumps(user(index, numbers), ensure_ascii=False) for index in range(COUNT)]
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    pathlib.Path(__file__).with_name("users.json").write_text(text, encoding="utf-8")


main()
