//! Whether observed numbers agree with expected shares.

use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF as _};

/// Pearson's chi-squared test (K. Pearson, Philosophical Magazine 50, 1900).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct ChiSquaredTest {
    /// The sum of (observed - expected)² / expected.
    pub(crate) statistic: f64,
    /// The number of groups that can differ, less one.
    pub(crate) degrees_of_freedom: usize,
    /// How likely a statistic at least as large is where the shares are right.
    pub(crate) p_value: f64,
}

/// Tests counts against shares. Groups with a share of 0 must be empty: a single unit in one makes the
/// p-value 0. `None` where fewer than two groups can differ.
pub(crate) fn chi_squared(observed: &[u64], shares: &[f64]) -> Option<ChiSquaredTest> {
    let total = observed.iter().sum::<u64>() as f64;
    let sum: f64 = shares.iter().sum();
    let mut statistic = 0.0;
    let mut groups = 0;
    for (&count, &share) in observed.iter().zip(shares) {
        let expected = total * share / sum;
        if share > 0.0 {
            statistic += (count as f64 - expected).powi(2) / expected;
            groups += 1;
        } else if count > 0 {
            statistic = f64::INFINITY;
        }
    }
    if groups < 2 && statistic.is_finite() || total == 0.0 {
        return None;
    }
    let degrees_of_freedom = (groups - 1).max(1);
    let distribution = ChiSquared::new(degrees_of_freedom as f64).ok()?;
    Some(ChiSquaredTest { statistic, degrees_of_freedom, p_value: distribution.sf(statistic) })
}

/// How far a share of `total` units may be from `share` by chance: four standard deviations of the
/// binomial distribution, which is exceeded once in 16,000 times.
pub(crate) fn four_sigma(share: f64, total: u64) -> f64 {
    4.0 * (share * (1.0 - share) / total as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_agrees_with_tables() {
        // Critical values: 3.841 (1 degree) and 9.210 (2 degrees) at 5 % and 1 %.
        let test = chi_squared(&[5310, 4690], &[0.5, 0.5]).unwrap();
        assert!((test.statistic - 38.44).abs() < 1e-9);
        let test = chi_squared(&[1098, 902], &[1.0, 1.0]).unwrap();
        assert_eq!(test.degrees_of_freedom, 1);
        assert!((test.statistic - 19.208).abs() < 1e-9);
        assert!((ChiSquared::new(1.0).unwrap().sf(3.841_459) - 0.05).abs() < 1e-6);
        assert!((ChiSquared::new(2.0).unwrap().sf(9.210_340) - 0.01).abs() < 1e-6);
    }

    #[test]
    fn who_should_have_nobody_must_have_nobody() {
        assert_eq!(chi_squared(&[100, 1], &[1.0, 0.0]).unwrap().p_value, 0.0);
        assert_eq!(chi_squared(&[100, 0], &[1.0, 0.0]), None);
        assert_eq!(chi_squared(&[0, 0], &[0.5, 0.5]), None);
    }

    #[test]
    fn the_interval_shrinks_with_the_root() {
        assert!((four_sigma(0.5, 10_000) - 0.02).abs() < 1e-12);
        assert!((four_sigma(0.5, 1_000_000) - 0.002).abs() < 1e-12);
        assert_eq!(four_sigma(0.0, 100), 0.0);
    }
}
