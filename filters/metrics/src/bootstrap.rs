//! What a proxy's bootstrap must have so that labels and buckets come out: `weir render bootstrap`
//! prints it. No module needs this.

use crate::config::{Config, MetricType};
use crate::encoding::{ISTIO_LABELS, Style};
use crate::red;
use serde_json::{Value, json};

/// The names of all labels that are written as tags, sorted: what Istio wants in `extraStatTags`. Labels
/// of Weir's own counters are among them.
pub fn tag_names(config: &Config) -> Vec<String> {
    let mut names: Vec<String> =
        ["experiment", "variant", "metric", "label"].iter().map(|name| (*name).to_owned()).collect();
    if config.style == Style::Tags {
        for (_, metric) in red::all(config, true) {
            names.extend(metric.labels.iter().map(|(name, _)| name.to_owned()));
        }
    }
    names.sort();
    names.dedup();
    names
}

/// The `stats_config` of Envoy's bootstrap for a configuration: an expression for each label, and the
/// buckets of its histograms.
pub fn stats_config(config: &Config) -> Value {
    let tag = |name: &str| json!({"tag_name": name, "regex": tag_regex(name)});
    let mut tags: Vec<Value> = tag_names(config).iter().map(|name| tag(name)).collect();
    if config.style == Style::Istio {
        tags.extend(ISTIO_LABELS.iter().map(|name| json!({"tag_name": name, "regex": istio_regex(name)})));
    }
    let mut stats = json!({ "stats_tags": tags });
    let buckets: Vec<Value> = red::all(config, true)
        .iter()
        .filter(|(_, metric)| metric.kind == MetricType::Histogram && !metric.buckets.is_empty())
        .map(|(_, metric)| {
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
