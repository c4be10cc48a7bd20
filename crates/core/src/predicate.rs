//! The compiled form of every predicate, whichever front end it was written in.

use crate::attribute::AttrId;
use crate::condition::Condition;
use crate::header::equal;
use crate::host;
use crate::http_match::{ClaimTest, Networks, TextTest};
use crate::ids::{CelId, ExperimentId, PlainHeader};
use crate::truth::Truth;
use crate::value::Value;
use crate::view::RequestView;

/// A compiled predicate. Evaluation allocates nothing, but for texts that are lowered or put together.
#[derive(Debug)]
pub enum Predicate {
    /// Always the same answer.
    Const(bool),
    /// All of them hold; true when there are none.
    All(Box<[Predicate]>),
    /// At least one holds; false when there are none.
    Any(Box<[Predicate]>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// The attribute is there and its text passes the test; of a header with several lines, one line.
    Text {
        /// What is tested.
        attribute: AttrId,
        /// How.
        test: TextTest,
        /// Whether an absent attribute is tested as empty text, as Istio's `withoutHeaders` does.
        absent_is_empty: bool,
    },
    /// The host of the request passes the test, compared as routers compare hosts.
    Host {
        /// The attribute that is the host in lower case.
        attribute: AttrId,
        /// How, made for lower case.
        test: TextTest,
        /// Whether an absent host is tested as empty text.
        absent_is_empty: bool,
    },
    /// A header without default is this very text: the short form of [`Predicate::Text`] with such a test.
    Is {
        /// Where it lies.
        place: PlainHeader,
        /// The same as an attribute, for what does not lie there plainly.
        attribute: AttrId,
        /// The text.
        text: Box<[u8]>,
    },
    /// The attribute is this number.
    Number {
        /// What is tested: an attribute of type number.
        attribute: AttrId,
        /// The number.
        equals: f64,
    },
    /// A claim passes a test.
    Claim(Box<ClaimTest>),
    /// The attribute is an IP address in one of the networks.
    Network {
        /// What is tested: an address, with or without a port.
        attribute: AttrId,
        /// The networks.
        networks: Networks,
    },
    /// A text of the request is what a claim is, or, of a claim that is a list, one of its items.
    Among {
        /// The text; a request without it, or with an empty one, does not pass.
        value: AttrId,
        /// The claim.
        among: AttrId,
    },
    /// A GrowthBook condition holds.
    Condition(Box<Condition>),
    /// A CEL expression holds.
    Cel(CelId),
    /// The request is in this variant of an experiment.
    Variant {
        /// The experiment.
        experiment: ExperimentId,
        /// The variant's position.
        variant: u16,
    },
}

impl Predicate {
    /// All of `parts`, without what always holds and without needless nesting.
    pub fn all(mut parts: Vec<Predicate>) -> Predicate {
        parts.retain(|part| !matches!(part, Predicate::Const(true)));
        match (parts.pop(), parts.is_empty()) {
            (None, _) => Predicate::Const(true),
            (Some(only), true) => only,
            (Some(last), false) => {
                parts.push(last);
                Predicate::All(parts.into())
            }
        }
    }

    /// Any of `parts`, without needless nesting.
    pub fn any(mut parts: Vec<Predicate>) -> Predicate {
        match (parts.pop(), parts.is_empty()) {
            (None, _) => Predicate::Const(false),
            (Some(only), true) => only,
            (Some(last), false) => {
                parts.push(last);
                Predicate::Any(parts.into())
            }
        }
    }

    /// Whether it holds for this request, as far as that is known.
    #[inline]
    pub fn judge<F: RequestView>(&self, view: &F) -> Truth {
        // Most rules ask one thing only: whether a header is a certain text. That is a few cache lines of
        // code; everything else is a call away.
        if let Predicate::Is { place, text, .. } = self
            && let Some(found) = view.plain(*place)
        {
            return found.is_some_and(|found| equal(found, text)).into();
        }
        self.judge_otherwise(view)
    }

    #[inline(never)]
    fn judge_otherwise<F: RequestView>(&self, view: &F) -> Truth {
        match self {
            Predicate::Const(verdict) => (*verdict).into(),
            Predicate::All(parts) => Truth::all(parts.iter().map(|p| p.judge(view))),
            Predicate::Any(parts) => Truth::any(parts.iter().map(|p| p.judge(view))),
            Predicate::Not(part) => !part.judge(view),
            Predicate::Text { attribute, test, absent_is_empty } => {
                match view.any_line(*attribute, |line| test.judge(line)) {
                    Some(truth) => truth,
                    None if *absent_is_empty => test.judge(b""),
                    None => Truth::False,
                }
            }
            Predicate::Host { attribute, test, absent_is_empty } => match view.text(*attribute) {
                Some(text) => host::judge(text, |text| test.judge(text)),
                None if *absent_is_empty => test.judge(b""),
                None => Truth::False,
            },
            Predicate::Is { attribute, text, .. } => {
                view.any_line(*attribute, |line| equal(line, text).into()).unwrap_or(Truth::False)
            }
            Predicate::Number { attribute, equals } => match view.value(*attribute) {
                Value::Unreadable => Truth::Unknown,
                value => (value == Value::Number(*equals)).into(),
            },
            Predicate::Claim(claim) => claim.judge(view),
            Predicate::Network { attribute, networks } => {
                // There is a client always; what is missing is that the proxy says who.
                view.text(*attribute).map_or(Truth::Unknown, |text| networks.contain(text))
            }
            Predicate::Among { value, among } => match view.text(*value) {
                Some(text) if !text.is_empty() => view.value(*among).has(text),
                _ => Truth::False,
            },
            Predicate::Condition(condition) => condition.judge(view),
            Predicate::Cel(id) => view.cel(*id),
            Predicate::Variant { experiment, variant } => {
                (view.variant(*experiment) == Some(*variant)).into()
            }
        }
    }
}
