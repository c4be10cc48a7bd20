//! The series of a metric.

use super::builder::Builder;
use super::labels::Compiled;
use crate::config::Metric as Spec;
use crate::plan::{LabelValue, Reading, Series};
use crate::series::{Digit, Ids};
use std::cell::Cell;
use weir_core::{At, Table, problem::did_you_mean};

/// How many series there may be when nothing is said.
const SERIES: u32 = 1000;
/// How many there may be at all.
const MAX_SERIES: u32 = 10_000;

impl Builder<'_, '_> {
    pub(super) fn series(&mut self, spec: &Spec, at: &At) -> Vec<Series> {
        let most = spec.max_series.unwrap_or(SERIES);
        if !(1..=MAX_SERIES).contains(&most) {
            let message = format!("{most} is not from 1 to {MAX_SERIES}");
            self.compiler.problems.add(&at.field("maxSeries"), message);
        }
        let mut labels: Vec<(Box<str>, LabelValue)> = Vec::new();
        for (name, label) in spec.labels.iter() {
            let at = at.field("labels").field(name);
            match self.label(label, &at) {
                Some(Compiled::Constant(text)) => labels.push((name.into(), LabelValue::Constant(text))),
                Some(Compiled::Read(position)) => labels.push((name.into(), LabelValue::Read(position))),
                None => {}
            }
        }
        if spec.experiments.is_empty() {
            return vec![self.one_series(labels, None, most, at)];
        }
        let mut all = Vec::new();
        for (key, at) in self.experiments(spec, at) {
            let Some(variant) = self.variant_label(&key, &at) else { continue };
            let mut labels: Vec<_> = labels
                .iter()
                .map(|(name, value)| {
                    let value = match value {
                        LabelValue::Constant(text) => LabelValue::Constant(text.clone()),
                        LabelValue::Read(position) => LabelValue::Read(*position),
                    };
                    (name.clone(), value)
                })
                .collect();
            // Written as the experiment's own counters have it.
            let key = key.replace('.', "_");
            labels.push(("experiment".into(), LabelValue::Constant(key.into())));
            labels.push(("variant".into(), LabelValue::Read(variant)));
            all.push(self.one_series(labels, Some(variant), most, &at));
        }
        all
    }

    /// The experiments that are meant, with the place where each is named.
    fn experiments(&mut self, spec: &Spec, at: &At) -> Vec<(String, At)> {
        let at = at.field("experiments");
        let known: Vec<String> = self.compiler.experiments().iter().map(|known| known.key.clone()).collect();
        let mut keys: Vec<(String, At)> = Vec::new();
        for (i, key) in spec.experiments.iter().enumerate() {
            let at = if spec.experiments.len() == 1 { at.clone() } else { at.index(i) };
            if key == "*" {
                if known.is_empty() {
                    let message = "this configuration has no experiments; list those of another plugin";
                    self.compiler.problems.add(&at, message);
                }
                keys.extend(known.iter().map(|key| (key.clone(), at.clone())));
            } else if known.is_empty() || self.compiler.experiment_by_key(key).is_some() {
                keys.push((key.clone(), at));
            } else {
                let hint = did_you_mean(key, known.iter().map(String::as_str));
                self.compiler.problems.add(&at, format!("unknown experiment {key:?}{hint}"));
            }
        }
        let mut before = Table::<&str>::default();
        for (key, at) in &keys {
            if !before.insert(key) {
                self.compiler.problems.add(at, format!("{key:?} is listed twice"));
            }
        }
        keys
    }

    fn one_series(
        &mut self,
        labels: Vec<(Box<str>, LabelValue)>,
        only_with: Option<u16>,
        most: u32,
        at: &At,
    ) -> Series {
        let labels = sorted(labels);
        let mut digits: Vec<Digit> = Vec::new();
        let mut combinations: Option<u64> = Some(1);
        for (_, value) in &labels {
            let LabelValue::Read(label) = value else { continue };
            let size = self.readings.get(usize::from(*label)).map_or(2, Reading::size);
            if let Some(stride) = combinations {
                digits.push(Digit { label: *label, stride });
            }
            combinations = combinations.and_then(|stride| stride.checked_mul(size as u64));
        }
        if combinations.is_none() {
            let message = "the labels have too many combinations: use fewer labels or values";
            self.compiler.problems.add(&at.field("labels"), message);
        }
        Series {
            labels: labels.into(),
            only_with,
            ids: Ids::new(combinations, most.min(MAX_SERIES)),
            overflows: (0..=digits.len()).map(|_| Cell::default()).collect(),
            digits: digits.into(),
        }
    }
}

/// Labels by name: a proxy hands over objects in any order, and a series must have one name. They are few,
/// and the standard library's sort would cost a module 5 kB.
fn sorted(labels: Vec<(Box<str>, LabelValue)>) -> Vec<(Box<str>, LabelValue)> {
    let mut sorted: Vec<(Box<str>, LabelValue)> = Vec::with_capacity(labels.len());
    for label in labels {
        let place = sorted.partition_point(|(name, _)| *name < label.0);
        sorted.insert(place, label);
    }
    sorted
}
