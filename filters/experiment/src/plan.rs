//! The compiled plan of the section: everything that a request needs, resolved and validated.

use crate::config::Status;
use weir_allocation::sdk::Assigner;
use weir_cookie::{Cookie, Signer};
use weir_core::ids::{Counter, ExperimentId, State, TextId};
use weir_core::{AttrId, OwnedHeader, Passes, Predicate, RuleIndex, Steps};

/// The validated section.
#[derive(Debug)]
pub struct Plan {
    /// In the order in which they are decided: prerequisites first.
    pub(crate) experiments: Box<[Experiment]>,
    /// An index of the experiments, where they are many.
    pub(crate) index: Option<Box<Index>>,
    pub(crate) units: Box<[Units]>,
    /// Holdouts and layers.
    pub(crate) pools: Box<[Pool]>,
    /// Further inputs of decisions; most configurations have few.
    pub(crate) consent: Option<Consent>,
    pub(crate) minted: Option<Minted>,
    pub(crate) memory: Option<Memory>,
    pub(crate) overrides: Option<Overrides>,
    pub(crate) trust: Option<Trust>,
    pub(crate) outputs: Outputs,
    /// Whether there was an earlier pass of a request, where something of it would be kept.
    pub(crate) passes: Option<Passes>,
    /// Whether units are those of visits only.
    pub(crate) visits_only: bool,
    /// Whether a request may be in no result though the hash has decided.
    pub(crate) may_not_count: bool,
    /// How the sources of units are called in logs of exposures.
    pub(crate) source_names: Box<[(AttrId, TextId)]>,
    /// The same of the minted cookie.
    pub(crate) minted_name: Option<TextId>,
    /// Whether requests are exposures for access logs, though no cookie remembers them.
    pub(crate) exposes_requests: bool,
    /// Counts requests that lacked a unit where one was needed.
    pub(crate) without_unit: Counter,
    /// Counts requests that the hash has given variants, and of which none counts without consent.
    pub(crate) without_consent: Option<Counter>,
    /// Counts requests of which a condition could not be judged.
    pub(crate) undecided: Counter,
}

/// Which experiments can give a request a variant.
#[derive(Debug)]
pub(crate) struct Index {
    /// By their targeting.
    pub(crate) rules: Box<RuleIndex>,
    /// Whether some of them remember variants, so that it is of no use to a request with a cookie of theirs.
    pub(crate) reads_memory: bool,
    /// The units of those that are in a layer. A request that lacks one of them is counted where it is asked for.
    pub(crate) units: Box<[u16]>,
}

/// One experiment.
#[derive(Debug)]
pub struct Experiment {
    pub(crate) id: ExperimentId,
    pub(crate) key: Box<str>,
    /// The flag that it is a rule of.
    pub(crate) flag: Option<Box<str>>,
    /// The experiments of its flag that are tried before it.
    pub(crate) earlier: Box<[ExperimentId]>,
    /// Its position in the configuration's list.
    pub(crate) index: usize,
    pub(crate) status: Status,
    pub(crate) window: Option<Box<Window>>,
    /// The position of what identifies its units, in [`Plan::units`].
    pub(crate) units: u16,
    pub(crate) holdouts: Box<[u16]>,
    pub(crate) layers: Box<[LayerSlot]>,
    pub(crate) when: Predicate,
    pub(crate) prerequisites: Predicate,
    pub(crate) rule: Rule,
    pub(crate) variants: Box<[Variant]>,
    /// What says that a request is an exposure.
    pub(crate) exposure: Option<Exposure>,
    pub(crate) winner: Option<u16>,
    pub(crate) sticky: bool,
    pub(crate) bucket_version: u32,
    pub(crate) min_bucket_version: u32,
}

/// How units become variants.
#[derive(Debug)]
pub(crate) enum Rule {
    /// By a hash.
    Hash(Assigner),
    /// By a hash whose coverage rises with time.
    Ramp(Box<Ramp>),
    /// There is one variant and no unit: all requests get it.
    Everyone,
}

/// A coverage that rises in steps.
#[derive(Debug)]
pub(crate) struct Ramp {
    pub(crate) steps: Steps,
    /// What assigns before the first step, and after each.
    pub(crate) stages: Box<[Assigner]>,
}

impl Ramp {
    /// What assigns at a time, in nanoseconds since the Unix epoch.
    #[inline]
    pub(crate) fn at(&self, now: u64) -> Option<&Assigner> {
        self.stages.get(usize::try_from(self.steps.taken(now)).ok()?)
    }
}

/// When an experiment runs, in nanoseconds since the Unix epoch.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// What identifies units.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Units {
    /// The first that is there counts.
    pub(crate) sources: Box<[AttrId]>,
    /// Whether the minted cookie is the last source.
    pub(crate) minted: bool,
}

/// A share of units with a hash of its own: a holdout, or a layer with its experiments as variants.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) name: Box<str>,
    pub(crate) assigner: Assigner,
}

/// An experiment's place in a layer.
#[derive(Debug)]
pub(crate) struct LayerSlot {
    pub(crate) pool: u16,
    pub(crate) units: u16,
    /// Which of the layer's experiments it is.
    pub(crate) member: usize,
}

/// A variant.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) key: Box<str>,
    pub(crate) headers: Box<[(OwnedHeader, TextId)]>,
    pub(crate) state: Option<(State, TextId)>,
    /// Counts units, or requests where units is unknown apart.
    pub(crate) counters: Option<Counters>,
    /// `key=variant`.
    pub(crate) pair: Words,
}

/// A short text that is written often. Copied by words of eight bytes, because a proxy's `memory.copy` is a
/// call that costs more than the text.
#[derive(Debug)]
pub(crate) struct Words {
    /// Padded to whole words.
    words: Box<[[u8; 8]]>,
    len: usize,
}

impl Words {
    pub(crate) fn new(text: &str) -> Self {
        let mut words = vec![[0; 8]; text.len().div_ceil(8)];
        for (to, from) in words.as_flattened_mut().iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Self { words: words.into(), len: text.len() }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.words.as_flattened().get(..self.len).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.len;
        for word in &self.words {
            out.extend_from_slice(word);
        }
        out.truncate(end);
    }
}

/// The filter state of an experiment's exposures. Names are below `weir.`, as `wasm.weir.…` in access logs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exposure {
    /// The variant's key.
    pub(crate) variant: State,
    /// The unit.
    pub(crate) unit: State,
    /// Which of the sources has identified it.
    pub(crate) source: State,
    /// Lasts over the passes of a request that the proxy redirects itself, where no cookie does. The others are of one
    /// pass: each pass is logged, and has no exposure but its own.
    pub(crate) marker: Option<State>,
}

impl Exposure {
    /// The name of an experiment's marker.
    pub(crate) fn marker_of(key: &str) -> String {
        ["weir.exposed.", key].concat()
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Counters {
    pub(crate) exposures: Option<Counter>,
    pub(crate) assignments: Counter,
}

/// The source of a visitor's consent.
#[derive(Debug)]
pub(crate) struct Consent {
    pub(crate) source: AttrId,
    pub(crate) equals: Box<[Box<[u8]>]>,
}

/// The cookie that gives an identity.
#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) cookie: Cookie,
    pub(crate) signer: Option<std::rc::Rc<Signer>>,
}

/// The cookie that remembers assignments.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) cookie: Cookie,
    pub(crate) signer: std::rc::Rc<Signer>,
}

/// How testers choose their variants.
#[derive(Debug)]
pub(crate) struct Overrides {
    /// Where the choice is read, first to last.
    pub(crate) sources: Box<[AttrId]>,
    /// The one of them that is a query parameter.
    pub(crate) query: Option<Parameter>,
    /// The cookie in which a link's choice lasts; read after all of them.
    pub(crate) session: Option<Cookie>,
    pub(crate) signer: Option<Signer>,
    pub(crate) allow: Predicate,
    /// The response header that reports what became of a choice.
    pub(crate) response_header: Option<std::rc::Rc<str>>,
    pub(crate) counters: ChoiceCounters,
}

/// A query parameter that does not go on.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) attribute: AttrId,
    pub(crate) name: Box<[u8]>,
}

/// What counts requests whose choice came to nothing.
#[derive(Debug)]
pub(crate) struct ChoiceCounters {
    /// It was not allowed.
    pub(crate) refused: Counter,
    /// Its time was over.
    pub(crate) expired: Counter,
    /// It named what there is not.
    pub(crate) unknown: Counter,
}

/// Peers whose decisions are kept.
#[derive(Debug)]
pub(crate) struct Trust {
    pub(crate) when: Predicate,
    /// All headers of this section.
    pub(crate) headers: Box<[OwnedHeader]>,
}

/// Outputs that all experiments share.
#[derive(Debug)]
pub(crate) struct Outputs {
    /// Whether there is anything at all.
    pub(crate) any: bool,
    pub(crate) combined: Option<OwnedHeader>,
    /// The header that tells peers which variants do not count.
    pub(crate) decided: Option<OwnedHeader>,
    pub(crate) baggage: Option<Baggage>,
    pub(crate) response_header: Option<std::rc::Rc<str>>,
    pub(crate) response_cookie: Option<Cookie>,
    /// For each experiment the header with its variant's key, if it has one.
    pub(crate) headers: Box<[Option<OwnedHeader>]>,
}

/// The header in which services carry on variants.
#[derive(Debug)]
pub(crate) struct Baggage {
    pub(crate) header: OwnedHeader,
    /// Whether variants are written there.
    pub(crate) writes: bool,
    /// Whether all keys of Weir's namespace are ours, and not only those of these experiments.
    pub(crate) owns_namespace: bool,
    /// Counts requests with too little room for all members.
    pub(crate) dropped: Option<Counter>,
}

impl Plan {
    /// The experiments in the order in which they are decided.
    pub fn experiments(&self) -> &[Experiment] {
        &self.experiments
    }

    /// Whether there is an index of the experiments, by which requests are asked about some of them only.
    pub fn has_index(&self) -> bool {
        self.index.is_some()
    }

    /// The experiment of this key.
    pub fn experiment(&self, key: &str) -> Option<&Experiment> {
        self.experiments.iter().find(|experiment| *experiment.key == *key)
    }
}

impl Experiment {
    /// Its id in requests.
    pub fn id(&self) -> ExperimentId {
        self.id
    }

    /// Its key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The flag that it is a rule of.
    pub fn flag(&self) -> Option<&str> {
        self.flag.as_deref()
    }

    /// What its headers, and the other places where its variant is told, name: its flag, or itself.
    pub fn name(&self) -> &str {
        self.flag.as_deref().unwrap_or(&self.key)
    }

    /// Its position in the configuration's list.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The keys of its variants, in order.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().map(|variant| &*variant.key)
    }

    /// Assigns variants to units, including coverage, which is that at the end of a ramp; `None` if there is only one
    /// variant for all requests, without a unit.
    pub fn assigner(&self) -> Option<&Assigner> {
        match &self.rule {
            Rule::Hash(assigner) => Some(assigner),
            Rule::Ramp(ramp) => ramp.stages.last(),
            Rule::Everyone => None,
        }
    }
}
