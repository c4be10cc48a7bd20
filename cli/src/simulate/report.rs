//! What a simulation found.

use super::plot::Bar;
use crate::output::percent;
use crate::statistics::{ChiSquaredTest, chi_squared, four_sigma};
use crate::subject::Subject;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Debug, Serialize)]
pub(super) struct Report {
    name: String,
    /// The shape or the file.
    ids: String,
    pub(super) units: u64,
    variants: Vec<Row>,
    /// Units without a variant.
    none: Row,
    /// Over all variants and those without one; absent where nothing can differ.
    pub(super) test: Option<ChiSquaredTest>,
}

#[derive(Debug, Serialize)]
struct Row {
    key: String,
    units: u64,
    /// Shares are from 0 to 1.
    share: f64,
    expected: f64,
    four_sigma: f64,
    within: bool,
}

impl Row {
    fn new(key: &str, units: u64, total: u64, expected: f64) -> Self {
        let share = units as f64 / total.max(1) as f64;
        let four_sigma = four_sigma(expected, total.max(1));
        // Shares that are exact up to rounding have an interval of length 0.
        let within = (share - expected).abs() <= four_sigma + 1e-12;
        Self { key: key.to_owned(), units, share, expected, four_sigma, within }
    }
}

impl Report {
    pub(super) fn new(subject: &Subject, counts: &[u64], ids: &str) -> Self {
        let units = counts.iter().sum();
        let keys = subject.ranges.variants.iter();
        let shares: Vec<f64> = (0..keys.len()).map(|variant| subject.ranges.share_of(variant)).collect();
        // Sums of shares may miss one by the last bit.
        let rest = 1.0 - shares.iter().sum::<f64>();
        let rest = if rest.abs() < 1e-9 { 0.0 } else { rest };
        let rows = keys.zip(counts).zip(&shares);
        let variants = rows.map(|((key, &count), &share)| Row::new(key, count, units, share)).collect();
        let none = Row::new("(none)", counts.last().copied().unwrap_or_default(), units, rest);
        let test = chi_squared(counts, &[shares, vec![rest]].concat());
        Self { name: subject.name.clone(), ids: ids.to_owned(), units, variants, none, test }
    }

    pub(super) fn bars(&self) -> Vec<Bar> {
        let bar = |row: &Row| Bar {
            name: row.key.clone(),
            observed: row.share,
            expected: row.expected,
            four_sigma: row.four_sigma,
        };
        self.rows().map(bar).collect()
    }

    /// The variants, and who has none where that can be.
    fn rows(&self) -> impl Iterator<Item = &Row> {
        let none = (self.none.expected > 0.0 || self.none.units > 0).then_some(&self.none);
        self.variants.iter().chain(none)
    }

    pub(super) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}: {} units ({})", self.name, self.units, self.ids)?;
        let width = self.rows().map(|row| row.key.chars().count()).max().unwrap_or(0).max(7);
        writeln!(
            out,
            "  {:width$} {:>10} {:>11} {:>11} {:>13}",
            "variant", "units", "share", "expected", "± 4 sigma"
        )?;
        for row in self.rows() {
            let mark = if row.within { "" } else { "  outside" };
            let Row { key, units, share, expected, four_sigma, .. } = row;
            let [share, expected, sigma] = [share, expected, four_sigma].map(|it| percent(*it));
            writeln!(out, "  {key:width$} {units:>10} {share:>11} {expected:>11} {sigma:>13}{mark}")?;
        }
        match self.test {
            Some(test) => writeln!(
                out,
                "chi-squared {:.3} with {} degrees of freedom, p = {:.4}",
                test.statistic, test.degrees_of_freedom, test.p_value
            ),
            None => writeln!(out, "nothing to test: all units have the same expected end"),
        }
    }
}
