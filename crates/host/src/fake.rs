//! A host for tests: answers from what it was given, and remembers what it was asked.

use crate::{Edit, HeaderMap, Host, MetricId};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use weir_core::header::encode_pairs;

/// A host that answers from memory.
#[derive(Default)]
pub struct FakeHost {
    /// The request headers, in order.
    pub request: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
    /// Properties by path, segments with zero bytes between them.
    pub properties: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Verdicts of CEL expressions by their text; others are refused.
    pub cel: BTreeMap<String, bool>,
    /// The time, in nanoseconds since the Unix epoch.
    pub now: Cell<u64>,
    /// Filter state by name.
    pub states: RefCell<BTreeMap<String, Vec<u8>>>,
    /// The next random bits; each call adds one.
    pub random: Cell<u64>,
    /// What was asked, in order.
    pub calls: RefCell<Vec<Call>>,
    /// Lines that were logged.
    pub lines: RefCell<Vec<String>>,
    /// Counters by name.
    pub counters: RefCell<Vec<(String, i64)>>,
    /// Root contexts that are gone.
    pub gone: RefCell<Vec<u32>>,
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

impl Host for FakeHost {
    type Bytes = Vec<u8>;

    fn request_pairs(&self) -> Vec<u8> {
        self.note(Call::RequestPairs);
        encode_pairs(&self.request.borrow())
    }

    fn edit(&self, map: HeaderMap, name: &[u8], edit: Edit<'_>) {
        let mut headers = match map {
            HeaderMap::Request => self.request.borrow_mut(),
            HeaderMap::Response => self.response.borrow_mut(),
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

    fn property(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.note(Call::Property(text(path)));
        self.properties.get(path).cloned()
    }

    fn compile_cel(&self, expression: &str) -> Result<u32, String> {
        let token = self.cel.keys().position(|known| known == expression);
        token.and_then(|i| u32::try_from(i).ok()).ok_or_else(|| "the proxy refused the expression".into())
    }

    fn evaluate_cel(&self, token: u32) -> Option<bool> {
        self.note(Call::Cel(token));
        self.cel.values().nth(token as usize).copied()
    }

    fn random(&self) -> u64 {
        self.random.replace(self.random.get().wrapping_add(1))
    }

    fn now(&self) -> u64 {
        self.now.get()
    }

    fn set_state(&self, name: &[u8], value: &[u8]) {
        self.note(Call::State(text(name), value.to_vec()));
        self.states.borrow_mut().insert(text(name), value.to_vec());
    }

    fn define_counter(&self, name: &str) -> Option<MetricId> {
        let mut counters = self.counters.borrow_mut();
        let index = counters.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            counters.push((name.to_owned(), 0));
            counters.len() - 1
        });
        u32::try_from(index).ok().map(MetricId)
    }

    fn increment(&self, counter: MetricId, by: i64) {
        if let Some((_, value)) = self.counters.borrow_mut().get_mut(counter.0 as usize) {
            *value += by;
        }
    }

    fn is_alive(&self, root: u32) -> bool {
        self.note(Call::IsAlive(root));
        !self.gone.borrow().contains(&root)
    }

    fn log(&self, _: log::Level, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }
}
