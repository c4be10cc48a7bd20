//! The latencies that were measured, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::measured::{CONTROL, Measured, ROWS, Rounds};
use crate::statistics::{Estimate, quantile};

/// What is reported of each row.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
/// The row that all others are compared with: Envoy alone.
const ALONE: usize = 1;

/// The result in all settings.
pub(crate) struct Report {
    pub(super) settings: Vec<Summary>,
}

/// The result in one setting.
pub(super) struct Summary {
    pub(super) rate: f64,
    pub(super) upstream_ms: u128,
    pub(super) rows: Vec<Row>,
    /// How late requests were sent, in ms, by [`QUANTILES`].
    late: [f64; 4],
}

/// The latencies of one row.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// All of them in ascending order, in ms.
    pub(super) sorted: Vec<f64>,
    /// How much its median and its 99th percentile are above those of Envoy alone in the same round, in µs.
    added: [Estimate; 2],
}

impl Report {
    pub(super) fn new(measured: Vec<Measured>) -> Self {
        Self { settings: measured.into_iter().map(Summary::new).collect() }
    }

    /// For people: a table in Markdown for each setting.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        for setting in &self.settings {
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "{} requests per second, upstream of {} ms: latencies in ms, from when requests were due\n\n\
                 | | p50 | p90 | p99 | p99.9 | p50 against Envoy alone, µs | p99 against it, µs | requests |\n\
                 |---|---|---|---|---|---|---|---|",
                setting.rate, setting.upstream_ms
            );
            for row in &setting.rows {
                let cells = QUANTILES.map(|(_, part)| format!("{:.3}", quantile(&row.sorted, part)));
                let [median, tail] = row.added.map(cell);
                let _ = writeln!(
                    text,
                    "| {} | {} | {median} | {tail} | {} |",
                    row.name,
                    cells.join(" | "),
                    row.sorted.len()
                );
            }
            let [median, .., tail] = setting.late;
            let _ = writeln!(
                text,
                "\nRequests were sent {median:.3} ms (p50) to {tail:.3} ms (p99.9) after they were due.\n"
            );
        }
        let _ = write!(
            text,
            "The row {CONTROL:?} is Envoy alone a second time: differences of its size are those of the machine. \
             Differences are means over the rounds without the lowest and the highest fifth; after ±, standard errors."
        );
        text
    }

    /// For programs. Times are in ms, differences in µs.
    pub(crate) fn json(&self) -> Value {
        let estimate = |it: Estimate| json!({"mean": it.mean, "standard_error": it.error});
        let row = |row: &Row| {
            let mut value = json!({"name": row.name, "requests": row.sorted.len()});
            for (name, part) in QUANTILES {
                value[name] = json!(quantile(&row.sorted, part));
            }
            value["p50_added_us"] = estimate(row.added[0]);
            value["p99_added_us"] = estimate(row.added[1]);
            value
        };
        let setting = |setting: &Summary| {
            let rows: Vec<Value> = setting.rows.iter().map(row).collect();
            json!({"rate": setting.rate, "upstream_ms": setting.upstream_ms as u64, "rows": rows,
                "sent_late_ms": {"p50": setting.late[0], "p99.9": setting.late[3]}})
        };
        json!({"latency": self.settings.iter().map(setting).collect::<Vec<_>>()})
    }
}

impl Summary {
    fn new(measured: Measured) -> Self {
        let late = sorted(measured.late.iter().copied());
        let alone = measured.rows[ALONE].clone();
        let row = |(name, rounds): (&&'static str, &Rounds)| {
            let added = [0.5, 0.99].map(|part| added(rounds, &alone, part));
            Row { name, sorted: sorted(rounds.iter().flatten().copied()), added }
        };
        Self {
            rate: measured.setting.rate,
            upstream_ms: measured.setting.upstream.as_millis(),
            rows: ROWS.iter().zip(&measured.rows).map(row).collect(),
            late: QUANTILES.map(|(_, part)| quantile(&late, part)),
        }
    }
}

/// How much a quantile is above that of Envoy alone, round by round, in µs.
fn added(rounds: &Rounds, alone: &Rounds, part: f64) -> Estimate {
    let of = |latencies: &Vec<f64>| quantile(&sorted(latencies.iter().copied()), part) * 1e3;
    let differences: Vec<f64> = rounds.iter().zip(alone).map(|(own, its)| of(own) - of(its)).collect();
    Estimate::of_middle(&differences)
}

/// Seconds as milliseconds in ascending order.
fn sorted(seconds: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = seconds.map(|seconds| seconds * 1e3).collect();
    all.sort_unstable_by(f64::total_cmp);
    all
}

fn cell(estimate: Estimate) -> String {
    format!("{:+.0} ± {:.0}", estimate.mean, estimate.error)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::super::measured::Setting;
    use super::*;

    /// Latencies of 1 ms with Envoy alone, and of 0.5, 1, 1.1 ms and so on in the other rows.
    pub(crate) fn report() -> Report {
        let row = |index: usize| {
            let latency = [0.5, 1.0, 1.0, 1.1, 1.2, 1.3][index] / 1e3;
            vec![vec![latency; 100], vec![latency; 50]]
        };
        let setting = Setting { rate: 1000.0, upstream: Duration::from_millis(5) };
        let rows = (0..ROWS.len()).map(row).collect();
        Report::new(vec![Measured { setting, rows, late: vec![0.00001; 150] }])
    }

    #[test]
    fn differences_are_those_to_envoy_alone() {
        let json = report().json();
        let rows = json["latency"][0]["rows"].as_array().unwrap();
        let added = |row: usize| rows[row]["p50_added_us"]["mean"].as_f64().unwrap();
        assert!((added(0) + 500.0).abs() < 1e-6 && added(2).abs() < 1e-6 && (added(5) - 300.0).abs() < 1e-6);
        assert!(rows.iter().all(|row| row["requests"] == 150));
        let table = report().table();
        assert!(
            table.contains(
                "| Weir, all five, wasm | 1.300 | 1.300 | 1.300 | 1.300 | +300 ± 0 | +300 ± 0 | 150 |"
            ),
            "{table}"
        );
    }
}
