//! The callbacks that a module can do without.

/// A set of callbacks that a proxy calls for each request, whether or not there is anything to do, and that only some
/// configurations need. The callback for the request's headers is in no set: without it nothing is decided.
///
/// ```
/// use weir_host_api::Callbacks;
///
/// let needed = Callbacks::RESPONSE_HEADERS.with(Callbacks::LOG);
/// assert!(needed.has(Callbacks::LOG) && !needed.has(Callbacks::RESPONSE_BODY));
/// assert_eq!(needed.without(Callbacks::LOG), Callbacks::RESPONSE_HEADERS);
/// assert!(needed.exports().eq(["proxy_on_response_headers", "proxy_on_log"]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Callbacks(u8);

/// What proxies call them.
const EXPORTS: [(Callbacks, &str); 4] = [
    (Callbacks::RESPONSE_HEADERS, "proxy_on_response_headers"),
    (Callbacks::RESPONSE_BODY, "proxy_on_response_body"),
    // Trailers wait for a body that waits.
    (Callbacks::RESPONSE_BODY, "proxy_on_response_trailers"),
    (Callbacks::LOG, "proxy_on_log"),
];

impl Callbacks {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// For the headers of responses: cookies, other response headers, and what waits for a response's status.
    pub const RESPONSE_HEADERS: Self = Self(1);
    /// For the body and the trailers of responses.
    pub const RESPONSE_BODY: Self = Self(2);
    /// For the end of a stream: what is measured of responses.
    pub const LOG: Self = Self(4);
    /// All of them.
    pub const ALL: Self = Self(7);

    /// The bytes before the one that says, in a module, which of them it has. Each module has them once.
    pub const MARKER: [u8; 24] = *b"weir: exported callbacks";

    /// These and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These, but not those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of those are among these.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// As the byte after [`Callbacks::MARKER`].
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        self.0
    }

    /// Of that byte.
    #[must_use]
    pub const fn of_byte(byte: u8) -> Self {
        Self(byte & Self::ALL.0)
    }

    /// The names under which a module exports them.
    pub fn exports(self) -> impl Iterator<Item = &'static str> {
        EXPORTS.into_iter().filter(move |(callback, _)| self.has(*callback)).map(|(_, name)| name)
    }
}
