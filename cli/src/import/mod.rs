//! `weir import`: vendors' definitions as a Weir configuration.

mod condition;
mod constraint;
mod flagd;
mod growthbook;
mod jsonlogic;
mod model;
mod names;
mod render;
mod report;
mod unleash;

use crate::input;
use crate::output::{Failure, Format, Outcome};
use clap::ValueEnum;
use model::Import;
use render::Sources;
use report::Report;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use weir_allocation::sdk::Algorithm;
use weir_core::At;
use weir_core::escape::escape;

/// Turns a vendor's definitions into a configuration that assigns as the vendor's SDKs do.
///
/// Reads what the vendor publishes to its SDKs: GrowthBook's payload with `features`, the feature list of
/// Unleash's client API, or flagd's flag definitions, as JSON. A flag of which a part has no equivalent is
/// left out as a whole, so that what is there assigns as the SDK does; standard error says what and why.
///
/// A flag with one rule becomes an experiment of the same name, one with several becomes several: NAME.1,
/// NAME.2, of which a unit has at most one. A unit without a variant has the flag's default.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir import growthbook features.json -o experiments.yaml
  weir import unleash features.json --source userId=cookie:uid --source country=header:x-country
  weir import flagd flags.json --hash flagd-1 --output json

Exit codes: 0 every flag is in the configuration; 1 some are left out; 2 the file cannot be used.")]
pub(crate) struct Args {
    /// Whose definitions these are.
    vendor: Vendor,
    /// The file; `-` is standard input.
    file: PathBuf,
    /// Write the configuration to this file instead of standard output.
    #[arg(short, long = "to", value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where requests have an attribute; header:x-NAME is assumed for others.
    #[arg(long, value_name = "NAME=SOURCE")]
    source: Vec<String>,
    /// How flagd's `fractional` hashes: flagd-2, or flagd-1 for flagd up to core 0.13.
    #[arg(long, value_name = "HASH", default_value = "flagd-2", value_parser = ["flagd-1", "flagd-2"])]
    hash: String,
    #[command(flatten)]
    format: Format,
}

/// Vendors whose definitions can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Vendor {
    /// The payload of GrowthBook's SDKs.
    Growthbook,
    /// The feature list of Unleash's client API.
    Unleash,
    /// Flag definitions of flagd.
    Flagd,
}

/// What `--output json` prints.
#[derive(Debug, Serialize)]
struct Printed<'r> {
    #[serde(flatten)]
    report: &'r Report,
    /// The configuration, where no file was named for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<&'r str>,
}

/// Imports and writes.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let name = input::name(&args.file);
    let text = input::read(&args.file).map_err(|error| format!("{name}: {error}"))?;
    let sources = args.source.iter().map(|it| source(it)).collect::<Result<Sources, String>>()?;
    let import = match args.vendor {
        Vendor::Growthbook => growthbook::read(&text),
        Vendor::Unleash => unleash::read(&text),
        Vendor::Flagd => flagd::read(&text, Algorithm::from_name(&args.hash).unwrap_or(Algorithm::Flagd2)),
    };
    let import = import.map_err(|error| format!("{name}: {error}"))?;
    let (configuration, report) = configuration(import, &sources, &name);
    if !report.imported.is_empty() {
        accepted(&configuration)?;
    }
    if let Some(path) = &args.out {
        write(path, &configuration)?;
    }
    let inline = args.out.is_none().then_some(configuration.as_str());
    if args.format.is_json() {
        crate::output::json(out, &Printed { report: &report, configuration: inline })?;
    } else {
        report.lines().iter().for_each(|line| crate::output::complain(&escape(line)));
        out.write_all(inline.unwrap_or_default().as_bytes())?;
    }
    Ok(if report.left_out.is_empty() { Outcome::Fine } else { Outcome::Problems })
}

fn source(text: &str) -> Result<(String, String), String> {
    let (name, source) = text.split_once('=').ok_or_else(|| format!("--source {text}: write NAME=SOURCE"))?;
    if !source.contains(':') {
        return Err(format!("--source {text}: a source is such as header:x-user-id or cookie:uid"));
    }
    Ok((name.to_owned(), source.to_owned()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    crate::output::replace(path, text.as_bytes()).map_err(|error| format!("{}: {error}", path.display()))
}

/// The configuration with every flag that a module accepts; the others are left out.
fn configuration(mut import: Import, sources: &Sources, file: &str) -> (String, Report) {
    let head = [format!("Imported by `weir import` from {file}.")];
    loop {
        let mut report = import.report.clone();
        let experiments = render::experiments(&import, &mut report);
        let flags: Vec<String> = experiments.iter().map(|it| it.flag.clone()).collect();
        let text = render::document(&import, experiments, sources, &head);
        match refused(&text, &flags) {
            Some((flag, message)) => {
                // Others may depend on it, so all are made anew.
                import.flags.retain(|it| it.name != flag);
                import.report.leave_out(&flag, format!("a module would refuse it: {message}"));
            }
            None => {
                report.imported = flags;
                report.imported.dedup();
                return (text, report);
            }
        }
    }
}

/// Makes sure that a module takes the whole.
fn accepted(text: &str) -> Result<(), String> {
    let (documents, _) = crate::yaml::read(text);
    let json = documents.first().map(|document| document.to_json().to_string()).unwrap_or_default();
    weir_pipeline::validate(json.as_bytes())
        .map_err(|problems| format!("a module would refuse the result: {problems}"))
}

/// The first flag that a module refuses, and why.
fn refused(text: &str, flags: &[String]) -> Option<(String, String)> {
    let (documents, _) = crate::yaml::read(text);
    let json = documents.first()?.to_json().to_string();
    let problems = weir_pipeline::validate(json.as_bytes()).err()?;
    let list = At::root().field("experiments").field("list");
    problems.iter().find_map(|problem| {
        let index = (0..flags.len()).find(|&index| list.index(index).contains(&problem.at))?;
        Some((flags.get(index)?.clone(), problem.to_string()))
    })
}
