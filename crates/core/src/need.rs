//! What a predicate requires of a request: texts, of which it must have one.
//!
//! [`crate::RuleIndex`] finds rules by them.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::attribute::AttrId;

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

/// Texts of which a request must have one, or a predicate is false for it.
#[derive(Debug, Default)]
pub(crate) struct Need<'p> {
    pub(crate) keys: Vec<Wanted<'p>>,
    /// What the answer without an index costs, in comparisons of a header.
    pub(crate) cost: usize,
}

/// A text that a predicate requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wanted<'p> {
    pub(crate) source: Source,
    pub(crate) start: bool,
    pub(crate) text: &'p [u8],
}

impl<'p> Need<'p> {
    /// That a value is this text, or with `start` only starts with it.
    pub(crate) fn of(source: Source, start: bool, text: &'p [u8], cost: usize) -> Self {
        Self { keys: vec![Wanted { source, start, text }], cost }
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
