//! The few statistics that the report is made of.

/// A mean with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) mean: f64,
    pub(crate) error: f64,
}

impl Estimate {
    /// Of at least two independent values; the error of fewer is unknown, which is `NaN`.
    pub(crate) fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, error: (squares / (count - 1.0) / count).sqrt() }
    }
}

/// The mean of the middle: without the lowest and the highest fifth, where other work of the machine shows.
/// `NaN` without values.
pub(crate) fn trimmed_mean(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let cut = sorted.len() / 5;
    let middle = &sorted[cut..sorted.len() - cut];
    middle.iter().sum::<f64>() / middle.len() as f64
}

/// The value below which 10 % lies. `NaN` without values.
pub(crate) fn lowest_tenth(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 10).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_has_the_error_of_its_mean() {
        // Variance 1 of the sample, three values.
        let estimate = Estimate::of(&[1.0, 2.0, 3.0]);
        assert_eq!(estimate, Estimate { mean: 2.0, error: (1.0_f64 / 3.0).sqrt() });
    }

    #[test]
    fn a_fifth_at_either_end_does_not_count() {
        assert_eq!(trimmed_mean(&[1000.0, 2.0, 3.0, 4.0, -1000.0]), 3.0);
        assert_eq!(trimmed_mean(&[1.0, 2.0]), 1.5);
    }

    #[test]
    fn a_tenth_lies_below() {
        let values: Vec<f64> = (0..20).rev().map(f64::from).collect();
        assert_eq!(lowest_tenth(&values), 2.0);
    }
}
