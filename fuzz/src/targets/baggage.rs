//! The header `baggage`, in which services carry things on.

use crate::support::{host, pipeline, serve};
use serde_json::json;
use weir::Pipeline;
use weir_core::header::is_safe_value;

pub(crate) const PIECES: &[&str] = &[
    "weir.one=forged",
    "weir%2Eone=b",
    "%77eir.",
    "WEIR.",
    "weir.",
    ",",
    ";",
    "=",
    " ",
    "\t",
    "\u{a0}",
    "%20",
    "+",
    "%",
    "a=1;p",
    "a=1;p=2",
    "\n",
    "%0A",
];

thread_local! {
    static PIPELINE: Pipeline = pipeline(&json!({"experiments": {"unit": "header:x-u", "output": {"baggage": true},
        "list": [{"key": "one", "variants": [{"key": "a"}]}]}}));
}

/// However a service decodes it, there is one member of ours, and it is ours.
pub(crate) fn baggage(data: &[u8]) {
    let mut lines = vec![(b"x-u".to_vec(), b"ada".to_vec())];
    let sent = data.split(|b| *b == b'\n').filter(|line| is_safe_value(line));
    lines.extend(sent.map(|line| (b"baggage".to_vec(), line.to_vec())));
    let served = PIPELINE.with(|pipeline| serve(pipeline, &host(), &lines));
    let mut values = served.headers.iter().filter(|(name, _)| name == b"baggage").map(|(_, value)| value);
    let (Some(value), None) = (values.next(), values.next()) else { panic!("{served:?}") };
    assert!(is_safe_value(value));
    let mut ours = 0;
    for member in value.split(|b| *b == b',') {
        let key = member.split(|b| matches!(b, b'=' | b';')).next().unwrap_or_default();
        let is_ours = [false, true].iter().any(|form| as_read(key, *form).starts_with("weir."));
        if is_ours {
            assert_eq!(member, b"weir.one=a", "{}", value.escape_ascii());
            ours += 1;
        }
    }
    assert_eq!(ours, 1, "{}", value.escape_ascii());
}

/// A key as a service reads it: decoded, as a form is or not, and trimmed, before or after.
fn as_read(key: &[u8], form: bool) -> String {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(byte) = key.get(at) {
        let hex = key.get(at + 1..at + 3).and_then(|hex| str::from_utf8(hex).ok());
        let code = hex.filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match (byte, code.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(code)) => {
                out.push(code);
                at += 2;
            }
            (b'+', _) if form => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    let text = String::from_utf8_lossy(&out).to_lowercase();
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control()).to_owned()
}
