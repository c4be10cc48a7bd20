//! What `weir render istio` is given.

use super::placement::ProxyPlacement;
use super::target::Target;
use crate::environment::Environment;
use crate::render::form::Form;
use anyhow::{Context as _, bail};
use clap::ValueEnum;
use std::path::PathBuf;

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
    pub(super) config: PathBuf,
    /// Which proxies load it.
    #[arg(long, value_name = "PLACE", default_value = "gateway")]
    pub(super) at: ProxyPlacement,
    /// A label of the pods, as KEY=VALUE; several must all match. Not for waypoints. Default: all pods of the
    /// namespace.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    pub(super) labels: Vec<(String, String)>,
    /// The target resource, as KIND/NAME: the Service or ServiceEntry of a waypoint, or a Gateway or
    /// GatewayClass of the Kubernetes Gateway API.
    #[arg(
        long = "target",
        value_name = "KIND/NAME",
        required_if_eq("at", "waypoint"),
        conflicts_with = "labels"
    )]
    pub(super) targets: Vec<Target>,
    /// The resource's name.
    #[arg(long, default_value = "weir")]
    pub(super) name: String,
    /// The resource's namespace: that of the pods.
    #[arg(long, default_value = "default")]
    pub(super) namespace: String,
    /// URL of the module, as `weir push` prints it. Default: a placeholder.
    #[arg(long, value_name = "URL")]
    pub(super) image: Option<String>,
    /// The digest of the image's manifest, as `weir push` prints it; with `https://` the SHA-256 of the module.
    #[arg(long, value_name = "DIGEST", requires = "image", value_parser = digest)]
    pub(super) digest: Option<String>,
    /// Position in the filter chain. Default: follows from the sections.
    #[arg(long, ignore_case = true)]
    pub(super) phase: Option<Phase>,
    /// Priority within the phase, highest first. Default: follows from the sections.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(super) priority: Option<i32>,
    /// Behaviour if the module is not available or fails. Default: follows from the sections.
    #[arg(long, value_name = "STRATEGY", ignore_case = true)]
    pub(super) fail_strategy: Option<FailStrategy>,
    /// Write a TrafficExtension, for Istio 1.30 and later.
    #[arg(long)]
    pub(super) traffic_extension: bool,
    #[command(flatten)]
    pub(super) environment: Environment,
    #[command(flatten)]
    pub(super) form: Form,
}

/// The position in the filter chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Phase {
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
pub(super) enum FailStrategy {
    /// Requests are rejected until a new VM has started; Istio 1.27 and later.
    FailReload,
    /// Requests are rejected.
    FailClose,
    /// Requests pass without the plugin.
    FailOpen,
}

/// A label of pods.
///
/// # Errors
/// It is not KEY=VALUE, or no label of Kubernetes.
pub(crate) fn label(text: &str) -> anyhow::Result<(String, String)> {
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
