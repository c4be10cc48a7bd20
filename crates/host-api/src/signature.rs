//! Signatures that a host verifies for a module.

/// A signature for the host to verify.
///
/// ```
/// use weir_host_api::{Signature, Signatures};
///
/// /// A host that only knows SHA-256, and accepts what is signed "ok".
/// struct Host;
///
/// impl Signatures for Host {
///     fn verify_signature(&self, signature: &Signature<'_>) -> Option<bool> {
///         (signature.hash == "sha256").then_some(signature.signature == b"ok")
///     }
/// }
///
/// let signature = Signature { hash: "sha256", key: b"DER", signature: b"ok", message: b"header.claims" };
/// assert_eq!(Host.verify_signature(&signature), Some(true));
/// assert_eq!(Host.verify_signature(&Signature { hash: "sha512", ..signature }), None, "it cannot tell");
/// ```
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
