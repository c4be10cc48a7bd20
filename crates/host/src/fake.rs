//! A host for tests: answers with prepared values, and records the calls.

use crate::header::encode_pairs;
use crate::{
    Callbacks, Callout, Cel, Clock, Edit, HeaderMap, Headers, Host, Log, MetricId, MetricKind, Metrics,
    Properties, Random, Reply, Signature, Signatures,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// A host that answers from memory.
///
/// ```
/// use weir_host::{Call, Clock as _, Edit, FakeHost, HeaderMap, Headers as _, Host as _, Properties as _};
///
/// let mut proxy = FakeHost::with_request(&[(":path", b"/cart"), ("x-user", b"ada")]);
/// proxy.properties.insert(b"source\0address".to_vec(), b"192.0.2.7:50000".to_vec());
/// proxy.now.set(1_800_000_000_000_000_000);
///
/// assert_eq!(proxy.now(), 1_800_000_000_000_000_000);
/// assert_eq!(proxy.property(b"source\0address").as_deref(), Some(&b"192.0.2.7:50000"[..]));
/// proxy.edit(HeaderMap::Request, b"x-user", Edit::Remove);
/// assert_eq!(proxy.header(HeaderMap::Request, b"x-user"), None);
/// assert_eq!(proxy.take_calls(), [Call::Property("source\0address".into()), Call::Remove("x-user".into())]);
/// ```
#[derive(Default)]
pub struct FakeHost {
    /// The request headers, in order.
    pub request: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
    /// The request trailers, in order.
    pub request_trailers: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
    /// Properties by path, segments with zero bytes between them.
    pub properties: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Verdicts of CEL expressions by their text; others are refused.
    pub cel: BTreeMap<String, bool>,
    /// The time, in nanoseconds since the Unix epoch.
    pub now: Cell<u64>,
    /// The steady clock, in nanoseconds.
    pub steady: Cell<u64>,
    /// The host's result for every signature.
    pub signatures: Option<bool>,
    /// The answer to a callout: status and body.
    pub callout_answer: RefCell<Option<(String, Vec<u8>)>>,
    /// The period of the timer, in milliseconds; 0 when it is stopped.
    pub timer: Cell<u32>,
    /// The body of the response, as far as it is there.
    pub body: RefCell<Vec<u8>>,
    /// Filter state by name.
    pub states: RefCell<BTreeMap<String, Vec<u8>>>,
    /// The next random bits; each call adds one.
    pub random: Cell<u64>,
    /// The recorded calls, in order.
    pub calls: RefCell<Vec<Call>>,
    /// Lines that were logged.
    pub lines: RefCell<Vec<String>>,
    /// Metrics by name: counts, levels of gauges, sums of histograms.
    pub counters: RefCell<Vec<(String, i64)>>,
    /// Contexts that are gone.
    pub gone: RefCell<Vec<u32>>,
    /// What the module was trimmed of.
    pub trimmed: Callbacks,
    response: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
}

/// One call of a plugin to its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// All request headers were read.
    RequestPairs,
    /// A header was added.
    Add(String, Vec<u8>),
    /// A header was replaced.
    Replace(String, Vec<u8>),
    /// A header was removed.
    Remove(String),
    /// A property was read.
    Property(String),
    /// It was asked whether a root is there.
    IsAlive(u32),
    /// Filter state was set.
    State(String, Vec<u8>),
    /// An expression was evaluated.
    Cel(u32),
    /// A callout was made, to this cluster and path.
    CallOut(String, String),
    /// The request was answered, with this status and body.
    Reply(u16, Vec<u8>),
    /// The request went on.
    ResumeRequest,
    /// The response went on.
    ResumeResponse,
    /// Another context was chosen.
    ActFor(u32),
}

impl FakeHost {
    /// A host whose request has these headers.
    pub fn with_request(headers: &[(&str, &[u8])]) -> Self {
        let host = Self::default();
        *host.request.borrow_mut() =
            headers.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.to_vec())).collect();
        host
    }

    /// The response headers that were written since the last call.
    pub fn take_response_headers(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.response.take()
    }

    /// The calls since the last call of this.
    pub fn take_calls(&self) -> Vec<Call> {
        self.calls.take()
    }

    fn note(&self, call: Call) {
        self.calls.borrow_mut().push(call);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Properties for FakeHost {
    type Bytes = Vec<u8>;

    fn property(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.note(Call::Property(text(path)));
        self.properties.get(path).cloned()
    }
}

impl Headers for FakeHost {
    fn header(&self, map: HeaderMap, name: &[u8]) -> Option<Vec<u8>> {
        let headers = match map {
            HeaderMap::Request => &self.request,
            HeaderMap::RequestTrailers => &self.request_trailers,
            HeaderMap::Response | HeaderMap::ResponseTrailers => &self.response,
        };
        headers.borrow().iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())
    }
}

impl Clock for FakeHost {
    fn now(&self) -> u64 {
        self.now.get()
    }
}

impl Random for FakeHost {
    fn random(&self) -> u64 {
        self.random.replace(self.random.get().wrapping_add(1))
    }
}

impl Cel for FakeHost {
    fn evaluate_cel(&self, token: u32) -> Option<bool> {
        self.note(Call::Cel(token));
        self.cel.values().nth(token as usize).copied()
    }
}

impl Signatures for FakeHost {
    fn verify_signature(&self, _: &Signature<'_>) -> Option<bool> {
        self.signatures
    }
}

impl Metrics for FakeHost {
    fn define_metric(&self, _: MetricKind, name: &str) -> Option<MetricId> {
        let mut counters = self.counters.borrow_mut();
        let index = counters.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            counters.push((name.to_owned(), 0));
            counters.len() - 1
        });
        u32::try_from(index).ok().map(MetricId)
    }

    fn increment(&self, metric: MetricId, by: i64) {
        if let Some((_, value)) = self.counters.borrow_mut().get_mut(metric.0 as usize) {
            *value += by;
        }
    }

    fn record(&self, metric: MetricId, value: u64) {
        self.increment(metric, i64::try_from(value).unwrap_or(i64::MAX));
    }
}

impl Log for FakeHost {
    fn log(&self, _: log::Level, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }
}

impl Host for FakeHost {
    fn callbacks(&self) -> Callbacks {
        Callbacks::ALL.without(self.trimmed)
    }

    fn request_pairs(&self) -> Vec<u8> {
        self.note(Call::RequestPairs);
        encode_pairs(&self.request.borrow())
    }

    fn request_trailers(&self) -> Vec<u8> {
        encode_pairs(&self.request_trailers.borrow())
    }

    fn edit(&self, map: HeaderMap, name: &[u8], edit: Edit<'_>) {
        let mut headers = match map {
            HeaderMap::Request => self.request.borrow_mut(),
            HeaderMap::RequestTrailers => self.request_trailers.borrow_mut(),
            HeaderMap::Response | HeaderMap::ResponseTrailers => self.response.borrow_mut(),
        };
        if !matches!(edit, Edit::Add(_)) {
            headers.retain(|(n, _)| n != name);
        }
        let call = match edit {
            Edit::Add(value) => Call::Add(text(name), value.to_vec()),
            Edit::Replace(value) => Call::Replace(text(name), value.to_vec()),
            Edit::Remove => Call::Remove(text(name)),
        };
        if let Edit::Add(value) | Edit::Replace(value) = edit {
            headers.push((name.to_vec(), value.to_vec()));
        }
        drop(headers);
        self.note(call);
    }

    fn callout_header(&self, _: &[u8]) -> Option<Vec<u8>> {
        self.callout_answer.borrow().as_ref().map(|(status, _)| status.clone().into_bytes())
    }

    fn callout_body(&self, most: usize) -> Vec<u8> {
        let body = self.callout_answer.borrow().as_ref().map(|(_, body)| body.clone()).unwrap_or_default();
        body.into_iter().take(most).collect()
    }

    fn call_out(&self, callout: &Callout<'_>) -> Option<u32> {
        self.note(Call::CallOut(callout.cluster.to_owned(), callout.path.to_owned()));
        Some(7)
    }

    fn reply(&self, reply: &Reply) {
        self.note(Call::Reply(reply.status, reply.body.to_vec()));
    }

    fn resume_request(&self) {
        self.note(Call::ResumeRequest);
    }

    fn resume_response(&self) {
        self.note(Call::ResumeResponse);
    }

    fn body(&self, most: usize) -> Vec<u8> {
        self.body.borrow().iter().copied().take(most).collect()
    }

    fn replace_body(&self, size: usize, with: &[u8]) {
        let mut body = self.body.borrow_mut();
        // As Envoy, which says that anything else is a bad argument.
        if size >= body.len() {
            *body = with.to_vec();
        }
    }

    fn act_for(&self, context: u32) -> bool {
        self.note(Call::ActFor(context));
        !self.gone.borrow().contains(&context)
    }

    fn set_timer(&self, milliseconds: u32) {
        self.timer.set(milliseconds);
    }

    fn steady_now(&self) -> u64 {
        self.steady.get()
    }

    fn compile_cel(&self, expression: &str) -> Result<u32, String> {
        let token = self.cel.keys().position(|known| known == expression);
        token.and_then(|i| u32::try_from(i).ok()).ok_or_else(|| "the proxy refused the expression".into())
    }

    fn declare_lasting(&self, _: &[u8]) {}

    fn set_state(&self, name: &[u8], value: &[u8]) {
        self.note(Call::State(text(name), value.to_vec()));
        self.states.borrow_mut().insert(text(name), value.to_vec());
    }

    fn is_alive(&self, context: u32) -> bool {
        self.note(Call::IsAlive(context));
        !self.gone.borrow().contains(&context)
    }
}
