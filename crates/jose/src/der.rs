//! The little DER that a host's `verify_signature` wants, public keys and ECDSA signatures, and that PEM has.

use crate::algorithm::{Curve, hex};

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;

/// AlgorithmIdentifier { rsaEncryption, NULL } (RFC 3279, 2.3.1).
const RSA_ENCRYPTION: [u8; 15] = hex(b"300d06092a864886f70d0101010500");

/// An RSA key as `SubjectPublicKeyInfo`. Both numbers are big-endian and positive.
pub(crate) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [integer(modulus), integer(exponent)].concat();
    // A bit string begins with the number of unused bits.
    let mut bits = vec![0];
    element(&mut bits, SEQUENCE, &numbers);
    let mut content = RSA_ENCRYPTION.to_vec();
    element(&mut content, BIT_STRING, &bits);
    let mut spki = Vec::new();
    element(&mut spki, SEQUENCE, &content);
    spki
}

/// A point as `SubjectPublicKeyInfo` (RFC 5480), for the curves that a host knows; else empty.
/// Coordinates have the curve's size, so everything before them is constant.
pub(crate) fn ec_spki(curve: Curve, x: &[u8], y: &[u8]) -> Vec<u8> {
    let prefix: &[u8] = match curve {
        Curve::P256 => const { &hex::<27>(b"3059301306072a8648ce3d020106082a8648ce3d03010703420004") },
        Curve::P384 => const { &hex::<24>(b"3076301006072a8648ce3d020106052b8104002203620004") },
        Curve::P521 => const { &hex::<26>(b"30819b301006072a8648ce3d020106052b810400230381860004") },
        Curve::Secp256k1 => return Vec::new(),
    };
    [prefix, x, y].concat()
}

/// The DER form of a JWS signature r‖s (RFC 7518, 3.4). `None` if it has another length than twice the
/// curve's size, or if r or s is not in 1..n: no signature is, and a bad verifier may think otherwise.
pub(crate) fn ecdsa_signature(curve: Curve, signature: &[u8]) -> Option<Vec<u8>> {
    if signature.len() != 2 * curve.size() {
        return None;
    }
    let (r, s) = signature.split_at_checked(curve.size())?;
    if !(is_scalar(r, curve) && is_scalar(s, curve)) {
        return None;
    }
    let (r, s) = (Integer::of(r), Integer::of(s));
    let content = r.len() + s.len();
    let mut der = Vec::with_capacity(content + 3);
    head(&mut der, SEQUENCE, content);
    r.append_to(&mut der);
    s.append_to(&mut der);
    Some(der)
}

/// Whether the number is in 1..n. Both sides have the same length, so bytes compare like numbers.
fn is_scalar(number: &[u8], curve: Curve) -> bool {
    number.iter().any(|byte| *byte != 0) && number < curve.order()
}

/// A number's bytes without leading zeros.
pub(crate) fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// A positive INTEGER.
struct Integer<'n> {
    /// A number that would read as negative begins with a zero; no other does.
    zero: bool,
    digits: &'n [u8],
}

impl<'n> Integer<'n> {
    fn of(number: &'n [u8]) -> Self {
        let digits = trimmed(number);
        Self { zero: digits.first().is_none_or(|byte| *byte >= 0x80), digits }
    }

    fn content(&self) -> usize {
        usize::from(self.zero) + self.digits.len()
    }

    /// Bytes with tag and length.
    fn len(&self) -> usize {
        head_len(self.content()) + self.content()
    }

    fn append_to(&self, out: &mut Vec<u8>) {
        head(out, INTEGER, self.content());
        if self.zero {
            out.push(0);
        }
        out.extend_from_slice(self.digits);
    }
}

fn integer(number: &[u8]) -> Vec<u8> {
    let integer = Integer::of(number);
    let mut der = Vec::with_capacity(integer.len());
    integer.append_to(&mut der);
    der
}

/// Adds tag, length and content.
fn element(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    head(out, tag, content.len());
    out.extend_from_slice(content);
}

/// Adds tag and length. Lengths go up to 65535: the largest content is a key of 8192 bits.
fn head(out: &mut Vec<u8>, tag: u8, content: usize) {
    let [.., high, low] = content.to_be_bytes();
    match (high, low) {
        (0, 0..0x80) => out.extend([tag, low]),
        (0, _) => out.extend([tag, 0x81, low]),
        _ => out.extend([tag, 0x82, high, low]),
    }
}

/// The first element: its tag, its content, and what follows it. `None` if it is longer than the bytes, or than
/// 65535.
#[inline(never)]
pub(crate) fn take(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([tag, length], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest
            .split_first_chunk::<2>()
            .map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// The content of the first element, if it has this tag.
pub(crate) fn content(der: &[u8], tag: u8) -> Option<&[u8]> {
    take(der).filter(|(found, ..)| *found == tag).map(|(_, content, _)| content)
}

/// Bytes of tag and length.
fn head_len(content: usize) -> usize {
    match content {
        0..0x80 => 2,
        0x80..0x100 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn numbers_are_minimal_and_positive() {
        assert_eq!(integer(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0x7f, 0]), [2, 2, 0x7f, 0]);
        assert_eq!(integer(&[0xff; 200])[..4], [2, 0x81, 201, 0]);
        assert_eq!(integer(&[0xff; 512])[..5], [2, 0x82, 2, 1, 0]);
    }

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn only_scalars_in_range_make_a_signature() {
        for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1] {
            let size = curve.size();
            let number = |last: u8| [vec![0; size - 1], vec![last]].concat();
            let mut below = curve.order().to_vec();
            *below.last_mut().unwrap() -= 1;
            let mut above = curve.order().to_vec();
            *above.last_mut().unwrap() += 1;
            let signature = |r: &[u8], s: &[u8]| ecdsa_signature(curve, &[r, s].concat());
            assert_eq!(signature(&number(1), &number(2)), Some(vec![0x30, 6, 2, 1, 1, 2, 1, 2]));
            assert!(signature(&below, &below).is_some());
            for bad in [number(0), curve.order().to_vec(), above, vec![0xff; size]] {
                assert_eq!(signature(&bad, &number(1)), None);
                assert_eq!(signature(&number(1), &bad), None);
            }
            assert_eq!(ecdsa_signature(curve, &vec![1; 2 * size - 1]), None);
            assert_eq!(ecdsa_signature(curve, &vec![1; 2 * size + 1]), None);
            assert_eq!(ecdsa_signature(curve, &[]), None);
        }
    }
}
