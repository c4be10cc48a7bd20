#!/usr/bin/env python3
"""Signs the tokens of these case files. With --check it only says which are not what their comments say.

A comment above a token says what is in it; the token itself, or the word TOKEN in its place, follows in the
next lines. Several comments are for several tokens, in order.

    # token: {"sub":"ann"}                        HS256 with the key `one`: 32 bytes that stand below
    # token RS256 rsa: {"sub":"ann"}              any algorithm and key of ../../vectors/jwt/keys.json
    # token HS256 one {"kid":"two"}: {"sub":""}   a header with other members
    # token HS256= one: {"sub":"ann"}             each section padded with `=`
    # token HS256~ one: {"sub":"ann"}             the whole token in base64url once more
    # token kept as-is: why                       one that is not made here

The payload is signed as it is written. Tokens that say already what they should are left alone, because some
signatures are random. Needs the packages of ../../vectors/jwt/requirements.txt, and nothing when only HS256
by the key `one` is used.
"""

import base64
import hashlib
import hmac
import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
SECRET = b"a secret of thirty-two bytes, ok"
SPEC = re.compile(r"^\s*(?:- )?# token(?: (?P<alg>\w+)(?P<form>[=~]?) (?P<key>[\w-]+)(?: (?P<header>\{.*?\}))?)?: (?P<payload>.*)$")
TOKEN = re.compile(r"TOKEN\b|eyJ[\w-]+=*\.[\w-]+=*\.[\w-]+=*|ZXlK[\w-]+")


def b64(data, padded=False):
    """Base64url."""
    text = base64.urlsafe_b64encode(data).decode()
    return text if padded else text.rstrip("=")


def signature(alg, key, message):
    """The bytes of a signature."""
    if key == "one":
        return hmac.new(SECRET, message, getattr(hashlib, "sha" + alg[2:])).digest()
    sys.path.insert(0, str(HERE / "../../vectors/jwt"))
    import keys

    return keys.sign(keys.load()[key], alg, message)


def signed(spec, found):
    """The token of a comment; the one that was found, if it has the same header and payload."""
    alg, key = spec["alg"] or "HS256", spec["key"] or "one"
    if (alg, key) == ("kept", "as-is"):
        return found
    header = {"alg": alg, "kid": key, **json.loads(spec["header"] or "{}")}
    header = json.dumps({k: v for k, v in header.items() if v is not None}, separators=(",", ":"))
    padded = spec["form"] == "="
    text = f"{b64(header.encode(), padded)}.{b64(spec['payload'].strip().encode(), padded)}"
    if found.rpartition(".")[0] == text and alg[:2] in ("ES", "PS"):
        return found
    token = f"{text}.{b64(signature(alg, key, text.encode()), padded)}"
    return b64(token.encode()) if spec["form"] == "~" else token


def rewritten(text, name):
    """The file with its tokens."""
    lines, specs = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if spec := SPEC.match(line):
            specs.append(spec)
        elif not line.lstrip().startswith("#"):

            def fill(match, number=number):
                assert specs, f"{name}:{number}: no comment says what this token is"
                return signed(specs.pop(0), match[0])

            line = TOKEN.sub(fill, line)
        lines.append(line)
    assert not specs, f"{name}: no token follows {specs[0][0]}"
    return "\n".join(lines) + "\n"


def main():
    stale = []
    for path in sorted(HERE.glob("*.yaml")):
        before = path.read_text()
        after = rewritten(before, path.name)
        if before != after:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(after)
    print("changed:" if stale else "nothing to change", *stale)
    sys.exit("--check" in sys.argv and bool(stale))


if __name__ == "__main__":
    main()
