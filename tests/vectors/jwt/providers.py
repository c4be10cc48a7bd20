#!/usr/bin/env python3
"""Writes providers.json: tokens and key sets in the forms in which identity providers have them, and keys in PEM.

The members of headers, claims and keys are those of the providers' documentation; names, numbers and keys are made up.
`docs/identity-providers.md` has a configuration for each, and `tests/tests/envoy/jwt_providers.rs` holds them against
these tokens, beside Envoy's `jwt_authn`.
"""

import base64
import datetime
import json
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, padding, rsa, x25519
from cryptography.x509.oid import NameOID

import keys as known

HERE = Path(__file__).parent
EXP = 4102444800
IAT = 1767225600
TENANT = "11111111-2222-3333-4444-555555555555"


def b64(data, padded=False):
    """Base64url."""
    text = base64.urlsafe_b64encode(data).decode()
    return text if padded else text.rstrip("=")


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def token(key, header, claims, padded=False):
    """A token, signed by the private key of this name."""
    text = f"{b64(compact(header), padded)}.{b64(compact(claims), padded)}"
    signature = known.sign(KEYS[key], header["alg"], text.encode())
    return f"{text}.{b64(signature, padded)}"


def jwk(key, **more):
    """A public key as it stands in a key set."""
    return known.public(KEYS[key], **{"kid": None, **more})


def pem(key):
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def certificate(private, name="idp.example.com"):
    """A certificate of a key by itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
    made = made.serial_number(7).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=30))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    edwards = "Ed25519" in type(private).__name__
    return made.sign(private, None if edwards else hashes.SHA256())


def pem_of(made):
    return made.public_bytes(serialization.Encoding.PEM).decode()


def x5c(private):
    return [base64.b64encode(certificate(private).public_bytes(serialization.Encoding.DER)).decode()]


KEYS = known.load()
RSA, EC = known.crypto(KEYS["rsa"]), known.crypto(KEYS["ec256"])


def texts():
    """Keys in PEM by name, and what they are."""
    every = {name: pem(known.crypto(KEYS[name]).public_key()) for name in
             ["rsa", "rsa-3072", "rsa-4096", "ec256", "ec384", "ec521", "ec256k", "ed"]}
    pkcs1 = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1).decode()
    private = RSA.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    old = EC.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()).decode()
    point = EC.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    spki = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    compressed = "-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(spki).decode() + "\n-----END PUBLIC KEY-----\n"
    return {
        **every,
        "rsa pkcs1": pkcs1,
        "rsa certificate": pem_of(certificate(RSA)),
        "ec256 certificate": pem_of(certificate(EC)),
        "ed certificate": pem_of(certificate(known.crypto(KEYS["ed"]))),
        "private": private,
        "private ec": old,
        "compressed": compressed,
        "x25519": pem(x25519.X25519PrivateKey.generate().public_key()),
        "dsa": pem(dsa.generate_private_key(2048).public_key()),
        "rsa-1024": pem(rsa.generate_private_key(65537, 1024).public_key()),
    }


def tokens():
    """Tokens that the keys in PEM verify: by the key's name."""
    of = {"rsa": "RS256", "rsa-3072": "RS384", "rsa-4096": "RS512", "ec256": "ES256", "ec384": "ES384",
          "ec521": "ES512", "ec256k": "ES256K", "ed": "EdDSA"}
    return {name: token(name, {"alg": alg}, {"sub": name}) for name, alg in of.items()}


def long_keys():
    """RSA keys above 4096 bits: key set and token, by the number of bits. Their private keys are not kept."""
    made = {}
    for bits in [8192, 8200]:
        private = rsa.generate_private_key(65537, bits)
        numbers = private.public_key().public_numbers()
        number = lambda n: b64(n.to_bytes((n.bit_length() + 7) // 8, "big"))
        text = f'{b64(compact({"alg": "RS256", "kid": "long"}))}.{b64(compact({"sub": "long", "exp": EXP}))}'
        signature = private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        key = {"kty": "RSA", "kid": "long", "n": number(numbers.n), "e": number(numbers.e)}
        made[str(bits)] = {"keys": [key], "token": f"{text}.{b64(signature)}"}
    return made


def providers():
    def case(name, key, header, claims, key_set, where="authorization", padded=False, authn="accepted", **more):
        made = token(key, header, {"iat": IAT, "exp": EXP, **claims}, padded)
        forged = token(f"other-{key}", header, {"iat": IAT, "exp": EXP, **claims}, padded)
        return {"name": name, "header": where, "token": made, "forged": forged, "keys": key_set, "sub": claims["sub"], "jwtAuthn": authn, **more}

    sig = {"use": "sig", "alg": "RS256"}
    yield case("Amazon Cognito", "rsa", {"kid": "cognito-1", "alg": "RS256"},
               {"sub": "a1b2", "cognito:groups": ["admins"], "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_ABC",
                "client_id": "4abc", "origin_jti": "x", "token_use": "access", "scope": "openid", "auth_time": IAT, "username": "ann"},
               {"keys": [jwk("rsa", kid="cognito-1", **sig)]})
    yield case("Auth0", "rsa", {"alg": "RS256", "typ": "JWT", "kid": "auth0-1"},
               {"https://example.com/roles": ["admin"], "iss": "https://shop.eu.auth0.com/", "sub": "auth0|7d2f", "azp": "client",
                "aud": ["https://api.example.com", "https://shop.eu.auth0.com/userinfo"], "scope": "openid profile", "permissions": ["read:items"]},
               {"keys": [jwk("rsa", kid="auth0-1", x5t="AAAA", x5c=x5c(RSA), **sig)]})
    yield case("AWS Application Load Balancer", "ec256",
               {"typ": "JWT", "kid": "5b5d9a3c-0000-4000-8000-000000000001", "alg": "ES256", "iss": "https://idp.example.com",
                "client": "shop", "signer": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188", "exp": EXP},
               {"sub": "ann", "email": "ann@example.com", "iss": "https://idp.example.com"},
               {"5b5d9a3c-0000-4000-8000-000000000001": pem(EC.public_key())}, where="x-amzn-oidc-data", padded=True,
               # The key set of jwt_authn has the same key as a JWK.
               authnKeys={"keys": [jwk("ec256", kid="5b5d9a3c-0000-4000-8000-000000000001")]})
    yield case("Azure AD B2C", "rsa", {"alg": "RS256", "kid": "X5eXk4xyojNFum1kl2Ytv8dlNP4-c57dO6QGTVBwaNk", "typ": "JWT"},
               {"ver": "1.0", "iss": f"https://shop.b2clogin.com/{TENANT}/v2.0/", "sub": "b2c-1", "aud": "66666666-7777-8888-9999-000000000000",
                "nbf": IAT, "tfp": "B2C_1_signin", "extension_Tier": "gold", "emails": ["ann@example.com"]},
               {"keys": [jwk("rsa", kid="X5eXk4xyojNFum1kl2Ytv8dlNP4-c57dO6QGTVBwaNk", nbf=IAT, use="sig")]})
    yield case("Cloudflare Access", "rsa", {"alg": "RS256", "kid": "cf-1", "typ": "JWT"},
               {"aud": ["32eafc7626e737969821f6a6a2c5d1b5"], "email": "ann@example.com", "iss": "https://shop.cloudflareaccess.com",
                "nbf": IAT, "sub": "cf-ann", "type": "app", "identity_nonce": "x", "country": "DE"},
               {"keys": [jwk("rsa", kid="cf-1", **sig)], "public_cert": {"kid": "cf-1", "cert": pem_of(certificate(RSA))},
                "public_certs": [{"kid": "cf-1", "cert": pem_of(certificate(RSA))}]}, where="cf-access-jwt-assertion")
    yield case("Firebase", "rsa", {"alg": "RS256", "kid": "f1", "typ": "JWT"},
               {"iss": "https://securetoken.google.com/shop-1", "aud": "shop-1", "auth_time": IAT, "user_id": "fb-1", "sub": "fb-1",
                "email": "ann@example.com", "email_verified": True, "firebase": {"identities": {"email": ["ann@example.com"]}, "sign_in_provider": "password"}},
               {"f1": pem_of(certificate(RSA))})
    yield case("GitHub Actions", "rsa", {"typ": "JWT", "alg": "RS256", "x5t": "AAAA", "kid": "gh-1"},
               {"jti": "x", "sub": "repo:acme/shop:ref:refs/heads/main", "aud": "https://github.com/acme", "ref": "refs/heads/main",
                "repository": "acme/shop", "iss": "https://token.actions.githubusercontent.com", "nbf": IAT},
               {"keys": [jwk("rsa", kid="gh-1", x5t="AAAA", x5c=x5c(RSA), **sig)]})
    yield case("Google", "rsa", {"alg": "RS256", "kid": "g-1", "typ": "JWT"},
               {"iss": "accounts.google.com", "azp": "1-a.apps.googleusercontent.com", "aud": "1-a.apps.googleusercontent.com",
                "sub": "110169484474386276334", "hd": "example.com", "email": "ann@example.com", "email_verified": True},
               {"keys": [jwk("rsa", kid="g-1", **sig)]}, authn="Jwt issuer is not configured")
    yield case("Google IAP", "ec256", {"alg": "ES256", "typ": "JWT", "kid": "iap-1"},
               {"aud": "/projects/1/global/backendServices/2", "email": "ann@example.com", "hd": "example.com", "iss": "https://cloud.google.com/iap",
                "sub": "accounts.google.com:1101", "azp": "/projects/1/global/backendServices/2"},
               {"keys": [jwk("ec256", kid="iap-1", alg="ES256", use="sig")]}, where="x-goog-iap-jwt-assertion")
    yield case("Keycloak", "rsa", {"alg": "RS256", "typ": "JWT", "kid": "kc-sig"},
               {"jti": "x", "iss": "https://sso.example.com/realms/shop", "aud": ["shop", "account"], "sub": "kc-1", "typ": "Bearer", "azp": "shop-web",
                "allowed-origins": ["https://shop.example.com"], "realm_access": {"roles": ["offline_access", "editor"]},
                "resource_access": {"account": {"roles": ["view-profile"]}}, "scope": "openid email", "preferred_username": "ann"},
               {"keys": [jwk("rsa-3072", kid="kc-enc", alg="RSA-OAEP", use="enc", x5t="AAAA"), jwk("rsa", kid="kc-sig", x5t="AAAA", x5c=x5c(RSA), **sig)]})
    yield case("Kubernetes service accounts", "rsa", {"alg": "RS256", "kid": "k8s-1"},
               {"aud": ["https://shop.example.com"], "iss": "https://kubernetes.default.svc.cluster.local", "nbf": IAT,
                "kubernetes.io": {"namespace": "shop", "pod": {"name": "web-1", "uid": "u"}, "serviceaccount": {"name": "web", "uid": "u"}},
                "sub": "system:serviceaccount:shop:web"},
               {"keys": [jwk("rsa", kid="k8s-1", **sig)]})
    yield case("Microsoft Entra ID", "rsa", {"typ": "JWT", "alg": "RS256", "x5t": "ms-1", "kid": "ms-1"},
               {"aud": "66666666-7777-8888-9999-000000000000", "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0", "nbf": IAT, "azp": "c",
                "oid": "o", "roles": ["Orders.Write"], "scp": "access_as_user", "sub": "ms-sub", "tid": TENANT, "ver": "2.0"},
               {"keys": [jwk("rsa", use="sig", kid="ms-1", x5t="ms-1", x5c=x5c(RSA), cloud_instance_name="microsoftonline.com",
                             issuer=f"https://login.microsoftonline.com/{TENANT}/v2.0")]})
    yield case("Okta", "rsa", {"kid": "okta-1", "alg": "RS256"},
               {"ver": 1, "jti": "AT.x", "iss": "https://shop.okta.com/oauth2/default", "aud": "api://default", "cid": "c", "uid": "u",
                "scp": ["openid", "items.read"], "sub": "ann@example.com", "Groups": ["Everyone", "admins"]},
               {"keys": [jwk("rsa", kid="okta-1", **sig)]})
    yield case("SAP XSUAA", "rsa",
               {"alg": "RS256", "jku": "https://shop.authentication.eu10.hana.ondemand.com/token_keys", "kid": "default-jwt-key-1", "typ": "JWT", "jid": "x"},
               {"jti": "x", "ext_attr": {"enhancer": "XSUAA", "zdn": "shop"}, "sub": "xs-1", "scope": ["openid", "shop!t1.Display"], "client_id": "sb-shop!t1",
                "cid": "sb-shop!t1", "azp": "sb-shop!t1", "grant_type": "authorization_code", "origin": "sap.default",
                "iss": "https://shop.authentication.eu10.hana.ondemand.com/oauth/token", "zid": TENANT, "aud": ["sb-shop!t1", "openid", "shop!t1"]},
               {"keys": [jwk("rsa", kid="default-jwt-key-1", value=pem(RSA.public_key()), **sig)]})


def main():
    made = {"note": known.NOTE, "pem": texts(), "tokens": tokens(), "long": long_keys(), "providers": list(providers())}
    (HERE / "providers.json").write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    print(len(made["providers"]), "providers")


if __name__ == "__main__":
    main()
