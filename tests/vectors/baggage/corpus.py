#!/usr/bin/env python3
"""Writes headers that a hostile client could send, as a list in JSON."""

import json

# What some reader may take for white space, and what no reader does.
SPACES = ["", " ", "\t", "%20", "+", "%09", "%0A", "\xa0", "\x85", "\xc2\xa0", "%C2%A0", "%c2%85", "%E2%80%8A", "\xef\xbb\xbf",
          "%EF%BB%BF", "%E3%80%80", "%1C", "%00", "%7F", "%E2%80%8B"]
KEYS = ["weir.checkout", "weir%2Echeckout", "weir%2echeckout", "%77eir.checkout", "w%65%69r.check%6fut", "WEIR.checkout",
        "Weir%2EChecKout", "weir.other", "weir.", "weir%2E"]
OTHERS = ["weirdo=1", "a.weir.c=1", "weir=1", "weir%2=1", "weir%252Echeckout=fast", "k=weir.checkout=fast", "k=v;weir.checkout=fast"]


def headers():
    """All of them."""
    for space in SPACES:
        for key in KEYS:
            yield f"{space}{key}=fast"
    for key in KEYS[:3]:
        for end in ("{} =fast", "{}\t=\tfast", "{}%20=fast", "{};p=1", "{}=fast;p=weir.checkout=slow", "{}=", "{}", "{}=%2C", "{}==fast"):
            yield end.format(key)
            yield "k=v," + end.format(key) + " , other=2"
    yield from OTHERS
    yield ",".join(OTHERS)
    yield ",".join(f"k{i}=v" for i in range(64))
    yield ",".join(f"k{i}=v" for i in range(200))
    yield ",".join(["weir%2Echeckout=fast"] * 64)
    yield ",".join(["weir%2Echeckout=fast"] + [f"k{i}=v" for i in range(63)])
    yield ",".join(f"k{i}={'v' * 100}" for i in range(79))
    yield ",".join(f"k{i}={'v' * 1000}" for i in range(9))
    yield ",".join(f"k{i}={chr(0xe9) * 60}" for i in range(64))
    yield "k=" + "v" * 8190
    yield "k=" + "v" * 20000
    yield ",,, ,=,;;,%%,a b=c"


print(json.dumps(list(headers()), indent=0))
