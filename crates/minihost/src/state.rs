//! What the host keeps while a module runs: contexts, phases, clock, services.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::headers::{Bytes, HeaderMap};
use super::metrics::Metrics;
use super::report::{CallStats, LogLevel, LogLine};
use super::status::Status;

/// A host's answer to a foreign function: `None` when it does not know the function's name.
pub type ForeignFunction = Box<dyn FnMut(&str, &[u8]) -> Option<Result<Bytes, Status>>>;

/// A response, of an upstream, of a callout or made by the module.
///
/// ```
/// use weir_minihost::Response;
///
/// let response = Response::status(404).header("content-type", "text/plain").body("no such page");
/// assert_eq!((response.code(), response.body.len()), (404, 12));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Headers with `:status`.
    pub headers: HeaderMap,
    /// The body; it arrives in one piece.
    pub body: Bytes,
    /// Trailers.
    pub trailers: HeaderMap,
}

impl Response {
    /// A response with a status and nothing else.
    pub fn status(status: u16) -> Self {
        Self { headers: HeaderMap::from_iter([(":status", status.to_string())]), ..Self::default() }
    }

    /// The same response with one header more.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.add(name, value);
        self
    }

    /// The same response with this body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// The number in `:status`; 0 when it is missing or no number.
    pub fn code(&self) -> u16 {
        let status = self.headers.first(b":status").unwrap_or_default();
        std::str::from_utf8(status).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// An HTTP callout that the module started and nobody has answered yet.
#[derive(Clone, Debug)]
pub struct Callout {
    /// The token that the module got.
    pub token: u32,
    /// The root context that owns it (callbacks go there, as in Envoy).
    pub root: u32,
    /// The cluster to call.
    pub cluster: String,
    /// Request headers with `:method`, `:path`, `:authority`.
    pub headers: HeaderMap,
    /// Request body.
    pub body: Bytes,
    /// How long the module is ready to wait.
    pub timeout: Duration,
}

/// What a root context (one plugin configuration) owns.
#[derive(Debug, Default)]
pub(crate) struct Root {
    pub name: String,
    pub configuration: Bytes,
    /// Whether `proxy_on_configure` is running: only then is the configuration buffer there.
    pub configuring: bool,
    pub tick: Option<Tick>,
    pub callout_response: Option<Response>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    pub period: u64,
    pub due: u64,
}

/// One direction of a stream.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Whether the module may touch the headers now: from the headers callback until it lets go.
    pub headers_open: bool,
    pub body_open: bool,
    pub trailers: HeaderMap,
    pub trailers_open: bool,
    /// Whether the module stopped iteration here and has not resumed.
    pub paused: bool,
}

/// What a stream context owns.
#[derive(Debug, Default)]
pub(crate) struct StreamState {
    pub root: u32,
    pub request: Message,
    pub response: Message,
    /// The access log phase: both header maps are readable, none is writable.
    pub logging: bool,
    pub local_reply: Option<Response>,
    /// Whether the module answered itself: only the first answer counts.
    pub replied: bool,
    /// `response.code_details`: why there is this response.
    pub code_details: Bytes,
    /// The stream was reset by the module (`proxy_close_stream`).
    pub reset: bool,
    pub properties: BTreeMap<Vec<Bytes>, Bytes>,
    /// Time of day when the request came.
    pub started: u64,
    /// The timers' clock then.
    pub started_at: u64,
    pub route_cache_clears: u32,
}

/// Everything after the imports of one VM.
pub(crate) struct HostState {
    pub roots: BTreeMap<u32, Root>,
    pub streams: BTreeMap<u32, StreamState>,
    pub current: u32,
    pub effective: Option<u32>,
    pub next_context: u32,
    pub env: Vec<(String, String)>,
    /// The clock of timers, in nanoseconds. Stands still unless the test moves it.
    pub clock: u64,
    /// What the time of day is ahead of `clock`, modulo 2^64.
    pub skew: u64,
    pub random: u64,
    pub log: Vec<LogLine>,
    pub log_level: LogLevel,
    pub metrics: Metrics,
    pub shared_data: BTreeMap<Bytes, (Bytes, u32)>,
    pub foreign: Option<ForeignFunction>,
    pub verify_signature: bool,
    /// Callouts that the host has not taken up yet.
    pub callouts: VecDeque<Callout>,
    pub clusters: Vec<String>,
    pub next_token: u32,
    pub call: CallStats,
    pub stop_iteration: bool,
}

impl HostState {
    pub(crate) fn new_context(&mut self) -> u32 {
        let id = self.next_context;
        self.next_context += 1;
        id
    }

    /// Nanoseconds since the epoch.
    pub(crate) fn time_of_day(&self) -> u64 {
        self.clock.wrapping_add(self.skew)
    }

    /// The context that calls act on: the effective one if it is still there, else the running one.
    pub(crate) fn context(&self) -> u32 {
        self.effective.filter(|id| self.exists(*id)).unwrap_or(self.current)
    }

    pub(crate) fn exists(&self, id: u32) -> bool {
        self.roots.contains_key(&id) || self.streams.contains_key(&id)
    }

    pub(crate) fn stream(&mut self) -> Option<&mut StreamState> {
        let id = self.context();
        self.streams.get_mut(&id)
    }

    /// The root context of the context that calls act on.
    pub(crate) fn root_id(&self) -> u32 {
        let id = self.context();
        self.streams.get(&id).map_or(id, |stream| stream.root)
    }

    pub(crate) fn root(&mut self) -> Option<&mut Root> {
        let id = self.root_id();
        self.roots.get_mut(&id)
    }

    pub(crate) fn log(&mut self, level: LogLevel, message: &[u8]) {
        self.log.push(LogLine { level, message: String::from_utf8_lossy(message).into_owned() });
    }

    /// The next pseudo-random byte (SplitMix64): the same in every run.
    pub(crate) fn random_byte(&mut self) -> u8 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as u8
    }
}
