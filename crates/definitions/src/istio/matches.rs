//! `match` of a route.

use super::entry::{Entry, Field, Text};
use super::place::Place;
use crate::report::Refused;

/// What the name of a header begins with that stands for a claim.
const CLAIMS: &str = "@request.auth.claims";

/// Makes something of a text.
type Make<T> = fn(String) -> T;

const FIELDS: [&str; 14] = [
    "name",
    "uri",
    "scheme",
    "method",
    "authority",
    "headers",
    "port",
    "sourceLabels",
    "gateways",
    "queryParams",
    "ignoreUriCase",
    "withoutHeaders",
    "sourceNamespace",
    "statPrefix",
];

/// What istiod compares before a proxy sees a route, and why no filter can.
const OF_ISTIOD: [(&str, &str); 3] = [
    (
        "port",
        "it is the port of Istio's listener, which differs from the connection's port behind a Service and on gateways; \
         divide the VirtualService by port, or leave it with Istio",
    ),
    (
        "sourceLabels",
        "istiod compares it with the labels of the calling workload, which a request does not carry; give those \
         workloads a plugin of their own by `selector`, or leave it with Istio",
    ),
    (
        "sourceNamespace",
        "istiod compares it with the namespace of the calling workload, which a request does not carry; give that \
         namespace a plugin of its own, or leave it with Istio",
    ),
];

/// Reads the matches of a route; no match is one that every request passes.
///
/// `gateways` are those of the VirtualService.
pub(crate) fn read(route: &Place<'_>, gateways: &[String]) -> Result<Vec<Entry>, Refused> {
    let mut entries = Vec::new();
    for place in route.items("match")? {
        let entry = entry(&place, gateways)?;
        let is_all = entry.is_all();
        entries.push(entry);
        if is_all {
            break;
        }
    }
    if entries.is_empty() {
        entries.push(Entry::default());
    }
    Ok(entries)
}

fn entry(place: &Place<'_>, gateways: &[String]) -> Result<Entry, Refused> {
    place.known(&FIELDS)?;
    for (name, why) in OF_ISTIOD {
        let is_empty = |value: &serde_json::Value| {
            value.as_object().is_some_and(serde_json::Map::is_empty)
                || value.as_u64() == Some(0)
                || value.as_str() == Some("")
        };
        if let Some(found) = place.get(name).filter(|it| !is_empty(it.value)) {
            return Err(found.refuse(format!("cannot be judged by a filter: {why}")));
        }
    }
    let named = place.texts_of("gateways")?;
    if !named.is_empty() && (gateways.is_empty() || gateways.iter().any(|name| !named.contains(name))) {
        let message = "cannot be judged by a filter: a proxy does not know the names of Gateways; divide the VirtualService \
                       by gateway, or leave it with Istio";
        return Err(place.get("gateways").as_ref().unwrap_or(place).refuse(message));
    }
    let mut entry = Entry { ignore_uri_case: place.flag("ignoreUriCase")?, ..Entry::default() };
    let line = [
        ("uri", Field::Uri),
        ("scheme", Field::Scheme),
        ("method", Field::Method),
        ("authority", Field::Authority),
    ];
    for (name, field) in line {
        // Every request has these, so `{}` asks for nothing.
        if let Some(found) = place.get(name)
            && let Some(text) = text(&found, name == "uri")?.filter(|text| *text != Text::Present)
        {
            entry.tests.insert(field, text);
        }
    }
    let maps: [(&str, Make<Field>); 3] =
        [("headers", Field::Header), ("withoutHeaders", Field::Without), ("queryParams", Field::Query)];
    for (name, field) in maps {
        for (key, found) in place.members(name)? {
            if found.value.is_null() && name != "withoutHeaders" {
                return Err(found.refuse("has no test: write `{}` to ask that it is present"));
            }
            if name != "queryParams"
                && [":authority", "host"].iter().any(|host| key.eq_ignore_ascii_case(host))
            {
                return Err(found.refuse("is the host: write `authority`"));
            }
            // Names of claims have case, those of headers have none.
            let is_claim = key.get(..CLAIMS.len()).is_some_and(|start| start.eq_ignore_ascii_case(CLAIMS));
            let is_exact = name == "queryParams" || is_claim;
            let key = if is_exact { key.to_owned() } else { key.to_ascii_lowercase() };
            let text = text(&found, false)?.unwrap_or(Text::Present);
            if entry.tests.insert(field(key), text).is_some() {
                return Err(found.refuse("is there twice: names of headers have no case"));
            }
        }
    }
    Ok(entry)
}

/// Reads a StringMatch; `None` for null.
fn text(place: &Place<'_>, is_uri: bool) -> Result<Option<Text>, Refused> {
    if place.value.is_null() {
        return Ok(None);
    }
    place.known(&["exact", "prefix", "regex"])?;
    let tests: [(&str, Make<Text>); 3] =
        [("exact", Text::Exact), ("prefix", Text::Prefix), ("regex", Text::Regex)];
    let mut found = None;
    for (name, make) in tests {
        let Some(text) = place.get(name) else { continue };
        if found.is_some() {
            return Err(place.refuse("has more than one of exact, prefix and regex"));
        }
        let text = text.text()?.to_owned();
        // To Istio `*` is no regular expression, but asks that the text is there.
        found = Some(if name == "regex" && text == "*" && !is_uri { Text::Present } else { make(text) });
    }
    Ok(Some(found.unwrap_or(Text::Present)))
}
