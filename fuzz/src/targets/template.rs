//! Path templates, `/users/{id}`.

use crate::support::{halves, host, serve};
use serde_json::json;
use weir::Pipeline;
use weir_core::header::is_safe_value;
use weir_host::Plugin as _;

pub(crate) const PIECES: &[&str] = &[
    "/", "/{id}", "/**", "//", "users", "{", "}", "*", "\n", "?", "#", "/a", "%2f", "é", "{a}{b}", ".", ";",
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
    let fits = model(template).is_match(path);
    assert_eq!(
        (counted(true), counted(false)),
        (i64::from(!fits), i64::from(fits)),
        "{template} {counters:?}"
    );
}

fn model(template: &str) -> regex::bytes::Regex {
    let mut pattern = String::from("(?s-u)^");
    for segment in template.strip_prefix('/').unwrap_or_default().split('/') {
        match segment {
            "**" => pattern.push_str("(?:/.*)?"),
            name if name.starts_with('{') => pattern.push_str("/[^/]+"),
            text => {
                // Byte by byte, since nothing in the path need be UTF-8.
                pattern.push('/');
                text.bytes().for_each(|b| pattern.push_str(&format!("\\x{b:02x}")));
            }
        }
    }
    // `/**` is for every path that begins with a slash.
    let pattern = if template == "/**" { "(?s-u)^/".to_owned() } else { pattern + "$" };
    regex::bytes::Regex::new(&pattern).unwrap()
}
