//! `weir status`: which proxies run which configuration, as they report it themselves.
//!
//! `prometheus` and `admin` collect readings, `rejected` reads for what Envoy rejected a listener, `fleet` makes proxies of
//! them and judges each, `view` shows them.

mod admin;
mod fleet;
mod prometheus;
mod rejected;
mod view;

use crate::document;
use crate::environment;
use crate::output::{Failure, Format, Outcome};
use crate::report::prometheus::Connection;
use anyhow::anyhow;
use fleet::{Fleet, Question};
use std::io::Write;
use std::path::PathBuf;

/// Shows which version and configuration each proxy runs, what it refused, and how old its keys are.
///
/// Proxies report it in metrics, which Prometheus or Envoy's admin interface has. With a configuration, it also says for
/// each proxy whether it runs that one: neither Istio nor Envoy Gateway reports a configuration that a proxy refused.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir status --prometheus http://localhost:9090
  weir status weir.yaml --prometheus http://localhost:9090 --matcher 'namespace=\"shop\"'
  weir status weir.yaml --admin http://localhost:9901 --output json

Exit codes: 0 all proxies run the configuration, or one at all; 1 a proxy runs another one or none, refuses what it was \
sent, or does not answer; 2 the file cannot be used, Prometheus does not answer, or there is no proxy.")]
pub(crate) struct Args {
    /// The configuration that the proxies should run; `-` is standard input. Default: whatever they run.
    config: Option<PathBuf>,
    /// Prometheus, or another server with its HTTP API, such as `http://localhost:9090`.
    #[arg(long, value_name = "URL", required_unless_present = "admins")]
    prometheus: Option<String>,
    /// A file with a token for it, which is sent as `Authorization: Bearer`.
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    bearer_token_file: Option<PathBuf>,
    /// Trust the certificates in this PEM file, besides those that the system trusts.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A further matcher of labels, as PromQL writes it, such as `namespace="shop"`.
    #[arg(long = "matcher", value_name = "MATCHER", requires = "prometheus")]
    matchers: Vec<String>,
    /// The admin interface of an Envoy, such as `http://localhost:9901`, or `http://localhost:15000` of Istio's.
    #[arg(long = "admin", value_name = "URL")]
    admins: Vec<String>,
    /// Only the plugin of this name, as the label `plugin` of `weir_config_hash` has it. Default: all.
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Asks all sources and writes what they say.
///
/// # Errors
/// A configuration that cannot be used, a Prometheus that does not answer, or no proxy at all.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let expected = match &args.config {
        Some(path) => {
            Some(crate::rollout::fingerprint(&document::load_in(path, &environment::inherited(), |_| true)?))
        }
        None => None,
    };
    crate::report::matchers(&args.matchers)?;
    let mut proxies = Vec::new();
    if let Some(url) = &args.prometheus {
        let connection = Connection::new(url.clone(), args.bearer_token_file.clone(), args.ca_file.clone());
        let found = prometheus::proxies(&connection, &args.matchers, args.plugin.as_deref())?;
        // An error of its own: proxies of another source say nothing of those that Prometheus should have.
        if found.is_empty() {
            let message = anyhow!(
                "no proxy in Prometheus reports weir_config_hash: are the proxies scraped, is the module of this version, \
                 and do labels come out as labels (weir render bootstrap)?"
            );
            return Err(message.into());
        }
        proxies.extend(found);
    }
    proxies.extend(admin::proxies(&args.admins, args.ca_file.as_deref())?);
    let question = Question { expected, plugin: args.plugin.clone() };
    let fleet = Fleet::new(question, proxies);
    if args.format.is_json() {
        crate::output::json(out, &view::status(&fleet))?;
    } else {
        view::write(&fleet, crate::report::time::now(), out)?;
    }
    Ok(if fleet.is_well() { Outcome::Fine } else { Outcome::Problems })
}
