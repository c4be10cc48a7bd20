//! YAML and JSON in files.

use serde_json::Value;
use weir_cli::fuzzed::{documents, written};

pub(crate) const PIECES: &[&str] = &[
    "a",
    "b: ",
    "\n",
    "  ",
    "- ",
    "? ",
    ": ",
    "&x ",
    "*x",
    "<<: ",
    "<<: *x",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "#",
    "!!str ",
    "!!binary ",
    "---\n",
    "...\n",
    "1.5",
    "0x1f",
    "1e999",
    ".inf",
    "true",
    "yes",
    "~",
    "\u{feff}",
    "\t",
    "\\u0000",
    "\\x41",
    "é",
    "\r\n",
    "%YAML 1.2\n",
];

/// Errors stand in the text. What was read is read again from JSON, and from the YAML that commands write.
pub(crate) fn yaml(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let (read, broken) = documents(text);
    let lines = text.split(['\n', '\r']).count();
    for (line, column) in &broken {
        assert!((1..=lines + 1).contains(line) && *column > 0, "{line}:{column}");
    }
    if !broken.is_empty() {
        return;
    }
    // In YAML a key without `?` has at most 1,024 characters, six of which may be an escaped one.
    for document in read.into_iter().filter(keys_are_short) {
        let (again, broken) = documents(&document.to_string());
        assert_eq!((again, broken.len()), (vec![document.clone()], 0));
        let text = written(&document);
        let (again, broken) = documents(&text);
        assert_eq!(broken, [], "{text}");
        // Of an empty text there is no document.
        let again = again.into_iter().next().map(plain);
        assert_eq!(again, Some(plain(document)), "{text}");
    }
}

fn keys_are_short(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(keys_are_short),
        Value::Object(members) => members.iter().all(|(name, value)| name.len() < 170 && keys_are_short(value)),
        _ => true,
    }
}

/// Whole numbers are written without a fraction.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, |number| (number + 0.0).into()),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        other => other,
    }
}
