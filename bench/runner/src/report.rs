//! What was measured, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::measure::Run;
use crate::statistics::Estimate;
use crate::variants::{CONTROL, LUA, SDK_NO_OP};

/// Above this, in µs, the control listener shows that differences are not those of filters.
const QUIET: f64 = 0.15;
/// What all filters are compared with, beside the nearest native one.
const YARDSTICKS: [&str; 2] = [LUA, SDK_NO_OP];

/// The result of all runs. All errors are standard errors over the restarts of Envoy.
pub(crate) struct Report {
    baseline: Estimate,
    rows: Vec<Row>,
    restarts: usize,
}

struct Row {
    name: String,
    /// CPU time that the filter adds to a request, in µs.
    added: Estimate,
    /// The same as a multiple of what the nearest native filter and each of [`YARDSTICKS`] add. None for the control.
    against: Option<[Estimate; 3]>,
}

impl Report {
    /// The names of the variants, each with its nearest native filter, in the order of [`Run::ratios`].
    pub(crate) fn new(names: &[(&str, &str)], runs: &[Run]) -> Self {
        let baselines: Vec<f64> = runs.iter().map(|run| run.baseline).collect();
        let baseline = Estimate::of(&baselines);
        let index = |name: &str| names.iter().position(|(known, _)| *known == name);
        let row = |(number, (name, nearest)): (usize, &(&str, &str))| {
            let added: Vec<f64> = runs.iter().map(|run| (run.ratios[number] - 1.0) * baseline.mean).collect();
            let against = |yardstick: &str| {
                let yardstick = index(yardstick).unwrap_or(number);
                // Taken within each Envoy, where both were measured under the same conditions.
                let ratio = |run: &Run| (run.ratios[number] - 1.0) / (run.ratios[yardstick] - 1.0);
                Estimate::of(&runs.iter().map(ratio).collect::<Vec<_>>())
            };
            let against = (*name != CONTROL).then(|| [nearest, YARDSTICKS[0], YARDSTICKS[1]].map(against));
            Row { name: (*name).to_owned(), added: Estimate::of(&added), against }
        };
        Self { baseline, rows: names.iter().enumerate().map(row).collect(), restarts: runs.len() }
    }

    /// Whether the control listener differs from the baseline no more than it may.
    fn quiet(&self) -> bool {
        self.rows
            .iter()
            .filter(|row| row.name == CONTROL)
            .all(|row| row.added.mean.abs() <= QUIET && row.added.error <= QUIET)
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let Estimate { mean, error } = self.baseline;
        let _ = writeln!(
            text,
            "Router alone: {mean:.2} ± {error:.2} µs of CPU time a request. Errors: standard errors over {} \
             restarts.\n",
            self.restarts
        );
        let _ = writeln!(
            text,
            "{:24}{:>16}{:>16}{:>16}{:>16}",
            "", "added µs", "× nearest", "× Lua", "× SDK no-op"
        );
        for row in &self.rows {
            let _ = write!(text, "{:24}{:>16}", row.name, cell(row.added));
            for estimate in row.against.iter().flatten() {
                let _ = write!(text, "{:>16}", cell(*estimate));
            }
            text.push('\n');
        }
        text.push('\n');
        text.push_str(
            "Nearest: the native filter that does most of the same: header_mutation for ab-routing, experiment and \
             metrics, fault, jwt_authn with its cache; five native filters for all five.\n",
        );
        text.push_str(if self.quiet() {
            "The control is a second baseline. It is near zero: the differences are those of the filters."
        } else {
            "The control is a second baseline and not near zero: THE MACHINE WAS TOO NOISY. Do not use this."
        });
        text
    }

    /// For programs. Times are in µs.
    pub(crate) fn json(&self) -> Value {
        let pair = |estimate: Estimate| json!({"mean": estimate.mean, "standard_error": estimate.error});
        let row = |row: &Row| {
            let mut value = json!({"name": row.name, "added_us": pair(row.added)});
            if let Some([native, lua, sdk]) = row.against {
                value["ratio_to"] =
                    json!({"nearest_native": pair(native), "lua": pair(lua), "sdk_no_op": pair(sdk)});
            }
            value
        };
        json!({
            "quiet": self.quiet(),
            "restarts": self.restarts,
            "baseline_us": pair(self.baseline),
            "variants": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

fn cell(estimate: Estimate) -> String {
    format!("{:.2} ± {:.2}", estimate.mean, estimate.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATIVE: &str = "native";
    const NAMES: [(&str, &str); 4] =
        [(CONTROL, NATIVE), (NATIVE, NATIVE), (LUA, NATIVE), (SDK_NO_OP, NATIVE)];

    fn report(control: f64) -> Report {
        let run = |baseline| Run { baseline, ratios: vec![control, 1.1, 1.4, 1.2] };
        Report::new(&NAMES, &[run(9.0), run(11.0)])
    }

    #[test]
    fn added_time_is_relative_to_the_baseline_and_the_yardsticks() {
        let json = report(1.0).json();
        let close = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-9;
        assert!(close(&json["variants"][2]["added_us"]["mean"], 4.0));
        assert!(close(&json["variants"][2]["ratio_to"]["nearest_native"]["mean"], 4.0));
        assert!(close(&json["variants"][2]["ratio_to"]["sdk_no_op"]["mean"], 2.0));
        assert!(json["variants"][0].get("ratio_to").is_none());
    }

    #[test]
    fn a_control_that_differs_says_that_the_machine_was_noisy() {
        assert!(report(1.01).quiet());
        let noisy = report(0.97);
        assert!(!noisy.quiet() && noisy.table().contains("TOO NOISY"));
    }
}
