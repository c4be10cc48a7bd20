//! What a request costs with long configurations, in fuel: instructions of the module in an interpreter, the same on
//! each machine.

mod plot;

pub(crate) use plot::plot;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use weir_tests::growth::{KINDS, Kind};
use weir_tests::minihost::Module;
use weir_tests::paths;

use crate::failure::Failure;

const COUNTS: [usize; 4] = [1, 10, 100, 1000];

/// The curves of all kinds.
pub(crate) struct Report(Vec<(Kind, [u64; COUNTS.len()])>);

/// Measures.
///
/// # Errors
/// A module is not built.
pub(crate) fn measure() -> Result<Report, Failure> {
    let mut modules = BTreeMap::new();
    let mut rows = Vec::new();
    for kind in KINDS {
        let module = match modules.entry(kind.module) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Module::from_file(&paths::module(kind.module)?)?)
            }
        };
        rows.push((kind, COUNTS.map(|count| kind.cost(module, count))));
    }
    Ok(Report(rows))
}

/// What one more costs at the end of the curve.
fn slope(costs: &[u64]) -> f64 {
    let [.., hundred, thousand] = *costs else { return f64::NAN };
    (thousand as f64 - hundred as f64) / 900.0
}

impl Report {
    pub(crate) fn table(&self) -> String {
        let mut text = String::from(
            "Fuel of the callback for the headers of a request that none of them is for\n\n\
             | | 1 | 10 | 100 | 1,000 | one more |\n|---|---|---|---|---|---|\n",
        );
        for (kind, costs) in &self.0 {
            let cells = costs.map(thousands);
            // Writing to a text cannot fail.
            let _ = writeln!(text, "| {} | {} | {:.1} |", kind.name, cells.join(" | "), slope(costs));
        }
        text.truncate(text.trim_end().len());
        text
    }

    pub(crate) fn json(&self) -> Value {
        let row = |(kind, costs): &(Kind, [u64; COUNTS.len()])| json!({"name": kind.name, "module": kind.module, "counts": COUNTS, "fuel": costs, "slope": slope(costs)});
        json!({"growth": self.0.iter().map(row).collect::<Vec<_>>()})
    }
}

/// A number with a comma between its thousands.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        assert_eq!([7, 1000, 123_456, 1_234_567].map(thousands), ["7", "1,000", "123,456", "1,234,567"]);
    }

    #[test]
    fn a_row_has_its_slope() {
        let report = Report(vec![(KINDS[0], [1000, 1010, 1100, 10_100])]);
        assert!(report.table().ends_with("| 1,000 | 1,010 | 1,100 | 10,100 | 10.0 |"), "{}", report.table());
        assert_eq!(report.json()["growth"][0]["slope"], 10.0);
    }
}
