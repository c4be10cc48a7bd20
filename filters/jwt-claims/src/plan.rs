//! The compiled plan of the section: everything that a request needs, resolved and validated.

use crate::keys::{Remote, Trusted};
use crate::reply::Replies;
use crate::token_sources::TokenSources;
use crate::verified::{HeaderRule, StateRule, Verified};
use std::cell::RefCell;
use std::rc::Rc;
use weir_core::http_match::TextRequirement;
use weir_core::ids::{Counter, Gauge};
use weir_core::{AttrId, OwnedHeader, Predicate, RuleIndex};
use weir_jose::{Algorithm, Cache, Form, Header, NegativeCache, TimeRules};

/// A member of a token's header, and the texts that it may have.
pub(crate) type RequiredMember = (Box<str>, Box<[Box<str>]>);

/// The validated section.
#[derive(Debug)]
pub struct Plan {
    /// Those that were written, then copies of them with other audiences.
    pub(crate) providers: Box<[Provider]>,
    pub(crate) rules: Box<[Rule]>,
    /// An index of the rules, where they are many.
    pub(crate) index: Option<Box<RuleIndex>>,
    /// The servers that answer with keys.
    pub(crate) remotes: Box<[KeyServer]>,
    pub(crate) preflight: Option<Preflight>,
    /// Headers that a token may be taken out of: they stay as they were sent when nothing is.
    pub(crate) guards: Box<[OwnedHeader]>,
    pub(crate) replies: Replies,
    pub(crate) counters: Counters,
    /// How many tokens of each provider are remembered.
    pub(crate) remembered: usize,
    /// Longer tokens are not, in bytes.
    pub(crate) longest_remembered: usize,
    /// Keys that are skipped, for a log.
    pub(crate) warnings: Vec<String>,
}

/// What selected requests need.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: Option<Box<str>>,
    pub(crate) when: Predicate,
    pub(crate) needs: Needs,
    /// The requirement on claims.
    pub(crate) require: Predicate,
}

/// Which tokens are needed.
#[derive(Debug)]
pub(crate) enum Needs {
    /// None.
    Nothing,
    /// One of this provider, by its position in [`Plan::providers`].
    Token(u16),
    /// One of these.
    Any(Box<[Needs]>),
    /// All of these.
    All(Box<[Needs]>),
    /// This, if there is any token.
    Optional(Box<Needs>),
    /// This, if it can be had.
    OptionalOrFailed(Box<Needs>),
}

/// An issuer of tokens.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: Box<str>,
    /// One of them must be the issuer; none at all is not looked at.
    pub(crate) issuers: Box<[Box<str>]>,
    /// One of them must be an audience; none at all is not looked at. Without scheme and slash at the end.
    pub(crate) audiences: Box<[Box<str>]>,
    pub(crate) subject: Option<TextRequirement>,
    /// What members of the header must be: the name, and the texts of which one will do.
    pub(crate) token_header: Box<[RequiredMember]>,
    /// Which tokens are read.
    pub(crate) form: Form,
    pub(crate) keys: Keys,
    /// Those that are named.
    pub(crate) algorithms: Option<Box<[Algorithm]>>,
    pub(crate) times: TimeRules,
    pub(crate) places: TokenSources,
    pub(crate) forward: bool,
    /// The header for the payload, and whether it is padded.
    pub(crate) payload: Option<(OwnedHeader, bool)>,
    pub(crate) headers: Box<[HeaderRule]>,
    pub(crate) states: Box<[StateRule]>,
    /// The requirement on claims.
    pub(crate) require: Predicate,
    /// The cache; `None` before the first token.
    pub(crate) cache: RefCell<Option<Cache<Rc<Verified>>>>,
    /// The cache of invalid tokens; `None` before the first such token.
    pub(crate) denied: RefCell<Option<NegativeCache>>,
    /// The header of the last token whose signature was good.
    pub(crate) header: RefCell<Option<Rc<Header>>>,
}

/// The keys of a provider.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    /// They are in the configuration.
    Fixed(Trusted),
    /// A server answers with them.
    Remote(Rc<Remote>),
}

/// A server with what is counted about it.
#[derive(Debug)]
pub(crate) struct KeyServer {
    pub(crate) provider: Box<str>,
    pub(crate) remote: Rc<Remote>,
    pub(crate) ok: Counter,
    pub(crate) failed: Counter,
    /// When keys came last.
    pub(crate) since: Gauge,
}

/// The attributes of a CORS preflight.
#[derive(Debug)]
pub(crate) struct Preflight {
    pub(crate) method: AttrId,
    pub(crate) origin: AttrId,
    pub(crate) asked: AttrId,
}

/// The counters.
#[derive(Debug)]
pub(crate) struct Counters {
    /// Requests that go on with a token that was remembered.
    pub(crate) hit: Counter,
    /// Requests that go on with a token that was verified now.
    pub(crate) miss: Counter,
    /// Requests that go on without a token.
    pub(crate) without: Counter,
    /// Requests that wait for keys, each time that they do.
    pub(crate) waiting: Counter,
    /// Requests of which a condition could not be judged.
    pub(crate) undecided: Counter,
    /// Headers that were left out.
    pub(crate) unsafe_value: Counter,
    pub(crate) too_long: Counter,
    /// Requests that were refused because their very token was refused before.
    pub(crate) denied_again: Counter,
    /// Requests that were refused, and those that went on because their token was optional, by reason.
    pub(crate) refused: Box<[(&'static str, Counter, Counter)]>,
}

impl Counters {
    /// The counters of a reason: refused, ignored.
    #[cold]
    pub(crate) fn of(&self, reason: &str) -> Option<(Counter, Counter)> {
        let found = self.refused.iter().find(|(known, ..)| *known == reason)?;
        Some((found.1, found.2))
    }
}
