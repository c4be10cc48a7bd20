//! What Envoy's admin interfaces say.

use super::fleet::{Metric, Proxy, Reading, Reason};
use super::rejected;
use crate::http_client::{self, Unread, encoded};
use crate::output::in_words;
use anyhow::{Context as _, anyhow, bail};
use futures_util::future::join_all;
use reqwest::{Client, Url};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use weir_core::escape::escape;
use weir_core::timestamp;

/// How long one page may take.
const TOTAL: Duration = Duration::from_secs(10);
/// The longest page that is read.
const MAX_PAGE: usize = 64 << 20;
/// The most that is shown of a reason.
const MAX_REASON: usize = 600;
/// Which metrics are asked for. The names are Envoy's own, whatever labels its bootstrap makes of them.
const FILTER: &str =
    "weir_(config|module_version|jwt_keys)|config_fail$|lds.update_rejected$|http_filter.*update_time$";
/// Where filters are that came by ECDS.
const ECDS_FILTERS: &str = "/config_dump?resource=ecds_filters";
/// What begins the names of metrics of filters that came by ECDS.
const DISCOVERED: &str = "extension_config_discovery.http_filter.";

/// All proxies, in the order of their addresses. One that does not answer is a proxy with a trouble.
///
/// # Errors
/// An address that is none, or certificates that cannot be read.
pub(super) fn proxies(addresses: &[String], ca_file: Option<&Path>) -> anyhow::Result<Vec<Proxy>> {
    let urls: Vec<Url> = addresses.iter().map(|text| endpoint(text)).collect::<Result<_, _>>()?;
    if urls.is_empty() {
        return Ok(Vec::new());
    }
    let authorities = http_client::authorities(ca_file)
        .with_context(|| format!("--ca-file {}", ca_file.unwrap_or("".as_ref()).display()))?;
    let client = http_client::client(authorities, |it| it.timeout(TOTAL));
    let client = client?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let all = urls.iter().map(|url| proxy(&client, url));
    Ok(runtime?.block_on(join_all(all)))
}

async fn proxy(client: &Client, url: &Url) -> Proxy {
    let name = name(url);
    match asked(client, url).await {
        Ok((labels, readings, reasons)) => Proxy { reasons, ..Proxy::new(name, labels, readings) },
        Err(trouble) => Proxy::silent(name, BTreeMap::new(), in_words(&trouble)),
    }
}

type Said = (BTreeMap<String, String>, Vec<Reading>, Vec<Reason>);

async fn asked(client: &Client, url: &Url) -> anyhow::Result<Said> {
    let pages = [
        "/server_info".to_owned(),
        format!("/stats?format=json&filter={}", encoded(FILTER)),
        "/config_dump?resource=dynamic_listeners".to_owned(),
        ECDS_FILTERS.to_owned(),
    ];
    let [info, stats, listeners, filters] = pages.map(|page| page_of(client, url, page));
    // The filters first: an update that comes between the two pages counts as accepted, not as rejected.
    let (info, filters) = (info.await?, filters.await?);
    let (stats, listeners) = (stats.await?, listeners.await?);
    let mut reasons = reasons(&listeners);
    reasons.extend(rejected_filters(&filters, &stats));
    Ok((node(&info), readings(&stats), reasons))
}

async fn page_of(client: &Client, url: &Url, page: String) -> anyhow::Result<Value> {
    let address = format!("{}{page}", url.as_str().trim_end_matches('/'));
    let response = client.get(address).send().await.map_err(Unread::from)?;
    let status = response.status().as_u16();
    if status == 404 && page == ECDS_FILTERS {
        return Ok(Value::Null);
    }
    if status != 200 {
        bail!("{page}: answered with status {status}");
    }
    let body = http_client::body(response, MAX_PAGE).await.map_err(|unread| match unread {
        Unread::Broke(_) => unread.into(),
        Unread::TooLong(_) => anyhow::Error::new(unread).context(page.clone()),
    })?;
    serde_json::from_slice(&body).map_err(|_| anyhow!("{page}: not an answer of Envoy's admin interface"))
}

/// The ID of the node, and of Envoy.
fn node(info: &Value) -> BTreeMap<String, String> {
    let known = [("node", info["node"]["id"].as_str()), ("envoy", info["version"].as_str())];
    let known =
        known.into_iter().filter_map(|(name, value)| Some((name, value.filter(|it| !it.is_empty())?)));
    known.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn readings(stats: &Value) -> Vec<Reading> {
    let all = stats["stats"].as_array().into_iter().flatten();
    all.filter_map(|stat| reading(stat["name"].as_str()?, stat["value"].as_u64()?)).collect()
}

fn reading(name: &str, value: u64) -> Option<Reading> {
    for (metric, own, label) in Metric::OWN {
        if let Some(of) = of_module(name, own, label) {
            return Some(Reading { metric, of, value });
        }
    }
    let of = match name.strip_prefix(DISCOVERED).and_then(|rest| rest.strip_suffix(".config_fail")) {
        Some(filter) => filter,
        None if name == "listener_manager.lds.update_rejected" => "listener",
        None => return None,
    };
    Some(Reading { metric: Metric::Rejections, of: of.to_owned(), value })
}

/// The label in the name of a metric: `…plugin=.=weir;.;weir_config_hash` of WebAssembly,
/// `…weir_config_hash.plugin.weir` of the native module.
fn of_module(name: &str, metric: &str, label: &str) -> Option<String> {
    if let Some(before) = name.strip_suffix(metric).and_then(|rest| rest.strip_suffix(";.;")) {
        let (_, of) = before.rsplit_once(&format!("{label}=.="))?;
        return Some(of.to_owned());
    }
    let (_, after) = name.split_once(&format!("{metric}.{label}."))?;
    Some(after.to_owned())
}

/// A rejected update of a listener.
#[derive(Default)]
struct Rejected<'d> {
    at: Option<&'d str>,
    /// Those of its plugins for which it was rejected.
    plugins: BTreeSet<String>,
}

/// Listeners whose last update was rejected, with what Envoy says of it.
fn reasons(dump: &Value) -> Vec<Reason> {
    let listeners = dump["configs"].as_array().into_iter().flatten();
    // A rejected listener appears twice, once without its name, and then also without the time.
    let mut last: BTreeMap<(&str, &str), Rejected<'_>> = BTreeMap::new();
    for listener in listeners {
        let error = &listener["error_state"];
        let Some(details) = error["details"].as_str() else { continue };
        let failed = &error["failed_configuration"];
        let name = listener["name"].as_str().or_else(|| failed["name"].as_str());
        let rejected = last.entry((name.unwrap_or_default(), details)).or_default();
        rejected.at = rejected.at.max(error["last_update_attempt"].as_str());
        rejected.plugins.extend(rejected::plugins(failed, details));
    }
    let rejected = last.into_iter().map(|((name, details), Rejected { at, plugins })| {
        let plugins: Vec<String> = plugins.into_iter().collect();
        let at = at.unwrap_or("an unknown time");
        // No later change of the listener arrives either, whatever it is about.
        let whose = if plugins.is_empty() { ", for none of its plugins" } else { "" };
        let details: String = details.chars().take(MAX_REASON).collect();
        let text = format!("listener {name}: an update was rejected at {at}{whose}: {details}");
        Reason { plugins, text }
    });
    rejected.collect()
}

/// Filters that came by ECDS whose last update was rejected. Envoy does not say so, but dumps the time of the last
/// update, and counts the time of the last one that it accepted.
fn rejected_filters(dump: &Value, stats: &Value) -> Vec<Reason> {
    let all = || stats["stats"].as_array().into_iter().flatten();
    let filters = dump["configs"].as_array().into_iter().flatten();
    let rejected = filters.filter_map(|config| {
        let at = config["last_updated"].as_str()?;
        let name = config["ecds_filter"]["name"].as_str()?;
        let stat = format!("{DISCOVERED}{name}.update_time");
        let accepted = all().find(|it| it["name"] == stat)?["value"].as_u64()?;
        let is_rejected = timestamp::parse(at).ok()? / 1_000_000 > accepted;
        let text = format!("filter {name}: Envoy rejected its last update, which came at {at}");
        let filter = &config["ecds_filter"]["typed_config"];
        let plugin = rejected::label(rejected::name(filter).unwrap_or(name));
        is_rejected.then(|| Reason { plugins: vec![plugin], text })
    });
    rejected.collect()
}

fn name(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn endpoint(text: &str) -> anyhow::Result<Url> {
    let wrong = || {
        anyhow!("--admin: invalid URL {:?}: expected an address such as http://localhost:9901", escape(text))
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let good = ["http", "https"].contains(&url.scheme()) && url.has_host();
    if good && url.query().is_none() && url.fragment().is_none() { Ok(url) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;
    use serde_json::json;

    #[test]
    fn names_of_both_kinds_of_modules_are_read() {
        for (name, expected) in [
            ("wasmcustom.plugin=.=weir;.;weir_config_hash", Some((Metric::Hash, "weir"))),
            ("dynamicmodulescustom.weir_config_hash.plugin.weir", Some((Metric::Hash, "weir"))),
            (
                "wasmcustom.plugin=.=a_b;.;weir_config_refused_timestamp_seconds",
                Some((Metric::Refused, "a_b")),
            ),
            ("wasmcustom.provider=.=corp;.;weir_jwt_keys_timestamp_seconds", Some((Metric::Keys, "corp"))),
            (
                "extension_config_discovery.http_filter.shop.weir.config_fail",
                Some((Metric::Rejections, "shop.weir")),
            ),
            ("listener_manager.lds.update_rejected", Some((Metric::Rejections, "listener"))),
            ("wasmcustom.weir_config_hash", None),
            ("cluster.weir_config.upstream_rq", None),
        ] {
            let found = reading(name, 1).map(|reading| (reading.metric, reading.of));
            assert_eq!(found, expected.map(|(metric, of)| (metric, of.to_owned())), "{name}");
        }
    }

    #[test]
    fn a_rejected_listener_says_why() {
        let details = "Unable to create Wasm plugin shop";
        let filter = json!({"name": "weir", "typed_config": {"@type": "x/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {"name": "shop"}}});
        let error = json!({"last_update_attempt": "2026-01-01T00:00:00Z", "details": details,
            "failed_configuration": {"name": "http", "filter_chains": [filter]}});
        let mut without_time = error.clone();
        without_time.as_object_mut().unwrap().remove("last_update_attempt");
        let dump = json!({"configs": [
            {"name": "http", "error_state": error}, {"error_state": error}, {"error_state": without_time},
            {"name": "good", "active_state": {}}]});
        let text = format!("listener http: an update was rejected at 2026-01-01T00:00:00Z: {details}");
        assert_eq!(reasons(&dump), [Reason { plugins: vec!["shop".to_owned()], text }]);
        assert!(reasons(&json!({})).is_empty());
    }

    #[test]
    fn a_listener_that_is_rejected_for_something_else_is_about_no_plugin() {
        let error = json!({"details": "error adding listener: address in use", "failed_configuration": {
            "name": "http", "filter": {"@type": "x/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {"name": "w"}}}});
        let found = reasons(&json!({"configs": [{"error_state": error}]}));
        let text = "listener http: an update was rejected at an unknown time, for none of its plugins: \
                    error adding listener: address in use";
        assert_eq!(found, [Reason { plugins: Vec::new(), text: text.to_owned() }]);
    }

    #[test]
    fn a_filter_whose_update_came_after_the_last_accepted_one_was_rejected() {
        let rejected = |at: &str, accepted: u64, filter: Value| {
            let dump = json!({"configs": [{"last_updated": at, "ecds_filter": {"name": "a.b", "typed_config": filter}}]});
            let name = "extension_config_discovery.http_filter.a.b.update_time";
            rejected_filters(&dump, &json!({"stats": [{"name": name, "value": accepted}]}))
        };
        let native = || json!({"filter_name": "weir"});
        // 2026-01-01T00:00:00Z
        let at = 1_767_225_600_000;
        assert_eq!(rejected("2026-01-01T00:00:00.123Z", at + 123, native()), []);
        assert_eq!(rejected("2026-01-01T00:00:00Z", at + 10, native()), []);
        assert_eq!(rejected("garbage", 0, native()), []);
        for (filter, plugin) in
            [(native(), "weir"), (json!({"config": {"name": "w.x"}}), "w_x"), (json!({}), "a_b")]
        {
            let found = rejected("2026-01-01T00:00:00.124Z", at + 123, filter);
            let text = "filter a.b: Envoy rejected its last update, which came at 2026-01-01T00:00:00.124Z";
            assert_eq!(found, [Reason { plugins: vec![plugin.to_owned()], text: text.to_owned() }]);
        }
        assert!(rejected_filters(&Value::Null, &json!({})).is_empty());
    }

    #[test]
    fn addresses_are_those_of_servers() {
        assert_eq!(name(&endpoint("http://localhost:9901").unwrap()), "localhost:9901");
        assert_eq!(name(&endpoint("https://admin.example/a/").unwrap()), "admin.example");
        for text in ["localhost:9901", "ftp://x", "http://x/?a", ""] {
            assert!(endpoint(text).refusal().contains("http://localhost:9901"), "{text}");
        }
    }
}
