//! Namespaces and filters as layers.

use super::ranges::ranges_of;
use crate::model::Filter;
use crate::names::safe;
use serde_json::{Value, json};
use weir_allocation::sdk::Span;

/// The layers so far. Experiments of one layer may not overlap; those of GrowthBook's namespaces may, and
/// then they get layers of their own over the same hash.
#[derive(Default)]
pub(super) struct Layers(Vec<(String, Filter)>);

impl Layers {
    /// The layer that this filter becomes.
    pub(super) fn member(&mut self, filter: &Filter) -> Value {
        let base = Some(safe(&filter.name)).filter(|name| !name.is_empty()).unwrap_or_else(|| "layer".into());
        let names = std::iter::once(base.clone()).chain((2..).map(|number| format!("{base}.{number}")));
        let free = |name: &String| self.0.iter().all(|(known, it)| known != name || shares(it, filter));
        let name = names.into_iter().find(free).unwrap_or(base);
        self.0.push((name.clone(), filter.clone()));
        json!({
            "name": name,
            "hash": filter.hash.name(),
            "seed": filter.seed,
            "unit": [filter.unit],
            "ranges": ranges_of(&filter.ranges),
        })
    }
}

/// Whether two can be in one layer: the same hash over the same units, and no unit in both.
fn shares(a: &Filter, b: &Filter) -> bool {
    let apart = |a: &Span| b.ranges.iter().all(|b| a.end <= b.start || b.end <= a.start);
    (a.hash, &a.seed, &a.unit) == (b.hash, &b.seed, &b.unit) && a.ranges.iter().all(apart)
}
