//! `weir render istio`: a WasmPlugin or a TrafficExtension with a configuration in it.

mod manifest;
mod placement;
mod target;

use super::Form;
use crate::document::{self, Loaded};
use crate::environment::Environment;
use crate::output::{Failure, Outcome};
use anyhow::{Context as _, bail};
use clap::ValueEnum;
use placement::ProxyPlacement;
use std::io::Write;
use std::path::PathBuf;
use target::Target;

/// Prints the manifest that loads a configuration into Istio's proxies.
///
/// Phase, priority and failure strategy follow from the sections of the configuration by default: a plugin
/// that verifies tokens runs before authorization and fails closed; all others fail open. Variables that the
/// configuration reads come from the proxies' environment. See wasm-plugins/ for complete scenarios.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir render istio weir.yaml --namespace istio-ingress --label istio=ingressgateway \\
    --image oci://ghcr.io/acme/weir/weir --digest sha256:…
  weir render istio weir.yaml --at waypoint --namespace shop --target Service/web --traffic-extension
  weir render istio weir.yaml --at callee --namespace shop --label app=web | kubectl apply -f -

Exit codes: 0 success; 1 written, but a part cannot work, which standard error names; \
2 the file is invalid, or the options contradict each other.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    /// Which proxies load it.
    #[arg(long, value_name = "PLACE", default_value = "gateway")]
    at: ProxyPlacement,
    /// A label of the pods, as KEY=VALUE; several must all match. Not for waypoints. Default: all pods of the
    /// namespace.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// The target resource, as KIND/NAME: the Service or ServiceEntry of a waypoint, or a Gateway or
    /// GatewayClass of the Kubernetes Gateway API.
    #[arg(
        long = "target",
        value_name = "KIND/NAME",
        required_if_eq("at", "waypoint"),
        conflicts_with = "labels"
    )]
    targets: Vec<Target>,
    /// The resource's name.
    #[arg(long, default_value = "weir")]
    name: String,
    /// The resource's namespace: that of the pods.
    #[arg(long, default_value = "default")]
    namespace: String,
    /// URL of the module, as `weir push` prints it. Default: a placeholder.
    #[arg(long, value_name = "URL")]
    image: Option<String>,
    /// The digest of the image's manifest, as `weir push` prints it; with `https://` the SHA-256 of the module.
    #[arg(long, value_name = "DIGEST", requires = "image", value_parser = digest)]
    digest: Option<String>,
    /// Position in the filter chain. Default: follows from the sections.
    #[arg(long, ignore_case = true)]
    phase: Option<Phase>,
    /// Priority within the phase, highest first. Default: follows from the sections.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Behaviour if the module is not available or fails. Default: follows from the sections.
    #[arg(long, value_name = "STRATEGY", ignore_case = true)]
    fail_strategy: Option<FailStrategy>,
    /// Write a TrafficExtension, for Istio 1.30 and later.
    #[arg(long)]
    traffic_extension: bool,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    form: Form,
}

/// The position in the filter chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
enum Phase {
    /// Before Istio's authentication.
    Authn,
    /// After it, before Istio's authorization.
    Authz,
    /// After authorization, before Istio's statistics.
    Stats,
}

/// The behaviour if the module is not available, or fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(clippy::enum_variant_names, reason = "these are Istio's words")]
enum FailStrategy {
    /// Requests are rejected until a new VM has started; Istio 1.27 and later.
    FailReload,
    /// Requests are rejected.
    FailClose,
    /// Requests pass without the plugin.
    FailOpen,
}

pub(super) fn label(text: &str) -> anyhow::Result<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && value.len() <= 63 && !text.contains('*') => {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => bail!("a label is KEY=VALUE, without `*`, and a value has up to 63 characters"),
    }
}

/// 64 hexadecimal digits, without what may precede them.
fn digest(text: &str) -> anyhow::Result<String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let good = digits.len() == 64 && digits.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    good.then(|| digits.to_owned()).context("a digest is `sha256:` and 64 digits from 0 to f")
}

/// Writes the manifest.
///
/// # Errors
/// A file that cannot be used, options that contradict each other.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    args.targets.iter().try_for_each(|target| target.allowed(args.at))?;
    let loaded = document::load_in(&args.config, &args.environment.read()?, |_| true)?;
    args.form.write_block(&manifest::manifest(args, &loaded)?, out)?;
    let wrong = cannot_work(args, &loaded);
    wrong.iter().for_each(|what| crate::output::complain(what));
    Ok(if wrong.is_empty() { Outcome::Fine } else { Outcome::Problems })
}

fn cannot_work(args: &Args, loaded: &Loaded) -> Vec<&'static str> {
    let document = &loaded.document;
    let mut wrong = Vec::new();
    if args.at == ProxyPlacement::Callee && document.routing.is_some() {
        wrong.push("routing cannot choose a route at the callee: a sidecar has one for what comes in");
    }
    if args.fail_strategy == Some(FailStrategy::FailOpen) && document.jwt.is_some() {
        wrong.push("with FAIL_OPEN requests pass without a check of their tokens when the module fails");
    }
    wrong
}
