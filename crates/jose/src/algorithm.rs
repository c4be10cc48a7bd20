//! The signature algorithms of RFC 7518, 8037 and 8812, and the keys that they go with.

/// A JWS signature algorithm. `none` is not one of them, so no allow-list can ever contain it.
///
/// ```
/// use weir_jose::{Algorithm, Curve, KeyType};
///
/// assert_eq!(Algorithm::from_name("ES256"), Some(Algorithm::ES256));
/// assert_eq!(Algorithm::ES256.key_type(), KeyType::Ec(Curve::P256));
/// assert_eq!(Algorithm::from_name("none"), None);
/// assert_eq!(Algorithm::from_name("rs256"), None, "names are case-sensitive");
/// assert!(Algorithm::PS256.is_costly() && !Algorithm::RS256.is_costly());
/// assert_eq!(Algorithm::ALL.len(), 14);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    RS256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RS384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RS512,
    /// RSA PSS with SHA-256.
    PS256,
    /// RSA PSS with SHA-384.
    PS384,
    /// RSA PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// ECDSA on secp256k1 with SHA-256.
    ES256K,
    /// Ed25519.
    EdDSA,
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
}

use Algorithm::*;

/// What kind of key verifies a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// An RSA public key (`kty` RSA).
    Rsa,
    /// A point on a Weierstrass curve (`kty` EC).
    Ec(Curve),
    /// An Ed25519 public key (`kty` OKP).
    Ed25519,
    /// A shared secret (`kty` oct).
    Secret,
}

/// The curves of `kty` EC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
    /// The curve of Bitcoin and Ethereum.
    Secp256k1,
}

impl Algorithm {
    /// Every algorithm, in the order of the enum.
    pub const ALL: [Algorithm; 14] =
        [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, ES256K, EdDSA, HS256, HS384, HS512];

    /// The name in a token's `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            RS256 => "RS256",
            RS384 => "RS384",
            RS512 => "RS512",
            PS256 => "PS256",
            PS384 => "PS384",
            PS512 => "PS512",
            ES256 => "ES256",
            ES384 => "ES384",
            ES512 => "ES512",
            ES256K => "ES256K",
            EdDSA => "EdDSA",
            HS256 => "HS256",
            HS384 => "HS384",
            HS512 => "HS512",
        }
    }

    /// The algorithm of that name. Names are case-sensitive (RFC 7515, 4.1.1).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether no host verifies it, and it costs this module tens of times what others cost: RSA-PSS and
    /// secp256k1. Whoever forges tokens would choose these.
    pub const fn is_costly(self) -> bool {
        matches!(self, PS256 | PS384 | PS512 | ES256K)
    }

    /// The one type of key that this algorithm goes with.
    pub const fn key_type(self) -> KeyType {
        match self {
            RS256 | RS384 | RS512 | PS256 | PS384 | PS512 => KeyType::Rsa,
            ES256 => KeyType::Ec(Curve::P256),
            ES384 => KeyType::Ec(Curve::P384),
            ES512 => KeyType::Ec(Curve::P521),
            ES256K => KeyType::Ec(Curve::Secp256k1),
            EdDSA => KeyType::Ed25519,
            HS256 | HS384 | HS512 => KeyType::Secret,
        }
    }

    /// Bytes of the hash. A shared secret must not be shorter (RFC 7518, 3.2).
    pub(crate) const fn hash_len(self) -> usize {
        match self {
            RS256 | PS256 | ES256 | ES256K | HS256 => 32,
            RS384 | PS384 | ES384 | HS384 => 48,
            RS512 | PS512 | ES512 | HS512 | EdDSA => 64,
        }
    }

    /// The hash name that a host's `verify_signature` knows, if it verifies this algorithm at all
    /// (measured with Envoy 1.40: not PSS, not Ed25519, not secp256k1).
    pub(crate) const fn host_hash(self) -> Option<&'static str> {
        match self {
            RS256 | ES256 => Some("sha256"),
            RS384 | ES384 => Some("sha384"),
            RS512 | ES512 => Some("sha512"),
            _ => None,
        }
    }
}

/// The algorithms that tokens may be signed with.
///
/// ```
/// use weir_jose::{Algorithm, Allowed};
///
/// let listed = Allowed::from(&[Algorithm::RS256, Algorithm::ES256]);
/// assert!(listed.may_be(Algorithm::ES256) && !listed.may_be(Algorithm::HS256));
/// assert!(Allowed::Usual.may_be(Algorithm::PS256), "with a key that names it as its `alg`");
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Allowed<'a> {
    /// These.
    Named(&'a [Algorithm]),
    /// All that the keys are for, but [costly](Algorithm::is_costly) ones only with keys that name them as
    /// their `alg`.
    Usual,
}

impl Allowed<'_> {
    /// Whether tokens can be signed with it at all, whatever the keys say.
    pub fn may_be(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Named(names) => names.contains(&algorithm),
            Self::Usual => true,
        }
    }

    /// Whether it may be used with a key that has this `alg`.
    pub(crate) fn with_key(self, algorithm: Algorithm, of_key: Option<Algorithm>) -> bool {
        match self {
            Self::Named(names) => names.contains(&algorithm),
            Self::Usual => !algorithm.is_costly() || of_key == Some(algorithm),
        }
    }
}

impl<'a, const N: usize> From<&'a [Algorithm; N]> for Allowed<'a> {
    fn from(names: &'a [Algorithm; N]) -> Self {
        Self::Named(names)
    }
}

impl<'a> From<&'a Vec<Algorithm>> for Allowed<'a> {
    fn from(names: &'a Vec<Algorithm>) -> Self {
        Self::Named(names)
    }
}

impl Curve {
    /// The curve with that `crv` (RFC 7518, 6.2.1.1 and RFC 8812, 3.1).
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "P-256" => Some(Curve::P256),
            "P-384" => Some(Curve::P384),
            "P-521" => Some(Curve::P521),
            "secp256k1" => Some(Curve::Secp256k1),
            _ => None,
        }
    }

    /// Bytes of one coordinate, and of each half of a signature.
    pub(crate) const fn size(self) -> usize {
        match self {
            Curve::P256 | Curve::Secp256k1 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// The order of the group, big-endian, as long as [`Curve::size`] (SEC 2).
    pub(crate) const fn order(self) -> &'static [u8] {
        match self {
            Curve::P256 => {
                const { &hex::<32>(b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") }
            }
            Curve::P384 => {
                const {
                    &hex::<48>(b"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973")
                }
            }
            Curve::P521 => {
                const {
                    &hex::<66>(b"01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409")
                }
            }
            Curve::Secp256k1 => {
                const { &hex::<32>(b"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141") }
            }
        }
    }
}

/// The bytes of a hexadecimal constant, at compile time.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler: a wrong index would not build")]
pub(crate) const fn hex<const BYTES: usize>(digits: &[u8]) -> [u8; BYTES] {
    const fn nibble(digit: u8) -> u8 {
        if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 }
    }
    assert!(digits.len() == 2 * BYTES);
    let mut bytes = [0; BYTES];
    let mut at = 0;
    while at < BYTES {
        bytes[at] = nibble(digits[2 * at]) << 4 | nibble(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn names_lead_back_and_nothing_else_is_a_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert_eq!(Algorithm::from_name(&algorithm.name().to_lowercase()), None);
        }
        for name in ["none", "None", "NONE", "", "RS256 ", "RS25\u{ff16}", "HS1", "RSA-OAEP", "\u{212a}S256"]
        {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn orders_are_as_long_as_the_curve_says() {
        for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1] {
            assert_eq!(curve.order().len(), curve.size());
        }
    }
}
