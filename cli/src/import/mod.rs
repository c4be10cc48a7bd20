//! `weir import`: vendors' flag definitions and Istio's resources as configurations.

mod istio;

use crate::input;
use crate::output::{Failure, Format, Outcome};
use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use weir_allocation::sdk::Algorithm;
use weir_core::escape::escape;
use weir_definitions::{Kind, Options, Report};
use weir_workbench::import::{self, Flags};

/// Converts a vendor's definitions to a configuration that assigns units as the vendor's SDKs do, or Istio's resources
/// to one that routes as they do.
///
/// Reads the definitions that the vendor publishes to its SDKs: GrowthBook's payload with `features`, the
/// feature list of Unleash's client API, or flagd's flag definitions, as JSON or YAML. If a part of a flag
/// has no equivalent, the whole flag is left out, so that imported flags assign units as the SDK does;
/// standard error reports the reasons.
///
/// A flag with one rule becomes an experiment of the same name. A flag with several rules becomes the
/// experiments NAME.1, NAME.2 … with `flag: NAME`: the first that assigns a variant wins, and all write the
/// same header. A unit without a variant has the flag's default.
///
/// `istio` reads VirtualServices, with their DestinationRules, RequestAuthentications and AuthorizationPolicies. Each route
/// becomes a rule that sets the header `x-weir-route`, weights become splits that keep a user on one side, and `--routes`
/// writes the VirtualServices that follow the header. A resource with a part that has no equivalent stays with Istio.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir import growthbook features.json --to experiments.yaml
  weir import unleash features.json --source userId=cookie:uid --source country=header:x-country
  weir import growthbook features.json --type tags=list --strict --to experiments.yaml
  weir import flagd flags.yaml --hash flagd-1 --output json
  weir import istio shop.yaml --to weir.yaml --routes routes.yaml --unit header:x-user-id

Exit codes: 0 every flag or resource was imported; 1 some were left out, or no flag needs an experiment; 2 the \
file is invalid.")]
pub(crate) struct Args {
    /// The vendor of the definitions, or `istio`.
    vendor: Vendor,
    /// The file; `-` is standard input.
    file: PathBuf,
    /// Write the configuration to this file instead of standard output.
    #[arg(short, long = "to", value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write nothing if a flag or a resource is left out.
    #[arg(long)]
    strict: bool,
    /// The source of an attribute in requests. Default: header:x-NAME.
    #[arg(long, value_name = "NAME=SOURCE")]
    source: Vec<String>,
    /// The type of an attribute: string, boolean, number, list or json. Default: inferred from the literals
    /// that it is compared with.
    #[arg(long = "type", value_name = "NAME=TYPE")]
    kind: Vec<String>,
    /// The hash of flagd's `fractional`: flagd-2, or flagd-1 for flagd up to core 0.13.
    #[arg(long, value_name = "HASH", default_value = "flagd-2", value_parser = ["flagd-1", "flagd-2"])]
    hash: String,
    /// Of `istio`: a source of what identifies a user in splits, such as header:x-user-id; the first non-empty one wins.
    /// Default: none, so that the cookie does.
    #[arg(long, value_name = "SOURCE")]
    unit: Vec<String>,
    /// Of `istio`: set no cookie with an anonymous ID. A request without a unit is then drawn by itself, as Istio does it.
    #[arg(long)]
    no_cookie: bool,
    /// Of `istio`: write the VirtualServices with a route for each value of `x-weir-route` to this file.
    #[arg(long, value_name = "FILE")]
    routes: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

/// Supported vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Vendor {
    /// The payload of GrowthBook's SDKs.
    Growthbook,
    /// The feature list of Unleash's client API.
    Unleash,
    /// Flag definitions of flagd.
    Flagd,
    /// Resources of Istio.
    Istio,
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
    let (name, text) = input::named(&args.file)?;
    let options = options(args)?;
    let vendor = match args.vendor {
        Vendor::Growthbook => weir_definitions::Vendor::Growthbook,
        Vendor::Unleash => weir_definitions::Vendor::Unleash,
        Vendor::Flagd => weir_definitions::Vendor::Flagd,
        Vendor::Istio => return istio::run(args, &name, &text, out),
    };
    let Flags { report, configuration } = import::flags(vendor, &name, &text, &options)?;
    let is_whole = report.left_out.is_empty();
    let is_empty = configuration.is_none();
    let configuration = configuration.filter(|_| is_whole || !args.strict);
    let is_written = configuration.is_some();
    if let (Some(path), Some(text)) = (&args.out, &configuration) {
        write(path, text)?;
    }
    let inline = configuration.as_deref().filter(|_| args.out.is_none());
    if args.format.is_json() {
        crate::output::json(out, &Printed { report: &report, configuration: inline })?;
    } else {
        let complain = |line: &str| crate::output::complain(&escape(line));
        import::lines(&report, &name).iter().for_each(|line| complain(line));
        if is_empty {
            complain("nothing is written: no flag became an experiment");
        } else if !is_written {
            complain("nothing is written: with --strict no flag may be left out");
        }
        out.write_all(inline.unwrap_or_default().as_bytes())?;
    }
    Ok(if is_whole && is_written { Outcome::Fine } else { Outcome::Problems })
}

fn options(args: &Args) -> anyhow::Result<Options> {
    let is_istio = args.vendor == Vendor::Istio;
    if is_istio && (!args.source.is_empty() || !args.kind.is_empty()) {
        bail!("--source and --type are for attributes of flags, which resources of Istio do not have");
    }
    if !is_istio && (!args.unit.is_empty() || args.no_cookie || args.routes.is_some()) {
        bail!("--unit, --no-cookie and --routes are for `istio` only");
    }
    let mut options = Options {
        flagd_hash: Algorithm::from_name(&args.hash).unwrap_or(Algorithm::Flagd2),
        ..Options::default()
    };
    for text in &args.source {
        let (name, source) =
            text.split_once('=').with_context(|| format!("--source {text}: write NAME=SOURCE"))?;
        if !source.contains(':') {
            bail!("--source {text}: expected a source such as header:x-user-id or cookie:uid");
        }
        options.sources.insert(name.to_owned(), source.to_owned());
    }
    for text in &args.kind {
        let (name, kind) = text.split_once('=').with_context(|| format!("--type {text}: write NAME=TYPE"))?;
        let known = Kind::ALL.map(Kind::name).join(", ");
        let kind = Kind::from_name(kind).with_context(|| format!("--type {text}: the types are {known}"))?;
        options.types.insert(name.to_owned(), kind);
    }
    Ok(options)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    crate::output::replace(path, text.as_bytes()).with_context(|| path.display().to_string())
}
