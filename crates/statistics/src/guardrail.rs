//! Whether a metric is worse than tolerated.

use crate::lift::Interval;
use crate::undefined::finite;
use crate::{Argument, Undefined};
use serde::Serialize;

/// In which direction a metric is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Worse {
    /// Errors, latency.
    Higher,
    /// Revenue, sessions.
    Lower,
}

/// What is known of a guardrail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The metric is at most as much worse as tolerated (non-inferiority).
    Holds,
    /// It is worse by more than tolerated.
    Fails,
    /// Too little is known for either.
    Unknown,
}

/// Judges an interval of the difference (treatment less control), or of the relative lift with a relative tolerance.
/// `tolerance` is how much worse it may be, 0 and up, in the same unit.
///
/// An interval with two sides at level `alpha` is cautious here: each verdict is wrong in about `alpha / 2` of
/// experiments. With a confidence sequence that is so at all times together.
///
/// Source: non-inferiority by a confidence interval, as in ICH E9, section 3.3.2.
///
/// ```
/// use weir_statistics::guardrail::{Verdict, Worse, judge};
/// use weir_statistics::lift::Interval;
///
/// // The error rate is 1 point lower to 1 point higher than the control's. 2 points more are tolerated: it holds.
/// let errors = Interval { low: -0.01, high: 0.01 };
/// assert_eq!(judge(errors, Worse::Higher, 0.02)?, Verdict::Holds);
/// // If only half a point more is tolerated, more data must decide.
/// assert_eq!(judge(errors, Worse::Higher, 0.005)?, Verdict::Unknown);
///
/// // Revenue per user fell by 5 % to 8 %, where 2 % are tolerated.
/// let revenue = Interval { low: -0.08, high: -0.05 };
/// assert_eq!(judge(revenue, Worse::Lower, 0.02)?, Verdict::Fails);
/// # Ok::<(), weir_statistics::Undefined>(())
/// ```
///
/// # Errors
/// A tolerance below 0 or not finite; an interval whose ends are not finite or in the wrong order.
pub fn judge(difference: Interval, worse: Worse, tolerance: f64) -> Result<Verdict, Undefined> {
    if finite(tolerance, Argument::Tolerance)? < 0.0 {
        return Err(Undefined::OutOfRange(Argument::Tolerance));
    }
    let (low, high) =
        (finite(difference.low, Argument::Interval)?, finite(difference.high, Argument::Interval)?);
    if low > high {
        return Err(Undefined::OutOfRange(Argument::Interval));
    }
    // The harm is at least the first and at most the second.
    let (least, most) = match worse {
        Worse::Higher => (low, high),
        Worse::Lower => (-high, -low),
    };
    Ok(if least > tolerance {
        Verdict::Fails
    } else if most <= tolerance {
        Verdict::Holds
    } else {
        Verdict::Unknown
    })
}
