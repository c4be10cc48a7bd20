//! The kinds of faults.

/// The kinds of faults, in the order in which they are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Delay,
    Abort,
    Rate,
    Response,
}
