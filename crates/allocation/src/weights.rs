//! From the weights that people write to exact shares.

use std::cmp::Reverse;
use std::error::Error;
use std::fmt;

use crate::number::Plain;
use crate::ranges::{insert_sorted, write_list};
use crate::{BUCKETS, Fraction};

/// Weights are compared in steps of 10^-12 of their total: integers from there on, so that every platform
/// and every language rounds alike.
const STEPS_PER_MILLIONTH: u64 = 1_000_000;
const STEPS: f64 = 1e12;

/// Shares that sum to exactly 100 %, in the order of the configuration.
///
/// ```
/// use weir_allocation::{Fraction, InvalidWeight, Weights};
///
/// let thirds = Weights::from_relative(&[1.0, 1.0, 1.0])?;
/// let millionths: Vec<u32> = thirds.shares().iter().map(|share| share.millionths()).collect();
/// assert_eq!(millionths, [333_334, 333_333, 333_333]);
///
/// // Shares are taken as they are, and must be whole.
/// let ninety = [Fraction::from_percent(90.0).unwrap()];
/// let refused = Weights::from_shares(&ninety).unwrap_err();
/// assert_eq!(refused.0, [InvalidWeight::SharesNotWhole { millionths: 900_000 }]);
/// # Ok::<(), weir_allocation::InvalidWeights>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights(Vec<Fraction>);

impl Weights {
    /// Normalises relative weights: `[90, 10]`, `[9, 1]` and `[0.9, 0.1]` mean the same.
    ///
    /// Where the exact shares are not whole millionths, each is rounded down, and the missing millionths go
    /// to the largest remainders, the first ones among equals (Hamilton's method).
    ///
    /// # Errors
    /// All problems at once: a weight that is not finite, negative, or positive but below 0.0001 %; a
    /// total that is zero or beyond the range of numbers.
    pub fn from_relative(weights: &[f64]) -> Result<Self, InvalidWeights> {
        let problems: Vec<_> = weights.iter().enumerate().filter_map(check).collect();
        if !problems.is_empty() {
            return Err(InvalidWeights(problems));
        }
        let total: f64 = weights.iter().sum();
        if total == 0.0 {
            return Err(InvalidWeights(vec![InvalidWeight::TotalZero { count: weights.len() }]));
        }
        if !total.is_finite() {
            return Err(InvalidWeights(vec![InvalidWeight::TotalTooLarge]));
        }
        let shares = largest_remainders(weights, total);
        let lost: Vec<_> = weights
            .iter()
            .zip(&shares)
            .enumerate()
            .filter(|(_, (weight, share))| **weight > 0.0 && share.is_none())
            .map(|(index, (&weight, _))| InvalidWeight::RoundsToZero { index, weight, total })
            .collect();
        if lost.is_empty() { Ok(Self(shares)) } else { Err(InvalidWeights(lost)) }
    }

    /// Takes shares as they are.
    ///
    /// # Errors
    /// [`InvalidWeight::SharesNotWhole`] where they do not sum to 100 %.
    pub fn from_shares(shares: &[Fraction]) -> Result<Self, InvalidWeights> {
        let sum = shares.iter().map(|share| u64::from(share.millionths())).sum();
        if sum == u64::from(BUCKETS) {
            Ok(Self(shares.to_vec()))
        } else {
            Err(InvalidWeights(vec![InvalidWeight::SharesNotWhole { millionths: sum }]))
        }
    }

    /// The shares, in the order of the weights.
    pub fn shares(&self) -> &[Fraction] {
        &self.0
    }
}

fn check((index, &weight): (usize, &f64)) -> Option<InvalidWeight> {
    if !weight.is_finite() {
        Some(InvalidWeight::NotFinite { index, weight })
    } else if weight < 0.0 {
        Some(InvalidWeight::Negative { index, weight })
    } else {
        None
    }
}

/// The largest remainder method (also Hare-Niemeyer). `total` is the finite, positive sum of `weights`.
#[allow(clippy::cast_possible_truncation, reason = "a float out of range is the nearest that is in it")]
fn largest_remainders(weights: &[f64], total: f64) -> Vec<Fraction> {
    let quotas: Vec<u64> = weights.iter().map(|weight| (weight / total * STEPS).round() as u64).collect();
    let mut millionths: Vec<u64> = quotas.iter().map(|quota| quota / STEPS_PER_MILLIONTH).collect();
    let missing = u64::from(BUCKETS).saturating_sub(millionths.iter().sum());

    let mut by_remainder = Vec::with_capacity(quotas.len());
    for (index, quota) in quotas.iter().enumerate() {
        // The largest remainders first, earlier entries before later ones.
        insert_sorted(&mut by_remainder, (Reverse(quota % STEPS_PER_MILLIONTH), index));
    }
    for (_, index) in by_remainder.into_iter().take(usize::try_from(missing).unwrap_or(usize::MAX)) {
        if let Some(millionths) = millionths.get_mut(index) {
            *millionths += 1;
        }
    }
    millionths
        .into_iter()
        .map(|value| Fraction::saturating(u32::try_from(value).unwrap_or(u32::MAX)))
        .collect()
}

/// Why weights cannot be laid out. Weights are given by index, from 0.
#[derive(Clone, Debug, PartialEq)]
pub enum InvalidWeight {
    /// The weight is infinite or not a number.
    NotFinite {
        /// The weight's index.
        index: usize,
        /// The weight.
        weight: f64,
    },
    /// The weight is below zero.
    Negative {
        /// The weight's index.
        index: usize,
        /// The weight.
        weight: f64,
    },
    /// The weight is positive, but so small that nobody would get it.
    RoundsToZero {
        /// The weight's index.
        index: usize,
        /// The weight.
        weight: f64,
        /// The sum of all weights.
        total: f64,
    },
    /// No weight is positive.
    TotalZero {
        /// How many weights there are.
        count: usize,
    },
    /// The sum of the weights is beyond the range of numbers.
    TotalTooLarge,
    /// Shares that must sum to 100 % do not.
    SharesNotWhole {
        /// Their sum in millionths.
        millionths: u64,
    },
    /// Shares sum to more than 100 %.
    SharesAboveAll {
        /// Their sum in millionths.
        millionths: u64,
    },
    /// The coverage is so low that nobody would get a variant that has a share.
    CoverageRoundsToZero {
        /// The variant's index.
        index: usize,
        /// Its share at full coverage.
        share: Fraction,
        /// The coverage.
        coverage: Fraction,
    },
}

impl fmt::Display for InvalidWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { index, weight } => {
                write!(f, "weight {} of entry {index} is not a finite number", Plain(*weight))
            }
            Self::Negative { index, weight } => {
                write!(f, "weight {} of entry {index} is negative: it must be 0 or more", Plain(*weight))
            }
            Self::RoundsToZero { index, weight, total } => write!(
                f,
                "weight {} of entry {index} in a total of {} is less than the smallest step of 0.0001%: raise \
                 it, or set it to 0",
                Plain(*weight),
                Plain(*total)
            ),
            Self::TotalZero { count: 0 } => write!(f, "no weights: at least one must be positive"),
            Self::TotalZero { count } => {
                write!(f, "the {count} weights are all 0: at least one must be positive")
            }
            Self::TotalTooLarge => write!(f, "the sum of the weights is too large a number"),
            Self::SharesNotWhole { millionths } => {
                write!(f, "the shares sum to {millionths} millionths: they must sum to {BUCKETS} (100%)")
            }
            Self::SharesAboveAll { millionths } => {
                write!(f, "the shares sum to {millionths} millionths: at most {BUCKETS} (100%) are allowed")
            }
            Self::CoverageRoundsToZero { index, share, coverage } => write!(
                f,
                "coverage {coverage} of the {share} of entry {index} is less than the smallest step of \
                 0.0001%: raise the coverage, or set it to 0"
            ),
        }
    }
}

impl Error for InvalidWeight {}

/// All that is wrong with weights; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidWeights(pub Vec<InvalidWeight>);

impl fmt::Display for InvalidWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.0)
    }
}

impl Error for InvalidWeights {}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    fn millionths(weights: &[f64]) -> Vec<u32> {
        Weights::from_relative(weights).unwrap().shares().iter().map(|share| share.millionths()).collect()
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn scale_does_not_matter() {
        for weights in [[90.0, 10.0], [9.0, 1.0], [0.9, 0.1], [9e200, 1e200], [9e-200, 1e-200]] {
            assert_eq!(millionths(&weights), [900_000, 100_000]);
        }
        assert_eq!(millionths(&[0.1, 0.2, 0.7]), [100_000, 200_000, 700_000]);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn missing_millionths_go_to_the_largest_remainders() {
        assert_eq!(millionths(&[1.0, 1.0, 1.0]), [333_334, 333_333, 333_333]);
        assert_eq!(millionths(&[1.0, 4.0, 1.0]), [166_667, 666_667, 166_666]);
        assert_eq!(millionths(&[1.0; 7]).iter().sum::<u32>(), BUCKETS);
        // Exact shares: 142857.142…, 285714.285…, 571428.571…: the last has the largest remainder.
        assert_eq!(millionths(&[1.0, 2.0, 4.0]), [142_857, 285_714, 571_429]);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn zero_and_all_are_exact() {
        assert_eq!(millionths(&[0.0, 5.0, -0.0]), [0, BUCKETS, 0]);
        assert_eq!(millionths(&[999_999.0, 1.0]), [999_999, 1]);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn all_problems_are_reported_at_once() {
        let problems = Weights::from_relative(&[1.0, f64::INFINITY, -2.0]).unwrap_err().0;
        assert_eq!(
            problems,
            [
                InvalidWeight::NotFinite { index: 1, weight: f64::INFINITY },
                InvalidWeight::Negative { index: 2, weight: -2.0 }
            ]
        );
        assert_eq!(problems[1].to_string(), "weight -2 of entry 2 is negative: it must be 0 or more");
        let nan = Weights::from_relative(&[f64::NAN]).unwrap_err().to_string();
        assert_eq!(nan, "weight NaN of entry 0 is not a finite number");
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn totals_and_tiny_weights_are_checked() {
        assert_eq!(Weights::from_relative(&[]).unwrap_err().0, [InvalidWeight::TotalZero { count: 0 }]);
        assert_eq!(Weights::from_relative(&[0.0; 2]).unwrap_err().0, [InvalidWeight::TotalZero { count: 2 }]);
        assert_eq!(Weights::from_relative(&[f64::MAX; 2]).unwrap_err().0, [InvalidWeight::TotalTooLarge]);
        assert_eq!(
            Weights::from_relative(&[1e9, 1.0]).unwrap_err().0,
            [InvalidWeight::RoundsToZero { index: 1, weight: 1.0, total: 1_000_000_001.0 }]
        );
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn shares_must_be_whole() {
        let half = Fraction::from_percent(50.0).unwrap();
        assert!(Weights::from_shares(&[half, half]).is_ok());
        assert_eq!(
            Weights::from_shares(&[half]).unwrap_err().0,
            [InvalidWeight::SharesNotWhole { millionths: 500_000 }]
        );
        assert!(Weights::from_shares(&[Fraction::ALL, half]).is_err());
    }
}
