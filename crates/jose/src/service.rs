//! Signatures that the host verifies.

/// The host's `verify_signature`: native code, 15 times faster than ours.
///
/// It takes RSA PKCS#1 v1.5 and ECDSA on P-256, P-384 and P-521. Nothing else is ever asked of it.
pub trait SignatureService {
    /// Whether `signature` is that of `message` under the key. `None`: the host has no such service.
    ///
    /// `hash` is `sha256`, `sha384` or `sha512`; `spki_der` a `SubjectPublicKeyInfo`. An ECDSA
    /// signature comes as the DER sequence of r and s.
    fn verify(&self, hash: &str, spki_der: &[u8], signature: &[u8], message: &[u8]) -> Option<bool>;
}

/// A host without the service: everything is verified by this crate's own code.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoService;

impl SignatureService for NoService {
    fn verify(&self, _: &str, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
        None
    }
}
