//! Ranges of numbers.

use weir_allocation::sdk::Span;

/// Ranges as configurations have them.
pub(super) fn ranges_of(spans: &[Span]) -> Vec<[f64; 2]> {
    spans.iter().map(|span| [span.start, span.end]).collect()
}
