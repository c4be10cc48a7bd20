//! Tests of texts: `exact`, `prefix`, `suffix`, `contains`, `in`, `regex`.

use crate::support::{World, halves};
use serde_json::json;
use weir_core::header::encode_pairs;
use weir_core::http_match::{FullMatch, HttpMatch};
use weir_core::{At, AttributeMap, Compiler, Problems, Request, Scratch, Targeting, Truth};

pub(crate) const PIECES: &[&str] = &[
    "exact:",
    "prefix:",
    "suffix:",
    "contains:",
    "in:",
    "regex:",
    "EXACT:",
    "PREFIX:",
    "\n",
    ".*",
    "(?i)",
    "é",
    "a|b",
    "\\.",
    "$",
];

/// The first line is `KIND:WANTED`, in capitals without regard to case; what follows is the text.
pub(crate) fn text_match(data: &[u8]) {
    let (test, text) = halves(data, b'\n');
    let Some((kind, wanted)) = str::from_utf8(test).ok().and_then(|test| test.split_once(':')) else {
        return;
    };
    let kind_lower = kind.to_ascii_lowercase();
    let ignores_case = kind != kind_lower;
    let value = match kind_lower.as_str() {
        "regex" if !ignores_case => return regex(wanted, text),
        "in" => json!(wanted.split('|').collect::<Vec<_>>()),
        "exact" | "prefix" | "suffix" | "contains" => json!(wanted),
        _ => return,
    };
    // The model searches slowly.
    if wanted.is_empty() || wanted.len() > 200 {
        return;
    }
    let list = json!([{"headers": {"x-t": {kind_lower.as_str(): value, "ignoreCase": ignores_case}}}]);
    let Some(verdict) = judge(&list, text) else { return };
    let (mut text, mut wanted) = (text.to_vec(), wanted.as_bytes().to_vec());
    if ignores_case {
        text.make_ascii_lowercase();
        wanted.make_ascii_lowercase();
    }
    let expected = match kind_lower.as_str() {
        "exact" => text == wanted,
        "prefix" => text.starts_with(&wanted),
        "suffix" => text.ends_with(&wanted),
        "contains" => text.windows(wanted.len()).any(|part| part == wanted),
        _ => wanted.split(|b| *b == b'|').any(|one| one == text),
    };
    assert_eq!(verdict, expected.into(), "{list}");
}

fn judge(list: &serde_json::Value, text: &[u8]) -> Option<Truth> {
    let (named, env) = (AttributeMap::default(), |_: &str| None);
    let mut problems = Problems::default();
    let http_match: Vec<HttpMatch> = weir_core::load::load_value(list, &mut problems);
    let mut compiler = Compiler::new(&named, &env, problems);
    let targeting = Targeting { http_match, ..Default::default() };
    let predicate = targeting.compile(&mut compiler, &At::root());
    let access_plan = compiler.finish().ok()?;
    let (raw, mut scratch, world) = (encode_pairs(&[("x-t", text)]), Scratch::default(), World::default());
    scratch.read(&access_plan, &raw);
    Some(predicate.judge(&Request::new(&access_plan, &raw, &scratch, &world)))
}

/// Where `regex-lite` takes a pattern, it and the shortcuts for literals agree.
fn regex(pattern: &str, text: &[u8]) {
    weir_core::regex::renew();
    let Ok(compiled) = FullMatch::new(pattern) else { return };
    // A character is a byte.
    let latin1 = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
    let characters = latin1(pattern.as_bytes());
    let verdict = compiled.judge(text);
    if super::regex::re2_differs(&characters, text) {
        return;
    }
    let Some(lite) = super::regex::whole(&characters) else { return };
    if verdict != Truth::Unknown {
        assert_eq!(verdict, lite.is_match(&latin1(text)).into(), "{pattern:?}");
    }
}
