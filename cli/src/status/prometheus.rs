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

/// All proxies of jobs in which a proxy runs a plugin, and those elsewhere that rejected such a plugin, or this one.
///
/// # Errors
/// Prometheus does not answer.
pub(super) fn proxies(
    connection: &Connection,
    matchers: &[String],
    plugin: Option<&str>,
) -> anyhow::Result<Vec<Proxy>> {
    let server = Prometheus::open(connection)?;
    let now = time::now();
    found(&|query| server.at(query, now), matchers, plugin)
}

fn found(
    ask: &dyn Fn(&str) -> anyhow::Result<Vec<Series>>,
    matchers: &[String],
    plugin: Option<&str>,
) -> anyhow::Result<Vec<Proxy>> {
    let of = |metric: &str| format!("{metric}{{{}}}", matchers.join(","));
    let mut readings: BTreeMap<Labels, Vec<Reading>> = BTreeMap::new();
    let take = |readings: &mut BTreeMap<Labels, Vec<Reading>>, metric: Metric, label: &str, query: &str| {
        for series in ask(query)? {
            let (Some((_, value)), Some(of)) = (series.samples.last(), series.labels.get(label)) else {
                continue;
            };
            let reading = Reading { metric, of: of.clone(), value: *value as u64 };
            readings.entry(chosen(&series.labels, &TARGET)).or_default().push(reading);
        }
        Ok::<(), anyhow::Error>(())
    };
    for (metric, name, label) in Metric::OWN {
        take(&mut readings, metric, label, &of(name))?;
    }
    let runs = |readings: &Vec<Reading>| readings.iter().any(|reading| reading.metric == Metric::Hash);
    let used: BTreeSet<String> = match plugin {
        Some(plugin) => [in_metrics(plugin)].into(),
        None => {
            let readings = readings.values().flatten().filter(|reading| reading.metric == Metric::Hash);
            readings.map(|reading| in_metrics(&reading.of)).collect()
        }
    };
    let (discovered, listeners) = rejections(matchers);
    take(&mut readings, Metric::Rejections, "filter", &discovered)?;
    take(&mut readings, Metric::Rejections, "filter", &listeners)?;
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
    // What was pushed has no `up`. A job whose proxies all refused their first configuration has no plugin.
    let rejected = |readings: &Vec<Reading>| {
        readings.iter().any(|reading| {
            reading.metric == Metric::Rejections && reading.value > 0 && used.contains(&reading.of)
        })
    };
    let pushed = readings.into_iter().filter(|(_, readings)| runs(readings) || rejected(readings));
    proxies.extend(pushed.map(|(labels, readings)| Proxy::new(name(&labels), labels, readings)));
    Ok(proxies)
}

/// A filter's name as names of metrics have it.
fn in_metrics(name: &str) -> String {
    name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect()
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
        let ask = |query: &str| -> anyhow::Result<Vec<Series>> {
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
        let proxies = found(&ask, &["team=\"x\"".to_owned()], None).unwrap();
        let states: Vec<(&str, State)> =
            proxies.iter().map(|it| (it.name.as_str(), it.state(&Question::default()))).collect();
        assert_eq!(states, [("a:1", State::Runs), ("b:1", State::Nothing), ("c:1", State::Unknown)]);
        assert_eq!(proxies[0].plugins["weir"].version.as_deref(), Some("0.1.0"));
        assert_eq!(proxies[1].rejections["weir"], 3);
        assert!(found(&|_| Err(anyhow::anyhow!("gone")), &[], None).is_err());
        assert!(found(&|_| Ok(Vec::new()), &[], None).unwrap().is_empty());
    }

    #[test]
    fn a_job_that_rejected_its_first_configuration_is_seen() {
        let filter = |instance: &str, filter: &str, value| {
            series(&[("instance", instance), ("job", "gateway"), ("filter", filter)], value)
        };
        let ask = |query: &str| -> anyhow::Result<Vec<Series>> {
            Ok(match query {
                "weir_config_hash{}" => {
                    vec![series(&[("instance", "a:1"), ("job", "edge"), ("plugin", "shop.weir")], 7.0)]
                }
                "up{}" => ["a:1", "b:1", "c:1", "d:1"]
                    .map(|it| {
                        series(
                            &[("instance", it), ("job", if it == "a:1" { "edge" } else { "gateway" })],
                            1.0,
                        )
                    })
                    .into(),
                query if query.contains("http_filter_(.+)_config_fail") => vec![
                    filter("b:1", "shop_weir", 2.0),
                    filter("c:1", "shop_weir", 0.0),
                    filter("d:1", "shop_other", 5.0),
                ],
                _ => Vec::new(),
            })
        };
        let names = |plugin: Option<&str>| -> Vec<(String, State)> {
            let question = Question { expected: None, plugin: plugin.map(str::to_owned) };
            let proxies = found(&ask, &[], plugin).unwrap();
            proxies.iter().map(|it| (it.name.clone(), it.state(&question))).collect()
        };
        let is = |name: &str, state| (name.to_owned(), state);
        assert_eq!(names(None), [is("a:1", State::Runs), is("b:1", State::Nothing)]);
        assert_eq!(names(Some("shop.other")), [is("a:1", State::Nothing), is("d:1", State::Nothing)]);
    }

    #[test]
    fn pods_have_names() {
        let labels = |pairs: &[(&str, &str)]| series(pairs, 0.0).labels;
        assert_eq!(name(&labels(&[("pod", "a"), ("namespace", "shop"), ("instance", "1")])), "shop/a");
        assert_eq!(name(&labels(&[("pod", ""), ("instance", "1:2")])), "1:2");
    }
}
