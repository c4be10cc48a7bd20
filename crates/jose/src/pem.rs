//! Public keys in PEM (RFC 7468): `PUBLIC KEY`, `RSA PUBLIC KEY`, and the key of a `CERTIFICATE`.
//!
//! They are keys because somebody configured them: a certificate's dates, its names and who has signed it say
//! nothing here, as little as in a key set's `x5c`.

use crate::algorithm::{Curve, hex};
use crate::base64url;
use crate::der::{self, BIT_STRING, INTEGER, OBJECT_IDENTIFIER, SEQUENCE};
use crate::jwk::{Key, PRIVATE_KEY, Unusable};

/// One block: what it is called, and the characters between its two lines.
pub(crate) struct Block<'t> {
    label: &'t [u8],
    body: &'t [u8],
}

const RSA: [u8; 9] = hex(b"2a864886f70d010101");
const EC: [u8; 7] = hex(b"2a8648ce3d0201");
const ED25519: [u8; 3] = hex(b"2b6570");
const P256: [u8; 8] = hex(b"2a8648ce3d030107");
const P384: [u8; 5] = hex(b"2b81040022");
const P521: [u8; 5] = hex(b"2b81040023");
const SECP256K1: [u8; 5] = hex(b"2b8104000a");

/// The tag of a certificate's version.
const VERSION: u8 = 0xa0;

const UNREADABLE: Unusable = "the PEM text is broken";

/// The blocks of a text, whatever stands between them. Line breaks may have become spaces, as they do in
/// environment variables and in YAML: dashes alone tell where a block begins and ends, as neither labels nor base64
/// have any.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut parts = text.as_bytes().split(|byte| *byte == b'-').filter(|part| !part.is_empty());
    std::iter::from_fn(move || {
        let label = parts.find_map(|part| part.strip_prefix(b"BEGIN "))?;
        Some(Block { label, body: parts.next().unwrap_or_default() })
    })
}

impl Block<'_> {
    /// Whether it is a certificate: others that follow it are those of its issuers.
    pub(crate) fn is_certificate(&self) -> bool {
        self.label == b"CERTIFICATE"
    }

    /// The key in it.
    pub(crate) fn key(&self) -> Result<Key, Unusable> {
        if self.label.ends_with(b"PRIVATE KEY") {
            return Err(PRIVATE_KEY);
        }
        let der = decode(self.body).ok_or(UNREADABLE)?;
        match self.label {
            b"PUBLIC KEY" => spki(der::content(&der, SEQUENCE).ok_or(UNREADABLE)?),
            b"CERTIFICATE" => spki(of_certificate(&der).ok_or("the certificate is broken")?),
            b"RSA PUBLIC KEY" => rsa(&der),
            _ => Err("the PEM text is neither a public key nor a certificate"),
        }
    }
}

/// The bytes of base64 (RFC 4648 section 4) with white space in it.
fn decode(body: &[u8]) -> Option<Vec<u8>> {
    let mut text: Vec<u8> = Vec::with_capacity(body.len());
    for byte in body.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        text.push(match byte {
            b'+' => b'-',
            b'/' => b'_',
            // Dashes have ended the body already.
            b'_' => return None,
            other => *other,
        });
    }
    while text.last() == Some(&b'=') {
        text.pop();
    }
    base64url::decode(&text)
}

/// The content of a certificate's `SubjectPublicKeyInfo` (RFC 5280 section 4.1).
fn of_certificate(der: &[u8]) -> Option<&[u8]> {
    let mut fields = der::content(der::content(der, SEQUENCE)?, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = der::take(fields)?.2;
    }
    // Serial number, algorithm, issuer, validity, subject.
    for _ in 0..5 {
        fields = der::take(fields)?.2;
    }
    der::content(fields, SEQUENCE)
}

/// The key of a `SubjectPublicKeyInfo` whose content this is (RFC 3279, RFC 5480, RFC 8410).
fn spki(content: &[u8]) -> Result<Key, Unusable> {
    let (kind, parameters, key) = parts(content).ok_or(UNREADABLE)?;
    if *kind == RSA {
        return rsa(key);
    }
    if *kind == ED25519 {
        return Key::ed25519(key);
    }
    if *kind != EC {
        return Err("the key is not RSA, EC or Ed25519");
    }
    let curve = match der::content(parameters, OBJECT_IDENTIFIER).unwrap_or_default() {
        curve if *curve == P256 => Curve::P256,
        curve if *curve == P384 => Curve::P384,
        curve if *curve == P521 => Curve::P521,
        curve if *curve == SECP256K1 => Curve::Secp256k1,
        _ => return Err("the curve is not P-256, P-384, P-521 or secp256k1"),
    };
    match key.split_first() {
        Some((4, point)) if point.len() == 2 * curve.size() => {
            let (x, y) = point.split_at_checked(curve.size()).unwrap_or_default();
            Key::ec(curve, x, y)
        }
        _ => Err("the point is compressed, or not as long as the curve's numbers"),
    }
}

/// Algorithm, its parameters, and the key's bits.
fn parts(content: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (SEQUENCE, algorithm, bits) = der::take(content)? else { return None };
    let (OBJECT_IDENTIFIER, kind, parameters) = der::take(algorithm)? else { return None };
    let key = der::content(bits, BIT_STRING)?.strip_prefix(&[0])?;
    Some((kind, parameters, key))
}

/// An `RSAPublicKey` (RFC 8017, A.1.1).
fn rsa(der: &[u8]) -> Result<Key, Unusable> {
    let numbers = || {
        let (INTEGER, modulus, rest) = der::take(der::content(der, SEQUENCE)?)? else { return None };
        Some((modulus, der::content(rest, INTEGER)?))
    };
    let (modulus, exponent) = numbers().ok_or(UNREADABLE)?;
    Key::rsa(modulus, exponent)
}

#[cfg(test)]
mod tests;
