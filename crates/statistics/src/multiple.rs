//! Several comparisons at once.

use crate::{Argument, Undefined};

/// Holm's adjusted p-values, in the order of the given ones: those that are at most `alpha` are significant, and the
/// probability that any of them is by chance is at most `alpha`. Nothing for nothing.
///
/// Source: S. Holm, Scandinavian Journal of Statistics 6, 1979; `statsmodels` `multipletests(method="holm")`.
///
/// ```
/// use weir_statistics::multiple::holm;
///
/// // Two treatments against one control: the smallest is doubled, the other one is as it was.
/// assert_eq!(holm(&[0.01, 0.04])?, [0.02, 0.04]);
/// // The same p-value is not enough among three.
/// assert!(holm(&[0.02, 0.3, 0.5])?[0] > 0.05);
/// # Ok::<(), weir_statistics::Undefined>(())
/// ```
///
/// # Errors
/// A p-value outside of 0 to 1.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, Undefined> {
    if p_values.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return Err(Undefined::OutOfRange(Argument::PValue));
    }
    let mut order: Vec<(usize, f64)> = p_values.iter().copied().enumerate().collect();
    order.sort_by(|one, other| one.1.total_cmp(&other.1));
    let (mut left, mut largest) = (p_values.len() as f64, 0.0_f64);
    for (_, p) in &mut order {
        largest = largest.max((*p * left).min(1.0));
        *p = largest;
        left -= 1.0;
    }
    order.sort_by_key(|(place, _)| *place);
    Ok(order.into_iter().map(|(_, p)| p).collect())
}
