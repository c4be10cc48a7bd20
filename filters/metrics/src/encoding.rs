//! How labels are written into the one name that a proxy keeps for each combination of their values.
//!
//! Envoy's Wasm interface has no labels. Its statistics do: regular expressions in the bootstrap
//! (`stats_tags`) cut them out of names. They are not anchored, so a value must never look like
//! the beginning or the end of another tag.

use serde::Serialize;
use weir_core::Load;

/// How labels are encoded in metric names.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "LabelStyle"))]
pub enum Style {
    /// `experiment=.=checkout;.;variant=.=b;.;orders_total`: any labels. Istio extracts them if they are
    /// listed in `extraStatTags`, Envoy by `stats_tags` (`weir render bootstrap`).
    #[default]
    Tags,
    /// `component.checkout.tag.b;.orders_total`: the labels that an Istio sidecar extracts by default.
    Istio,
}

/// Labels that an unmodified Istio sidecar extracts from names, in the order in which they are written.
pub const ISTIO_LABELS: [&str; 4] = ["wasm_filter", "component", "cache", "tag"];

/// Labels that Istio cuts from the end of a name, `_rq_503` and `_rq_5xx`.
pub const ISTIO_CODE: &str = "response_code";
/// See [`ISTIO_CODE`].
pub const ISTIO_CLASS: &str = "response_code_class";

/// Istio's name for one of the labels that this filter adds by itself.
pub fn istio_name(label: &str) -> &str {
    match label {
        "experiment" | "metric" => "component",
        "variant" | "label" => "tag",
        "route" | "goal" => "cache",
        "bucket" => "wasm_filter",
        "code" => ISTIO_CODE,
        "code_class" => ISTIO_CLASS,
        other => other,
    }
}

/// Longer values are cut, in bytes.
pub const MAX_VALUE_LEN: usize = 64;

/// The name of one series. `labels` are sorted by name.
pub fn name(style: Style, labels: &[(&str, &str)], metric: &str) -> String {
    match style {
        Style::Tags => {
            let mut name = String::new();
            for (label, value) in labels {
                name.push_str(label);
                name.push_str("=.=");
                push_safe(&mut name, value);
                name.push_str(";.;");
            }
            name.push_str(metric);
            name
        }
        Style::Istio => istio(labels, metric),
    }
}

fn istio(labels: &[(&str, &str)], metric: &str) -> String {
    let mut name = String::new();
    let value = |wanted: &str| labels.iter().find(|(label, _)| istio_name(label) == wanted);
    for slot in ISTIO_LABELS {
        let Some((_, value)) = value(slot) else { continue };
        name.push_str(slot);
        name.push('.');
        // Only a tag has an end that a value cannot have: the others end at a dot.
        if slot == "tag" {
            push_safe(&mut name, value);
            name.push(';');
        } else {
            push_plain(&mut name, value);
        }
        name.push('.');
    }
    name.push_str(metric);
    if let Some((_, code)) = value(ISTIO_CODE).or_else(|| value(ISTIO_CLASS)) {
        name.push_str("_rq_");
        let class = value(ISTIO_CODE).is_none();
        // The expression asks for a digit and `xx`, or for three digits.
        name.push_str(match *code {
            "none" if class => "0xx",
            "other" if class => "9xx",
            "none" => "000",
            "other" => "999",
            code => code,
        });
    }
    name
}

/// Appends a value with everything replaced that is not a letter, a digit, `-` or `_`.
fn push_plain(name: &mut String, value: &str) {
    let start = name.len();
    for c in value.chars() {
        name.push(if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' });
    }
    // The dot that follows would make a tag of it.
    if ends_in_word(name.get(start..).unwrap_or_default()) {
        name.push('_');
    }
}

/// Appends a value with what has a meaning in names replaced.
fn push_safe(name: &mut String, value: &str) {
    let start = name.len();
    for (at, c) in value.char_indices() {
        let safe = match c {
            ';' | '=' => '_',
            '.' => {
                let before = name.get(start..).unwrap_or_default();
                let after = value.get(at + 1..).unwrap_or_default();
                if ends_in_word(before) || WORDS_AFTER_DOT.iter().any(|word| after.starts_with(word)) {
                    '_'
                } else {
                    '.'
                }
            }
            c if c.is_control() => '_',
            c => c,
        };
        name.push(safe);
    }
}

/// Words that begin a tag of Istio's when a dot follows.
const WORDS: [&str; 5] = ["tag", "cache", "component", "wasm_filter", "rbac"];
/// Words that begin a tag of Istio's when a dot precedes.
const WORDS_AFTER_DOT: [&str; 2] = ["istio_dry_run_", "shadow_"];

fn ends_in_word(text: &str) -> bool {
    WORDS.iter().any(|word| text.ends_with(word))
}

/// The text that bytes of a request become as a value: cut, and with `_` for what is not UTF-8.
pub fn text(raw: &[u8]) -> String {
    let raw = raw.get(..MAX_VALUE_LEN).unwrap_or(raw);
    let mut text = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push('_');
        }
    }
    text
}

/// Whether a text can name a metric or a label in Prometheus. Colons are for recording rules.
pub fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= 120
}

/// Whether an end of a name is one that Istio and Envoy cut off: `_rq_503` or `_rq_5xx`.
pub fn ends_in_code(name: &str) -> bool {
    let end = name.len().checked_sub(7).and_then(|at| name.as_bytes().get(at..));
    match end {
        Some([b'_', b'r', b'q', b'_', a, b, c]) => {
            let digits = |bytes: &[&u8]| bytes.iter().all(|b| b.is_ascii_digit());
            digits(&[a, b, c]) || (digits(&[a]) && [b, c] == [&b'x', &b'x'])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_first_and_the_metric_last() {
        let labels = [("experiment", "checkout"), ("variant", "b")];
        assert_eq!(name(Style::Tags, &labels, "x_total"), "experiment=.=checkout;.;variant=.=b;.;x_total");
        assert_eq!(name(Style::Istio, &labels, "x_total"), "component.checkout.tag.b;.x_total");
        assert_eq!(name(Style::Tags, &[], "x_total"), "x_total");
        let labels = [("code_class", "5xx"), ("route", "a.b"), ("wasm_filter", "weir")];
        assert_eq!(name(Style::Istio, &labels, "x"), "wasm_filter.weir.cache.a_b.x_rq_5xx");
        assert_eq!(name(Style::Istio, &[("code", "none")], "x"), "x_rq_000");
    }

    #[test]
    fn values_cannot_end_or_begin_a_tag() {
        let tags = |value| name(Style::Tags, &[("l", value)], "m");
        assert_eq!(tags("a;.;b=.=c"), "l=.=a_._b_._c;.;m");
        assert_eq!(tags("my.cache.example.com"), "l=.=my.cache_example.com;.;m");
        assert_eq!(tags("a\n\u{7f}é"), "l=.=a__é;.;m");
        assert_eq!(tags("x.shadow_denied"), "l=.=x_shadow_denied;.;m");
        assert_eq!(name(Style::Istio, &[("component", "ab.tag")], "m"), "component.ab_tag_.m");
    }

    #[test]
    fn bytes_become_bounded_text() {
        assert_eq!(text(b"a\xff\xc0\xa7b"), "a___b");
        assert_eq!(text(&[b'x'; 1000]).len(), MAX_VALUE_LEN);
    }

    #[test]
    fn names_that_are_cut_are_known() {
        assert!(ends_in_code("x_rq_503") && ends_in_code("x_rq_5xx"));
        assert!(!ends_in_code("x_rq_50") && !ends_in_code("x_rq_5x5") && !ends_in_code("rq"));
    }
}
