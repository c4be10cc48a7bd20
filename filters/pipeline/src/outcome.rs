//! The resulting request, for callers without a proxy that applies the effects.

use crate::{Plans, Trace};
use weir_core::effect::HeaderValue;
use weir_core::header::is_safe_value;
use weir_core::{Disposition, Effects, HostServices, Request, Scratch};

/// What becomes of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The headers that belong to the configuration.
    pub owned: Vec<OwnedHeader>,
    /// The names of further headers that are removed, because clients must not send them.
    pub removed: Vec<Vec<u8>>,
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
    pub disposition: Disposition,
}

/// A header that belongs to the configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OwnedHeader {
    /// Its name.
    pub name: String,
    /// What the upstream gets; `None`: not even if the client sent it.
    pub value: Option<Vec<u8>>,
    /// Whether the lines that were sent stay as they are.
    pub as_sent: bool,
}

/// A header line of a request: name and value.
pub type SentHeader = (Vec<u8>, Vec<u8>);

impl Plans {
    /// Decides one request without a proxy, in the same order and by the same code. `raw` are its headers as
    /// [`weir_core::header::encode_pairs`] writes them.
    pub fn outcome<O: HostServices, T: Trace>(&self, raw: &[u8], services: &O, trace: &mut T) -> Outcome {
        let access_plan = &self.access_plan;
        let (mut scratch, mut effects) = (Scratch::default(), Effects::default());
        scratch.read(access_plan, raw);
        let request = Request::new(access_plan, raw, &scratch, services);
        effects.reset(access_plan);
        self.decide_traced(&request, &mut effects, trace);
        let text = |given: HeaderValue| effects.bytes(given, access_plan).map(<[u8]>::to_vec);
        let owned = (0_u16..).zip(&access_plan.owned).zip(&effects.headers).map(|((index, owned), given)| {
            let written = text(*given);
            // An earlier plugin may have written it, where names are shared.
            let stays = || *given == HeaderValue::AsSent || request.is_written_before(owned.name.as_bytes());
            let as_sent = written.is_none() && stays();
            let sent = || request.sent(weir_core::OwnedHeader::at(index)).map(<[u8]>::to_vec);
            OwnedHeader { name: owned.name.clone(), value: if as_sent { sent() } else { written }, as_sent }
        });
        let removed = request.reserved().filter(|name| !effects.trusted && !request.is_written_before(name));
        // As the host does it: a text that could begin another line of a log is not kept.
        // Here no response redirects the client to https.
        let later = effects.provisional.as_ref();
        let states = effects.states.iter().chain(later.iter().flat_map(|later| &later.states));
        let states = states.filter_map(|(state, given)| {
            let value = text(*given).filter(|value| is_safe_value(value))?;
            Some((access_plan.states.get(state.index())?.clone(), value))
        });
        let response = effects.response.iter().map(|header| (header.name.to_string(), header.value.to_vec()));
        let counts = effects.counts.iter().chain(later.iter().flat_map(|later| &later.counts));
        let counts = counts.filter_map(|counter| access_plan.counters.get(counter.index()).cloned());
        Outcome {
            owned: owned.collect(),
            removed: removed.map(<[u8]>::to_vec).collect(),
            path: text(effects.path),
            authority: text(effects.authority),
            states: states.collect(),
            response: response.collect(),
            counts: counts.collect(),
            disposition: std::mem::take(&mut effects.disposition),
        }
    }
}

impl Outcome {
    /// The headers that the upstream gets, of those that were sent.
    pub fn upstream(&self, sent: &[SentHeader]) -> Vec<SentHeader> {
        let is = |name: &[u8], other: &[u8]| name.eq_ignore_ascii_case(other);
        let goes = |name: &[u8]| {
            self.owned.iter().any(|owned| !owned.as_sent && is(name, owned.name.as_bytes()))
                || self.removed.iter().any(|removed| is(name, removed))
        };
        let mut headers: Vec<SentHeader> = sent.iter().filter(|(name, _)| !goes(name)).cloned().collect();
        for (line, value) in [(&b":path"[..], &self.path), (b":authority", &self.authority)] {
            let Some(value) = value else { continue };
            for header in headers.iter_mut().filter(|(name, _)| is(name, line)) {
                header.1.clone_from(value);
            }
        }
        for owned in self.owned.iter().filter(|owned| !owned.as_sent) {
            // Several lines of one header stand below each other.
            let lines = owned.value.iter().flat_map(|value| value.split(|b| *b == b'\n'));
            headers.extend(lines.map(|line| (owned.name.clone().into_bytes(), line.to_vec())));
        }
        headers
    }
}
