"""Good tokens, taken apart and put together wrongly."""

import base64
import json

from honest import KEY_OF
from keys import b64, sign, unb64

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def sections(corpus):
    """Not three sections, or something around them."""
    good = corpus.token({"alg": "RS256", "kid": "rsa"})
    head, body, end = good.split(".")

    def case(name, token, verdict="malformed"):
        corpus.add("sections", name, token, verdict)

    case("nothing", "")
    for dots in range(1, 6):
        case(f"{dots} dots", "." * dots)
    case("one", head)
    case("two", f"{head}.{body}")
    case("two and a dot", f"{head}.{body}.")
    case("no header", f".{body}.{end}")
    case("no payload", f"{head}..{end}")
    case("only a signature", f"..{end}")
    case("only a header", f"{head}..")
    case("four", f"{good}.{end}")
    case("five, as JWE", f"{head}.{body}.{end}.{body}.{end}")
    case("dot in front", f".{good}")
    case("dot behind", f"{good}.")
    case("two dots inside", f"{head}..{body}.{end}")
    case("other dots", good.replace(".", "\u3002"))
    case("dots in percent", good.replace(".", "%2E"))
    case("colons", good.replace(".", ":"))
    case("flattened JSON", json.dumps({"protected": head, "payload": body, "signature": end}))
    case("token twice", good + good)
    case("two tokens", f"{good}, {good}")
    for name, before, after, verdict in (
        ("space before", " ", "", "header_base64"), ("space behind", "", " ", "signature_base64"), ("tab before", "\t", "", "header_base64"),
        ("line feed behind", "", "\n", "signature_base64"), ("CR LF behind", "", "\r\n", "signature_base64"),
        ("NUL behind", "", "\0", "signature_base64"), ("scheme before", "Bearer ", "", "header_base64"), ("quotes", '"', '"', "header_base64"),
        ("comma behind", "", ",", "signature_base64"), ("byte order mark", "\ufeff", "", "header_base64"),
        ("zero width space behind", "", "\u200b", "signature_base64"),
    ):  # fmt: skip
        case(name, before + good + after, verdict)


def encodings(corpus):
    """Each section in another spelling of the same bytes, the signature made over that spelling."""
    key, verdicts = corpus.keys["rsa"], ("header_base64", "payload_base64", "signature_base64")
    # Lengths for each remainder, and bytes that need both special characters.
    header = json.dumps({"alg": "RS256", "kid": "rsa", "x": "????>>>>"}).encode()
    payload = json.dumps({"sub": "user-1", "x": "????>>>>~~~"}).encode()
    header += b" " * (-len(header) % 3 + 1)
    payload += b" " * (-len(payload) % 3 + 2)
    spellings = {
        "with padding": lambda t: t + "=" * (-len(t) % 4),
        "with too much padding": lambda t: t + "====",
        "with one padding character": lambda t: t + "=",
        "with unused bits set": lambda t: t[:-1] + ALPHABET[ALPHABET.index(t[-1]) | 1],
        "with another character": lambda t: t + "A" * ((5 - len(t)) % 4 or 4) if (5 - len(t)) % 4 else t + "A",
        "with a line break": lambda t: t[:8] + "\n" + t[8:],
        "with a space": lambda t: t[:8] + " " + t[8:],
        "with a NUL": lambda t: t[:8] + "\0" + t[8:],
        "in percent": lambda t: "%65" + t[1:],
        "with a star": lambda t: t[:8] + "*" + t[8:],
        "with a fullwidth letter": lambda t: t[:8] + "\uff21" + t[9:],
        "with an exclamation mark behind": lambda t: t + "!",
    }
    for name, spell in spellings.items():
        for which, verdict in enumerate(verdicts):
            parts = [b64(header), b64(payload)]
            if which < 2:
                parts[which] = spell(parts[which])
            end = b64(sign(key, "RS256", ".".join(parts).encode()))
            if which == 2:
                end = spell(end)
            corpus.add("base64", f"{verdict.split('_')[0]} {name}", ".".join([*parts, end]), verdict)
    standard = base64.b64encode(payload).decode().rstrip("=")
    assert "+" in standard or "/" in standard
    for which, verdict in enumerate(verdicts[:2]):
        parts = [b64(header), b64(payload)]
        parts[which] = base64.b64encode((header, payload)[which]).decode().rstrip("=")
        end = b64(sign(key, "RS256", ".".join(parts).encode()))
        corpus.add("base64", f"{verdict.split('_')[0]} in the other alphabet", ".".join([*parts, end]), verdict)
    for signature_in in ("hex", "base64 twice"):
        parts = [b64(header), b64(payload)]
        end = sign(key, "RS256", ".".join(parts).encode())
        end = end.hex() if signature_in == "hex" else b64(b64(end).encode())
        corpus.add("base64", f"signature in {signature_in}", ".".join([*parts, end]), "bad_signature")


def flips(corpus):
    """One bit changed at several places, for every algorithm."""
    for alg, kid in KEY_OF.items():
        head, body, end = corpus.token({"alg": alg, "kid": kid, "typ": "JWT"}, key=kid, alg=alg).split(".")
        signature = unb64(end)

        def case(name, header, payload, sig, alg=alg):
            corpus.add("bit flip", f"{alg} {name}", f"{header}.{payload}.{sig}", "bad_signature")

        case("header", b64(unb64(head).replace(b"JWT", b"JWU")), body, end)
        case("header white space", b64(unb64(head) + b" "), body, end)
        case("payload", head, b64(unb64(body).replace(b"user-1", b"user-0")), end)
        case("payload role", head, b64(unb64(body).replace(b'"user"', b'"root"')), end)
        for at in (0, len(signature) // 2, len(signature) - 1):
            # Not the top bit of the first byte: there a number may leave its range, which other cases test.
            changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
            case(f"signature byte {at}", head, body, b64(changed))
        for name, changed in {
            "cut by one": signature[:-1], "cut in half": signature[: len(signature) // 2], "one byte": signature[:1], "zero behind": signature + b"\0",
            "zero before": b"\0" + signature, "twice": signature * 2, "reversed": signature[::-1], "all zero": bytes(len(signature)),
            "all ones": b"\xff" * len(signature),
        }.items():  # fmt: skip
            case(f"signature {name}", head, body, b64(changed))
