//! SARIF 2.1.0: the form in which code scanning takes results.

use serde_json::{Value, json};
use weir_workbench::check::{CODES, Checked, Level, page};

/// The rule of what a proxy refuses, beside those of warnings.
const REFUSED: &str = "refused";

/// All problems and warnings as one run.
pub(super) fn log(checked: &Checked) -> Value {
    let refused = json!({
        "id": REFUSED,
        "name": "Refused",
        "shortDescription": {"text": "What a proxy, Envoy or an API server refuses"},
        "help": {"text": "See docs/cli.md#check."},
        "defaultConfiguration": {"level": "error"},
    });
    let rules = CODES.iter().map(|code| {
        json!({
            "id": code.id,
            "name": code.name,
            "shortDescription": {"text": code.summary},
            "help": {"text": format!("See {}.", page(code.id))},
            "defaultConfiguration": {"level": "warning"},
        })
    });
    let mut results = Vec::new();
    checked.each(|file, level, finding| {
        let (rule, level) = match level {
            Level::Problem => (REFUSED, "error"),
            Level::Warning(code) => (code, "warning"),
        };
        let at = finding.map(|finding| finding.at);
        let location = json!({
            "physicalLocation": {
                "artifactLocation": {"uri": address(file.name())},
                "region": at.map(|at| json!({"startLine": at.line, "startColumn": at.column})),
            }
        });
        let text = finding.map_or_else(|| file.failure().to_owned(), |finding| finding.text());
        results.push(json!({
            "ruleId": rule,
            "level": level,
            "message": {"text": text},
            "locations": [without_nulls(location)],
        }));
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "weir",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": std::iter::once(refused).chain(rules).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A file without a place in it has no region.
fn without_nulls(mut location: Value) -> Value {
    if let Some(place) = location.get_mut("physicalLocation").and_then(Value::as_object_mut) {
        place.retain(|_, value| !value.is_null());
    }
    location
}

/// A path as a reference: what has a meaning in addresses is written as an escape.
fn address(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
