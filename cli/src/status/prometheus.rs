//! What Prometheus knows of the proxies.

use super::fleet::{Metric, Proxy, Reading};
use crate::report::counters::Series;
use crate::report::prometheus::{Connection, Prometheus};
use crate::report::time;
use std::collections::{BTreeMap, BTreeSet};

/// What a scrape adds, and tells one proxy from another.
const TARGET: [&str; 5] = ["cluster", "namespace", "job", "pod", "instance"];
/// What the targets have in common that belong together, as in the rules of monitoring/.
const GROUP: [&str; 3] = ["cluster", "namespace", "job"];

type Labels = BTreeMap<String, String>;

/// All proxies of jobs in which a proxy runs a plugin.
///
/// # Errors
/// Prometheus does not answer.
pub(super) fn proxies(connection: &Connection, matchers: &[String]) -> Result<Vec<Proxy>, String> {
    let server = Prometheus::open(connection)?;
    let now = time::now();
    found(&|query| server.at(query, now), matchers)
}

fn found(
    ask: &dyn Fn(&str) -> Result<Vec<Series>, String>,
    matchers: &[String],
) -> Result<Vec<Proxy>, String> {
    let of = |metric: &str| format!("{metric}{{{}}}", matchers.join(","));
    let mut readings: BTreeMap<Labels, Vec<Reading>> = BTreeMap::new();
    let mut take = |metric: Metric, label: &str, query: &str| -> Result<(), String> {
        for series in ask(query)? {
            let (Some((_, value)), Some(of)) = (series.samples.last(), series.labels.get(label)) else {
                continue;
            };
            let reading = Reading { metric, of: of.clone(), value: *value as u64 };
            readings.entry(chosen(&series.labels, &TARGET)).or_default().push(reading);
        }
        Ok(())
    };
    for (metric, name, label) in Metric::OWN {
        take(metric, label, &of(name))?;
    }
    let runs = |readings: &Vec<Reading>| readings.iter().any(|reading| reading.metric == Metric::Hash);
    let (discovered, listeners) = rejections(matchers);
    take(Metric::Rejections, "filter", &discovered)?;
    take(Metric::Rejections, "filter", &listeners)?;
    // Only jobs with a plugin are ours: Prometheus scrapes much else.
    let ours: BTreeSet<Labels> = readings
        .iter()
        .filter(|(_, readings)| runs(readings))
        .map(|(labels, _)| chosen(labels, &GROUP))
        .collect();
    let mut proxies = Vec::new();
    for series in ask(&of("up"))? {
        let labels = chosen(&series.labels, &TARGET);
        if !ours.contains(&chosen(&labels, &GROUP)) {
            continue;
        }
        let is_up = series.samples.last().is_some_and(|(_, value)| *value > 0.0);
        match readings.remove(&labels) {
            _ if !is_up => {
                let trouble = "Prometheus cannot scrape it".to_owned();
                proxies.push(Proxy::silent(name(&labels), labels, trouble));
            }
            Some(readings) => proxies.push(Proxy::new(name(&labels), labels, readings)),
            None => proxies.push(Proxy::new(name(&labels), labels, Vec::new())),
        }
    }
    // What was pushed has no `up`.
    let pushed = readings.into_iter().filter(|(_, readings)| runs(readings));
    proxies.extend(pushed.map(|(labels, readings)| Proxy::new(name(&labels), labels, readings)));
    Ok(proxies)
}

/// Envoy's own counters: filters that came by ECDS, whose names are in those of the metrics, and listeners.
fn rejections(matchers: &[String]) -> (String, String) {
    const DISCOVERED: &str = "envoy_extension_config_discovery_http_filter_(.+)_config_fail";
    let all: Vec<String> =
        [format!("__name__=~{DISCOVERED:?}")].into_iter().chain(matchers.iter().cloned()).collect();
    (
        format!("label_replace({{{}}}, \"filter\", \"$1\", \"__name__\", {DISCOVERED:?})", all.join(",")),
        format!(
            "label_replace(envoy_listener_manager_lds_update_rejected{{{}}}, \"filter\", \"listener\", \"\", \"\")",
            matchers.join(",")
        ),
    )
}

fn chosen(labels: &Labels, names: &[&str]) -> Labels {
    labels
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect()
}

/// What people call a proxy: its pod, or where it was scraped.
fn name(labels: &Labels) -> String {
    let has = |name: &str| labels.get(name).filter(|value| !value.is_empty());
    match (has("pod"), has("namespace")) {
        (Some(pod), Some(namespace)) => format!("{namespace}/{pod}"),
        (Some(pod), None) => pod.clone(),
        _ => has("instance").cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fleet::{Question, State};
    use super::*;

    fn series(labels: &[(&str, &str)], value: f64) -> Series {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Series { labels, samples: vec![(1, value)] }
    }

    #[test]
    fn a_job_with_a_plugin_is_ours_with_all_its_proxies() {
        let target = |instance: &'static str, job: &'static str| [("instance", instance), ("job", job)];
        let ask = |query: &str| -> Result<Vec<Series>, String> {
            let plugin = [&target("a:1", "edge")[..], &[("plugin", "weir"), ("other", "x")]].concat();
            let filter = [&target("b:1", "edge")[..], &[("filter", "weir")]].concat();
            Ok(match query {
                r#"weir_config_hash{team="x"}"# => vec![series(&plugin, 7.0)],
                r#"weir_module_version{team="x"}"# => vec![series(&plugin, 1000.0)],
                r#"up{team="x"}"# => vec![
                    series(&target("a:1", "edge"), 1.0),
                    series(&target("b:1", "edge"), 1.0),
                    series(&target("c:1", "edge"), 0.0),
                    series(&target("d:1", "database"), 1.0),
                ],
                query if query.contains("http_filter_(.+)_config_fail") => {
                    assert!(query.contains(r#"_config_fail",team="x"}"#), "{query}");
                    vec![series(&filter, 3.0)]
                }
                _ => Vec::new(),
            })
        };
        let proxies = found(&ask, &["team=\"x\"".to_owned()]).unwrap();
        let states: Vec<(&str, State)> =
            proxies.iter().map(|it| (it.name.as_str(), it.state(&Question::default()))).collect();
        assert_eq!(states, [("a:1", State::Runs), ("b:1", State::Nothing), ("c:1", State::Unknown)]);
        assert_eq!(proxies[0].plugins["weir"].version.as_deref(), Some("0.1.0"));
        assert_eq!(proxies[1].rejections["weir"], 3);
        assert!(found(&|_| Err("gone".to_owned()), &[]).is_err());
        assert!(found(&|_| Ok(Vec::new()), &[]).unwrap().is_empty());
    }

    #[test]
    fn pods_have_names() {
        let labels = |pairs: &[(&str, &str)]| series(pairs, 0.0).labels;
        assert_eq!(name(&labels(&[("pod", "a"), ("namespace", "shop"), ("instance", "1")])), "shop/a");
        assert_eq!(name(&labels(&[("pod", ""), ("instance", "1:2")])), "1:2");
    }
}
