//! `weir import`: vendors' flag definitions and Istio's resources as configurations.

mod args;
mod istio;

use crate::input;
use crate::output::{self, Failure, Outcome};
use anyhow::{Context as _, bail};
pub(crate) use args::Args;
use args::Vendor;
use serde::Serialize;
use std::io::Write;
use weir_allocation::sdk::Algorithm;
use weir_core::escape::escape;
use weir_definitions::{Kind, Options, Report};
use weir_workbench::import::{self, Flags};

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
        output::replace(path, text.as_bytes()).with_context(|| path.display().to_string())?;
    }
    let inline = configuration.as_deref().filter(|_| args.out.is_none());
    if args.format.is_json() {
        output::json(out, &Printed { report: &report, configuration: inline })?;
    } else {
        let complain = |line: &str| output::complain(&escape(line));
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
