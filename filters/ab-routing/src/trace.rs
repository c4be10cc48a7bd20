//! The trace of a routing decision, step by step.

use weir_allocation::Bucket;
use weir_core::Truth;

/// What a split has hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// What the request has.
    Sent(&'a [u8]),
    /// The id of the cookie that this request gets.
    Minted,
    /// Nothing: the bucket was drawn.
    Random,
}

/// One step of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note<'a> {
    /// Whether a rule, by its position, is for the request; of a rule with several matches, one of them.
    Rule {
        /// The rule's position.
        position: usize,
        /// Whether it matches; one that cannot be judged counts as one that does not.
        truth: Truth,
    },
    /// The rule's split has chosen a target.
    Split {
        /// What it was chosen by.
        key: Key<'a>,
        /// The bucket that this was hashed to.
        bucket: Bucket,
        /// The target's position.
        target: usize,
    },
    /// The rule's split has no key: the request goes to the first target.
    First,
}

/// Receives each step. Requests are decided with `()`, which ignores the steps and costs nothing.
pub trait Trace {
    /// Whether it is told of each rule before the one that matches. Otherwise, rules that certainly do not match may
    /// be left out.
    const EACH_RULE: bool = true;

    /// A step was taken.
    fn routing_step(&mut self, note: Note<'_>);
}

impl Trace for () {
    const EACH_RULE: bool = false;

    #[inline(always)]
    fn routing_step(&mut self, _: Note<'_>) {}
}
