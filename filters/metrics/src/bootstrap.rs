//! The bootstrap settings for labels and buckets, which `weir render bootstrap` prints. Not part of modules.

use crate::compile::goals::{BUCKET, GOAL};
use crate::config::{Config, Metric, MetricType};
use crate::encoding::{self, ISTIO_LABELS, Style};
use crate::red;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The names of all labels that are written as tags, sorted: what Istio wants in `extraStatTags`. Labels
/// of Weir's own counters are among them.
pub fn tag_names(config: &Config) -> Vec<String> {
    let mut names: Vec<String> =
        ["experiment", "variant", "metric", "label"].iter().map(|name| (*name).to_owned()).collect();
    if config.style == Style::Tags {
        for (_, metric) in red::all(config, true) {
            names.extend(metric.labels.iter().map(|(name, _)| name.to_owned()));
        }
        for goal in &config.goals {
            names.push(GOAL.to_owned());
            names.extend(goal.sub_bucket.as_ref().map(|_| BUCKET.to_owned()));
        }
    }
    names.sort();
    names.dedup();
    names
}

/// The `stats_config` of Envoy's bootstrap for a configuration: an expression for each label, and the
/// buckets of its histograms.
pub fn stats_config(config: &Config) -> Value {
    stats_config_with(config, &tag_names(config))
}

/// The same with the names of all labels that are written as tags, those of other filters among them.
pub fn stats_config_with(config: &Config, tag_names: &[String]) -> Value {
    let tag = |name: &String| json!({"tag_name": name, "regex": tag_regex(name)});
    let mut tags: Vec<Value> = tag_names.iter().map(tag).collect();
    if config.style == Style::Istio {
        tags.extend(ISTIO_LABELS.iter().map(|name| json!({"tag_name": name, "regex": istio_regex(name)})));
    }
    let mut stats = json!({ "stats_tags": tags });
    let buckets: Vec<Value> = histograms(config)
        .iter()
        .filter(|metric| !metric.buckets.is_empty())
        .map(|metric| {
            let regex = histogram_regex(config.style, &metric.name);
            json!({"match": {"safe_regex": {"regex": regex}}, "buckets": metric.buckets})
        })
        .collect();
    if !buckets.is_empty()
        && let Some(stats) = stats.as_object_mut()
    {
        stats.insert("histogram_bucket_settings".to_owned(), buckets.into());
    }
    stats
}

/// The `stats_config` for the native module: its metrics have labels of their own, so that only buckets are left.
pub fn native_stats_config(config: &Config) -> Value {
    let buckets: Vec<Value> = histograms(config)
        .iter()
        .filter(|metric| !metric.buckets.is_empty())
        .map(|metric| {
            // Labels follow the name.
            let regex = format!(r"^dynamicmodulescustom\.{}(\..*)?$", metric.name);
            json!({"match": {"safe_regex": {"regex": regex}}, "buckets": metric.buckets})
        })
        .collect();
    if buckets.is_empty() { json!({}) } else { json!({ "histogram_bucket_settings": buckets }) }
}

/// The buckets of a configuration's histograms by the beginnings of names, which is all that Istio's
/// annotation `sidecar.istio.io/statsHistogramBuckets` can distinguish. `None` when histograms with other
/// buckets begin alike.
pub fn buckets_by_prefix(config: &Config) -> Option<BTreeMap<String, Vec<f64>>> {
    let histograms = histograms(config);
    let mut found = BTreeMap::new();
    for metric in histograms.iter().filter(|metric| !metric.buckets.is_empty()) {
        let prefix = prefix(config.style, metric);
        let alike = |other: &&Metric| {
            let theirs = self::prefix(config.style, other);
            theirs.starts_with(&prefix) || prefix.starts_with(&theirs)
        };
        if histograms.iter().filter(alike).any(|other| other.buckets != metric.buckets) {
            return None;
        }
        found.insert(prefix, metric.buckets.clone());
    }
    Some(found)
}

/// How the names of all series of a metric begin.
fn prefix(style: Style, metric: &Metric) -> String {
    let own = metric.labels.iter().map(|(name, _)| name);
    let experiments = if metric.experiments.is_empty() { &[][..] } else { &["experiment", "variant"] };
    let labels: Vec<&str> = own.chain(experiments.iter().copied()).collect();
    let first = match style {
        Style::Tags => labels.iter().min().map(|name| format!("{name}=.=")),
        Style::Istio => {
            let written = |slot: &&&str| labels.iter().any(|label| encoding::istio_name(label) == **slot);
            ISTIO_LABELS.iter().find(written).map(|slot| format!("{slot}."))
        }
    };
    format!("wasmcustom.{}", first.as_deref().unwrap_or(&metric.name))
}

fn histograms(config: &Config) -> Vec<Metric> {
    let all = red::all(config, true).into_iter().map(|(_, metric)| metric);
    all.filter(|metric| metric.kind == MetricType::Histogram).collect()
}

/// The expression that Istio makes of a name in `extraStatTags`.
fn tag_regex(name: &str) -> String {
    format!(r"({name}=\.=(.*?);\.;)")
}

/// The expression that Istio's own bootstrap has for one of its labels.
fn istio_regex(name: &str) -> String {
    if name == "tag" { r"(tag\.(.+?);\.)".to_owned() } else { format!(r"({name}\.(.+?)\.)") }
}

/// Buckets are looked up by the whole name, labels included.
fn histogram_regex(style: Style, name: &str) -> String {
    match style {
        Style::Tags => format!(r"^wasmcustom\.(.*;\.;)?{name}$"),
        Style::Istio => format!(r"^wasmcustom\.(.*\.)?{name}(_rq_[0-9x]{{3}})?$"),
    }
}
