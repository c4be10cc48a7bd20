//! Why a request is rejected.

use weir_jose::Refusal;

/// Why a request is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// A word for counters, logs and messages.
    pub(crate) reason: &'static str,
    /// Whether the same token was refused before.
    pub(crate) remembered: bool,
}

/// The consequence of a failure; the greatest of several is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The request has no token.
    Missing,
    /// The token is of another issuer: another provider may accept it.
    OtherIssuer,
    /// The token is wrong.
    Invalid,
    /// The token is right, but not for this.
    Forbidden,
    /// It is unknown: there are no keys. The time until they are tried again, in nanoseconds.
    Unavailable { retry_after: u64 },
}

/// The claims do not meet what a provider or a rule requires.
pub(crate) const REQUIREMENT: Failure = Failure::new(Kind::Forbidden, "requirement_not_met");
/// A claim that a header needs is not there.
pub(crate) const CLAIM_MISSING: Failure = Failure::new(Kind::Forbidden, "claim_missing");

const KEYS_UNAVAILABLE: &str = "keys_unavailable";

/// All reasons that are not [`Refusal`]s.
pub(crate) const REASONS: [&str; 3] = [REQUIREMENT.reason, CLAIM_MISSING.reason, KEYS_UNAVAILABLE];

impl Failure {
    const fn new(kind: Kind, reason: &'static str) -> Self {
        Self { kind, reason, remembered: false }
    }

    pub(crate) fn unavailable(retry_after: u64) -> Self {
        Self::new(Kind::Unavailable { retry_after }, KEYS_UNAVAILABLE)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::Missing => Kind::Missing,
            Refusal::Issuer => Kind::OtherIssuer,
            // As Envoy does it.
            Refusal::Audience => Kind::Forbidden,
            _ => Kind::Invalid,
        };
        Self::new(kind, refusal.reason())
    }
}

/// Why a requirement is not met yet, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// Keys are being fetched, by the server with this mark.
    Wait(u16),
    /// It is not met.
    Failed(Failure),
}

impl<F: Into<Failure>> From<F> for Unmet {
    fn from(failure: F) -> Self {
        Unmet::Failed(failure.into())
    }
}
