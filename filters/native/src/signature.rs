//! Signatures that Envoy verifies for WebAssembly modules (`verify_signature`), verified here.

use aws_lc_rs::signature::{self as lc, UnparsedPublicKey, VerificationAlgorithm};
use weir_host::Signature;

/// Whether a signature is right; `None` where another library must tell. Keys are SubjectPublicKeyInfo in DER (RFC 5280
/// section 4.1), signatures of ECDSA are DER too.
pub(crate) fn verify(signature: &Signature<'_>) -> Option<bool> {
    let algorithm = algorithm(kind(signature.key)?, signature.hash)?;
    Some(
        UnparsedPublicKey::new(algorithm, signature.key)
            .verify(signature.message, signature.signature)
            .is_ok(),
    )
}

#[derive(Clone, Copy)]
enum Kind {
    Rsa,
    P256,
    P384,
    P521,
}

/// What a key is, by its object identifier (RFC 3279 section 2.3, RFC 5480 section 2.1.1).
fn kind(key: &[u8]) -> Option<Kind> {
    const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    const P384: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
    const P521: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";
    let kinds = [(RSA, Kind::Rsa), (P256, Kind::P256), (P384, Kind::P384), (P521, Kind::P521)];
    // It follows the heads of two sequences, of two to four bytes each.
    let starts = || (4..=8).filter_map(|start| key.get(start..));
    let found = |(id, _): &(&[u8], Kind)| starts().any(|rest| rest.starts_with(id));
    kinds.into_iter().find(found).map(|(_, kind)| kind)
}

/// What jwt-claims asks for, no more. Keys of RSA that are too short are refused where they are read.
fn algorithm(kind: Kind, hash: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (kind, hash) {
        (Kind::Rsa, "sha256") => &lc::RSA_PKCS1_2048_8192_SHA256,
        (Kind::Rsa, "sha384") => &lc::RSA_PKCS1_2048_8192_SHA384,
        (Kind::Rsa, "sha512") => &lc::RSA_PKCS1_2048_8192_SHA512,
        (Kind::P256, "sha256") => &lc::ECDSA_P256_SHA256_ASN1,
        (Kind::P384, "sha384") => &lc::ECDSA_P384_SHA384_ASN1,
        (Kind::P521, "sha512") => &lc::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, RsaKeyPair};

    fn good_and_bad(hash: &str, key: &[u8], signature: &[u8]) {
        let verdict = |hash, message: &[u8], signature| verify(&Signature { hash, key, signature, message });
        assert_eq!(verdict(hash, b"signed", signature), Some(true), "{hash}");
        assert_eq!(verdict(hash, b"other", signature), Some(false), "{hash}");
        assert_eq!(verdict(hash, b"signed", &signature[1..]), Some(false), "{hash}");
        assert_eq!(verdict("sha1", b"signed", signature), None);
    }

    #[test]
    fn curves() {
        let all: [(&str, &EcdsaSigningAlgorithm); 3] = [
            ("sha256", &lc::ECDSA_P256_SHA256_ASN1_SIGNING),
            ("sha384", &lc::ECDSA_P384_SHA384_ASN1_SIGNING),
            ("sha512", &lc::ECDSA_P521_SHA512_ASN1_SIGNING),
        ];
        for (hash, algorithm) in all {
            let pair = EcdsaKeyPair::generate(algorithm).unwrap();
            let key: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
            let signature = pair.sign(&SystemRandom::new(), b"signed").unwrap();
            good_and_bad(hash, key.as_ref(), signature.as_ref());
        }
    }

    #[test]
    fn rsa() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let key: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        for (hash, padding) in [
            ("sha256", &lc::RSA_PKCS1_SHA256),
            ("sha384", &lc::RSA_PKCS1_SHA384),
            ("sha512", &lc::RSA_PKCS1_SHA512),
        ] {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &SystemRandom::new(), b"signed", &mut signature).unwrap();
            good_and_bad(hash, key.as_ref(), &signature);
        }
    }

    #[test]
    fn what_is_no_key_is_not_judged() {
        for key in [&b""[..], b"\x30\x03\x30\x01\x06", &[0x30; 64]] {
            assert_eq!(verify(&Signature { hash: "sha256", key, signature: b"", message: b"" }), None);
        }
    }
}
