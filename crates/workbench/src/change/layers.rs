//! The ranges of each layer, by experiment, and the free ranges.

use crate::text::percent;
use serde::Serialize;
use std::io::{self, Write};
use weir_pipeline::Document;

/// All layers. The JSON form is documented in `docs/cli.md`.
#[derive(Debug, Serialize)]
pub struct Report {
    layers: Vec<Layer>,
}

#[derive(Debug, Serialize)]
struct Layer {
    name: String,
    experiments: Vec<Taken>,
    /// Half-open ranges that no experiment has.
    free: Vec<[f64; 2]>,
    /// The part of all units that they are, from 0 to 1.
    free_share: f64,
}

#[derive(Debug, Serialize)]
struct Taken {
    key: String,
    share: f64,
    ranges: Vec<[f64; 2]>,
}

/// The layers of a configuration.
#[must_use]
pub fn of(document: &Document) -> Report {
    let mut layers: Vec<Layer> = Vec::new();
    for experiment in document.experiments.iter().flat_map(|section| &section.list) {
        for layer in &experiment.layer {
            let ranges: Vec<[f64; 2]> = layer.ranges.iter().map(|[start, end]| [start.0, end.0]).collect();
            let share = total(&ranges);
            let taken = Taken { key: experiment.key.clone(), share, ranges };
            match layers.iter_mut().find(|known| known.name == layer.name) {
                Some(known) => known.experiments.push(taken),
                None => layers.push(Layer {
                    name: layer.name.clone(),
                    experiments: vec![taken],
                    free: Vec::new(),
                    free_share: 0.0,
                }),
            }
        }
    }
    for layer in &mut layers {
        layer.free = free(layer.experiments.iter().flat_map(|taken| &taken.ranges));
        layer.free_share = total(&layer.free);
    }
    Report { layers }
}

fn total(ranges: &[[f64; 2]]) -> f64 {
    ranges.iter().fold(0.0, |sum, [start, end]| sum + end - start)
}

/// What is between ranges that do not overlap.
fn free<'r>(taken: impl Iterator<Item = &'r [f64; 2]>) -> Vec<[f64; 2]> {
    let mut taken: Vec<[f64; 2]> = taken.copied().collect();
    taken.sort_by(|[a, _], [b, _]| a.total_cmp(b));
    let starts = taken.iter().map(|[start, _]| *start).chain([1.0]);
    let ends = [0.0].into_iter().chain(taken.iter().map(|[_, end]| *end));
    ends.zip(starts).filter(|(end, start)| start - end > 1e-9).map(|(end, start)| [end, start]).collect()
}

impl Report {
    /// Writes it for people.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        if self.layers.is_empty() {
            writeln!(out, "no experiment is in a layer")?;
        }
        for layer in &self.layers {
            writeln!(out, "layer {}: {} free", layer.name, percent(layer.free_share))?;
            let written = |ranges: &[[f64; 2]]| {
                ranges.iter().map(|[start, end]| format!("[{start}, {end}]")).collect::<Vec<_>>().join(", ")
            };
            for Taken { key, share, ranges } in &layer.experiments {
                writeln!(out, "  {key:14} {:>9}  [{}]", percent(*share), written(ranges))?;
            }
            if !layer.free.is_empty() {
                writeln!(
                    out,
                    "  {:14} {:>9}  [{}]",
                    "(free)",
                    percent(layer.free_share),
                    written(&layer.free)
                )?;
            }
        }
        Ok(())
    }
}
