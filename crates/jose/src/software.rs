//! Verification in this module, where the host cannot.
//!
//! It uses jwt-compact, through its [`Algorithm`](jwt_compact::Algorithm) trait, whose implementations check
//! one signature of one algorithm. Its `UntrustedToken` and `Validator` are not used: they accept duplicate
//! members, ignore `crit` and embedded keys, and would parse header and claims a second time. jwt-compact has
//! no P-384 and P-521; these come from the RustCrypto crates that also provide its P-256. Its HMAC keys hash
//! the secret again for each token, so the underlying `hmac` is used directly.

use std::borrow::Cow;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{Algorithm as Verifier, AlgorithmSignature};
use sha2::{Sha256, Sha384, Sha512};

use crate::algorithm::{Algorithm, Curve};

#[cfg(any(feature = "p256", feature = "k256", feature = "ed25519"))]
type VerifyingKey<A> = <A as Verifier>::VerifyingKey;

/// A key that is ready to verify.
pub(crate) enum Software {
    /// This build verifies no such signatures itself.
    Absent,
    Secret(Box<Secret>),
    #[cfg(feature = "rsa")]
    Rsa(Box<jwt_compact::alg::RsaPublicKey>),
    #[cfg(feature = "p256")]
    P256(Box<VerifyingKey<jwt_compact::alg::Es256>>),
    #[cfg(feature = "k256")]
    Secp256k1(Box<VerifyingKey<jwt_compact::alg::Es256k>>),
    #[cfg(feature = "ed25519")]
    Ed25519(Box<VerifyingKey<jwt_compact::alg::Ed25519>>),
    #[cfg(feature = "p384")]
    P384(Box<p384::ecdsa::VerifyingKey>),
    #[cfg(feature = "p521")]
    P521(Box<p521::ecdsa::VerifyingKey>),
}

/// A shared secret, with which each hash has begun already: a quarter of the blocks that a short token takes.
pub(crate) struct Secret {
    hs256: Hmac<Sha256>,
    hs384: Hmac<Sha384>,
    hs512: Hmac<Sha512>,
}

/// Why there is no such key.
pub(crate) struct InvalidKey;

impl Software {
    /// An RSA key; the caller has checked its size and exponent. An even modulus is invalid.
    #[cfg_attr(not(feature = "rsa"), allow(unused_variables, reason = "nothing to build"))]
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, InvalidKey> {
        #[cfg(feature = "rsa")]
        {
            let jwk = JsonWebKey::Rsa {
                modulus: Cow::Borrowed(modulus),
                public_exponent: Cow::Borrowed(exponent),
                private_parts: None,
            };
            boxed(&jwk).map(Software::Rsa)
        }
        #[cfg(not(feature = "rsa"))]
        Ok(Software::Absent)
    }

    /// A point. It must be on the curve; without the curve's feature only the host checks that.
    pub(crate) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, InvalidKey> {
        let jwk = |name: &'static str| JsonWebKey::EllipticCurve {
            curve: Cow::Borrowed(name),
            x: Cow::Owned(x.to_vec()),
            y: Cow::Owned(y.to_vec()),
            secret: None,
        };
        let _ = &jwk;
        match curve {
            #[cfg(feature = "p256")]
            Curve::P256 => boxed(&jwk("P-256")).map(Software::P256),
            #[cfg(feature = "k256")]
            Curve::Secp256k1 => boxed(&jwk("secp256k1")).map(Software::Secp256k1),
            #[cfg(feature = "p384")]
            Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(&uncompressed(x, y))
                .map(|key| Software::P384(Box::new(key)))
                .map_err(|_| InvalidKey),
            #[cfg(feature = "p521")]
            Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(&uncompressed(x, y))
                .map(|key| Software::P521(Box::new(key)))
                .map_err(|_| InvalidKey),
            #[allow(unreachable_patterns, reason = "reached where a curve's feature is off")]
            _ => Ok(Software::Absent),
        }
    }

    /// An Ed25519 key. A point of low order is invalid: it verifies signatures that nobody made.
    #[cfg_attr(not(feature = "ed25519"), allow(unused_variables, reason = "nothing to build"))]
    pub(crate) fn ed25519(x: &[u8]) -> Result<Self, InvalidKey> {
        #[cfg(feature = "ed25519")]
        {
            let jwk =
                JsonWebKey::KeyPair { curve: Cow::Borrowed("Ed25519"), x: Cow::Borrowed(x), secret: None };
            let key: Box<VerifyingKey<jwt_compact::alg::Ed25519>> = boxed(&jwk)?;
            if key.is_weak() { Err(InvalidKey) } else { Ok(Software::Ed25519(key)) }
        }
        #[cfg(not(feature = "ed25519"))]
        Ok(Software::Absent)
    }

    /// A shared secret, of any length.
    pub(crate) fn secret(secret: &[u8]) -> Result<Self, InvalidKey> {
        fn begun<M: Mac + KeyInit>(secret: &[u8]) -> Result<M, InvalidKey> {
            <M as KeyInit>::new_from_slice(secret).map_err(|_| InvalidKey)
        }
        let (hs256, hs384, hs512) = (begun(secret)?, begun(secret)?, begun(secret)?);
        Ok(Software::Secret(Box::new(Secret { hs256, hs384, hs512 })))
    }

    /// Whether `signature` is that of `message`. `None`: this build cannot say.
    ///
    /// The caller has made sure that key and algorithm fit; a pair that does not is false.
    pub(crate) fn verify(&self, algorithm: Algorithm, signature: &[u8], message: &[u8]) -> Option<bool> {
        Some(match self {
            Software::Absent => return None,
            Software::Secret(begun) => match algorithm {
                Algorithm::HS256 => authenticates(&begun.hs256, signature, message),
                Algorithm::HS384 => authenticates(&begun.hs384, signature, message),
                Algorithm::HS512 => authenticates(&begun.hs512, signature, message),
                _ => false,
            },
            #[cfg(feature = "rsa")]
            Software::Rsa(key) => check(&rsa_scheme(algorithm)?, key, signature, message),
            #[cfg(feature = "p256")]
            Software::P256(key) => check(&jwt_compact::alg::Es256, key, signature, message),
            #[cfg(feature = "k256")]
            Software::Secp256k1(key) => {
                check(&<jwt_compact::alg::Es256k>::default(), key, signature, message)
            }
            #[cfg(feature = "ed25519")]
            Software::Ed25519(key) => check(&jwt_compact::alg::Ed25519, key, signature, message),
            #[cfg(feature = "p384")]
            Software::P384(key) => {
                use p384::ecdsa::{Signature, signature::Verifier};
                Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
            #[cfg(feature = "p521")]
            Software::P521(key) => {
                use p521::ecdsa::{Signature, signature::Verifier};
                Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
        })
    }
}

/// A jwt-compact key out of a JWK.
#[cfg(any(feature = "rsa", feature = "p256", feature = "k256", feature = "ed25519"))]
fn boxed<'a, 'k, K: TryFrom<&'a JsonWebKey<'k>>>(jwk: &'a JsonWebKey<'k>) -> Result<Box<K>, InvalidKey> {
    K::try_from(jwk).map(Box::new).map_err(|_| InvalidKey)
}

/// A point in SEC 1 form.
#[cfg(any(feature = "p384", feature = "p521"))]
fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

#[cfg(feature = "rsa")]
fn rsa_scheme(algorithm: Algorithm) -> Option<jwt_compact::alg::Rsa> {
    use jwt_compact::alg::Rsa;
    match algorithm {
        Algorithm::RS256 => Some(Rsa::rs256()),
        Algorithm::RS384 => Some(Rsa::rs384()),
        Algorithm::RS512 => Some(Rsa::rs512()),
        Algorithm::PS256 => Some(Rsa::ps256()),
        Algorithm::PS384 => Some(Rsa::ps384()),
        Algorithm::PS512 => Some(Rsa::ps512()),
        _ => None,
    }
}

/// Whether `code` is the message's, compared in constant time (RFC 2104).
fn authenticates<M: Mac + Clone>(begun: &M, code: &[u8], message: &[u8]) -> bool {
    begun.clone().chain_update(message).verify_slice(code).is_ok()
}

/// jwt-compact's check of one signature. It wants the length checked before (it would panic).
fn check<A: Verifier>(algorithm: &A, key: &A::VerifyingKey, signature: &[u8], message: &[u8]) -> bool {
    A::Signature::LENGTH.is_none_or(|length| length.get() == signature.len())
        && A::Signature::try_from_slice(signature)
            .is_ok_and(|signature| algorithm.verify_signature(&signature, key, message))
}
