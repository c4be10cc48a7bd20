//! The compiled plan of the section.

use crate::active::{Active, Metrics};
use crate::chance::Chance;
use crate::control::Control;
use crate::distribution::Distribution;
use crate::kind::Kind;
use crate::response::{Marks, ResponseFault};
use weir_allocation::{Bucket, Fraction, Salt};
use weir_core::ids::{Counter, Gauge, OwnedHeader, State};
use weir_core::{AttrId, Predicate, Reply, RuleIndex};

/// The filter state in which the reason stands.
pub(crate) const STATE: &str = "fault";

/// A compiled section.
#[derive(Debug)]
pub struct Plan {
    /// The rules that can do something, in order.
    pub(crate) rules: Box<[Rule]>,
    /// An index of the rules, where they are many.
    pub(crate) index: Option<Box<RuleIndex>>,
    pub(crate) chance: Chance,
    pub(crate) marks: Marks,
    /// The filter state with the reason, for access logs.
    pub(crate) state: State,
    /// Counts faults of which a condition could not be judged.
    pub(crate) undecided: Counter,
}

/// One fault.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: Box<str>,
    /// What it does, in the order of [`Kind`]; kinds of 0 % are left out.
    pub(crate) parts: Box<[FaultPart]>,
    /// Whether one draw decides about all kinds.
    pub(crate) one_draw: bool,
    /// Units that are drawn in the place of requests.
    pub(crate) sticky: Option<Box<Sticky>>,
    /// Which requests, as far as the request itself tells.
    pub(crate) when: Predicate,
    /// Which requests, as far as the proxy must be asked. Only asked about requests that were drawn.
    pub(crate) late: Predicate,
    pub(crate) gate: Option<Box<Gate>>,
    pub(crate) control: Option<Box<Control>>,
    pub(crate) active: Active,
    pub(crate) metrics: Metrics,
}

/// One kind of fault of a rule.
#[derive(Debug)]
pub(crate) struct FaultPart {
    /// The first bucket that it hits.
    pub(crate) from: u32,
    /// The first bucket after it that it does not hit.
    pub(crate) until: u32,
    pub(crate) action: FaultAction,
}

/// The effect.
#[derive(Debug)]
pub(crate) enum FaultAction {
    /// A delay, up to `max` nanoseconds.
    Delay {
        time: Distribution,
        max: u64,
    },
    Abort(Box<Reply>),
    /// So many bytes a second.
    Rate(u64),
    Response(Box<ResponseFault>),
}

/// Units that are drawn once and for all.
#[derive(Debug)]
pub(crate) struct Sticky {
    /// What identifies a unit; the first that is there.
    pub(crate) units: Box<[AttrId]>,
    /// One for each kind, by its number; only one where one draw decides about all.
    pub(crate) salts: Box<[Salt]>,
}

/// When a rule is on.
#[derive(Debug)]
pub(crate) struct Gate {
    /// From and until when, in nanoseconds since the Unix epoch.
    pub(crate) window: Option<(u64, u64)>,
    pub(crate) ramp: Option<Ramp>,
    /// A header that switches it off, and whose.
    pub(crate) kill_header: Option<(OwnedHeader, Predicate)>,
    /// Route metadata that switches it off.
    pub(crate) kill_route: Option<AttrId>,
    /// Route metadata that must name the rule.
    pub(crate) route: Option<AttrId>,
}

/// Percentages that change with time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ramp {
    pub(crate) start: u64,
    pub(crate) over: u64,
    pub(crate) from: Fraction,
    pub(crate) to: Fraction,
}

impl Plan {
    /// Must be called once when a delay ends or its client leaves, with its [`weir_core::Delay::mark`].
    pub fn delay_over(&self, mark: u16) {
        if let Some(rule) = self.rules.get(usize::from(mark)) {
            rule.active.end();
        }
    }

    /// The gauge of active delays to which a delay belongs: up by one when it begins, down by one when it is over.
    pub fn gauge(&self, mark: u16) -> Option<Gauge> {
        self.rules.get(usize::from(mark)).map(|rule| rule.metrics.active)
    }

    /// How many delays are active.
    pub fn active(&self) -> u32 {
        self.rules.iter().fold(0, |sum, rule| sum.saturating_add(rule.active.now()))
    }

    /// The changes of a response, by the mark of its request in [`weir_core::Effects::response_mark`].
    pub fn response(&self, mark: u16) -> Option<&ResponseFault> {
        let rule = self.rules.get(usize::from(self.marks.get(mark)?.change?))?;
        match rule.action(Kind::Response)? {
            FaultAction::Response(fault) => Some(fault),
            _ => None,
        }
    }

    /// The bandwidth limit of a response in bytes per second, by the mark of its request in
    /// [`weir_core::Effects::response_mark`].
    pub fn rate(&self, mark: u16) -> Option<u64> {
        self.marks.get(mark)?.rate
    }

    /// Whether any fault changes or slows responses, so that response callbacks are needed at all.
    pub fn touches_responses(&self) -> bool {
        let touches = |rule: &Rule| {
            rule.action(Kind::Rate).is_some()
                || rule.action(Kind::Response).is_some()
                || rule.control.as_ref().is_some_and(|control| control.slows())
        };
        self.rules.iter().any(touches)
    }
}

impl Rule {
    pub(crate) fn part(&self, kind: Kind) -> Option<&FaultPart> {
        self.parts.iter().find(|part| part.action.kind() == kind)
    }

    pub(crate) fn action(&self, kind: Kind) -> Option<&FaultAction> {
        self.part(kind).map(|part| &part.action)
    }
}

impl FaultAction {
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Delay { .. } => Kind::Delay,
            Self::Abort(_) => Kind::Abort,
            Self::Rate(_) => Kind::Rate,
            Self::Response(_) => Kind::Response,
        }
    }
}

impl FaultPart {
    /// Whether it hits a bucket, or whether it could at a better time: see [`FaultPart::hits_now`].
    #[inline]
    pub(crate) fn hits(&self, bucket: Bucket) -> bool {
        (self.from..self.until).contains(&bucket.index())
    }

    /// Whether it hits a bucket when only a part of its percentage is in force.
    pub(crate) fn hits_now(&self, bucket: Bucket, scale: Fraction) -> bool {
        let whole = Fraction::from_millionths(self.until.saturating_sub(self.from)).unwrap_or_default();
        let index = bucket.index();
        index >= self.from && index - self.from < scale.of(whole).millionths()
    }
}

impl Ramp {
    /// The part of the percentages that is in force.
    pub(crate) fn at(&self, now: u64) -> Fraction {
        let way = now.saturating_sub(self.start).min(self.over) as f64 / self.over as f64;
        let (from, to) = (f64::from(self.from.millionths()), f64::from(self.to.millionths()));
        #[allow(clippy::cast_possible_truncation, reason = "between two shares")]
        let millionths = (from + (to - from) * way).round() as u32;
        Fraction::from_millionths(millionths).unwrap_or(self.to)
    }
}
