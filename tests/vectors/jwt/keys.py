"""The key pairs of the vectors: made once, kept in keys.json. FOR TESTS ONLY: they are public."""

import base64
import json
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils
from jwcrypto import jwk

HERE = Path(__file__).parent
NOTE = "FOR TESTS ONLY. These private keys are published with the sources; nothing may ever trust them."
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"ES256": ("P-256", 32), "ES384": ("P-384", 48), "ES512": ("P-521", 66), "ES256K": ("secp256k1", 32)}

#: kid -> how to make it. `other-…` are keys of an attacker: never in a key set.
MAKE = {
    "rsa": {"kty": "RSA", "size": 2048},
    "rsa-3072": {"kty": "RSA", "size": 3072},
    "rsa-4096": {"kty": "RSA", "size": 4096},
    "rsa-e3": {"kty": "RSA", "size": 2048, "public_exponent": 3},
    "ec256": {"kty": "EC", "crv": "P-256"},
    "ec384": {"kty": "EC", "crv": "P-384"},
    "ec521": {"kty": "EC", "crv": "P-521"},
    "ec256k": {"kty": "EC", "crv": "secp256k1"},
    "ed": {"kty": "OKP", "crv": "Ed25519"},
    "hmac": {"kty": "oct", "size": 512},
    "other-rsa": {"kty": "RSA", "size": 2048},
    "other-ec256": {"kty": "EC", "crv": "P-256"},
    "other-ec384": {"kty": "EC", "crv": "P-384"},
    "other-ec521": {"kty": "EC", "crv": "P-521"},
    "other-ec256k": {"kty": "EC", "crv": "secp256k1"},
    "other-ed": {"kty": "OKP", "crv": "Ed25519"},
    "other-hmac": {"kty": "oct", "size": 512},
    "twin": {"kty": "EC", "crv": "P-256"},
    "ed448": {"kty": "OKP", "crv": "Ed448"},
}


def b64(data):
    """Base64url without padding, as text."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    """The bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def load():
    """The private keys as jwcrypto JWKs by kid; those that are missing are made and kept."""
    path = HERE / "keys.json"
    kept = json.loads(path.read_text())["keys"] if path.exists() else []
    keys = {key["kid"]: jwk.JWK(**key) for key in kept}
    for kid, how in MAKE.items():
        if kid not in keys:
            keys[kid] = jwk.JWK.generate(kid=kid, **how)
    kept = [keys[kid].export(as_dict=True) for kid in MAKE]
    path.write_text(json.dumps({"note": NOTE, "keys": kept}, indent=1) + "\n")
    return keys


def public(key, **changes):
    """The public JWK (for a secret: the secret) as it stands in a key set."""
    own = key.export(private_key=key["kty"] == "oct", as_dict=True) if key["kty"] == "oct" else key.export_public(as_dict=True)
    own.update(changes)
    return {name: value for name, value in own.items() if value is not None}


def crypto(key):
    """The key as the `cryptography` package has it."""
    return serialization.load_pem_private_key(key.export_to_pem(private_key=True, password=None), None)


def secret(key):
    """The bytes of a shared secret."""
    return unb64(key["k"])


def numbers(key, alg, message):
    """r and s of an ECDSA signature."""
    return utils.decode_dss_signature(crypto(key).sign(message, ec.ECDSA(HASHES[alg[2:5]])))


def raw(r, s, size):
    """The JWS form of an ECDSA signature."""
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def sign(key, alg, message):
    """Signs bytes with an algorithm by its JWS name, through the primitives only."""
    if alg[:2] == "HS":
        import hashlib
        import hmac

        with_secret = key if isinstance(key, bytes) else secret(key)
        return hmac.new(with_secret, message, getattr(hashlib, "sha" + alg[2:])).digest()
    if alg[:2] == "RS":
        return crypto(key).sign(message, padding.PKCS1v15(), HASHES[alg[2:]])
    if alg[:2] == "PS":
        chosen = HASHES[alg[2:]]
        return crypto(key).sign(message, padding.PSS(padding.MGF1(chosen), chosen.digest_size), chosen)
    if alg[:2] == "ES":
        return raw(*numbers(key, alg, message), CURVES[alg][1])
    return crypto(key).sign(message)
