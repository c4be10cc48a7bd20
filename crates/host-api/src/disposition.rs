//! What happens to a request next: it proceeds, waits, or is answered by the proxy.

/// What becomes of a request once all its effects are applied.
///
/// ```
/// use weir_host_api::{Delay, Disposition, Hold, Reply};
///
/// // 403 after 20 ms, so that those who guess are slow.
/// let mut reply = Reply::new(403, "wrong_code");
/// reply.headers.push(("retry-after".into(), b"1"[..].into()));
/// let delay = Delay { nanoseconds: 20_000_000, mark: 0, then: Some(Box::new(reply)) };
/// let mut late = Disposition::Delay(Box::new(delay));
/// assert_eq!(late.reply_mut().map(|reply| reply.status), Some(403), "the answer that is given later");
///
/// let mut held = Disposition::Hold(Hold { mark: 7, crowded: false });
/// assert_eq!(held.reply_mut(), None);
/// assert_eq!(Disposition::default(), Disposition::On);
/// ```
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// It goes on to the upstream.
    #[default]
    On,
    /// Nothing is decided: the request is held, nothing of it is changed, and it is decided again when the
    /// filter that holds it knows more.
    Hold(Hold),
    /// The proxy answers.
    Reply(Box<Reply>),
    /// It is held for a time.
    Delay(Box<Delay>),
}

impl Disposition {
    /// The answer that the proxy gives, at once or after a delay.
    pub fn reply_mut(&mut self) -> Option<&mut Reply> {
        match self {
            Self::Reply(reply) => Some(reply),
            Self::Delay(delay) => delay.then.as_deref_mut(),
            Self::On | Self::Hold(_) => None,
        }
    }
}

/// How a request is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// What its filter will know it by when it does not wait any longer.
    pub mark: u16,
    /// There is no room for it: if nobody has gone of those that wait, it is decided again at once, as
    /// one that was held.
    pub crowded: bool,
}

/// An answer of the proxy itself, in the place of an upstream's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status, 200 to 599.
    pub status: u16,
    /// The gRPC status, 0 to 16, for clients of gRPC, gRPC-Web and Connect. Without one,
    /// Envoy sends gRPC clients the one that goes with `status`.
    pub grpc_status: Option<u8>,
    /// What access logs show as `%RESPONSE_CODE_DETAILS%`: a short word without spaces.
    pub details: Box<str>,
    /// Headers beside those that the proxy sets. The values must be safe, see
    /// `weir_core::header::is_safe_value`.
    pub headers: Vec<(Box<str>, Box<[u8]>)>,
    /// The body; with a gRPC status it is the message.
    pub body: Box<[u8]>,
}

impl Reply {
    /// An answer without headers or body.
    pub fn new(status: u16, details: &str) -> Self {
        Self { status, grpc_status: None, details: details.into(), headers: Vec::new(), body: Box::default() }
    }
}

/// A time for which a request is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delay {
    /// How long, in nanoseconds.
    pub nanoseconds: u64,
    /// What its filter will know it by when it is over.
    pub mark: u16,
    /// The answer that then comes; without one the request goes on.
    pub then: Option<Box<Reply>>,
}
