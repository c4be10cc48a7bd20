//! What a request ends up as, for those who have no proxy to apply it.

use crate::{Plans, Trace};
use weir_core::effect::Given;
use weir_core::{Effects, Outside, Request, Scratch, Way};

/// What becomes of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The headers that belong to the configuration: name, and what the upstream gets; `None`: not even if the
    /// client sent it.
    pub owned: Vec<(String, Option<Vec<u8>>)>,
    /// A new path, query included.
    pub path: Option<Vec<u8>>,
    /// A new host.
    pub authority: Option<Vec<u8>>,
    /// Filter state, by name.
    pub states: Vec<(String, Vec<u8>)>,
    /// Headers that responses get.
    pub response: Vec<(String, Vec<u8>)>,
    /// Counters that go up by one, by name.
    pub counts: Vec<String>,
    /// Whether it goes on, waits, or is answered by the proxy.
    pub way: Way,
}

/// A header line of a request: name and value.
pub type SentHeader = (Vec<u8>, Vec<u8>);

impl Plans {
    /// Decides one request without a proxy, in the same order and by the same code. `raw` are its headers as
    /// [`weir_core::header::encode_pairs`] writes them.
    pub fn outcome<O: Outside, T: Trace>(&self, raw: &[u8], outside: &O, trace: &mut T) -> Outcome {
        let shape = &self.shape;
        let (mut scratch, mut effects) = (Scratch::default(), Effects::default());
        scratch.read(shape, raw);
        let request = Request::new(shape, raw, &scratch, outside);
        effects.reset(shape);
        self.decide_traced(&request, &mut effects, trace);
        let text = |given: Given| effects.bytes(given, shape).map(<[u8]>::to_vec);
        let owned = (0_u16..).zip(&shape.owned).zip(&effects.headers).map(|((index, owned), given)| {
            let sent = || request.sent(weir_core::OwnedHeader::at(index)).map(<[u8]>::to_vec);
            (owned.name.clone(), if *given == Given::AsSent { sent() } else { text(*given) })
        });
        let states = effects
            .states
            .iter()
            .filter_map(|(state, given)| Some((shape.states.get(state.index())?.clone(), text(*given)?)));
        let response = effects.response.iter().map(|header| (header.name.to_string(), header.value.to_vec()));
        let counts = effects.counts.iter().filter_map(|counter| shape.counters.get(counter.index()).cloned());
        Outcome {
            owned: owned.collect(),
            path: text(effects.path),
            authority: text(effects.authority),
            states: states.collect(),
            response: response.collect(),
            counts: counts.collect(),
            way: std::mem::take(&mut effects.way),
        }
    }
}

impl Outcome {
    /// The headers that the upstream gets, of those that were sent.
    pub fn upstream(&self, sent: &[SentHeader]) -> Vec<SentHeader> {
        let is = |name: &[u8], other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let ours = |name: &[u8]| self.owned.iter().any(|(owned, _)| is(name, owned));
        let mut headers: Vec<SentHeader> = sent.iter().filter(|(name, _)| !ours(name)).cloned().collect();
        for (line, value) in [(":path", &self.path), (":authority", &self.authority)] {
            let Some(value) = value else { continue };
            for header in headers.iter_mut().filter(|(name, _)| is(name, line)) {
                header.1.clone_from(value);
            }
        }
        for (name, value) in &self.owned {
            // Several lines of one header stand below each other.
            let lines = value.iter().flat_map(|value| value.split(|b| *b == b'\n'));
            headers.extend(lines.map(|line| (name.clone().into_bytes(), line.to_vec())));
        }
        headers
    }
}
