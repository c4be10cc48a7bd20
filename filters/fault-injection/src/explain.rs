//! Explains the possible faults of a request without injecting them.

use crate::control::Commands;
use crate::decide::Draws;
use crate::kind::Kind;
use crate::plan::{FaultAction, FaultPart, Plan, Rule};
use weir_allocation::Fraction;
use weir_core::{Disposition, Effects, HostServices, Request, Truth, regex};

/// What one rule has in store for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained<'p> {
    /// The rule's name.
    pub rule: &'p str,
    /// Whether the rule is for this request at all.
    pub verdict: Verdict,
    /// The possible fault. Only the first rule of each kind that hits applies.
    pub faults: Vec<Possible>,
}

/// Whether a rule is for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Meant,
    /// Its targeting does not hold.
    NotMeant,
    /// It is unknown, which is as if it were not.
    Undecided,
    /// It is switched off, or it is not its time.
    Off,
}

/// One fault that may be injected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Possible {
    /// `delay`, `abort`, `rate` or `response`.
    pub kind: &'static str,
    /// The effect: `200ms`, `503`, `64KiB/s`, `changed`.
    pub what: String,
    /// The part of such requests that is hit.
    pub share: Fraction,
    /// Whether this request is hit; `None` where chance decides about each request again.
    pub hit: Option<bool>,
    /// Whether a header of the request asks for it.
    pub asked: bool,
}

impl Plan {
    /// Says of each rule what could happen to a request, and lets nothing happen. Chance is not asked. A request
    /// that an earlier filter answers or holds has no faults.
    pub fn explain<O: HostServices>(
        &self,
        request: &Request<'_, O>,
        effects: &mut Effects,
        each: &mut dyn FnMut(Explained<'_>),
    ) {
        if !matches!(effects.disposition, Disposition::On) {
            return;
        }
        let asked = self.index.as_deref().map(|index| index.find(request));
        for (position, rule) in self.rules.iter().enumerate() {
            let commands = match &rule.control {
                Some(control) if control.is_asked(request) => control.read(request, self.undecided, effects),
                _ => Commands::NONE,
            };
            // A rule that cannot be judged is not counted here, where nothing happens.
            let judge = || {
                let mut uncounted = 0;
                let scale = match &rule.gate {
                    Some(gate) => gate.open(&rule.name, request, &mut uncounted),
                    None => Some(Fraction::ALL),
                };
                (Truth::all([rule.when.judge(request), rule.late.judge(request)]), scale)
            };
            // Rules that requests are not asked about take nothing of their work.
            let judged = match &asked {
                Some(asked) if !asked.contains(position) => regex::aside(judge),
                _ => judge(),
            };
            let (verdict, faults) = match judged {
                (Truth::False, _) => (Verdict::NotMeant, Vec::new()),
                (Truth::Unknown, _) => (Verdict::Undecided, Vec::new()),
                (Truth::True, Some(scale)) => (Verdict::Meant, rule.possible(request, scale, &commands)),
                (Truth::True, None) => (Verdict::Off, Vec::new()),
            };
            each(Explained { rule: &rule.name, verdict, faults });
        }
    }
}

impl Rule {
    fn possible<O: HostServices>(
        &self,
        request: &Request<'_, O>,
        scale: Fraction,
        commands: &Commands,
    ) -> Vec<Possible> {
        let draws = self.sticky.as_ref().map(|sticky| sticky.draw(self, request));
        let own = self.parts.iter().filter(|part| !commands.mentions(part.action.kind()));
        let mut all: Vec<Possible> = own.map(|part| part.possible(draws.as_ref(), scale)).collect();
        for (kind, most) in commands.requested() {
            let share = scale.of(most);
            let hit = match &self.sticky {
                _ if share.is_none() || share == Fraction::ALL => Some(!share.is_none()),
                Some(sticky) => {
                    let bucket = || Some(sticky.salt(kind)?.bucket(sticky.unit(request)?));
                    Some(bucket().is_some_and(|bucket| bucket.index() < share.millionths()))
                }
                None => None,
            };
            all.push(Possible { kind: kind.name(), what: commands.what(kind), share, hit, asked: true });
        }
        all
    }
}

impl FaultPart {
    fn possible(&self, draws: Option<&Draws>, scale: Fraction) -> Possible {
        let whole = Fraction::from_millionths(self.until.saturating_sub(self.from)).unwrap_or_default();
        let (kind, share) = (self.action.kind(), scale.of(whole));
        let hit = match draws {
            Some(draws) => Some(draws.of(kind).is_some_and(|bucket| self.hits_now(bucket, scale))),
            None if share == Fraction::ALL => Some(true),
            None if share.is_none() => Some(false),
            None => None,
        };
        Possible { kind: kind.name(), what: self.action.what(), share, hit, asked: false }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Abort => "abort",
            Self::Rate => "rate",
            Self::Response => "response",
        }
    }
}

impl FaultAction {
    fn what(&self) -> String {
        match self {
            // Bits of no chance: only a fixed time does not ask for them.
            Self::Delay { time: crate::Distribution::Fixed(time), max } => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "out of range it is the nearest that is in it"
                )]
                let time = *time as u64;
                milliseconds(time.min(*max))
            }
            Self::Delay { max: u64::MAX, .. } => "drawn".to_owned(),
            Self::Delay { max, .. } => ["drawn, at most ", &milliseconds(*max)].concat(),
            Self::Abort(reply) => match reply.grpc_status {
                Some(status) => ["grpc-", &status.to_string()].concat(),
                None => reply.status.to_string(),
            },
            Self::Rate(rate) => [&(rate / 1024).to_string(), "KiB/s"].concat(),
            Self::Response(fault) => match fault.status {
                Some(status) => status.to_string(),
                None => "changed".to_owned(),
            },
        }
    }
}

impl Commands {
    fn what(&self, kind: Kind) -> String {
        let text = match kind {
            Kind::Delay => self.delay.map(milliseconds),
            Kind::Abort => self.abort.map(|abort| FaultAction::Abort(Box::new(abort.reply(""))).what()),
            Kind::Rate => self.rate.map(|rate| FaultAction::Rate(rate).what()),
            Kind::Response => None,
        };
        text.unwrap_or_default()
    }
}

fn milliseconds(nanoseconds: u64) -> String {
    let microseconds = nanoseconds / 1000;
    match microseconds % 1000 {
        0 => [&(microseconds / 1000).to_string(), "ms"].concat(),
        rest => format!("{}.{rest:03}ms", microseconds / 1000),
    }
}
