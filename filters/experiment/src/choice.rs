//! The variants that a tester has chosen.

use crate::link::Unfit;

/// A choice that a request carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<'a> {
    /// The experiments and variants; none unless it is allowed.
    pub(crate) text: &'a [u8],
    /// What is against it.
    pub(crate) unfit: Option<Outcome>,
    pub(crate) source: Source,
    /// Whether a secret has signed it, and not only `allow` lets it through.
    pub(crate) signed: bool,
    /// In seconds since the Unix epoch.
    pub(crate) expiry: Option<u64>,
}

/// Where a choice was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The query parameter: a link.
    Link,
    /// The cookie of a session.
    Session,
    /// The header, or the cookie that testers set themselves.
    Other,
}

/// What became of a choice, as the response reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Applied,
    Inactive,
    Unknown,
    Expired,
    Refused,
    Ended,
}

impl Outcome {
    pub(crate) const fn name(self) -> &'static [u8] {
        match self {
            Self::Applied => b"applied",
            Self::Inactive => b"inactive",
            Self::Unknown => b"unknown",
            Self::Expired => b"expired",
            Self::Refused => b"refused",
            Self::Ended => b"ended",
        }
    }
}

impl From<Unfit> for Outcome {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Unsigned => Self::Refused,
            Unfit::Expired => Self::Expired,
        }
    }
}
