//! A host's `verify_signature`, as Envoy 1.40 has it, on ring and RustCrypto.
//!
//! RSA PKCS#1 v1.5 and ECDSA on P-256 and P-384 are ring's (BoringSSL's code, as in Envoy). ring has no
//! P-521: that is RustCrypto's. Like the real one it takes DER, believes nothing about it, and says
//! no to what it cannot read.

use std::cell::Cell;

use p521::ecdsa::signature::Verifier;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use weir_jose::{Signature, Signatures};

#[derive(Default)]
pub(crate) struct Host {
    verified: Cell<u32>,
    refused: Cell<u32>,
}

/// Where the key itself begins in a `SubjectPublicKeyInfo`, by what precedes it.
const RSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const P256_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384_OID: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
const P521_OID: &[u8] = &[0x2b, 0x81, 4, 0, 0x23];

impl Host {
    pub(crate) fn verified(&self) -> u32 {
        self.verified.get()
    }

    pub(crate) fn refused(&self) -> u32 {
        self.refused.get()
    }
}

impl Signatures for Host {
    fn verify_signature(&self, asked: &Signature<'_>) -> Option<bool> {
        let Signature { hash, key, signature, message } = *asked;
        let verdict = verify(hash, key, signature, message).unwrap_or(false);
        let counter = if verdict { &self.verified } else { &self.refused };
        counter.set(counter.get() + 1);
        Some(verdict)
    }
}

fn verify(hash: &str, spki: &[u8], signature: &[u8], message: &[u8]) -> Option<bool> {
    let (header, key) = take_spki(spki)?;
    let has = |oid: &[u8]| header.windows(oid.len()).any(|window| window == oid);
    let ring = |algorithm: &'static dyn VerificationAlgorithm| {
        Some(UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok())
    };
    match hash {
        "sha256" if has(RSA_OID) => ring(&signature::RSA_PKCS1_2048_8192_SHA256),
        "sha384" if has(RSA_OID) => ring(&signature::RSA_PKCS1_2048_8192_SHA384),
        "sha512" if has(RSA_OID) => ring(&signature::RSA_PKCS1_2048_8192_SHA512),
        "sha256" if has(P256_OID) => ring(&signature::ECDSA_P256_SHA256_ASN1),
        "sha384" if has(P384_OID) => ring(&signature::ECDSA_P384_SHA384_ASN1),
        "sha512" if has(P521_OID) => {
            let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
            let signature = p521_signature(signature)?;
            Some(key.verify(message, &signature).is_ok())
        }
        _ => panic!("the host was asked what it cannot verify: {hash} {spki:02x?}"),
    }
}

/// The algorithm's bytes and the bit string's of a `SubjectPublicKeyInfo`.
fn take_spki(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let (content, rest) = take(spki, 0x30)?;
    let (algorithm, bits) = take(content, 0x30)?;
    let (key, end) = take(bits, 3)?;
    (rest.is_empty() && end.is_empty() && key.first() == Some(&0)).then(|| (algorithm, &key[1..]))
}

/// RustCrypto reads no DER signatures of P-521, so the numbers are taken out here.
fn p521_signature(der: &[u8]) -> Option<p521::ecdsa::Signature> {
    let (content, rest) = take(der, 0x30)?;
    let (r, content) = take(content, 2)?;
    let (s, end) = take(content, 2)?;
    let mut raw = [0; 132];
    for (number, at) in [(r, 66), (s, 132)] {
        let sign = number.len().saturating_sub(66);
        let number = &number[sign..];
        raw[at - number.len()..at].copy_from_slice(number);
    }
    if !rest.is_empty() || !end.is_empty() { None } else { p521::ecdsa::Signature::from_slice(&raw).ok() }
}

/// The content of an element with this tag, and what follows it.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?), rest.get(2..)?),
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}
