//! Host functions for filters during the decision about a request.

use weir_core::HostServices;
use weir_core::ids::CelId;
use weir_core::request::Signature;
use weir_host::Host;

/// Host functions for a request, with the names that the plan uses.
pub(crate) struct Asked<'p, H> {
    pub(crate) host: &'p H,
    /// Tokens of the CEL expressions, in the order of the shape.
    pub(crate) cel: &'p [u32],
}

impl<H: Host> HostServices for Asked<'_, H> {
    fn property(&self, path: &[u8]) -> Option<Box<[u8]>> {
        self.host.property(path).map(|bytes| Box::from(&*bytes))
    }

    fn cel(&self, id: CelId) -> Option<bool> {
        self.host.evaluate_cel(*self.cel.get(id.index())?)
    }

    fn random(&self) -> u64 {
        self.host.random()
    }

    fn now(&self) -> u64 {
        self.host.now()
    }

    fn verify_signature(&self, signature: &Signature<'_>) -> Option<bool> {
        self.host.verify_signature(signature)
    }
}
