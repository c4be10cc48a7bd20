//! `weir render access-log`: access logs with a row for each exposure, for a warehouse.

use super::form::Form;
use crate::document;
use crate::environment::Environment;
use crate::output::{Failure, Outcome};
use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::PathBuf;

/// Prints access loggers that write a row for each exposure: when, which unit, which experiment, which variant.
///
/// Warehouse-native tools (GrowthBook, Statsig, Eppo, LaunchDarkly) read exposures from such a table. The
/// configuration needs `experiments.output.exposures: true`.
///
/// For Envoy it is the value of `access_log` of the HTTP connection manager: add its items to yours.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir render access-log weir.yaml
  weir render access-log weir.yaml --path /var/log/exposures.json
  weir render access-log weir.yaml --otlp collector
  weir render access-log --istio weir.yaml --label istio=ingressgateway --provider envoy
  weir render access-log --istio=mesh weir.yaml

Exit codes: 0 success; 2 the file is invalid, or logs no exposures.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    /// The file that Envoy writes to.
    #[arg(long, value_name = "FILE", default_value = "/dev/stdout", conflicts_with = "otlp")]
    path: String,
    /// Send OpenTelemetry logs to this cluster instead; with `--istio=mesh` to this service, as HOST:PORT.
    #[arg(long, value_name = "CLUSTER")]
    otlp: Option<String>,
    /// Print resources for Istio instead: a Telemetry resource, or the mesh configuration that it refers to.
    #[arg(long, value_name = "FORM", require_equals = true, num_args = 0..=1,
        default_missing_value = "telemetry")]
    istio: Option<Istio>,
    /// The namespace of the Telemetry resource.
    #[arg(long, value_name = "NAME", default_value = "istio-ingress")]
    namespace: String,
    /// A label of the pods that the Telemetry resource is for, as KEY=VALUE; several must all match. Default: all
    /// pods of the namespace.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = super::istio::label)]
    labels: Vec<(String, String)>,
    /// A provider of your other access logs, which the Telemetry resource keeps. Istio writes no log that the
    /// resource does not name.
    #[arg(long = "provider", value_name = "NAME")]
    providers: Vec<String>,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    form: Form,
}

/// The form for Istio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Istio {
    /// A Telemetry resource that chooses the rows and the providers that write them.
    Telemetry,
    /// `meshConfig` with these providers, for the installation of istiod.
    Mesh,
}

/// The columns, with what Envoy writes into them for an experiment.
fn columns(key: &str) -> [(&'static str, String); 5] {
    let state = |name: &str| format!("%FILTER_STATE(wasm.weir.{name}.{key}:PLAIN)%");
    [
        ("timestamp", "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%".to_owned()),
        ("unit_id", state("exposure-unit")),
        ("unit_type", state("exposure-source")),
        ("experiment_id", key.to_owned()),
        ("variation_id", state("exposure")),
    ]
}

/// The requests that are an exposure of an experiment, in CEL.
fn expression(key: &str) -> String {
    format!("'wasm.weir.exposure.{key}' in filter_state")
}

/// The name of the provider in Istio's mesh configuration.
fn provider(key: &str) -> String {
    format!("weir-exposures-{key}")
}

/// Renders.
///
/// # Errors
/// A file that cannot be used, or one that logs no exposures.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let has_experiments = |loaded: &document::Loaded| loaded.document.experiments.is_some();
    let loaded = document::load_in(&args.config, &args.environment.read()?, has_experiments)?;
    let Some(experiments) = loaded.document.experiments.as_ref().filter(|it| it.output.exposures) else {
        return Err(anyhow!("no exposures are logged: set `experiments.output.exposures: true`").into());
    };
    let mut keys: Vec<&str> = experiments.list.iter().map(|experiment| &*experiment.key).collect();
    keys.sort_unstable();
    let (comment, value) = match args.istio {
        None => ("Add to access_log of the HTTP connection manager.", envoy(args, &keys)),
        Some(Istio::Telemetry) => (TELEMETRY, telemetry(args, &keys)),
        Some(Istio::Mesh) => ("For the installation of istiod.", mesh(args, &keys)?),
    };
    args.form.write(&[comment.to_owned()], &value, out)?;
    Ok(Outcome::Fine)
}

fn envoy(args: &Args, keys: &[&str]) -> Value {
    let logger = |key: &&str| {
        let (name, config) = match &args.otlp {
            None => ("envoy.access_loggers.file", file(args, key)),
            Some(cluster) => ("envoy.access_loggers.open_telemetry", otlp(cluster, key)),
        };
        json!({
            "name": name,
            "filter": {"extension_filter": {
                "name": "envoy.access_loggers.extension_filters.cel",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                    "expression": expression(key),
                },
            }},
            "typed_config": config,
        })
    };
    json!({"access_log": keys.iter().map(logger).collect::<Vec<_>>()})
}

fn file(args: &Args, key: &str) -> Value {
    let row: Map<String, Value> =
        columns(key).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": args.path,
        "log_format": {"json_format": row},
    })
}

fn otlp(cluster: &str, key: &str) -> Value {
    let values = columns(key).map(|(name, value)| json!({"key": name, "value": {"string_value": value}}));
    json!({
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
        "grpc_service": {"envoy_grpc": {"cluster_name": cluster}, "timeout": "5s"},
        "log_name": "weir_exposures",
        "body": {"string_value": "exposure"},
        "attributes": {"values": values},
    })
}

/// What Istio does with the resource, and what it does not say.
const TELEMETRY: &str = "The providers are in the mesh configuration: weir render access-log --istio=mesh. Pods that \
                         this resource is for write no other access log than those it names (--provider), and of \
                         several Telemetry resources for all pods of a namespace only the oldest has an effect.";

fn telemetry(args: &Args, keys: &[&str]) -> Value {
    let others = args.providers.iter().map(|name| json!({"providers": [{"name": name}]}));
    let log = |key: &&str| json!({"providers": [{"name": provider(key)}], "filter": {"expression": expression(key)}});
    let mut spec = json!({"accessLogging": others.chain(keys.iter().map(log)).collect::<Vec<_>>()});
    if !args.labels.is_empty() {
        let labels: Map<String, Value> =
            args.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
        spec["selector"] = json!({"matchLabels": labels});
    }
    json!({
        "apiVersion": "telemetry.istio.io/v1",
        "kind": "Telemetry",
        "metadata": {"name": "weir-exposures", "namespace": args.namespace},
        "spec": spec,
    })
}

fn mesh(args: &Args, keys: &[&str]) -> Result<Value, Failure> {
    let service = match &args.otlp {
        None => None,
        Some(service) => {
            let parts =
                service.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
            let wrong = || format!("{service:?} is not HOST:PORT, as in otel.monitoring.svc:4317");
            Some(parts.with_context(wrong)?)
        }
    };
    let one = |key: &&str| {
        let labels: Map<String, Value> =
            columns(key).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let format = json!({"labels": labels});
        match service {
            None => json!({"name": provider(key),
                "envoyFileAccessLog": {"path": args.path, "logFormat": format}}),
            Some((host, port)) => json!({"name": provider(key), "envoyOtelAls": {
                "service": host, "port": port, "logName": "weir_exposures", "logFormat": format}}),
        }
    };
    let providers: Vec<Value> = keys.iter().map(one).collect();
    Ok(json!({"meshConfig": {"extensionProviders": providers}}))
}
