//! What a configuration's entries are known by: positions in the tables of its [`AccessPlan`].

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

#[cfg(doc)]
use crate::AccessPlan;

/// An expression that the host compiled; counted in the order of [`AccessPlan::cel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CelId(pub(crate) u16);

impl CelId {
    /// The position in [`AccessPlan::cel`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// An experiment of this configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExperimentId(pub(crate) u16);

impl ExperimentId {
    /// The position in [`AccessPlan::experiments`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Where a header lies of which nothing is asked but its bytes: its position in
/// [`AccessPlan::headers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainHeader(pub(crate) u16);

impl PlainHeader {
    /// The position.
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A request header that belongs to this configuration: copies that clients send are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnedHeader(pub(crate) u16);

impl OwnedHeader {
    /// The header at a position in [`AccessPlan::owned`].
    pub fn at(index: u16) -> Self {
        Self(index)
    }

    /// The position in [`AccessPlan::owned`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A counter of this configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter(pub(crate) u16);

impl Counter {
    /// The position in [`AccessPlan::counters`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A gauge of this configuration: it goes up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauge(pub(crate) u16);

impl Gauge {
    /// The position in [`AccessPlan::gauges`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Filter state of this configuration: access logs and filters further on can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State(pub(crate) u16);

impl State {
    /// The position in [`AccessPlan::states`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A text that the configuration holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextId(pub(crate) u16);
