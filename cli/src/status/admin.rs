//! What Envoy's admin interfaces say.

use super::fleet::{Metric, Proxy, Reading, Reason};
use crate::http_client::{self, Unread, encoded};
use futures_util::future::join_all;
use reqwest::{Client, Url};
use serde_json::Value;
use std::collections::BTreeMap;
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
pub(super) fn proxies(addresses: &[String], ca_file: Option<&Path>) -> Result<Vec<Proxy>, String> {
    let urls: Vec<Url> = addresses.iter().map(|text| endpoint(text)).collect::<Result<_, _>>()?;
    if urls.is_empty() {
        return Ok(Vec::new());
    }
    let authorities = http_client::authorities(ca_file)
        .map_err(|problem| format!("--ca-file {}: {problem}", ca_file.unwrap_or("".as_ref()).display()))?;
    let client = http_client::client(authorities, |it| it.timeout(TOTAL));
    let client = client.map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let all = urls.iter().map(|url| proxy(&client, url));
    Ok(runtime.map_err(|error| error.to_string())?.block_on(join_all(all)))
}

async fn proxy(client: &Client, url: &Url) -> Proxy {
    let name = name(url);
    match asked(client, url).await {
        Ok((labels, readings, reasons)) => Proxy { reasons, ..Proxy::new(name, labels, readings) },
        Err(trouble) => Proxy::silent(name, BTreeMap::new(), trouble),
    }
}

type Said = (BTreeMap<String, String>, Vec<Reading>, Vec<Reason>);

async fn asked(client: &Client, url: &Url) -> Result<Said, String> {
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

async fn page_of(client: &Client, url: &Url, page: String) -> Result<Value, String> {
    let address = format!("{}{page}", url.as_str().trim_end_matches('/'));
    let response = client.get(address).send().await.map_err(|error| http_client::causes(&error))?;
    let status = response.status().as_u16();
    if status == 404 && page == ECDS_FILTERS {
        return Ok(Value::Null);
    }
    if status != 200 {
        return Err(format!("{page}: answered with status {status}"));
    }
    let body = http_client::body(response, MAX_PAGE).await.map_err(|unread| match unread {
        Unread::Broke(why) => why,
        Unread::TooLong(_) => format!("{page}: {unread}"),
    })?;
    serde_json::from_slice(&body).map_err(|_| format!("{page}: not an answer of Envoy's admin interface"))
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

/// Listeners whose last update was rejected, with what Envoy says of it.
fn reasons(dump: &Value) -> Vec<Reason> {
    let listeners = dump["configs"].as_array().into_iter().flatten();
    // A rejected listener appears twice, once without its name, and then also without the time.
    let mut last: BTreeMap<(&str, String), Option<&str>> = BTreeMap::new();
    for listener in listeners {
        let error = &listener["error_state"];
        let Some(details) = error["details"].as_str() else { continue };
        let name = listener["name"].as_str().or_else(|| error["failed_configuration"]["name"].as_str());
        let details = details.chars().take(MAX_REASON).collect();
        let at = last.entry((name.unwrap_or_default(), details)).or_default();
        *at = (*at).max(error["last_update_attempt"].as_str());
    }
    let rejected = last.into_iter().map(|((name, details), at)| {
        let at = at.unwrap_or("an unknown time");
        Reason::of_listener(format!("listener {name}: an update was rejected at {at}: {details}"))
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
        // The plugin's name in WebAssembly, in the native module.
        let plugin = filter["config"]["name"].as_str().or_else(|| filter["filter_name"].as_str());
        is_rejected.then(|| Reason { plugin: Some(plugin.unwrap_or(name).to_owned()), text })
    });
    rejected.collect()
}

fn name(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn endpoint(text: &str) -> Result<Url, String> {
    let wrong = || {
        format!("--admin: invalid URL {:?}: expected an address such as http://localhost:9901", escape(text))
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let good = ["http", "https"].contains(&url.scheme()) && url.has_host();
    if good && url.query().is_none() && url.fragment().is_none() { Ok(url) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let error = json!({"last_update_attempt": "2026-01-01T00:00:00Z", "details": "bad",
            "failed_configuration": {"name": "http"}});
        let mut without_time = error.clone();
        without_time.as_object_mut().unwrap().remove("last_update_attempt");
        let dump = json!({"configs": [
            {"name": "http", "error_state": error}, {"error_state": error}, {"error_state": without_time},
            {"name": "good", "active_state": {}}]});
        let expected = "listener http: an update was rejected at 2026-01-01T00:00:00Z: bad";
        assert_eq!(reasons(&dump), [Reason::of_listener(expected.to_owned())]);
        assert!(reasons(&json!({})).is_empty());
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
            [(native(), "weir"), (json!({"config": {"name": "w"}}), "w"), (json!({}), "a.b")]
        {
            let found = rejected("2026-01-01T00:00:00.124Z", at + 123, filter);
            let text = "filter a.b: Envoy rejected its last update, which came at 2026-01-01T00:00:00.124Z";
            assert_eq!(found, [Reason { plugin: Some(plugin.to_owned()), text: text.to_owned() }]);
        }
        assert!(rejected_filters(&Value::Null, &json!({})).is_empty());
    }

    #[test]
    fn addresses_are_those_of_servers() {
        assert_eq!(name(&endpoint("http://localhost:9901").unwrap()), "localhost:9901");
        assert_eq!(name(&endpoint("https://admin.example/a/").unwrap()), "admin.example");
        for text in ["localhost:9901", "ftp://x", "http://x/?a", ""] {
            assert!(endpoint(text).unwrap_err().contains("http://localhost:9901"), "{text}");
        }
    }
}
