//! `weir layers`: the ranges of each layer, by experiment, and the free ranges.

use crate::document;
use crate::output::{Failure, Format, Outcome, percent};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// Shows the layers of a configuration: the ranges of each experiment, and the free ranges.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir layers experiments.yaml
  weir layers experiments.yaml --output json

Exit codes: 0 the file is valid; 2 it is not.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Report {
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

/// Reads and writes.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let loaded = document::load(&args.config, |loaded| loaded.document.experiments.is_some())?;
    let mut layers: Vec<Layer> = Vec::new();
    for experiment in loaded.document.experiments.iter().flat_map(|section| &section.list) {
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
    let report = Report { layers };
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out)?;
    }
    Ok(Outcome::Fine)
}

fn total(ranges: &[[f64; 2]]) -> f64 {
    ranges.iter().fold(0.0, |sum, [start, end]| sum + end - start)
}

/// What is between ranges that do not overlap.
fn free<'r>(taken: impl Iterator<Item = &'r [f64; 2]>) -> Vec<[f64; 2]> {
    let mut taken: Vec<[f64; 2]> = taken.copied().collect();
    taken.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let starts = taken.iter().map(|range| range[0]).chain([1.0]);
    let ends = [0.0].into_iter().chain(taken.iter().map(|range| range[1]));
    ends.zip(starts).filter(|(end, start)| start - end > 1e-9).map(|(end, start)| [end, start]).collect()
}

impl Report {
    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
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
