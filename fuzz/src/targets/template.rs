//! Path templates, `/users/{id}`.

use crate::support::{halves, host, serve};
use serde_json::json;
use weir::Pipeline;
use weir_core::header::is_safe_value;
use weir_host::Plugin as _;

pub(crate) const PIECES: &[&str] = &[
    "/", "/{id}", "/**", "/{id}:get", "/**:get", ":get", "-{id}", "//", "users", "{", "}", "*", "\n", "?", "#", "/a", "%2f", "é", "{a}{b}", ".", ";",
];

/// The first line is a template, the second a path: it fits where a regular expression of the same meaning does.
pub(crate) fn template(data: &[u8]) {
    let (template, path) = halves(data, b'\n');
    let Ok(template) = str::from_utf8(template) else { return };
    if !is_safe_value(path) {
        return;
    }
    let configuration = json!({"metrics": {"list": [
        {"name": "hits_total", "labels": {"path": {"source": "path", "templates": [template]}}}]}});
    let host = host();
    let Ok(pipeline) = Pipeline::configure(&host, configuration.to_string().as_bytes()) else { return };
    serve(&pipeline, &host, &[(b":path".to_vec(), path.to_vec())]);
    let counters = host.counters.borrow();
    let counted = |other: bool| {
        let of_metric =
            counters.iter().filter(|(name, _)| name.ends_with("hits_total") && !name.contains("metric=."));
        of_metric
            .filter(|(name, _)| name.starts_with("path=.=other;") == other)
            .map(|(_, value)| value)
            .sum::<i64>()
    };
    let path = path.split(|b| matches!(b, b'?' | b'#')).next().unwrap_or_default();
    // Without a path there is no value: it counts as `none`, not as `other`.
    let fits = path.is_empty() || model(template).is_match(path);
    assert_eq!(
        (counted(true), counted(false)),
        (i64::from(!fits), i64::from(fits)),
        "{template} {counters:?}"
    );
}

fn model(template: &str) -> regex::bytes::Regex {
    let mut pattern = String::from("(?s-u)^");
    for segment in template.strip_prefix('/').unwrap_or_default().split('/') {
        // Byte by byte, since nothing in the path need be UTF-8.
        let plain = |text: &str| text.bytes().map(|b| format!("\\x{b:02x}")).collect::<String>();
        match (segment.strip_prefix("**"), segment.split_once('{')) {
            (Some(""), _) => pattern.push_str("(?:/.*)?"),
            (Some(verb), _) => pattern.push_str(&format!("/.*{}", plain(verb))),
            (None, Some((before, rest))) => {
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                pattern.push_str(&format!("/{}[^/]+{}", plain(before), plain(after)));
            }
            (None, None) => pattern.push_str(&format!("/{}", plain(segment))),
        }
    }
    // `/**` is for every path that begins with a slash.
    let pattern = if template == "/**" { "(?s-u)^/".to_owned() } else { pattern + "$" };
    regex::bytes::Regex::new(&pattern).unwrap()
}
