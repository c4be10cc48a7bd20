"""What the makers of chance share: numbers, and texts that requests have."""

import json
import sys


class Chance:
    """Knuth's MMIX generator; the upper bits are random enough for choosing."""

    def __init__(self, seed: int) -> None:
        self.state = seed * 2654435761 + 1

    def below(self, limit: int) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def pick(self, items):
        return items[self.below(len(items))]

    def percent(self, percent: int) -> bool:
        return self.below(100) < percent

    def several(self, least: int, most: int, make) -> list:
        return [make() for _ in range(least + self.below(most - least + 1))]

    def some(self, items: list, least: int, most: int) -> list:
        """Different ones."""
        left, chosen = list(items), []
        for _ in range(min(len(left), least + self.below(most - least + 1))):
            chosen.append(left.pop(self.below(len(left))))
        return chosen


def arguments() -> tuple[int, int, int]:
    """SEED STATES USERS."""
    seed, states, users = map(int, sys.argv[1:4])
    return seed, states, users


def line(case: dict) -> None:
    """Writes a case, on a line of its own."""
    sys.stdout.write(json.dumps(case, ensure_ascii=False) + "\n")
