//! The rules of Istio's two definitions that stand there in CEL, written by hand. A rule that is new in a newer
//! definition is found by its message.

use serde_json::Value;

/// The messages of all rules that [`check`] knows.
const KNOWN: [&str; 8] = [
    "wildcard not allowed in label value match",
    "wildcard not allowed in label key match",
    "key must not be empty",
    "cross namespace referencing is not currently supported",
    "url must have schema one of [http, https, file, oci]",
    "value may only be set when valueFrom is INLINE",
    "only one of targetRefs or selector can be set",
    "exactly one of wasm or lua must be set",
];

/// # Panics
/// When a definition has a rule that nobody has written here.
pub(crate) fn all_known(messages: &[String]) {
    for message in messages {
        assert!(KNOWN.contains(&message.as_str()), "a new rule: {message}");
    }
}

/// Checks the `spec` of a WasmPlugin or a TrafficExtension.
pub(crate) fn check(spec: &Value, problems: &mut Vec<String>) {
    let mut must = |holds: bool, rule: usize| {
        if !holds {
            problems.push(KNOWN[rule].to_owned());
        }
    };
    let labels = spec["selector"]["matchLabels"].as_object();
    for (key, value) in labels.into_iter().flatten() {
        must(!value.as_str().is_some_and(|value| value.contains('*')), 0);
        must(!key.contains('*'), 1);
        must(!key.is_empty(), 2);
    }
    let references = spec["targetRefs"].as_array();
    for reference in references.into_iter().flatten() {
        must(reference["namespace"].as_str().unwrap_or_default().is_empty(), 3);
    }
    let (wasm, lua) = (spec.get("wasm"), spec.get("lua"));
    let code = wasm.unwrap_or(spec);
    if let Some(url) = code["url"].as_str() {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        must(["", "http", "https", "oci", "file"].contains(&scheme), 4);
    }
    for variable in code["vmConfig"]["env"].as_array().into_iter().flatten() {
        must(variable["valueFrom"] != "HOST" || variable.get("value").is_none(), 5);
    }
    let targets = ["selector", "targetRef", "targetRefs"];
    must(targets.iter().filter(|name| spec.get(**name).is_some()).count() <= 1, 6);
    let is_extension = spec.get("url").is_none();
    must(!is_extension || wasm.is_some() != lua.is_some(), 7);
}
