"""Tokens that must be accepted: every algorithm, signed by four libraries."""

import json
import warnings

import jwt as pyjwt
from authlib.jose import JsonWebKey, JsonWebSignature
from joserfc import jwk as joserfc_jwk
from joserfc import jws as joserfc_jws
from jwcrypto import jws as jwcrypto_jws

warnings.filterwarnings("ignore")

#: The key of each algorithm.
KEY_OF = {
    "RS256": "rsa", "RS384": "rsa", "RS512": "rsa", "PS256": "rsa", "PS384": "rsa", "PS512": "rsa",
    "ES256": "ec256", "ES384": "ec384", "ES512": "ec521", "ES256K": "ec256k", "EdDSA": "ed",
    "HS256": "hmac", "HS384": "hmac", "HS512": "hmac",
}  # fmt: skip
CLAIMS = {"iss": "https://issuer.example", "sub": "user-1", "aud": ["api"], "exp": 4000003600, "roles": ["admin", "dév"]}


def by_pyjwt(key, header, payload):
    own = key.export(as_dict=True)
    return pyjwt.PyJWS().encode(payload, pyjwt.PyJWK(own, header["alg"]).key, header["alg"], header)


def by_authlib(key, header, payload):
    own = JsonWebKey.import_key(key.export(as_dict=True))
    return JsonWebSignature(algorithms=[header["alg"]]).serialize_compact(header, payload, own).decode()


def by_joserfc(key, header, payload):
    own = key.export(as_dict=True)
    own = {"oct": joserfc_jwk.OctKey, "RSA": joserfc_jwk.RSAKey, "EC": joserfc_jwk.ECKey, "OKP": joserfc_jwk.OKPKey}[
        own["kty"]
    ].import_key(own)
    return joserfc_jws.serialize_compact(header, payload, own, algorithms=[header["alg"]])


def by_jwcrypto(key, header, payload):
    token = jwcrypto_jws.JWS(payload)
    token.allowed_algs = [header["alg"]]
    token.add_signature(key, protected=json.dumps(header))
    return token.serialize(compact=True)


LIBRARIES = {"PyJWT": by_pyjwt, "Authlib": by_authlib, "joserfc": by_joserfc, "jwcrypto": by_jwcrypto}


def cases(keys):
    """One case for every algorithm and library, and for every size of RSA key."""
    found = []

    def add(name, library, kid, header, key_set="main"):
        try:
            token = LIBRARIES[library](keys[kid], header, json.dumps(CLAIMS).encode())
        except Exception as problem:  # a library without that algorithm: three others have it
            print(f"{name}: {problem!r}")
            return
        found.append({"name": name, "group": "honest", "keySet": key_set, "token": token, "verdict": "accepted"})

    for alg, kid in KEY_OF.items():
        for library in LIBRARIES:
            add(f"{alg} by {library}", library, kid, {"alg": alg, "kid": kid, "typ": "JWT"})
        add(f"{alg} without kid", "jwcrypto", kid, {"alg": alg})
    for kid in ("rsa-3072", "rsa-4096", "rsa-e3"):
        for alg in ("RS256", "PS512"):
            add(f"{alg} with {kid}", "jwcrypto", kid, {"alg": alg, "kid": kid})
    add("kid of two keys", "jwcrypto", "ec256", {"alg": "ES256", "kid": "twin"})
    add("kid of two keys, the first one", "jwcrypto", "twin", {"alg": "ES256", "kid": "twin"})
    add("key bound to its alg", "jwcrypto", "rsa", {"alg": "RS512", "kid": "only-rs512"})
    add("set whose keys have no kid", "jwcrypto", "ec256", {"alg": "ES256", "kid": "anything"}, "nameless")
    return found
