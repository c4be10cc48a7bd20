//! Envoy's foreign function `verify_signature`, by the library from which Envoy's own descends.

use aws_lc_rs::signature::{self as lc, UnparsedPublicKey, VerificationAlgorithm};

use crate::headers::Bytes;
use crate::status::Status;

/// The argument: fields 1 to 5 of Envoy's `VerifySignatureArguments`.
#[derive(Default)]
struct Arguments<'a> {
    hash: &'a [u8],
    public_key: &'a [u8],
    signature: &'a [u8],
    text: &'a [u8],
    public_key_pem: &'a [u8],
}

/// Verifies as Envoy does: RSA (PKCS#1 v1.5) and ECDSA (P-256, P-384, P-521, signature in DER) with a key in
/// SPKI DER. The answer is a message: field 1 is the verdict, field 2 says why it is bad.
///
/// # Errors
/// [`Status::BadArgument`]: the argument is no such message, or there is no key. Keys in PEM, which Envoy reads
/// too, are [`Status::Unimplemented`].
pub(super) fn verify(argument: &[u8]) -> Result<Bytes, Status> {
    let arguments = parse(argument).ok_or(Status::BadArgument)?;
    if !arguments.public_key_pem.is_empty() {
        return Err(Status::Unimplemented);
    }
    if arguments.public_key.is_empty() {
        return Err(Status::BadArgument);
    }
    Ok(match check(&arguments) {
        Ok(()) => vec![1 << 3, 1],
        Err(why) => refused(&why),
    })
}

fn check(arguments: &Arguments<'_>) -> Result<(), String> {
    let name = String::from_utf8_lossy(arguments.hash).to_ascii_lowercase();
    let key = arguments.public_key;
    let algorithm = algorithm(kind(key).ok_or("Failed to parse public key.")?, &name)
        .ok_or_else(|| format!("{name} is not supported."))?;
    let verdict = UnparsedPublicKey::new(algorithm, key).verify(arguments.text, arguments.signature);
    verdict.map_err(|_| "Failed to verify digest.".to_owned())
}

#[derive(Clone, Copy)]
enum Kind {
    Rsa,
    P256,
    P384,
    P521,
}

/// What a key is, by the object identifiers in front of it.
fn kind(spki: &[u8]) -> Option<Kind> {
    const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    const P384: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
    const P521: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";
    let kinds = [(RSA, Kind::Rsa), (P256, Kind::P256), (P384, Kind::P384), (P521, Kind::P521)];
    // Two sequences open in front of the identifier; their lengths take one to three bytes each.
    let start = spki.get(..40.min(spki.len()))?;
    let found = kinds.into_iter().find(|(oid, _)| start.windows(oid.len()).any(|window| window == *oid));
    found.map(|(_, kind)| kind)
}

fn algorithm(kind: Kind, hash: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (kind, hash) {
        (Kind::Rsa, "sha1") => &lc::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (Kind::Rsa, "sha256") => &lc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Kind::Rsa, "sha384") => &lc::RSA_PKCS1_2048_8192_SHA384,
        (Kind::Rsa, "sha512") => &lc::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (Kind::P256, "sha256") => &lc::ECDSA_P256_SHA256_ASN1,
        (Kind::P256, "sha384") => &lc::ECDSA_P256_SHA384_ASN1,
        (Kind::P384, "sha256") => &lc::ECDSA_P384_SHA256_ASN1,
        (Kind::P384, "sha384") => &lc::ECDSA_P384_SHA384_ASN1,
        (Kind::P521, "sha256") => &lc::ECDSA_P521_SHA256_ASN1,
        (Kind::P521, "sha384") => &lc::ECDSA_P521_SHA384_ASN1,
        (Kind::P521, "sha512") => &lc::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

/// Field 2 alone: proto3 leaves out a field 1 that is false.
fn refused(why: &str) -> Bytes {
    let mut message = vec![2 << 3 | 2, why.len() as u8];
    message.extend_from_slice(why.as_bytes());
    message
}

/// Reads length-delimited fields, which is all that the message has.
fn parse(mut message: &[u8]) -> Option<Arguments<'_>> {
    let mut arguments = Arguments::default();
    while let Some((tag, rest)) = message.split_first() {
        let (length, rest) = varint(rest)?;
        let (value, rest) = rest.split_at_checked(length)?;
        message = rest;
        match tag {
            0x0a => arguments.hash = value,
            0x12 => arguments.public_key = value,
            0x1a => arguments.signature = value,
            0x22 => arguments.text = value,
            0x2a => arguments.public_key_pem = value,
            _ => return None,
        }
    }
    Some(arguments)
}

fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaKeyPair};

    use super::*;

    fn message(fields: [&[u8]; 4]) -> Bytes {
        let mut message = Vec::new();
        for (number, field) in (1u8..).zip(fields) {
            message.push(number << 3 | 2);
            message.extend([field.len() as u8 | 0x80, (field.len() >> 7) as u8]);
            message.extend_from_slice(field);
        }
        message
    }

    /// Every kind of key signs; the signature is good, and bad for another text, another hash or when it is cut.
    fn good_and_bad(hash: &[u8], spki: &[u8], signature: &[u8], text: &[u8]) {
        let good = |fields| verify(&message(fields)).unwrap() == [8, 1];
        assert!(good([hash, spki, signature, text]));
        let shouted = hash.to_ascii_uppercase();
        assert!(good([&shouted, spki, signature, text]));
        assert!(!good([hash, spki, signature, b"another text"]));
        assert!(!good([hash, spki, &signature[..signature.len() - 1], text]));
        assert!(!good([b"sha1", spki, signature, text]));
        assert!(!good([b"md5", spki, signature, text]));
    }

    #[test]
    fn signatures_of_each_kind_are_told_from_forged_ones() {
        let random = SystemRandom::new();
        let text = b"header.payload";
        let curves: [(&EcdsaSigningAlgorithm, &[u8]); 3] = [
            (&lc::ECDSA_P256_SHA256_ASN1_SIGNING, b"sha256"),
            (&lc::ECDSA_P384_SHA384_ASN1_SIGNING, b"sha384"),
            (&lc::ECDSA_P521_SHA512_ASN1_SIGNING, b"sha512"),
        ];
        for (curve, hash) in curves {
            use aws_lc_rs::encoding::AsDer;
            let pair = EcdsaKeyPair::generate(curve).unwrap();
            let spki: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
            let signature = pair.sign(&random, text).unwrap();
            good_and_bad(hash, spki.as_ref(), signature.as_ref(), text);
        }
        let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let paddings: [(&'static dyn lc::RsaEncoding, &[u8]); 3] = [
            (&lc::RSA_PKCS1_SHA256, b"sha256"),
            (&lc::RSA_PKCS1_SHA384, b"sha384"),
            (&lc::RSA_PKCS1_SHA512, b"sha512"),
        ];
        for (padding, hash) in paddings {
            use aws_lc_rs::encoding::AsDer;
            let spki: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &random, text, &mut signature).unwrap();
            good_and_bad(hash, spki.as_ref(), &signature, text);
        }
    }

    #[test]
    fn nonsense_is_a_bad_argument_or_refused() {
        assert_eq!(verify(b"\xff"), Err(Status::BadArgument));
        assert_eq!(verify(b""), Err(Status::BadArgument));
        let refused = verify(&message([b"sha256", b"no key", b"s", b"t"])).unwrap();
        assert!(String::from_utf8_lossy(&refused).contains("Failed to parse"));
    }
}
