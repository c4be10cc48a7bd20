//! The results of a simulation.

use crate::population::End;
use crate::subject::{Origin, Subject};
use crate::text::percent;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use weir_experiment::Step;
use weir_pipeline::Document;
use weir_statistics::srm::{ChiSquaredTest, chi_squared, four_sigma};

/// Below this the shares are called wrong: once in a million runs by chance.
const MIN_P: f64 = 1e-6;

/// Where units ended.
#[derive(Debug)]
pub(super) struct Counts {
    /// By variant.
    hashed: Vec<u64>,
    /// Those that the hash gives no variant.
    nobody: u64,
    /// Those that did not come to the hash, by the step and the pool that said so.
    out: BTreeMap<(Step, Option<String>), u64>,
}

impl Counts {
    pub(super) fn new(variants: usize) -> Self {
        Self { hashed: vec![0; variants], nobody: 0, out: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, end: Option<End>) {
        match end {
            Some(End::Variant(index)) => *self.hashed.get_mut(index).unwrap_or(&mut self.nobody) += 1,
            None | Some(End::Out(Step::Coverage, _)) => self.nobody += 1,
            Some(End::Out(step, pool)) => *self.out.entry((step, pool)).or_default() += 1,
        }
    }
}

/// A variant's bar in a picture.
#[derive(Clone, Debug)]
pub struct Bar {
    /// The variant.
    pub name: String,
    /// The share that it got, from 0 to 1, as are the others.
    pub observed: f64,
    /// The share that it should get.
    pub expected: f64,
    /// Half the length of the whisker.
    pub four_sigma: f64,
}

/// What a simulation found. The JSON form is documented in `docs/cli.md`.
#[derive(Debug, Serialize)]
pub struct Report {
    name: String,
    /// The shape or the file.
    ids: String,
    /// How many were simulated.
    pub units: u64,
    variants: Vec<Row>,
    /// Units without a variant.
    none: Row,
    /// Those of them that did not come to the hash.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    out: Vec<Row>,
    /// Over all variants and those without one; absent where nothing can differ.
    pub test: Option<ChiSquaredTest>,
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
    /// `reached` of `total` units come to where this part of them, `expected`, is taken.
    fn new(key: &str, units: u64, expected: f64, reached: u64, total: u64) -> Self {
        let total = total.max(1) as f64;
        let part = reached as f64 / total;
        let share = units as f64 / total;
        let four_sigma = four_sigma(expected, reached.max(1)) * part;
        let expected = expected * part;
        // Shares that are exact up to rounding have an interval of length 0.
        let within = (share - expected).abs() <= four_sigma + 1e-12;
        Self { key: key.to_owned(), units, share, expected, four_sigma, within }
    }
}

impl Report {
    pub(super) fn new(document: &Document, subject: &Subject, counts: &Counts, ids: &str) -> Self {
        let hashed = counts.hashed.iter().sum::<u64>() + counts.nobody;
        let units = hashed + counts.out.values().sum::<u64>();
        let out = out(document, subject, counts, units);
        let keys = subject.ranges.variants.iter();
        let shares: Vec<f64> = (0..keys.len()).map(|variant| subject.ranges.share_of(variant)).collect();
        // Sums of shares may miss one by the last bit.
        let rest = 1.0 - shares.iter().sum::<f64>();
        let rest = if rest.abs() < 1e-9 { 0.0 } else { rest };
        let rows = keys.zip(&counts.hashed).zip(&shares);
        let variants =
            rows.map(|((key, &count), &share)| Row::new(key, count, share, hashed, units)).collect();
        let mut none = Row::new("(none)", counts.nobody, rest, hashed, units);
        for row in &out {
            none.units += row.units;
            none.share += row.share;
            none.expected += row.expected;
            none.four_sigma = none.four_sigma.hypot(row.four_sigma);
            none.within &= row.within;
        }
        let test =
            chi_squared(&[&counts.hashed[..], &[counts.nobody]].concat(), &[shares, vec![rest]].concat())
                .ok();
        Self { name: subject.name.clone(), ids: ids.to_owned(), units, variants, none, out, test }
    }

    /// What was simulated: `experiment checkout`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the shares are not as configured; chance says so once in a million runs.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.test.is_some_and(|test| test.p_value < MIN_P)
    }

    /// The bars of a picture: the variants, and the units without one where there can be any.
    #[must_use]
    pub fn bars(&self) -> Vec<Bar> {
        let bar = |row: &Row| Bar {
            name: row.key.clone(),
            observed: row.share,
            expected: row.expected,
            four_sigma: row.four_sigma,
        };
        self.rows().map(bar).collect()
    }

    /// The variants, and the units without one where there can be any.
    fn rows(&self) -> impl Iterator<Item = &Row> {
        let none = (self.none.expected > 0.0 || self.none.units > 0).then_some(&self.none);
        self.variants.iter().chain(none)
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
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
        for Row { key, units, share, expected, within, .. } in &self.out {
            let mark = if *within { "" } else { "  outside" };
            let [share, expected] = [share, expected].map(|it| percent(*it));
            writeln!(out, "  of those without: {key}: {units} units, {share} (expected {expected}){mark}")?;
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

/// Those that holdouts, layers and prerequisites leave out, in the order in which these are asked. What
/// prerequisites leave out is as expected: it depends on other experiments.
fn out(document: &Document, subject: &Subject, counts: &Counts, units: u64) -> Vec<Row> {
    let Origin::Experiment(_, experiment) = &subject.origin else { return Vec::new() };
    let holdouts = document.experiments.iter().flat_map(|section| &section.holdouts);
    let share = |name: &String| {
        let found = holdouts.clone().find(|holdout| holdout.name == *name);
        found.map_or(0.0, |holdout| holdout.share.0)
    };
    let held = experiment.holdout.iter().map(|name| (Step::Holdout, name, share(name)));
    let beside = experiment.layer.iter().map(|layer| {
        let own: f64 = layer.ranges.iter().map(|[start, end]| end.0 - start.0).sum();
        (Step::Layer, &layer.name, 1.0 - own)
    });
    let mut reached = units;
    let mut rows = Vec::new();
    for (step, name, expected) in held.chain(beside) {
        let count = counts.out.get(&(step, Some(name.clone()))).copied().unwrap_or_default();
        rows.push(Row::new(&format!("{} {name}", step.name()), count, expected, reached, units));
        reached -= count;
    }
    for ((step, pool), &count) in &counts.out {
        if pool.is_none() && count > 0 {
            let observed = count as f64 / reached.max(1) as f64;
            rows.push(Row::new(step.name(), count, observed, reached, units));
            reached -= count;
        }
    }
    rows
}
