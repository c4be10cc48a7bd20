//! Parts of a whole, in steps.

/// How far a product may be from a whole number and still mean it. Decimal text that was read as `f64` and divided by
/// a sum is off by far less.
const TOLERANCE: f64 = 1e-6;

/// `part * grid`, where that is a whole number.
#[allow(clippy::cast_possible_truncation, reason = "a whole number, not negative")]
pub(crate) fn on_grid(part: f64, grid: u32) -> Option<u64> {
    let scaled = part * f64::from(grid);
    let whole = scaled.round();
    ((scaled - whole).abs() < TOLERANCE).then_some(whole as u64)
}
