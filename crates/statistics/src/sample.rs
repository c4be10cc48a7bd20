//! One arm in three numbers: how many observations, their mean, their variance.

use crate::undefined::finite;
use crate::{Argument, Undefined};
use serde::Serialize;

/// One arm: observations that are independent of each other. Those are units, or parts of all units ([batch
/// means](Sample::batches)); never requests, because the requests of one user resemble each other.
///
/// ```
/// use weir_statistics::sample::Sample;
///
/// let arm = Sample::proportion(100, 1_000)?;
/// assert_eq!((arm.observations(), arm.mean()), (1_000.0, 0.1));
/// assert!((arm.variance() - 0.09).abs() < 1e-12, "p (1 - p)");
/// # Ok::<(), weir_statistics::Undefined>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// How many observations, 1 and up.
    observations: f64,
    /// Their mean, in the unit of what is measured.
    mean: f64,
    /// The variance of one observation, 0 and up, in that unit squared.
    variance: f64,
}

/// Sums over the units of one arm, of a numerator and a denominator: revenue and orders, errors and requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RatioSums {
    /// How many units.
    pub units: u64,
    /// The sum of the numerators, …
    pub numerator: f64,
    /// … of their squares, …
    pub numerator_squares: f64,
    /// … of the denominators, …
    pub denominator: f64,
    /// … of their squares, …
    pub denominator_squares: f64,
    /// … and of the products of both.
    pub products: f64,
}

impl Sample {
    /// Units of which each converts once or not at all. The mean is the conversion rate, 0 to 1; the variance is
    /// `p (1 - p)`, as GrowthBook has it.
    ///
    /// # Errors
    /// No units; more conversions than units.
    pub fn proportion(converted: u64, units: u64) -> Result<Self, Undefined> {
        if units == 0 {
            return Err(Undefined::NoUnits);
        }
        if converted > units {
            return Err(Undefined::MoreThanUnits);
        }
        let mean = converted as f64 / units as f64;
        Ok(Self { observations: units as f64, mean, variance: mean * (1.0 - mean) })
    }

    /// The same with one unit added that converts and one that does not, so that an arm without any conversions (or
    /// with nothing else) has a variance too.
    ///
    /// Source: A. Agresti and B. Caffo, The American Statistician 54, 2000.
    ///
    /// ```
    /// use weir_statistics::sample::Sample;
    ///
    /// assert_eq!(Sample::proportion(0, 98)?.variance(), 0.0, "as if nobody could ever convert");
    /// assert_eq!(Sample::agresti_caffo(0, 98)?.mean(), 0.01, "one of 100");
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// As [`Sample::proportion`].
    pub fn agresti_caffo(converted: u64, units: u64) -> Result<Self, Undefined> {
        Self::proportion(converted, units)?;
        Self::proportion(converted.saturating_add(1), units.saturating_add(2))
    }

    /// A value for each unit, by the sum of the values and the sum of their squares. The variance is the unbiased one,
    /// over `units - 1`.
    ///
    /// Squares of large numbers with small differences lose digits: values whose standard deviation is below a
    /// millionth of their mean need their mean subtracted first.
    ///
    /// ```
    /// use weir_statistics::sample::Sample;
    ///
    /// // Three users spend 10, 20 and 30: the sum is 60, that of the squares 100 + 400 + 900.
    /// let revenue = Sample::sums(3, 60.0, 1_400.0)?;
    /// assert_eq!((revenue.mean(), revenue.variance()), (20.0, 100.0));
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than two units; sums that are not finite, or that no values have.
    pub fn sums(units: u64, sum: f64, sum_of_squares: f64) -> Result<Self, Undefined> {
        finite(sum, Argument::Sum)?;
        finite(sum_of_squares, Argument::SumOfSquares)?;
        let n = at_least_two(units)?;
        let variance = moment(sum_of_squares, sum, sum, n);
        Ok(Self { observations: n, mean: sum / n, variance: not_negative(variance, sum_of_squares / n)? })
    }

    /// A ratio of two sums over units (errors of requests, revenue of orders), where the unit is what is independent.
    /// The variance is that of the delta method, as GrowthBook has it.
    ///
    /// Source: A. Deng, U. Knoblich and J. Lu, Applying the Delta Method in Metric Analytics, KDD 2018.
    ///
    /// ```
    /// use weir_statistics::sample::{RatioSums, Sample};
    ///
    /// // Errors of requests: three users have 0, 1 and 2 errors, in 10 requests each.
    /// let errors = Sample::ratio(&RatioSums {
    ///     units: 3,
    ///     numerator: 3.0,
    ///     numerator_squares: 0.0 + 1.0 + 4.0,
    ///     denominator: 30.0,
    ///     denominator_squares: 3.0 * 100.0,
    ///     products: 0.0 + 10.0 + 20.0,
    /// })?;
    /// assert!((errors.mean() - 0.1).abs() < 1e-12);
    /// assert!((errors.variance() - 0.01).abs() < 1e-12, "that of 0 %, 10 % and 20 %");
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than two units; a denominator of 0 ([`Undefined::NoUnits`]: nothing to divide by); sums that are not
    /// finite, or that no values have.
    pub fn ratio(sums: &RatioSums) -> Result<Self, Undefined> {
        let RatioSums { units, numerator, numerator_squares, denominator, denominator_squares, products } =
            *sums;
        for value in [numerator, numerator_squares, denominator, denominator_squares, products] {
            finite(value, Argument::Sum)?;
        }
        let n = at_least_two(units)?;
        let above = not_negative(moment(numerator_squares, numerator, numerator, n), numerator_squares / n)?;
        let below =
            not_negative(moment(denominator_squares, denominator, denominator, n), denominator_squares / n)?;
        let both = moment(products, numerator, denominator, n);
        ratio(n, [numerator / n, denominator / n], above, below, both)
    }

    /// Batch means: one number for each part of all units, where the parts know nothing of the variants and all
    /// requests of a unit are in one part. Their spread is honest however much the requests of a unit resemble each
    /// other. Ten parts or more; 20 are usual.
    ///
    /// Source: A. Law and W. Kelton, Simulation Modeling and Analysis, section 9.5; P. Glynn and W. Whitt, 1991.
    ///
    /// ```
    /// use weir_statistics::sample::Sample;
    ///
    /// let rates = Sample::batches(&[0.1, 0.2, 0.3])?;
    /// assert!((rates.mean() - 0.2).abs() < 1e-12 && (rates.variance() - 0.01).abs() < 1e-12);
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than two parts; a number that is not finite.
    pub fn batches(values: &[f64]) -> Result<Self, Undefined> {
        let ones: Vec<(f64, f64)> = values.iter().map(|value| (*value, 1.0)).collect();
        Self::ratio_of_batches(&ones)
    }

    /// The same for a ratio: a numerator and a denominator for each part, such as its errors and its requests. The
    /// mean is that of all parts together; the variance is that of the delta method over the parts.
    ///
    /// ```
    /// use weir_statistics::sample::Sample;
    ///
    /// // 1 error in 100 requests, and 5 in 200: of all requests together that is 2 %.
    /// assert_eq!(Sample::ratio_of_batches(&[(1.0, 100.0), (5.0, 200.0)])?.mean(), 0.02);
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than two parts; a number that is not finite; denominators that sum to 0 ([`Undefined::NoUnits`]).
    pub fn ratio_of_batches(parts: &[(f64, f64)]) -> Result<Self, Undefined> {
        for (numerator, denominator) in parts {
            finite(*numerator, Argument::Numerator)?;
            finite(*denominator, Argument::Denominator)?;
        }
        let n = at_least_two(parts.len() as u64)?;
        let mean = |of: fn(&(f64, f64)) -> f64| parts.iter().map(of).sum::<f64>() / n;
        let means = [mean(|part| part.0), mean(|part| part.1)];
        let [above, below] = means;
        let spread = |product: &dyn Fn(f64, f64) -> f64| {
            parts.iter().map(|part| product(part.0 - above, part.1 - below)).sum::<f64>() / (n - 1.0)
        };
        ratio(n, means, spread(&|a, _| a * a), spread(&|_, b| b * b), spread(&|a, b| a * b))
    }

    /// How many observations.
    #[must_use]
    pub fn observations(&self) -> f64 {
        self.observations
    }

    /// Their mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The variance of one observation.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.variance
    }
}

fn at_least_two(units: u64) -> Result<f64, Undefined> {
    match units {
        0 => Err(Undefined::NoUnits),
        1 => Err(Undefined::OneObservation),
        _ => Ok(units as f64),
    }
}

/// A variance or a covariance from sums.
fn moment(products: f64, one: f64, other: f64, n: f64) -> f64 {
    (products - one * other / n) / (n - 1.0)
}

/// A variance that is 0 up to rounding is 0.
fn not_negative(variance: f64, scale: f64) -> Result<f64, Undefined> {
    if !variance.is_finite() || variance < -1e-9 * scale.abs() {
        return Err(Undefined::Inconsistent);
    }
    Ok(variance.max(0.0))
}

/// The delta method: the variance of the ratio of two means.
fn ratio(
    n: f64,
    [above, below]: [f64; 2],
    above_variance: f64,
    below_variance: f64,
    both: f64,
) -> Result<Sample, Undefined> {
    if below == 0.0 {
        return Err(Undefined::NoUnits);
    }
    let mean = above / below;
    let terms = [above_variance, -2.0 * mean * both, mean * mean * below_variance];
    let scale = terms.iter().map(|term| term.abs()).sum::<f64>() / (below * below);
    let variance = terms.iter().sum::<f64>() / (below * below);
    finite(mean, Argument::Ratio)?;
    Ok(Sample { observations: n, mean, variance: not_negative(variance, scale)? })
}
