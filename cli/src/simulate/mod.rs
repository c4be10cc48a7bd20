//! `weir simulate`: what becomes of many made-up units.

pub(crate) mod ids;
mod plot;
mod report;

use crate::document::{self, Loaded};
use crate::input;
use crate::output::{Failure, Format, Outcome};
use crate::population::{End, Population};
use crate::subject::{Origin, Subject, Which};
use ids::Shape;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use report::{Counts, Report};
use std::io::Write;
use std::path::PathBuf;

/// Assigns many simulated units and compares the shares with the configured ones.
///
/// Prints for each variant the number of units, the share, the expected share, and whether the difference is
/// within four standard deviations; for all variants Pearson's chi-squared test. Holdouts, layers and
/// prerequisites are applied first, and compared too. Targeting is assumed to hold, because it depends on
/// requests (`weir assign` evaluates it).
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir simulate checkout.yaml --experiment checkout
  weir simulate checkout.yaml --experiment checkout -n 5000000 --ids uuid --plot shares.svg
  weir simulate canary.yaml --split canary --ids user-ids.txt

Exit codes: 0 the shares are as expected; 1 they are not (p below 0.000001); 2 a file is invalid.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    #[command(flatten)]
    which: Which,
    /// Number of units; with a file of IDs, the maximum.
    #[arg(short = 'n', long = "number", value_name = "N", default_value_t = 1_000_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    number: u64,
    /// The shape of generated IDs (sequential, numeric, uuid, email, hex), or a file with one ID per line.
    #[arg(long, value_name = "SHAPE|FILE", default_value = "sequential")]
    ids: String,
    /// Draw the shares to this file, .svg or .png.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

/// Below this the shares are called wrong: once in a million runs by chance.
const MIN_P: f64 = 1e-6;

/// Units between two movements of the progress bar.
const STEP: u64 = 10_000;

/// Simulates and writes.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let loaded = document::load(&args.config, |loaded| args.which.find(loaded).is_ok())?;
    let subject = args.which.find(&loaded)?;
    let counts = count(&loaded, &subject, args)?;
    let report = Report::new(&loaded.document, &subject, &counts, &args.ids);
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out)?;
    }
    if let Some(path) = &args.plot {
        let title = format!("{}, {} units", subject.name, report.units);
        plot::draw(path, &title, &report.bars()).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let wrong = report.test.is_some_and(|test| test.p_value < MIN_P);
    Ok(if wrong { Outcome::Problems } else { Outcome::Fine })
}

/// How many units each variant gets.
fn count(loaded: &Loaded, subject: &Subject, args: &Args) -> Result<Counts, Failure> {
    let most = usize::try_from(args.number).unwrap_or(usize::MAX);
    match <Shape as clap::ValueEnum>::from_str(&args.ids, true) {
        Ok(shape) => Ok(counted(loaded, subject, shape.ids().take(most), args.number)?),
        Err(_) => {
            let text = input::read(args.ids.as_ref()).map_err(|error| {
                format!(
                    "--ids {}: neither one of sequential, numeric, uuid, email, hex, nor a file: {error}",
                    args.ids
                )
            })?;
            let number = ids::of_lines(&text).count() as u64;
            Ok(counted(loaded, subject, ids::of_lines(&text).take(most), number)?)
        }
    }
}

fn counted(
    loaded: &Loaded,
    subject: &Subject,
    ids: impl Iterator<Item = Vec<u8>>,
    number: u64,
) -> Result<Counts, String> {
    let progress = progress(number);
    let mut counts = Counts::new(subject.ranges.variants.len());
    let mut whole = match &subject.origin {
        _ if !subject.depends => None,
        Origin::Experiment(..) => Some(Population::new(loaded, None)?),
        Origin::Split(rule) => Some(Population::new(loaded, Some(rule))?),
    };
    for (done, id) in (1_u64..).zip(ids) {
        let end = match (&mut whole, &subject.origin) {
            (Some(whole), Origin::Experiment(index, _)) => {
                whole.decide(&id).experiments.get(*index).cloned().flatten()
            }
            (Some(whole), Origin::Split(_)) => whole.decide(&id).split.map(End::Variant),
            (None, _) => subject.assign_index(&id).map(End::Variant),
        };
        counts.add(end);
        if done % STEP == 0 {
            progress.set_position(done);
        }
    }
    progress.finish_and_clear();
    Ok(counts)
}

/// A bar on standard error, if that is a terminal and the run is long enough to wait for.
fn progress(number: u64) -> ProgressBar {
    let target =
        if number >= 50 * STEP { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(number), target);
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} units, {eta} left");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
