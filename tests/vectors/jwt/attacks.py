"""Tokens that must be refused, each with the reason, and a few that only look as if they should be."""

import json

import forgery
import mutation
from keys import b64, sign

NOW, SKEW, MAX_BYTES = 4000000000, 60, 8192
CLAIMS = {"iss": "https://issuer.example", "sub": "user-1", "aud": "api", "exp": NOW + 3600, "role": "user"}
NONES = ["none", "None", "NONE", "nOnE", "NoNe", "none ", " none", "none\0", "", "nonе", "n\u200bone"]
NAMES = [
    "rs256", "Rs256", "RS256 ", " RS256", "RS256\n", "RS256\0", "RS-256", "RS_256", "RSA256", "RS1", "RS224", "RS2560",
    "\uff32\uff33256", "RS\uff12\uff15\uff16", "R\u200bS256", "\u202eRS256", "RЅ256", "RS256\u0301", "hs256", "HS1", "HS256/64",
    "ES256k", "ES256\u212a", "eddsa", "EDDSA", "Ed25519", "Ed448", "RSA-OAEP", "RSA1_5", "dir", "A128KW", "A256GCM",
    "SHA256", "sha256WithRSAEncryption", "1.2.840.113549.1.1.11", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "RS256,HS256", "RS256;none", "*", "null", "undefined", "[RS256]",
]  # fmt: skip
NOT_JSON = {
    "array": b"[]", "string": b'"x"', "number": b"1", "null": b"null", "true": b"true", "empty object text": b"{",
    "trailing comma": b'{"alg":"RS256","kid":"rsa",}', "trailing garbage": b'{"alg":"RS256","kid":"rsa"}x',
    "trailing NUL": b'{"alg":"RS256","kid":"rsa"}\0', "two objects": b'{"alg":"RS256","kid":"rsa"}{}',
    "byte order mark": b'\xef\xbb\xbf{"alg":"RS256","kid":"rsa"}', "UTF-16": '{"alg":"RS256","kid":"rsa"}'.encode("utf-16"),
    "not UTF-8": b'{"alg":"RS256","kid":"rsa","x":"\xff"}', "overlong UTF-8": b'{"alg":"RS256","kid":"rsa","x":"\xc0\x80"}',
    "surrogate in UTF-8": b'{"alg":"RS256","kid":"rsa","x":"\xed\xa0\x80"}', "comment": b'{"alg":"RS256"/**/,"kid":"rsa"}',
    "single quotes": b"{'alg':'RS256','kid':'rsa'}", "no quotes": b'{alg:"RS256",kid:"rsa"}',
    "NaN": b'{"alg":"RS256","kid":"rsa","x":NaN}', "infinity": b'{"alg":"RS256","kid":"rsa","x":Infinity}',
    "giant exponent": b'{"alg":"RS256","kid":"rsa","x":1e400}', "negative giant exponent": b'{"alg":"RS256","kid":"rsa","x":-1e99999}',
    "leading zero": b'{"alg":"RS256","kid":"rsa","x":01}', "hexadecimal": b'{"alg":"RS256","kid":"rsa","x":0x1}',
    "bare minus": b'{"alg":"RS256","kid":"rsa","x":-}', "point without digits": b'{"alg":"RS256","kid":"rsa","x":1.}',
    "control character": b'{"alg":"RS256","kid":"rsa","x":"\n"}', "lone surrogate": b'{"alg":"RS256","kid":"rsa","x":"\\ud800"}',
    "low surrogate first": b'{"alg":"RS256","kid":"rsa","x":"\\udc00\\ud800"}', "bad escape": b'{"alg":"RS256","kid":"rsa","x":"\\x41"}',
    "no-break space": '{"alg":"RS256",\u00a0"kid":"rsa"}'.encode(), "unterminated": b'{"alg":"RS256","kid":"rsa',
    "member without value": b'{"alg":"RS256","kid"}',
}  # fmt: skip
TWICE = {
    "alg twice": '{"alg":"RS256","alg":"RS256","kid":"rsa"}', "alg none first": '{"alg":"none","kid":"rsa","alg":"RS256"}',
    "alg none last": '{"alg":"RS256","kid":"rsa","alg":"none"}', "alg in escapes": '{"alg":"RS256","kid":"rsa","\\u0061lg":"none"}',
    "kid twice": '{"alg":"RS256","kid":"rsa","kid":"ec256"}', "nested": '{"alg":"RS256","kid":"rsa","x":{"y":[{"a":1,"a":1}]}}',
    "empty names": '{"alg":"RS256","kid":"rsa","":1,"":1}',
}  # fmt: skip


class Corpus:
    """Collects cases; every case is one token with its verdict."""

    def __init__(self, keys):
        self.keys, self.cases = keys, []

    def add(self, group, name, token, verdict, key_set="main", **more):
        """A finished token."""
        token = token if isinstance(token, str) else token.decode()
        self.cases.append({"name": f"{group}: {name}", "group": group, "keySet": key_set, "token": token, "verdict": verdict, **more})

    def token(self, header, payload=None, key="rsa", alg="RS256"):
        """A token with a good signature. Header and payload: an object, or bytes as they are."""
        header = header if isinstance(header, bytes) else json.dumps(header).encode()
        payload = CLAIMS if payload is None else payload
        payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signed = f"{b64(header)}.{b64(payload)}"
        key = self.keys[key] if isinstance(key, str) else key
        return f"{signed}.{b64(sign(key, alg, signed.encode()))}"

    def signed(self, group, name, verdict, header, payload=None, key="rsa", alg="RS256", **more):
        """A token with a good signature, added."""
        self.add(group, name, self.token(header, payload, key, alg), verdict, **more)


def none_and_names(corpus):
    """`alg` is none, unknown, misspelt or no string."""
    good = corpus.token({"alg": "RS256", "kid": "rsa"})
    for name in NONES:
        unsigned = f"{b64(json.dumps({'alg': name, 'kid': 'rsa'}).encode())}.{b64(json.dumps(CLAIMS).encode())}"
        shown = ascii(name)
        corpus.add("none", f"{shown} without signature", unsigned + ".", "algorithm_unsupported")
        corpus.add("none", f"{shown} with another's signature", unsigned + "." + good.split(".")[2], "algorithm_unsupported")
        corpus.signed("none", f"{shown} with an RSA signature", "algorithm_unsupported", {"alg": name, "kid": "rsa"})
    for name in NAMES:
        corpus.signed("alg name", ascii(name), "algorithm_unsupported", {"alg": name, "kid": "rsa"})
    for value in (None, True, 256, 0, ["RS256"], [], {"name": "RS256"}, {}):
        corpus.signed("alg type", json.dumps(value), "algorithm_missing", {"alg": value, "kid": "rsa"})
    corpus.signed("alg type", "missing", "algorithm_missing", {"kid": "rsa"})
    corpus.signed("alg type", "member in capitals", "algorithm_missing", {"ALG": "RS256", "kid": "rsa"})
    corpus.signed("alg type", "member with space", "algorithm_missing", {"alg ": "RS256", "kid": "rsa"})
    corpus.signed("looks odd", "alg in escapes", "accepted", b'{"\\u0061lg":"\\u0052S256","kid":"rsa"}')
    corpus.signed("looks odd", "white space in JSON", "accepted", b' {\r\n"alg" :\t"RS256" , "kid":"rsa"} ')


def json_forms(corpus):
    """Header and payload that are not strict JSON, with good signatures."""
    head = {"alg": "RS256", "kid": "rsa"}
    for name, text in NOT_JSON.items():
        corpus.signed("header JSON", name, "header_json", text)
        corpus.signed("payload JSON", name, "payload_json", head, text)
    for name, text in TWICE.items():
        corpus.signed("header member twice", name, "duplicate_member", text.encode())
        corpus.signed("payload member twice", name, "duplicate_member", head, text.encode())
    for depth in (32, 33, 64, 128, 1000):
        opened, closed = '{"a":' * (depth - 1), "}" * (depth - 1)
        verdict = "accepted" if depth <= 32 else "too_deep"
        corpus.signed("depth", f"header, {depth} objects", verdict, f'{{"alg":"RS256","kid":"rsa","x":{opened}1{closed}}}'.encode(), **limit(depth))
        corpus.signed("depth", f"payload, {depth} objects", verdict, head, f'{{"x":{opened}1{closed}}}'.encode(), **limit(depth))
        corpus.signed("depth", f"payload, {depth} arrays", verdict, head, f'{{"x":{"[" * (depth - 1)}{"]" * (depth - 1)}}}'.encode(), **limit(depth))
    corpus.signed("depth", "unclosed arrays", "too_deep", head, b'{"x":' + b"[" * 4000)
    for name, text in {"2^60+1": "1152921504606846977", "200 digits": "9" * 200, "tiny": "1e-400", "minus zero": "-0", "long fraction": "0." + "1" * 300}.items():
        corpus.signed("looks odd", f"number {name}", "accepted", head, f'{{"n":{text}}}'.encode())


def limit(depth):
    """Deep tokens need another size limit than the others."""
    return {"maxBytes": 32768} if depth >= 1000 else {}


def header_members(corpus):
    """`crit`, keys in the header, `kid` and `typ`."""
    for name, value in {"empty": [], "exp": ["exp"], "b64": ["b64"], "unknown": ["x-policy"], "null": None, "string": "b64", "object": {}}.items():
        corpus.signed("crit", name, "critical_header", {"alg": "RS256", "kid": "rsa", "crit": value})
    for value in (False, True, None, "false"):
        corpus.signed("b64", json.dumps(value), "critical_header", {"alg": "RS256", "kid": "rsa", "b64": value})
        corpus.signed("b64", f"{json.dumps(value)} with crit", "critical_header", {"alg": "RS256", "kid": "rsa", "b64": value, "crit": ["b64"]})
    own = corpus.keys["other-rsa"].export_public(as_dict=True)
    for name, value in {
        "jwk": own, "jku": "https://evil.example/jwks.json", "x5c": ["MIIB"], "x5u": "https://evil.example/cert.pem",
    }.items():  # fmt: skip
        for kid in ({}, {"kid": "rsa"}, {"kid": "other-rsa"}):
            corpus.signed("embedded key", f"{name} {kid.get('kid', 'no kid')}", "embedded_key", {"alg": "RS256", name: value, **kid}, key="other-rsa")
        corpus.signed("embedded key", f"{name} of our own", "embedded_key", {"alg": "RS256", "kid": "rsa", name: value})
        corpus.signed("embedded key", f"{name} null", "embedded_key", {"alg": "RS256", "kid": "rsa", name: None})
    corpus.signed("looks odd", "x5t is only a name", "accepted", {"alg": "RS256", "kid": "rsa", "x5t": "AAAA", "x5t#S256": "AAAA"})
    corpus.signed("looks odd", "unknown header members", "accepted", {"alg": "RS256", "kid": "rsa", "cty": "JWT", "zip": "DEF", "x": [1]})
    for kid in (
        "", "RSA", "rsa ", " rsa", "rsa\0", "rsa\n", "rs\u0430", "\uff52sa", "rsa\u200b", "r%73a", "../../../../dev/null", "/dev/null",
        "' OR '1'='1", "rsa' UNION SELECT 'x", "rsa; ls", "$(id)", "{{7*7}}", "https://evil.example/key", "__proto__", "constructor",
        "0", "-1", "*", "other-rsa", "x" * 2000, "e\u0301d", "ed\u0000ec256", "rsa,ec256",
    ):  # fmt: skip
        corpus.signed("kid", ascii(kid[:40]), "unknown_key", {"alg": "RS256", "kid": kid})
        corpus.signed("kid", f"{ascii(kid[:40])} HMAC with an empty secret", "unknown_key", {"alg": "HS256", "kid": kid}, key=b"", alg="HS256")
    for value in (None, 0, True, ["rsa"], {"kid": "rsa"}):
        corpus.signed("kid", f"{json.dumps(value)} as type", "header_json", {"alg": "RS256", "kid": value})
        corpus.signed("typ", f"{json.dumps(value)} as type", "header_json", {"alg": "RS256", "kid": "rsa", "typ": value})


def claims(corpus):
    """Times and types of registered claims."""
    head = {"alg": "RS256", "kid": "rsa"}

    def case(name, text, verdict):
        corpus.signed("claims", name, verdict, head, text.encode())

    for name in ("exp", "nbf", "iat"):
        for value in ('"4000003600"', "null", "true", "[4000003600]", "{}", "-1", "-0.5", "1e30", "1e300", "1" * 30):
            case(f"{name} {value[:14]}", f'{{"{name}":{value}}}', "claim_type")
        case(f"{name} beyond any number", f'{{"{name}":1e999}}', "payload_json")
    for value, verdict in {
        "0": "expired", "1": "expired", "1e3": "expired", str(NOW - 60): "expired", f"{NOW - 61}": "expired", f"{NOW - 60}.0": "expired",
        f"{NOW - 60}.5": "accepted", str(NOW - 59): "accepted", f"{NOW - 59}.5": "accepted", "4.0000036e9": "accepted",
        "9223372036854775807": "accepted", "1e15": "accepted",
    }.items():  # fmt: skip
        case(f"exp {value}", f'{{"exp":{value}}}', verdict)
    for value, verdict in {
        str(NOW + 61): "not_yet_valid", str(NOW + 60): "accepted", "1e15": "not_yet_valid", f"{NOW + 60}.5": "not_yet_valid", "0": "accepted",
    }.items():  # fmt: skip
        case(f"nbf {value}", f'{{"nbf":{value}}}', verdict)
    for name in ("iss", "sub"):
        for value in ("1", "null", "[]", '["x"]', "{}", "true"):
            case(f"{name} {value}", f'{{"{name}":{value}}}', "claim_type")
    for value in ("1", "null", "{}", "true", '["api",1]', '[["api"]]', "[null]"):
        case(f"aud {value}", f'{{"aud":{value}}}', "claim_type")
    for value in ("[]", '"api"', '["api","b"]', '""'):
        case(f"aud {value}", f'{{"aud":{value}}}', "accepted")
    case("no claims at all", "{}", "accepted")


def sizes(corpus):
    """Around the limit."""
    for extra in range(6200):
        token = corpus.token({"alg": "HS256", "kid": "hmac"}, {"x": "x" * (5900 + extra)}, "hmac", "HS256")
        if len(token) > MAX_BYTES:
            corpus.add("size", "just above the limit", token, "too_large")
            break
        fits = token
    corpus.add("size", "just within the limit", fits, "accepted")
    corpus.add("size", "100 kB of nothing", "A" * 100_000, "too_large")


def cases(keys):
    """The whole corpus."""
    corpus = Corpus(keys)
    none_and_names(corpus)
    json_forms(corpus)
    header_members(corpus)
    claims(corpus)
    sizes(corpus)
    mutation.sections(corpus)
    mutation.encodings(corpus)
    mutation.flips(corpus)
    forgery.confusion(corpus)
    forgery.wrong_keys(corpus)
    forgery.ecdsa(corpus)
    forgery.rsa(corpus)
    forgery.ed25519(corpus)
    forgery.hmac(corpus)
    return corpus.cases
