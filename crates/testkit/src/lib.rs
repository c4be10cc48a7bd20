//! What the tests of filters share: the capabilities of a host ([`weir_host_api`]), set by hand, which note what they
//! are asked. [`Services`] is there while filters decide, [`MetricStore`] counts, [`Response`] is the end of a request.
//!
//! ```
//! use weir_host_api::Properties;
//! use weir_testkit::Services;
//!
//! let host = Services::default();
//! host.set_property("xds.cluster_name", b"v2");
//! assert_eq!(host.property(b"xds\0cluster_name").as_deref(), Some(&b"v2"[..]));
//! assert_eq!(host.asked(), ["xds.cluster_name"]);
//! ```

#![forbid(unsafe_code)]

mod chance;
mod metrics;
pub mod regexes;
mod response;

pub use chance::Chance;
pub use metrics::MetricStore;
pub use response::Response;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use weir_host_api::{Cel, Clock, Properties, Random, Signature, Signatures};

/// The services of a host. By default there are no properties, the clock is at 0, random numbers differ from call
/// to call and are the same in each test, and neither expressions nor signatures can be judged.
///
/// ```
/// use weir_host_api::{Cel as _, Clock as _, Properties as _, Random as _, Signature, Signatures as _};
/// use weir_testkit::Services;
///
/// let host = Services::with(&[("source.address", b"192.0.2.7:50000")]);
/// host.now.set(1_800_000_000_000_000_000);
/// host.random.set(Some(7));
/// host.cel.set(Some(true));
/// host.signature.set(Some(false));
///
/// let signature = Signature { hash: "sha256", key: b"", signature: b"", message: b"" };
/// assert_eq!((host.now(), host.random()), (1_800_000_000_000_000_000, 7));
/// assert_eq!((host.evaluate_cel(0), host.verify_signature(&signature)), (Some(true), Some(false)));
/// assert!(host.property(b"source\0address").is_some() && host.property(b"source\0port").is_none());
/// assert_eq!(host.asked(), ["now", "random", "cel", "verify sha256", "source.address", "source.port"]);
/// ```
#[derive(Debug, Default)]
pub struct Services {
    /// Nanoseconds since the Unix epoch.
    pub now: Cell<u64>,
    /// The random number of all calls; `None`: another one for each call.
    pub random: Cell<Option<u64>>,
    /// The verdict of all CEL expressions; `None`: they cannot be evaluated.
    pub cel: Cell<Option<bool>>,
    /// The verdict on all signatures; `None`: the host cannot tell.
    pub signature: Cell<Option<bool>>,
    /// The properties, by their paths with dots.
    properties: RefCell<BTreeMap<String, Vec<u8>>>,
    /// What was asked, in order.
    asked: RefCell<Vec<String>>,
    /// How many random numbers were drawn.
    drawn: Cell<u64>,
}

impl Services {
    /// Services whose clock is at this time, in nanoseconds since the Unix epoch.
    pub fn at(now: u64) -> Self {
        Self { now: Cell::new(now), ..Self::default() }
    }

    /// Services with these properties, by their paths with dots.
    pub fn with(properties: &[(&str, &[u8])]) -> Self {
        let services = Self::default();
        properties.iter().for_each(|(path, value)| services.set_property(path, value));
        services
    }

    /// Gives a property, by its path with dots, a value.
    pub fn set_property(&self, path: &str, value: &[u8]) {
        self.properties.borrow_mut().insert(path.to_owned(), value.to_vec());
    }

    /// What was asked since the last time, in order: the paths of properties, `cel`, `now`, `random`, and `verify`
    /// with the name of a hash.
    pub fn asked(&self) -> Vec<String> {
        self.asked.take()
    }

    fn note(&self, question: impl Into<String>) {
        self.asked.borrow_mut().push(question.into());
    }
}

impl Properties for Services {
    type Bytes = Vec<u8>;

    fn property(&self, path: &[u8]) -> Option<Vec<u8>> {
        let path = String::from_utf8_lossy(path).replace('\0', ".");
        self.note(&*path);
        self.properties.borrow().get(&path).cloned()
    }
}

impl Cel for Services {
    fn evaluate_cel(&self, _: u32) -> Option<bool> {
        self.note("cel");
        self.cel.get()
    }
}

impl Random for Services {
    fn random(&self) -> u64 {
        self.note("random");
        self.random.get().unwrap_or_else(|| {
            self.drawn.set(self.drawn.get() + 1);
            // Knuth's multiplier spreads the counter over all bits.
            self.drawn.get().wrapping_mul(0x9e37_79b9_7f4a_7c15)
        })
    }
}

impl Clock for Services {
    fn now(&self) -> u64 {
        self.note("now");
        self.now.get()
    }
}

impl Signatures for Services {
    fn verify_signature(&self, signature: &Signature<'_>) -> Option<bool> {
        self.note(format!("verify {}", signature.hash));
        self.signature.get()
    }
}
