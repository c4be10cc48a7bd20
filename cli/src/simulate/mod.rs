//! `weir simulate`: what becomes of many made-up units.

mod plot;

use crate::document;
use crate::input;
use crate::output::{Failure, Format, Outcome};
use crate::subject::Chosen;
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;
use std::path::PathBuf;
use weir_workbench::document::Loaded;
use weir_workbench::simulate::ids::{Shape, of_lines};
use weir_workbench::simulate::{self, Report, STEP};
use weir_workbench::subject::Subject;

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
  weir simulate ramp.yaml --experiment checkout --at 2026-03-08T00:00:00Z
  weir simulate canary.yaml --split canary --ids user-ids.txt

Exit codes: 0 the shares are as expected; 1 they are not (p below 0.000001); 2 a file is invalid.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    #[command(flatten)]
    which: Chosen,
    /// Number of units; with a file of IDs, the maximum.
    #[arg(short = 'n', long = "number", value_name = "N", default_value_t = 1_000_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    number: u64,
    /// The shape of generated IDs (sequential, numeric, uuid, email, hex), or a file with one ID per line.
    #[arg(long, value_name = "SHAPE|FILE", default_value = "sequential")]
    ids: String,
    /// The time (RFC 3339) at which ramps are simulated. Default: now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Draw the shares to this file, .svg or .png.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

/// Simulates and writes.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let which = args.which.which();
    let loaded = document::load(&args.config, |loaded| which.find(loaded).is_ok())?;
    let loaded = at(loaded, args.at.as_deref())?;
    let report = count(&loaded, &which.find(&loaded)?, args)?;
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out)?;
    }
    if let Some(path) = &args.plot {
        let title = format!("{}, {} units", report.name(), report.units);
        plot::draw(path, &title, &report.bars()).with_context(|| path.display().to_string())?;
    }
    Ok(if report.is_wrong() { Outcome::Problems } else { Outcome::Fine })
}

/// The configuration as it is at that time.
fn at(loaded: Loaded, time: Option<&str>) -> anyhow::Result<Loaded> {
    let now = match time {
        Some(text) => weir_core::timestamp::parse(text).context("--at")?,
        None => crate::report::time::now().saturating_mul(1_000_000_000),
    };
    if !loaded.has_ramps() {
        return Ok(loaded);
    }
    if time.is_none() {
        crate::output::complain("ramps are simulated as they are now; --at TIME gives another time");
    }
    Ok(loaded.at(now)?)
}

/// How many units each variant gets.
fn count(loaded: &Loaded, subject: &Subject, args: &Args) -> anyhow::Result<Report> {
    let most = usize::try_from(args.number).unwrap_or(usize::MAX);
    if let Some(shape) = Shape::from_name(&args.ids.to_ascii_lowercase()) {
        return counted(loaded, subject, shape.ids().take(most), args.number, &args.ids);
    }
    let text = input::read(args.ids.as_ref()).with_context(|| {
        format!("--ids {}: neither one of sequential, numeric, uuid, email, hex, nor a file", args.ids)
    })?;
    let number = of_lines(&text).count() as u64;
    counted(loaded, subject, of_lines(&text).take(most), number, &args.ids)
}

fn counted(
    loaded: &Loaded,
    subject: &Subject,
    ids: impl Iterator<Item = Vec<u8>>,
    number: u64,
    name: &str,
) -> anyhow::Result<Report> {
    let progress = progress(number);
    let report = simulate::run(loaded, subject, ids, name, |done| progress.set_position(done));
    progress.finish_and_clear();
    Ok(report?)
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
