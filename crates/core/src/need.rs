//! What a predicate requires of a request: texts and variants, of which it must have one.
//!
//! [`crate::RuleIndex`] finds rules by them.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::attribute::AttrId;
use crate::ids::ExperimentId;

/// A value of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    pub(crate) attribute: AttrId,
    pub(crate) read: Read,
}

/// How a predicate looks at a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Read {
    /// As [`crate::Predicate::Text`]: each line of a header for itself.
    Lines,
    /// As [`crate::Predicate::Host`]: with or without its port.
    Host,
    /// As [`crate::Predicate::Claim`]: a text, or each text of a list.
    Claim,
    /// As a condition.
    Value,
    /// As a condition on a host.
    HostValue,
}

/// Texts and variants of which a request must have one, or a predicate is false for it.
#[derive(Debug, Default)]
pub(crate) struct Need<'p> {
    pub(crate) keys: Vec<Wanted<'p>>,
    /// What the answer without an index costs, in comparisons of a header.
    pub(crate) cost: usize,
}

/// What a predicate requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wanted<'p> {
    /// That a value is this text, or with `start` only starts with it.
    Text { source: Source, start: bool, text: &'p [u8] },
    /// That the request is in this variant.
    Variant { experiment: ExperimentId, variant: u16 },
}

impl<'p> Need<'p> {
    /// That a value is this text, or with `start` only starts with it.
    pub(crate) fn of(source: Source, start: bool, text: &'p [u8], cost: usize) -> Self {
        Self { keys: vec![Wanted::Text { source, start, text }], cost }
    }

    /// That the request is in a variant.
    pub(crate) fn of_variant(experiment: ExperimentId, variant: u16, cost: usize) -> Self {
        Self { keys: vec![Wanted::Variant { experiment, variant }], cost }
    }

    /// One need of several.
    pub(crate) fn any(needs: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Self::default();
        for need in needs {
            any.keys.extend(need.keys);
            any.cost += need.cost;
        }
        any
    }
}

/// The needs of alternatives, of which one must be met: a single need; none if an alternative needs nothing.
pub(crate) fn needs_of_any<'p, T>(
    alternatives: &'p [T],
    needs: &mut Vec<Need<'p>>,
    of: impl Fn(&'p T, &mut Vec<Need<'p>>),
) {
    let mut all = Vec::with_capacity(alternatives.len());
    let mut own = Vec::new();
    for alternative in alternatives {
        own.clear();
        of(alternative, &mut own);
        // Each of its needs is one that it has; the first will do.
        match own.drain(..).next() {
            Some(need) => all.push(need),
            None => return,
        }
    }
    needs.push(Need::any(all));
}
