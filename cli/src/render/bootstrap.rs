//! `weir render bootstrap`: what makes labels and buckets of the names that a module gives its metrics.

use super::form::Form;
use crate::document::{self, Loaded};
use crate::environment::Environment;
use crate::output::{Failure, Outcome};
use crate::own_metrics;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use weir_metrics::{Config, bootstrap};

/// Prints the bootstrap settings for the labels and buckets of a configuration's metrics.
///
/// Wasm metrics have no labels: Weir encodes them in the names, and expressions in the proxy's bootstrap
/// extract them. The bootstrap also defines the buckets of histograms. Proxies read it at start.
///
/// For Envoy it is `stats_config`: merge it into your bootstrap, or pass it as `--config-yaml`, which Envoy
/// merges into the file of `--config-path`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir render bootstrap weir.yaml
  envoy -c envoy.yaml --config-yaml \"$(weir render bootstrap weir.yaml)\"
  weir render bootstrap --istio weir.yaml
  weir render bootstrap --istio=mesh weir.yaml

Exit codes: 0 success; 1 written without the parts that cannot be expressed there, which standard error names; \
2 the file is invalid.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    /// Print settings for Istio instead: pod annotations, the mesh configuration, or an EnvoyFilter.
    #[arg(long, value_name = "FORM", require_equals = true, num_args = 0..=1, default_missing_value = "pod")]
    istio: Option<Istio>,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    form: Form,
}

/// The form of the settings for Istio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Istio {
    /// Annotations of a pod's template.
    Pod,
    /// `meshConfig`, for all pods.
    Mesh,
    /// An EnvoyFilter that is merged into the bootstrap, which can have buckets for each histogram.
    Filter,
}

/// Finds and writes.
///
/// # Errors
/// A file that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let loaded = document::load_in(&args.config, &args.environment.read()?, |loaded| {
        loaded.document.metrics.is_some()
    })?;
    let config = loaded.document.metrics.clone().unwrap_or_default();
    let labels = labels(&loaded, &config);
    let (comment, value, left_out) = match args.istio {
        None => ("Merge into Envoy's bootstrap.", envoy(&config, &labels), None),
        Some(Istio::Pod) => pod(&config, &labels),
        Some(Istio::Mesh) => mesh(&config, &labels),
        Some(Istio::Filter) => ("Choose your pods with a workloadSelector.", filter(&config, &labels), None),
    };
    args.form.write(&[comment.to_owned()], &value, out)?;
    Ok(match left_out {
        None => Outcome::Fine,
        Some(what) => {
            crate::output::complain(what);
            Outcome::Problems
        }
    })
}

/// The labels that are written into names as tags, sorted.
fn labels(loaded: &Loaded, config: &Config) -> Vec<String> {
    let own = own_metrics::ALL.iter().filter(|metric| metric.section.is_in(&loaded.document));
    let mut names: Vec<String> =
        own.flat_map(|metric| metric.labels).map(|label| (*label).to_owned()).collect();
    names.retain(|name| config.style == weir_metrics::Style::Tags || !is_from_metrics(name));
    names.extend(bootstrap::tag_names(config));
    names.sort();
    names.dedup();
    names
}

/// Labels that only the section `metrics` writes, and with `style: istio` not as tags.
fn is_from_metrics(label: &str) -> bool {
    ["code_class", "goal", "route"].contains(&label)
}

/// The value of `stats_config` for a configuration.
pub(super) fn stats(loaded: &Loaded) -> Value {
    let config = loaded.document.metrics.clone().unwrap_or_default();
    bootstrap::stats_config_with(&config, &labels(loaded, &config))
}

/// The same for the native module.
pub(super) fn native_stats(loaded: &Loaded) -> Value {
    bootstrap::native_stats_config(&loaded.document.metrics.clone().unwrap_or_default())
}

fn envoy(config: &Config, labels: &[String]) -> Value {
    json!({"stats_config": bootstrap::stats_config_with(config, labels)})
}

const NO_ROOM: &str = "the annotation tells histograms apart by how their names begin, and those with buckets \
                       begin like others: use --istio=filter for the buckets";

fn pod(config: &Config, labels: &[String]) -> (&'static str, Value, Option<&'static str>) {
    let mut annotations = json!({"sidecar.istio.io/extraStatTags": labels.join(",")});
    let buckets = bootstrap::buckets_by_prefix(config);
    if let Some(buckets) = buckets.as_ref().filter(|buckets| !buckets.is_empty()) {
        annotations["sidecar.istio.io/statsHistogramBuckets"] = json!(json!(buckets).to_string());
    }
    let template = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
    (
        "A patch for Deployments and their like; pods read it when they start.",
        template,
        buckets.is_none().then_some(NO_ROOM),
    )
}

fn mesh(config: &Config, labels: &[String]) -> (&'static str, Value, Option<&'static str>) {
    let without = bootstrap::buckets_by_prefix(config).is_none_or(|buckets| !buckets.is_empty());
    let left_out = "the mesh's configuration has no place for the buckets of histograms: use --istio for the pods, \
                    or --istio=filter";
    let value = json!({"meshConfig": {"defaultConfig": {"extraStatTags": labels}}});
    ("For the installation of istiod; pods read it when they start.", value, without.then_some(left_out))
}

fn filter(config: &Config, labels: &[String]) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "weir-metrics"},
        "spec": {"configPatches": [{
            "applyTo": "BOOTSTRAP",
            "patch": {"operation": "MERGE", "value": envoy(config, labels)},
        }]},
    })
}
