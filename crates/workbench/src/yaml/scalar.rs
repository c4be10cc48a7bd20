//! The type of an unquoted scalar: null, boolean, number or string.

use super::{Content, Style};
use serde_json::Number;

/// Reads a plain scalar as Kubernetes and Envoy do. Both take YAML 1.1's words for booleans, which YAML
/// 1.2 takes for texts; we say what a proxy would get.
pub(super) fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        _ => match boolean(text) {
            Some(value) => Content::Bool(value),
            None => {
                number(text).map_or_else(|| Content::Text(text.to_owned(), Style::Plain), Content::Number)
            }
        },
    }
}

/// The boolean that a word is, in one of YAML 1.1's three spellings: `yes`, `Yes`, `YES`.
fn boolean(text: &str) -> Option<bool> {
    let value = match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => true,
        "false" | "no" | "off" | "n" => false,
        _ => return None,
    };
    let (first, rest) = text.split_at(1);
    let is_lower = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase());
    let is_upper = |part: &str| part.bytes().all(|b| b.is_ascii_uppercase());
    (is_lower(text) || is_upper(text) || is_upper(first) && is_lower(rest)).then_some(value)
}

/// The number of YAML's core schema that a text is. Infinities and NaN are texts: JSON has none.
fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(Number::from);
    }
    if let Some(digits) = unsigned.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(Number::from);
    }
    // Rust reads `inf`, `nan` and `infinity` as numbers too.
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !unsigned.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = text.parse::<u64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(text: &str) -> Value {
        match plain(text) {
            Content::Null => Value::Null,
            Content::Bool(value) => json!(value),
            Content::Number(number) => Value::Number(number),
            Content::Text(text, _) => Value::String(text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_and_numbers_are_what_proxies_take_them_for() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("TRUE", json!(true)),
            ("y", json!(true)),
            ("oN", json!("oN")),
            ("N", json!(false)),
            ("\u{1f600}", json!("\u{1f600}")),
            ("1", json!(1)),
            ("-3", json!(-3)),
            ("+3", json!(3)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("2.50", json!(2.5)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.2.3", json!("1.2.3")),
            ("5s", json!("5s")),
            (".inf", json!(".inf")),
            ("inf", json!("inf")),
            ("-", json!("-")),
            (".", json!(".")),
            ("10.0.0.0/8", json!("10.0.0.0/8")),
        ] {
            assert_eq!(read(text), value, "{text:?}");
        }
    }
}
