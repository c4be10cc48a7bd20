//! Signatures that a host verifies for a module.

/// A signature for the host to verify.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'s> {
    /// The hash function: `sha256`, `sha384` or `sha512`.
    pub hash: &'s str,
    /// The public key, SubjectPublicKeyInfo in DER (RFC 5280 section 4.1).
    pub key: &'s [u8],
    /// RSASSA-PKCS1-v1_5, or an ECDSA signature in DER.
    pub signature: &'s [u8],
    /// What was signed.
    pub message: &'s [u8],
}
