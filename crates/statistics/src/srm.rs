//! Sample ratio mismatch: whether counted units differ from the weights by more than chance.

use crate::special::{chi_squared_sf, chi_squared_upper, stirling_remainder};
use crate::undefined::{normalised, probability};
use crate::{Argument, Undefined};
use serde::Serialize;

/// How tightly the prior of [`Sequential`] is around the weights: as many units as would outweigh it. The value of
/// Optimizely's ssrm-test.
pub const CONCENTRATION: f64 = 10_000.0;

/// The result of Pearson's chi-squared test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChiSquaredTest {
    /// The sum of (observed - expected)² / expected, 0 and up; infinite where an arm of weight 0 has a unit.
    pub statistic: f64,
    /// The number of arms that can differ, less one.
    pub degrees_of_freedom: usize,
    /// How likely a statistic at least as large is where the weights are right, 0 to 1.
    pub p_value: f64,
}

/// Pearson's chi-squared test of counted units against weights. It is valid for one look, chosen
/// beforehand; for repeated looks there is [`Sequential`]. An arm of weight 0 must be empty: a single unit in it makes
/// the p-value 0.
///
/// Source: K. Pearson, Philosophical Magazine 50, 1900; `scipy.stats.chisquare`.
///
/// ```
/// use weir_statistics::srm::{ChiSquaredTest, chi_squared};
///
/// let ChiSquaredTest { statistic, degrees_of_freedom, p_value } = chi_squared(&[5_000, 5_300], &[1.0, 1.0])?;
/// // 5,150 were expected of each: 150² / 5,150, twice.
/// assert!((statistic - 8.74).abs() < 0.01);
/// assert_eq!(degrees_of_freedom, 1);
/// assert!(p_value < 0.01, "an even split gives this once in 300 times");
/// # Ok::<(), weir_statistics::Undefined>(())
/// ```
///
/// # Errors
/// Lists of different lengths; weights below 0, not finite, or all 0; no units; fewer than two arms that can differ.
pub fn chi_squared(observed: &[u64], weights: &[f64]) -> Result<ChiSquaredTest, Undefined> {
    if observed.len() != weights.len() {
        return Err(Undefined::Lengths);
    }
    let shares = normalised(weights)?;
    let total = observed.iter().map(|count| *count as f64).sum::<f64>();
    if total == 0.0 {
        return Err(Undefined::NoUnits);
    }
    let (mut statistic, mut arms) = (0.0, 0_usize);
    for (&count, &share) in observed.iter().zip(&shares) {
        if share > 0.0 {
            let expected = total * share;
            statistic += (count as f64 - expected).powi(2) / expected;
            arms += 1;
        } else if count > 0 {
            statistic = f64::INFINITY;
        }
    }
    if arms < 2 && statistic.is_finite() {
        return Err(Undefined::OneArm);
    }
    let degrees_of_freedom = arms.saturating_sub(1).max(1);
    Ok(ChiSquaredTest {
        statistic,
        degrees_of_freedom,
        p_value: chi_squared_sf(statistic, degrees_of_freedom),
    })
}

/// The statistic above which [`chi_squared`] has a p-value below `p`, for that many arms.
///
/// ```
/// use weir_statistics::srm::critical;
///
/// // As in any table of the chi-squared distribution: 3.84 for two arms, 5.99 for three.
/// assert!((critical(2, 0.05)? - 3.841).abs() < 0.001);
/// assert!((critical(3, 0.05)? - 5.991).abs() < 0.001);
/// # Ok::<(), weir_statistics::Undefined>(())
/// ```
///
/// # Errors
/// `p` is not between 0 and 1; fewer than two arms.
pub fn critical(arms: usize, p: f64) -> Result<f64, Undefined> {
    let freedom = arms.checked_sub(1).filter(|freedom| *freedom > 0).ok_or(Undefined::OneArm)?;
    Ok(chi_squared_upper(probability(p, Argument::P)?, freedom))
}

/// How far the part of `total` units that an arm has may be from `share` by chance: four standard deviations of the
/// binomial distribution, which is exceeded once in 16,000 times. Both are parts from 0 to 1. 0 without units.
///
/// ```
/// use weir_statistics::srm::four_sigma;
///
/// // Half of 10,000 units is 48 % to 52 % of them.
/// assert!((four_sigma(0.5, 10_000) - 0.02).abs() < 1e-12);
/// ```
#[must_use]
pub fn four_sigma(share: f64, total: u64) -> f64 {
    if total == 0 || !(0.0..=1.0).contains(&share) {
        return 0.0;
    }
    4.0 * (share * (1.0 - share) / total as f64).sqrt()
}

/// The sequential multinomial test: its p-value is valid at any time, however often it is looked at. With the true
/// weights, the smallest p-value that it will ever have is below 0.001 in at most 1 of 1,000 experiments.
///
/// It compares the weights with a Dirichlet distribution around them; the p-value is 1 / Bayes factor, and its running
/// minimum is kept.
///
/// Source: M. Lindon and A. Malek, Anytime-Valid Inference for Multinomial Count Data, NeurIPS 2022, equation 9;
/// Optimizely's ssrm-test, `sequential_p_values`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequential {
    shares: Vec<f64>,
    concentration: f64,
    log_bayes_factor: f64,
    p_value: f64,
}

impl Sequential {
    /// A test before its first unit: the p-value is 1. `concentration` is above 0: [`CONCENTRATION`] is good for the
    /// small mismatches of large experiments.
    ///
    /// ```
    /// use weir_statistics::srm::{CONCENTRATION, Sequential};
    ///
    /// let mut test = Sequential::new(&[1.0, 1.0], CONCENTRATION)?;
    /// test.observe(&[510, 490])?;
    /// assert!(test.p_value() > 0.05);
    /// test.observe(&[5_000, 6_000])?;
    /// assert!(test.p_value() < 0.001, "looked at as often as you like");
    /// assert!(test.log_bayes_factor() > 6.9, "more than 1,000 to 1 for a mismatch");
    /// # Ok::<(), weir_statistics::Undefined>(())
    /// ```
    ///
    /// # Errors
    /// Weights below 0, not finite, or with fewer than two above 0; a concentration that is not above 0.
    pub fn new(weights: &[f64], concentration: f64) -> Result<Self, Undefined> {
        let shares = normalised(weights)?;
        if shares.iter().filter(|share| **share > 0.0).count() < 2 {
            return Err(Undefined::OneArm);
        }
        if !concentration.is_finite() || concentration <= 0.0 {
            return Err(Undefined::OutOfRange(Argument::Concentration));
        }
        Ok(Self { shares, concentration, log_bayes_factor: 0.0, p_value: 1.0 })
    }

    /// Takes the units that each arm has had since the start, and returns the p-value, from 0 to 1: the smallest so
    /// far. Counts need not be given after each unit, only in the order of time.
    ///
    /// # Errors
    /// Another number of counts than of weights.
    pub fn observe(&mut self, units: &[u64]) -> Result<f64, Undefined> {
        if units.len() != self.shares.len() {
            return Err(Undefined::Lengths);
        }
        self.log_bayes_factor = self.log_bayes_factor_of(units);
        self.p_value = self.p_value.min((-self.log_bayes_factor).exp());
        Ok(self.p_value)
    }

    /// The smallest p-value so far, 0 to 1.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        self.p_value
    }

    /// The natural logarithm of the last Bayes factor in favour of a mismatch; infinite where an arm of weight 0 has a
    /// unit.
    #[must_use]
    pub fn log_bayes_factor(&self) -> f64 {
        self.log_bayes_factor
    }

    /// ln [B(α + n) / B(α) / ∏ pᵢ^nᵢ] with α = c p. Written with Stirling's formula the large terms cancel by algebra,
    /// so that they need not cancel by subtraction:
    ///
    /// Σ (c + N) pᵢ ((1 + δᵢ) ln(1 + δᵢ) - δᵢ) - Σ ln(1 + δᵢ) / 2 - (k - 1) / 2 ln(1 + N / c)
    ///   + r(c) - r(c + N) + Σ (r(αᵢ + nᵢ) - r(αᵢ)),  δᵢ = (nᵢ - N pᵢ) / ((c + N) pᵢ), r the formula's remainder.
    fn log_bayes_factor_of(&self, units: &[u64]) -> f64 {
        let c = self.concentration;
        let total = units.iter().map(|count| *count as f64).sum::<f64>();
        let all = c + total;
        let (mut sum, mut arms) = (stirling_remainder(c) - stirling_remainder(all), 0.0);
        for (&count, &share) in units.iter().zip(&self.shares) {
            let count = count as f64;
            if share == 0.0 {
                if count > 0.0 {
                    return f64::INFINITY;
                }
                continue;
            }
            let alpha = c * share;
            let delta = (count - total * share) / (all * share);
            let log = delta.ln_1p();
            sum += all * share * ((1.0 + delta) * log - delta) - 0.5 * log;
            sum += stirling_remainder(alpha + count) - stirling_remainder(alpha);
            arms += 1.0;
        }
        sum - (arms - 1.0) / 2.0 * (total / c).ln_1p()
    }
}
