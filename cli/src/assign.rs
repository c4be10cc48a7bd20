//! `weir assign`: what becomes of one unit, and why.

use crate::environment::Environment;
use crate::input;
use crate::output::{Failure, Format, Outcome};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use weir_workbench::assign::{self, Question};

/// Explains the decisions about a request: the variant of its unit, its route, and why.
///
/// The request that the options describe runs through all filters of the configuration, as in the proxy, and
/// each step is reported: the tokens, each experiment (status, override, sticky, unit, holdout, layer,
/// targeting, prerequisites, coverage, variant, with hash values), the routing rules, and possible faults,
/// which are not injected. Tokens are verified, with keys from the configuration or from `--jwks`, at the
/// time `--at`. Secrets are read from the environment, as in the proxy. Only a proxy can evaluate CEL
/// expressions; they count as not fulfilled here.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir assign checkout.yaml --experiment checkout --unit user-42
  weir assign checkout.yaml --all --unit user-42 --attr country=de -H 'x-plan: pro'
  weir assign checkout.yaml --all --cookie uid=42 --path /shop --at 2026-03-01T00:00:00Z
  weir assign shop.yaml --all -H 'authorization: Bearer $TOKEN' --jwks keys.json
  weir assign shop.yaml --all --claim sub=ada --claim role=admin

Exit codes: 0 the request was decided, even if the unit gets no variant; 2 the file or the options are invalid.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    #[command(flatten)]
    which: Which,
    /// The unit's ID. It is set in the first source that the experiment, split or fault reads.
    #[arg(long, value_name = "ID")]
    unit: Option<String>,
    /// A key set (JSON) for all providers that fetch theirs from a server, or for one of them.
    #[arg(long, value_name = "[PROVIDER=]FILE")]
    jwks: Vec<String>,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    request: Options,
}

#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// One experiment, by its key.
    #[arg(long, value_name = "KEY")]
    experiment: Option<String>,
    /// All experiments, routing, faults, and the resulting request headers.
    #[arg(long)]
    all: bool,
}

/// The options that describe a request.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "The request")]
struct Options {
    /// A value of one of the configuration's attributes; it is set in the attribute's source.
    #[arg(long, value_name = "NAME=VALUE")]
    attr: Vec<String>,
    /// A header.
    #[arg(long, short = 'H', value_name = "NAME:VALUE")]
    header: Vec<String>,
    /// A cookie.
    #[arg(long, value_name = "NAME=VALUE")]
    cookie: Vec<String>,
    /// A query parameter.
    #[arg(long, value_name = "NAME=VALUE")]
    query: Vec<String>,
    /// A claim of a simulated verified token, if no token is given. The value is JSON, or text.
    #[arg(long, value_name = "NAME=VALUE")]
    claim: Vec<String>,
    /// An Envoy attribute, such as source.address.
    #[arg(long, value_name = "PATH=VALUE")]
    property: Vec<String>,
    /// The path, with or without a query.
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
    /// The method.
    #[arg(long, default_value = "GET")]
    method: String,
    /// The host.
    #[arg(long, default_value = "example.com")]
    host: String,
    /// The time, such as 2026-03-01T00:00:00Z. Default: now.
    #[arg(long = "at", visible_alias = "now", value_name = "TIME")]
    at: Option<String>,
}

impl Options {
    fn request(&self) -> assign::Options {
        let Self { attr, header, cookie, query, claim, property, path, method, host, at } = self.clone();
        assign::Options { attr, header, cookie, query, claim, property, path, method, host, at }
    }
}

impl Which {
    fn chosen(&self) -> assign::Which {
        self.experiment.clone().map_or(assign::Which::All, assign::Which::Experiment)
    }
}

/// Decides and writes.
///
/// # Errors
/// A file or options that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let (file, text) = input::named(&args.config)?;
    let variables = args.environment.read()?;
    let which = args.which.chosen();
    let loaded = assign::load(&file, &text, &variables, &which)?;
    let question = Question {
        which: &which,
        unit: args.unit.as_deref(),
        request: &args.request.request(),
        jwks: &args.jwks,
        now: UNIX_EPOCH.elapsed().map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)),
    };
    let key_set = |file: &str| input::read(Path::new(file));
    let note = |text: &str| crate::output::complain(&format!("note: {text}"));
    let report = assign::explain(&loaded, &question, key_set, note)?;
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out)?;
    }
    Ok(Outcome::Fine)
}
