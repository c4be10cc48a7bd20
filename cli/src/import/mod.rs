//! `weir import`: vendors' definitions, and Istio's resources, as a Weir configuration.
//!
//! `weir-definitions` interprets the definitions; this module handles files, lines and text.

mod istio;
mod report;

use crate::input;
use crate::output::{Failure, Format, Outcome};
use crate::yaml::write::Block;
use crate::yaml::{Content, Node};
use clap::ValueEnum;
use report::Printed;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use weir_allocation::sdk::Algorithm;
use weir_core::escape::escape;
use weir_definitions::{Document, Experiment, Imported, Kind, Options, Report};

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

/// Imports and writes.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let name = input::name(&args.file);
    let text = input::read(&args.file).map_err(|error| format!("{name}: {error}"))?;
    let options = options(args)?;
    let (documents, broken) = crate::yaml::read(&text);
    if let Some(broken) = broken.first() {
        return Err(format!("{name}:{}:{}: {}", broken.at.line, broken.at.column, broken.message).into());
    }
    if args.vendor == Vendor::Istio {
        return istio::run(args, &name, &documents, out);
    }
    let [file] = documents.as_slice() else {
        return Err(format!("{name}: has {} documents, but one is expected", documents.len()).into());
    };
    let vendor = match args.vendor {
        Vendor::Growthbook => weir_definitions::Vendor::Growthbook,
        Vendor::Unleash => weir_definitions::Vendor::Unleash,
        Vendor::Flagd | Vendor::Istio => weir_definitions::Vendor::Flagd,
    };
    let imported = weir_definitions::import(vendor, &file.to_json(), &options);
    let Imported { document, mut report } = imported.map_err(|error| format!("{name}: {error}"))?;
    locate(&mut report, file);
    let is_whole = report.left_out.is_empty();
    let is_written = !document.is_empty() && (is_whole || !args.strict);
    let configuration = is_written.then(|| crate::yaml::write::write(&block(&document, &name)));
    if let (Some(path), Some(text)) = (&args.out, &configuration) {
        write(path, text)?;
    }
    let inline = configuration.as_deref().filter(|_| args.out.is_none());
    if args.format.is_json() {
        crate::output::json(out, &Printed { report: &report, configuration: inline })?;
    } else {
        let complain = |line: &str| crate::output::complain(&escape(line));
        report::lines(&report, &name).iter().for_each(|line| complain(line));
        if document.is_empty() {
            complain("nothing is written: no flag became an experiment");
        } else if !is_written {
            complain("nothing is written: with --strict no flag may be left out");
        }
        out.write_all(inline.unwrap_or_default().as_bytes())?;
    }
    Ok(if is_whole && is_written { Outcome::Fine } else { Outcome::Problems })
}

fn options(args: &Args) -> Result<Options, String> {
    let is_istio = args.vendor == Vendor::Istio;
    if is_istio && (!args.source.is_empty() || !args.kind.is_empty()) {
        return Err(
            "--source and --type are for attributes of flags, which resources of Istio do not have".into()
        );
    }
    if !is_istio && (!args.unit.is_empty() || args.no_cookie || args.routes.is_some()) {
        return Err("--unit, --no-cookie and --routes are for `istio` only".into());
    }
    let mut options = Options {
        flagd_hash: Algorithm::from_name(&args.hash).unwrap_or(Algorithm::Flagd2),
        ..Options::default()
    };
    for text in &args.source {
        let (name, source) =
            text.split_once('=').ok_or_else(|| format!("--source {text}: write NAME=SOURCE"))?;
        if !source.contains(':') {
            return Err(format!("--source {text}: expected a source such as header:x-user-id or cookie:uid"));
        }
        options.sources.insert(name.to_owned(), source.to_owned());
    }
    for text in &args.kind {
        let (name, kind) = text.split_once('=').ok_or_else(|| format!("--type {text}: write NAME=TYPE"))?;
        let known = Kind::ALL.map(Kind::name).join(", ");
        let kind = Kind::from_name(kind).ok_or_else(|| format!("--type {text}: the types are {known}"))?;
        options.types.insert(name.to_owned(), kind);
    }
    Ok(options)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    crate::output::replace(path, text.as_bytes()).map_err(|error| format!("{}: {error}", path.display()))
}

/// Finds the lines of what the report speaks of.
fn locate(report: &mut Report, file: &Node) {
    for remark in report.left_out.iter_mut().filter(|remark| !remark.at.is_empty()) {
        remark.line = Some(line(file, remark.at.split('/').skip(1)));
    }
}

/// The line of a part of a document, as the steps of a JSON pointer lead to it.
fn line<'s>(file: &Node, steps: impl Iterator<Item = &'s str>) -> usize {
    let (mut node, mut line) = (file, file.at.line);
    for step in steps {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match &node.content {
            Content::Object(members) => {
                members.iter().find(|it| it.key == step).map(|it| (it.key_at.line, &it.value))
            }
            Content::List(items) => {
                step.parse::<usize>().ok().and_then(|index| items.get(index)).map(|it| (it.at.line, it))
            }
            _ => None,
        };
        let Some((at, inner)) = next else { break };
        (line, node) = (at, inner);
    }
    line
}

/// The configuration as a file with comments.
fn block(document: &Document, file: &str) -> Block {
    let mut members = Vec::new();
    if !document.attributes.is_empty() {
        let guessed = document.attributes.iter().any(|it| it.is_guess);
        let remark = guessed.then(|| {
            "The sources and types of these are guesses; correct them with --source and --type.".to_owned()
        });
        let attributes =
            document.attributes.iter().map(|it| (it.name.clone(), Block::Value(it.source.clone())));
        let block = Block::Map(attributes.collect()).commented(remark.into_iter().collect());
        members.push(("attributes".to_owned(), block));
    }
    let list = document.experiments.iter().map(experiment).collect();
    members.push(("experiments".to_owned(), Block::Map(vec![("list".to_owned(), Block::List(list))])));
    Block::Map(members).commented(vec![format!("Imported by `weir import` from {file}.")])
}

fn experiment(it: &Experiment) -> Block {
    let member = |(name, value): &(&'static str, Value)| {
        let block = match value {
            // Objects, each on a line of its own.
            Value::Array(items) if items.iter().any(Value::is_object) => {
                Block::List(items.iter().cloned().map(Block::Value).collect())
            }
            value => Block::Value(value.clone()),
        };
        ((*name).to_owned(), block)
    };
    let block = Block::Map(it.members.iter().map(member).collect());
    if it.comments.is_empty() { block } else { block.commented(it.comments.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_file() {
        let (documents, _) = crate::yaml::read("features:\n  a/b:\n    rules:\n    - {}\n    - force: 1\n");
        let remark =
            |at: &str| weir_definitions::Remark { at: at.into(), ..weir_definitions::Remark::default() };
        let left_out = vec![remark("/features/a~1b/rules/1"), remark("/features/a~1b/gone"), remark("")];
        let mut report = Report { left_out, ..Report::default() };
        locate(&mut report, &documents[0]);
        let lines: Vec<_> = report.left_out.iter().map(|it| it.line).collect();
        assert_eq!(lines, [Some(5), Some(2), None]);
    }
}
