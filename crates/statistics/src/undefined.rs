//! Why there is no answer.

use serde::{Serialize, Serializer};
use std::fmt;

/// Why counts have no answer.
///
/// ```
/// use weir_statistics::{Undefined, sample::Sample, srm::chi_squared};
///
/// assert_eq!(chi_squared(&[0, 0], &[50.0, 50.0]), Err(Undefined::NoUnits));
/// assert_eq!(Sample::proportion(12, 10), Err(Undefined::MoreThanUnits));
/// assert_eq!(Undefined::MoreThanUnits.to_string(), "more conversions than units");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undefined {
    /// Fewer than two arms have a weight above 0.
    OneArm,
    /// An arm, or all arms together, have no units.
    NoUnits,
    /// A variance needs at least two observations in each arm.
    OneObservation,
    /// All observations of both arms are the same, so nothing says how large chance is.
    NoVariance,
    /// A relative lift has no meaning where the baseline is 0.
    ZeroBaseline,
    /// More units converted than there are.
    MoreThanUnits,
    /// Sums, squares and products that no observations have, such as a sum of squares below `sum² / n`.
    Inconsistent,
    /// Lists that belong together have different lengths.
    Lengths,
    /// This argument is not finite, or outside its range.
    OutOfRange(Argument),
}

/// An argument of a function, or a part of one.
///
/// ```
/// use weir_statistics::{Argument, Undefined, multiple::holm};
///
/// assert_eq!(holm(&[0.5, 1.5]), Err(Undefined::OutOfRange(Argument::PValue)));
/// assert_eq!(Undefined::OutOfRange(Argument::PValue).to_string(), "p-value is out of range");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A probability of error.
    Alpha,
    /// What the control has.
    Baseline,
    /// The concentration of the sequential test for sample ratio mismatch.
    Concentration,
    /// What a ratio is divided by.
    Denominator,
    /// A standard deviation.
    Deviation,
    /// A difference of means.
    Difference,
    /// The effect of a design.
    Effect,
    /// An interval.
    Interval,
    /// What of a ratio is divided.
    Numerator,
    /// A number of observations.
    Observations,
    /// The probability of a quantile.
    P,
    /// A p-value.
    PValue,
    /// The power of a design.
    Power,
    /// A ratio.
    Ratio,
    /// A sum of values.
    Sum,
    /// A sum of squares.
    SumOfSquares,
    /// What a guardrail tolerates.
    Tolerance,
    /// The tuning parameter of a confidence sequence.
    Tuning,
    /// A number of units.
    Units,
    /// A variance.
    Variance,
    /// The weights of arms.
    Weights,
}

impl Argument {
    /// As messages name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alpha => "alpha",
            Self::Baseline => "baseline",
            Self::Concentration => "concentration",
            Self::Denominator => "denominator",
            Self::Deviation => "deviation",
            Self::Difference => "difference",
            Self::Effect => "effect",
            Self::Interval => "interval",
            Self::Numerator => "numerator",
            Self::Observations => "observations",
            Self::P => "p",
            Self::PValue => "p-value",
            Self::Power => "power",
            Self::Ratio => "ratio",
            Self::Sum => "sum",
            Self::SumOfSquares => "sum of squares",
            Self::Tolerance => "tolerance",
            Self::Tuning => "tuning",
            Self::Units => "units",
            Self::Variance => "variance",
            Self::Weights => "weights",
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Argument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl fmt::Display for Undefined {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneArm => out.write_str("fewer than two arms have a weight above 0"),
            Self::NoUnits => out.write_str("no units"),
            Self::OneObservation => out.write_str("fewer than two observations in an arm"),
            Self::NoVariance => out.write_str("all observations are the same"),
            Self::ZeroBaseline => out.write_str("the baseline is 0"),
            Self::MoreThanUnits => out.write_str("more conversions than units"),
            Self::Inconsistent => out.write_str("sums that no observations have"),
            Self::Lengths => out.write_str("lists of different lengths"),
            Self::OutOfRange(what) => write!(out, "{what} is out of range"),
        }
    }
}

impl std::error::Error for Undefined {}

/// The number, if it is strictly between 0 and 1.
///
/// # Errors
/// [`Undefined::OutOfRange`] otherwise.
pub(crate) fn probability(value: f64, what: Argument) -> Result<f64, Undefined> {
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err(Undefined::OutOfRange(what)) }
}

/// The number, if it is finite.
///
/// # Errors
/// [`Undefined::OutOfRange`] otherwise.
pub(crate) fn finite(value: f64, what: Argument) -> Result<f64, Undefined> {
    if value.is_finite() { Ok(value) } else { Err(Undefined::OutOfRange(what)) }
}

/// Weights as parts of their sum.
///
/// # Errors
/// A weight below 0 or not finite, or no weight above 0.
pub(crate) fn normalised(weights: &[f64]) -> Result<Vec<f64>, Undefined> {
    let sum: f64 = weights.iter().sum();
    let good = weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0);
    if !good || !sum.is_finite() || sum <= 0.0 {
        return Err(Undefined::OutOfRange(Argument::Weights));
    }
    Ok(weights.iter().map(|weight| weight / sum).collect())
}
