//! One JSON Web Key: what may verify, and what is refused (RFC 7517, RFC 7518 section 6, RFC 8725).

use serde_json::Value;

use crate::algorithm::{Algorithm, Curve, KeyType};
use crate::base64url;
use crate::der;
use crate::software::Software;
use weir_host_api::{Signature, Signatures};

/// A key that is ready to verify.
pub(crate) struct Key {
    /// Its name; a key without one is tried for every token.
    pub(crate) kid: Option<String>,
    /// The only algorithm that it may be used with, if the set says so.
    pub(crate) algorithm: Option<Algorithm>,
    key_type: KeyType,
    /// Bytes of the modulus or of the secret; the curve's size for the others.
    size: usize,
    /// What the host wants; empty if it cannot verify with this key.
    spki: Vec<u8>,
    software: Software,
}

/// Why a key cannot be used. It names no part of the key.
pub(crate) type Unusable = &'static str;

/// Members that only a private key has. One that is published is no secret any more, so everything
/// signed with it proves nothing: the key is refused, and its owner learns of it.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// Said of them all.
pub(crate) const PRIVATE_KEY: Unusable = "a private key must not be published: replace it";

/// Bytes of an RSA modulus, 2048 and 8192 bits. Below is too weak (RFC 7518, 3.3); above, few libraries know such
/// keys, and a forged token costs four times as much for twice the length.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Longer moduli, above 4096 bits, are for the host alone: our own code would take ten milliseconds and more.
const SOFTWARE_MODULUS_BYTES: usize = 512;

impl Key {
    /// Reads one member of `keys`.
    pub(crate) fn read(jwk: &Value) -> Result<Self, Unusable> {
        if !jwk.is_object() {
            return Err("not an object");
        }
        let kid = optional_text(jwk, "kid", "kid is not a string")?;
        purpose(jwk)?;
        let algorithm = match optional_text(jwk, "alg", "alg is not a string")? {
            Some(name) => {
                Some(Algorithm::from_name(name).ok_or("alg is not a signature algorithm that we know")?)
            }
            None => None,
        };
        let mut key = material(jwk)?;
        key.kid = kid.map(str::to_owned);
        key.algorithm = algorithm;
        match algorithm {
            Some(algorithm) if !key.suits(algorithm) => {
                Err("alg does not fit this type, curve or length of key")
            }
            _ => Ok(key),
        }
    }

    /// Whether the key may verify signatures of this algorithm: the type, the curve and the length are
    /// right, and the set does not want another.
    pub(crate) fn suits(&self, algorithm: Algorithm) -> bool {
        self.key_type == algorithm.key_type()
            && self.algorithm.is_none_or(|only| only == algorithm)
            && (self.key_type != KeyType::Secret || self.size >= algorithm.hash_len())
            && (self.key_type != KeyType::Rsa
                || self.size <= SOFTWARE_MODULUS_BYTES
                || algorithm.host_hash().is_some())
    }

    /// Whether the signature is that of the message, for an algorithm that suits. `None`: neither the
    /// host nor this build verifies such signatures.
    pub(crate) fn verify(
        &self,
        algorithm: Algorithm,
        signature: &[u8],
        message: &[u8],
        service: &impl Signatures,
    ) -> Option<bool> {
        let der = match self.key_type {
            // RFC 8017, 8.1.2 and 8.2.2, step 1: as long as the modulus, exactly.
            KeyType::Rsa if signature.len() != self.size => return Some(false),
            KeyType::Ec(curve) => match der::ecdsa_signature(curve, signature) {
                Some(der) => Some(der),
                None => return Some(false),
            },
            _ => None,
        };
        let native = algorithm.host_hash().and_then(|hash| {
            let signature = der.as_deref().unwrap_or(signature);
            service.verify_signature(&Signature { hash, key: &self.spki, signature, message })
        });
        native.or_else(|| self.software.verify(algorithm, signature, message))
    }

    /// An RSA key, both numbers big-endian.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, Unusable> {
        let (modulus, exponent) = (der::trimmed(modulus), der::trimmed(exponent));
        let top = modulus.first().copied().unwrap_or_default();
        let shortest = modulus.len() == *MODULUS_BYTES.start();
        if modulus.len() < *MODULUS_BYTES.start() || (shortest && top < 0x80) {
            return Err("the RSA key is shorter than 2048 bits");
        }
        if modulus.len() > *MODULUS_BYTES.end() {
            return Err("the RSA key is longer than 8192 bits");
        }
        // Four bytes take every exponent in use (65537), and both verifiers take every one of four bytes.
        let odd = exponent.last().is_some_and(|byte| byte % 2 == 1);
        if !odd || exponent == [1] || exponent.len() > 4 {
            return Err("the RSA exponent is even, less than 3, or longer than 32 bits");
        }
        if modulus.last().is_some_and(|byte| byte % 2 == 0) {
            return Err("the RSA modulus is even");
        }
        let software = if modulus.len() > SOFTWARE_MODULUS_BYTES {
            Software::Absent
        } else {
            Software::rsa(modulus, exponent).map_err(|_| "not an RSA key")?
        };
        Ok(Self::new(KeyType::Rsa, modulus.len(), der::rsa_spki(modulus, exponent), software))
    }

    /// A point on a curve.
    pub(crate) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, Unusable> {
        if x.len() != curve.size() || y.len() != curve.size() {
            return Err("x or y is not as long as the curve's numbers");
        }
        let software = Software::ec(curve, x, y).map_err(|_| "the point is not on the curve")?;
        Ok(Self::new(KeyType::Ec(curve), curve.size(), der::ec_spki(curve, x, y), software))
    }

    /// An Ed25519 key.
    pub(crate) fn ed25519(x: &[u8]) -> Result<Self, Unusable> {
        if x.len() != 32 {
            return Err("x is not 32 bytes long");
        }
        let software = Software::ed25519(x).map_err(|_| "not a point of Ed25519, or one of low order")?;
        Ok(Self::new(KeyType::Ed25519, x.len(), Vec::new(), software))
    }

    fn new(key_type: KeyType, size: usize, spki: Vec<u8>, software: Software) -> Self {
        Self { kid: None, algorithm: None, key_type, size, spki, software }
    }
}

/// `use` and `key_ops` allow verification.
fn purpose(jwk: &Value) -> Result<(), Unusable> {
    if optional_text(jwk, "use", "use is not a string")?.is_some_and(|purpose| purpose != "sig") {
        return Err("use is not sig");
    }
    let verifies = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
    if jwk.get("key_ops").is_some_and(|ops| !verifies(ops)) {
        return Err("key_ops does not contain verify");
    }
    Ok(())
}

fn material(jwk: &Value) -> Result<Key, Unusable> {
    let kty = optional_text(jwk, "kty", "kty is not a string")?.ok_or("kty is missing")?;
    if kty != "oct" && PRIVATE.iter().any(|member| jwk.get(*member).is_some()) {
        return Err(PRIVATE_KEY);
    }
    match kty {
        "RSA" => Key::rsa(&number(jwk, "n")?, &number(jwk, "e")?),
        "EC" => ec(jwk),
        "OKP" => okp(jwk),
        "oct" => secret(jwk),
        _ => Err("kty is not RSA, EC, OKP or oct"),
    }
}

fn ec(jwk: &Value) -> Result<Key, Unusable> {
    let curve = optional_text(jwk, "crv", "crv is not a string")?.and_then(Curve::from_name);
    let curve = curve.ok_or("crv is not P-256, P-384, P-521 or secp256k1")?;
    Key::ec(curve, &number(jwk, "x")?, &number(jwk, "y")?)
}

fn okp(jwk: &Value) -> Result<Key, Unusable> {
    if jwk.get("crv").is_none_or(|crv| crv != "Ed25519") {
        return Err("crv is not Ed25519");
    }
    Key::ed25519(&number(jwk, "x")?)
}

fn secret(jwk: &Value) -> Result<Key, Unusable> {
    let secret = number(jwk, "k")?;
    if secret.len() < Algorithm::HS256.hash_len() {
        return Err("the secret is shorter than 32 bytes");
    }
    // Somebody's public key as a secret: then everybody can sign.
    if secret.starts_with(b"-----BEGIN ") {
        return Err("the secret is a PEM file");
    }
    let software = Software::secret(&secret).map_err(|_| "not a secret")?;
    Ok(Key::new(KeyType::Secret, secret.len(), Vec::new(), software))
}

fn optional_text<'a>(jwk: &'a Value, name: &str, otherwise: Unusable) -> Result<Option<&'a str>, Unusable> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(otherwise),
    }
}

/// The bytes of a member in base64url.
fn number(jwk: &Value, name: &str) -> Result<Vec<u8>, Unusable> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or("a part of the key is missing")?;
    base64url::decode(text.as_bytes()).ok_or("a part of the key is not canonical base64url without padding")
}
