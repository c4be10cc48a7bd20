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

    /// Of the middle: without the lowest and the highest fifth, where other work of the machine shows. The error is
    /// that of Yuen (Biometrika 61, 1974): of all values, with those at either end moved to the nearest that counts.
    pub(crate) fn of_middle(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let cut = sorted.len() / 5;
        let (Some(least), Some(most)) = (sorted.get(cut), sorted.get(sorted.len().saturating_sub(cut + 1)))
        else {
            return Self { mean: f64::NAN, error: f64::NAN };
        };
        let moved: Vec<f64> = sorted.iter().map(|value| value.clamp(*least, *most)).collect();
        let counting = 1.0 - 2.0 * cut as f64 / sorted.len() as f64;
        Self { mean: trimmed_mean(values), error: Self::of(&moved).error / counting }
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

/// The value below which a part of a sorted list lies. `NaN` without values.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
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
    fn what_disturbs_one_value_in_five_does_not_move_an_estimate() {
        let quiet = Estimate::of_middle(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        let disturbed = Estimate::of_middle(&[1.0, 2.0, 3.0, 4.0, 50_000.0]);
        assert_eq!(quiet, disturbed);
        // 2, 2, 3, 4, 4: a variance of 1, and three fifths count.
        assert_eq!(quiet, Estimate { mean: 3.0, error: (1.0_f64 / 5.0).sqrt() / 0.6 });
    }

    #[test]
    fn a_fifth_at_either_end_does_not_count() {
        assert_eq!(trimmed_mean(&[1000.0, 2.0, 3.0, 4.0, -1000.0]), 3.0);
        assert_eq!(trimmed_mean(&[1.0, 2.0]), 1.5);
    }

    #[test]
    fn quantiles_of_a_sorted_list() {
        let list = [0.0, 1.0, 2.0, 3.0, 4.0];
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|part| quantile(&list, part)), [0.0, 2.0, 4.0, 4.0]);
    }

    #[test]
    fn a_tenth_lies_below() {
        let values: Vec<f64> = (0..20).rev().map(f64::from).collect();
        assert_eq!(lowest_tenth(&values), 2.0);
    }
}
