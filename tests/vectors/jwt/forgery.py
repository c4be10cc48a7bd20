"""Signatures that a careless verifier takes: of the wrong key, kind, range or form."""

import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, utils

from honest import KEY_OF
from keys import CURVES, HASHES, b64, crypto, numbers, public, raw, sign, unb64

ORDERS = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": int("ff" * 24 + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16),
    "ES512": int("01" + "ff" * 32 + "fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409", 16),
    "ES256K": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
}
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
#: Points of Ed25519 with small order, some not in their canonical form (RFC 8032, 5.1.3).
SMALL_ORDER = {
    "identity": "0100000000000000000000000000000000000000000000000000000000000000",
    "order 2": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "order 4": "0000000000000000000000000000000000000000000000000000000000000000",
    "order 4, other sign": "0000000000000000000000000000000000000000000000000000000000000080",
    "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "order 8, another": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "identity, not canonical": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "identity, other sign": "0100000000000000000000000000000000000000000000000000000000000080",
}
CLAIMS = b'{"sub":"admin","exp":4000003600}'


def text(header, payload=CLAIMS):
    """Header and payload, ready to be signed."""
    return f"{b64(json.dumps(header).encode())}.{b64(payload)}"


def public_forms(key):
    """Every form of a public key that somebody has used as an HMAC secret."""
    own = crypto(key).public_key()
    encode, forms = serialization.Encoding, serialization.PublicFormat
    pem = own.public_bytes(encode.PEM, forms.SubjectPublicKeyInfo)
    yield "PEM", pem
    yield "PEM without end of line", pem.rstrip()
    yield "PEM with CR LF", pem.replace(b"\n", b"\r\n")
    yield "PEM body", b"".join(pem.splitlines()[1:-1])
    yield "DER", own.public_bytes(encode.DER, forms.SubjectPublicKeyInfo)
    shown = public(key)
    yield "JWK", json.dumps(shown).encode()
    yield "JWK in short", json.dumps(shown, separators=(",", ":"), sort_keys=True).encode()
    if key["kty"] == "RSA":
        yield "PKCS#1 PEM", own.public_bytes(encode.PEM, forms.PKCS1)
        yield "PKCS#1 DER", own.public_bytes(encode.DER, forms.PKCS1)
        yield "modulus", unb64(shown["n"])
        yield "modulus as text", shown["n"].encode()
    else:
        yield "x", unb64(shown["x"])
    yield "kid", shown["kid"].encode()
    yield "nothing", b""


def confusion(corpus):
    """One algorithm's key used with another."""
    keys = corpus.keys
    for kid in ("rsa", "ec256", "ed"):
        for form, secret in public_forms(keys[kid]):
            for alg in ("HS256", "HS384", "HS512"):
                named = text({"alg": alg, "kid": kid})
                token = f"{named}.{b64(sign(secret, alg, named.encode()))}"
                corpus.add("public key as secret", f"{alg} {kid} {form}", token, "key_mismatch")
            bare = text({"alg": "HS256"})
            token = f"{bare}.{b64(sign(secret, 'HS256', bare.encode()))}"
            corpus.add("public key as secret", f"{kid} {form}, no kid", token, "bad_signature")
            corpus.add("public key as secret", f"{kid} {form}, no kid, only RSA", token, "unknown_key", "rsa")
    families = (["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], ["HS256", "HS384", "HS512"])
    for family in families:
        for said in family:
            for done in family:
                if said != done:
                    signed = text({"alg": said, "kid": KEY_OF[said]})
                    token = f"{signed}.{b64(sign(keys[KEY_OF[done]], done, signed.encode()))}"
                    corpus.add("confusion", f"says {said}, is {done}", token, "bad_signature")
    for said, kid in KEY_OF.items():
        for other in ("rsa", "ec256", "ec384", "ec521", "ec256k", "ed", "hmac"):
            if other != kid:
                own = next(alg for alg, key in KEY_OF.items() if key == other)
                signed = text({"alg": said, "kid": other})
                token = f"{signed}.{b64(sign(keys[other], own, signed.encode()))}"
                corpus.add("confusion", f"says {said}, names and is of {other}", token, "key_mismatch")
    for alg, kid in KEY_OF.items():
        allowed = [other for other in KEY_OF if other != alg]
        corpus.signed("allow-list", f"without {alg}", "algorithm_not_allowed", {"alg": alg, "kid": kid}, key=kid, alg=alg, allowed=allowed)
        corpus.signed("allow-list", f"only {alg}", "accepted", {"alg": alg, "kid": kid}, key=kid, alg=alg, allowed=[alg])
    corpus.signed("allow-list", "empty", "algorithm_not_allowed", {"alg": "RS256", "kid": "rsa"}, allowed=[])
    for alg in ("RS256", "RS384", "PS512"):
        corpus.signed("confusion", f"{alg} with a key for RS512", "key_mismatch", {"alg": alg, "kid": "only-rs512"}, key="rsa", alg=alg)


def wrong_keys(corpus):
    """Good signatures of somebody else."""
    for alg, kid in KEY_OF.items():
        for name, header in {"named as ours": {"alg": alg, "kid": kid}, "unnamed": {"alg": alg}}.items():
            corpus.signed("other key", f"{alg} {name}", "bad_signature", header, key="other-" + kid, alg=alg)
        corpus.signed("other key", f"{alg} unknown kid", "unknown_key", {"alg": alg, "kid": "new"}, key="other-" + kid, alg=alg)
    corpus.signed("other key", "keys without kid", "unknown_key", {"alg": "RS256", "kid": "new"}, key="other-rsa", key_set="nameless")
    for alg in ("ES256", "ES384", "ES512", "ES256K"):
        for other in ("ES256", "ES384", "ES512", "ES256K"):
            if alg != other:
                corpus.signed("wrong curve", f"says {alg} with its key, is {other}", "bad_signature", {"alg": alg, "kid": KEY_OF[alg]}, key=KEY_OF[other], alg=other)
    corpus.signed("wrong curve", "Ed448", "bad_signature", {"alg": "EdDSA", "kid": "ed"}, key="ed448", alg="EdDSA")


def ecdsa(corpus):
    """Numbers out of range, and forms that are not r‖s."""
    for alg, order in ORDERS.items():
        size = CURVES[alg][1]
        signed = text({"alg": alg, "kid": KEY_OF[alg]})
        r, s = numbers(corpus.keys[KEY_OF[alg]], alg, signed.encode())
        top = 256**size - 1

        def case(name, signature, verdict="bad_signature", signed=signed, alg=alg):
            corpus.add("ECDSA", f"{alg} {name}", f"{signed}.{b64(signature)}", verdict)

        case("s and n-s both verify", raw(r, order - s, size), "accepted")
        for name, pair in {
            "r and s zero": (0, 0), "r zero": (0, s), "s zero": (r, 0), "r is n": (order, s), "s is n": (r, order), "both n": (order, order),
            "both 1": (1, 1), "r zero, s 1": (0, 1), "r 1, s zero": (1, 0), "r is n-1": (order - 1, s), "s is n-1": (r, order - 1),
            "both n-1": (order - 1, order - 1), "both n+1": (order + 1, order + 1), "all ones": (top, top), "r and s exchanged": (s, r),
            "r is s": (r, r), "n-r": (order - r, s), "r+n": (min(r + order, top), s), "s+n": (r, min(s + order, top)),
        }.items():  # fmt: skip
            case(name, raw(*pair, size))
        der = utils.encode_dss_signature(r, s)
        case("DER", der)
        case("DER and the raw form", der + raw(r, s, size))
        case("DER of zeros", utils.encode_dss_signature(0, 0))
        case("little-endian", raw(r, s, size)[:size][::-1] + raw(r, s, size)[size:][::-1])
        case("leading zeros", raw(r, s, size + 1))
        case("only r", raw(r, s, size)[:size])
        case("with recovery byte", raw(r, s, size) + b"\x1b")
        case("of the hash of another", raw(*numbers(corpus.keys[KEY_OF[alg]], alg, b"something else"), size))


def power(key, number):
    """The RSA private operation without any padding."""
    own = crypto(key).private_numbers()
    n = own.public_numbers.n
    return pow(number, own.d, n).to_bytes((n.bit_length() + 7) // 8, "big")


def digest_info(message, prefix="3031300d060960864801650304020105000420"):
    """DigestInfo of SHA-256 (RFC 8017, 9.2)."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(message)
    return bytes.fromhex(prefix) + digest.finalize()


def cube_root(number):
    """The smallest whole number whose cube is not less."""
    low, high = 0, 1 << (number.bit_length() // 3 + 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**3 < number else (low, middle)
    return low


def rsa(corpus):
    """Paddings that are nearly right, made with the private key, and forgeries without it."""
    key, signed = corpus.keys["rsa"], text({"alg": "RS256", "kid": "rsa"})
    n = crypto(key).private_numbers().public_numbers.n

    def case(name, signature, signed=signed):
        corpus.add("RSA", name, f"{signed}.{b64(signature)}", "bad_signature")

    info = digest_info(signed.encode())
    for name, block in {
        "no NULL in DigestInfo": pad(digest_info(signed.encode(), "302f300b0609608648016503040201" + "0420")),
        "OID of SHA-512": pad(digest_info(signed.encode(), "3031300d060960864801650304020305000420")),
        "only the hash": pad(info[-32:]), "block type 2": pad(info, kind=2), "block type 0": pad(info, kind=0, fill=0),
        "padding of zeros": pad(info, fill=0), "short padding, garbage behind": b"\0\1" + b"\xff" * 8 + b"\0" + info + bytes(194),
        "no padding": b"\0\1\0" + info + bytes(202), "no separator": b"\0\1" + b"\xff" * 203 + info,
        "garbage in DigestInfo": b"\0\1" + b"\xff" * 8 + b"\0" + info[:-32] + bytes(194) + info[-32:],
        "first byte 1": b"\1" + pad(info)[1:],
    }.items():  # fmt: skip
        assert len(block) == 256, (name, len(block))
        case(name, power(key, int.from_bytes(block, "big") % n))
    for name, value in {"zero": 0, "one": 1, "n": n, "n-1": n - 1, "2": 2}.items():
        case(f"signature is {name}", value.to_bytes(256, "big"))
    good = int.from_bytes(sign(key, "RS256", signed.encode()), "big")
    case("signature plus n", (good + n).to_bytes(257, "big"))
    case("n minus signature", (n - good).to_bytes(256, "big"))
    for number in range(10_000):
        other = text({"alg": "RS256", "kid": "rsa"}, b'{"n":%d}' % number)
        own = sign(key, "RS256", other.encode())
        if own[0] == 0:
            case("leading zero left out", own[1:], other)
            case("larger than n by n", (int.from_bytes(own, "big") + n).to_bytes(257, "big")[-256:], other)
            break
    # Bleichenbacher 2006: with e = 3, a cube root of the right first bytes.
    small = text({"alg": "RS256", "kid": "rsa-e3"})
    for fill in (0, 1, 8):
        start = b"\0\1" + b"\xff" * fill + b"\0" + digest_info(small.encode())
        root = cube_root(int.from_bytes(start + bytes(256 - len(start)), "big"))
        case(f"cube root, {fill} bytes of padding", root.to_bytes(256, "big"), small)
    for alg in ("PS256", "PS384", "PS512"):
        chosen = HASHES[alg[2:]]
        pss = text({"alg": alg, "kid": "rsa"})
        length = chosen.digest_size
        for salt in (0, 1, length - 1, length + 1, 256 - 2 - length):
            scheme = padding.PSS(padding.MGF1(chosen), salt)
            case(f"{alg} salt of {salt}", crypto(key).sign(pss.encode(), scheme, chosen), pss)
        case(f"{alg} mask of SHA-1", crypto(key).sign(pss.encode(), padding.PSS(padding.MGF1(hashes.SHA1()), length), chosen), pss)
        case(f"{alg} of SHA-1", crypto(key).sign(pss.encode(), padding.PSS(padding.MGF1(chosen), length), hashes.SHA1()), pss)
    case("SHA-1", crypto(key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA1()))
    case("SHA-224", crypto(key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA224()))


def pad(info, kind=1, fill=0xFF):
    """A PKCS#1 block of 2048 bits."""
    return bytes([0, kind]) + bytes([fill]) * (256 - 3 - len(info)) + b"\0" + info


def ed25519(corpus):
    """Small order, and S out of range."""
    signed = text({"alg": "EdDSA", "kid": "ed"})
    good = sign(corpus.keys["ed"], "EdDSA", signed.encode())
    s = int.from_bytes(good[32:], "little")

    def case(name, signature):
        corpus.add("Ed25519", name, f"{signed}.{b64(signature)}", "bad_signature")

    for name, point in SMALL_ORDER.items():
        case(f"R {name}, S zero", bytes.fromhex(point) + bytes(32))
        case(f"R {name}, good S", bytes.fromhex(point) + good[32:])
    for times in (1, 2, 7):
        case(f"S plus {times} L", good[:32] + (s + times * ED25519_ORDER).to_bytes(32, "little"))
    case("S is L", good[:32] + ED25519_ORDER.to_bytes(32, "little"))
    case("S zero", good[:32] + bytes(32))
    case("S all ones", good[:32] + b"\xff" * 32)
    case("R not a point", b"\x02" + bytes(31) + good[32:])
    case("R all ones", b"\xff" * 32 + good[32:])
    case("R with the other sign", good[:31] + bytes([good[31] ^ 0x80]) + good[32:])
    case("S before R", good[32:] + good[:32])
    case("only R", good[:32])
    case("with the public key behind", good + unb64(corpus.keys["ed"]["x"]))


def hmac(corpus):
    """Cut, or of a weak or empty secret."""
    for alg in ("HS256", "HS384", "HS512"):
        signed = text({"alg": alg, "kid": "hmac"})
        good = sign(corpus.keys["hmac"], alg, signed.encode())

        def case(name, signature, signed=signed, alg=alg):
            corpus.add("HMAC", f"{alg} {name}", f"{signed}.{b64(signature)}", "bad_signature")

        for length in (1, 4, 10, 16, 20, len(good) - 1):
            case(f"cut to {length}", good[:length])
        case("in hexadecimal", good.hex().encode())
        for secret in (b"", b"\0", b"secret", b"hmac", b"password", b"your-256-bit-secret", bytes(64)):
            case(f"of {secret[:20]!r}", sign(secret, alg, signed.encode()))
