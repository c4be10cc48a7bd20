//! Signatures that no host verifies.

use weir_host_api::Signatures;

/// A host without the service: everything is verified by this crate's own code.
///
/// ```
/// use weir_jose::{NoService, Signature, Signatures};
///
/// let signature = Signature { hash: "sha256", key: b"", signature: b"", message: b"" };
/// assert_eq!(NoService.verify_signature(&signature), None, "it cannot tell");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoService;

impl Signatures for NoService {}
