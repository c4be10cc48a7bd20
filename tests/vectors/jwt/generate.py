#!/usr/bin/env python3
"""Writes verdicts.json: tokens, honest and hostile, and what a verifier must say of each.

    python3 -m venv VENV && VENV/bin/pip install -r requirements.txt && VENV/bin/python generate.py

The honest ones are signed by PyJWT, Authlib, joserfc and jwcrypto. The hostile ones are put together by
hand from the primitives of `cryptography`, and wherever it is possible their signature is *good*: what
refuses them then is the rule under test, and not a signature that happens to be broken.

The key pairs are kept in keys.json (made once, for tests only). ECDSA and PSS signatures are random, so a
new run changes those tokens, never their verdicts.
"""

import json
import sys
import warnings
from pathlib import Path

import attacks
import honest
from keys import NOTE, load, public

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent

#: The time that verdicts are for, and the leniency that the verifier is given, in seconds.
NOW, SKEW, MAX_BYTES = attacks.NOW, attacks.SKEW, attacks.MAX_BYTES


def key_sets(keys):
    """The sets that cases are verified against, by name."""
    mine = [public(key) for kid, key in keys.items() if not kid.startswith("other-") and kid not in ("ed448", "twin")]
    twins = [public(keys["twin"]), public(keys["ec256"], kid="twin")]
    bound = [public(keys["rsa"], kid="only-rs512", alg="RS512", use="sig", key_ops=["verify"])]
    return {
        "main": mine + twins + bound,
        "rsa": [public(keys["rsa"])],
        "nameless": [public(keys["rsa"], kid=None), public(keys["ec256"], kid=None)],
    }


def main():
    keys = load()
    cases = honest.cases(keys) + attacks.cases(keys)
    names = [case["name"] for case in cases]
    assert len(set(names)) == len(names), sorted({name for name in names if names.count(name) > 1})
    sets = {name: {"keys": members} for name, members in key_sets(keys).items()}
    head = {"note": NOTE, "now": NOW, "skew": SKEW, "maxBytes": MAX_BYTES, "keySets": sets}
    lines = ",\n".join(json.dumps(case) for case in cases)
    text = json.dumps(head)[:-1] + ',\n"cases": [\n' + lines + "\n]}\n"
    (HERE / "verdicts.json").write_text(text)
    hostile = sum(case["verdict"] != "accepted" for case in cases)
    print(f"{len(cases) - hostile} tokens to accept and {hostile} to refuse", file=sys.stderr)


if __name__ == "__main__":
    main()
