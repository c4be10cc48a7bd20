//! Escapes untrusted texts for logs and terminals.

use std::borrow::Cow;

/// Whether a character is not seen, but acts: control characters (C0, DEL, C1), line and paragraph
/// separators, and the format characters that reorder or hide text (bidirectional overrides, zero widths).
///
/// ```
/// use weir_core::escape::is_hidden;
///
/// assert!(is_hidden('\u{1b}') && is_hidden('\u{202e}'), "escape; right-to-left override");
/// assert!(!is_hidden('é') && !is_hidden(' '));
/// ```
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// The text with each hidden character written as `\uXXXX`, which JSON and quoted YAML read back. Borrowed
/// when there is none.
///
/// ```
/// use weir_core::escape::escape;
///
/// assert_eq!(escape("ok\u{1b}[2J"), r"ok\u001b[2J", "a terminal would have been cleared");
/// assert_eq!(escape("größe"), "größe");
/// ```
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) {
            push(&mut out, c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Writes a character as `\uXXXX`. Hidden characters are all below U+10000.
///
/// ```
/// let mut out = String::from("a");
/// weir_core::escape::push(&mut out, '\n');
/// assert_eq!(out, r"a\u000a");
/// ```
pub fn push(out: &mut String, c: char) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.push(char::from_digit(c as u32 >> shift & 15, 16).unwrap_or('0'));
    }
}

/// The text with `***` in place of what precedes the `@` of an address, `user:password` as a rule. A password
/// may hold any character, so everything up to the last `@` of the word counts.
///
/// ```
/// use weir_core::escape::without_user_info;
///
/// assert_eq!(without_user_info("no answer from https://ada:s3cret@login.test/keys"),
///     "no answer from https://***@login.test/keys");
/// ```
pub fn without_user_info(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | ','));
        let word = after.split_at_checked(end.unwrap_or(after.len())).unwrap_or((after, ""));
        out.push_str(before);
        out.push_str("://");
        rest = match word.0.rsplit_once('@') {
            Some((_, host)) => {
                out.push_str("***@");
                out.push_str(host);
                word.1
            }
            None => after,
        };
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_written_out() {
        for (text, expected) in [
            ("plain é 你 😀", "plain é 你 😀"),
            ("\u{1b}[2J", "\\u001b[2J"),
            ("a\r\nb\tc\0", "a\\u000d\\u000ab\\u0009c\\u0000"),
            ("\u{7f}\u{9b}31m\u{85}", "\\u007f\\u009b31m\\u0085"),
            ("\u{202e}gpj\u{2066}\u{200f}\u{feff}\u{2028}", "\\u202egpj\\u2066\\u200f\\ufeff\\u2028"),
        ] {
            assert_eq!(escape(text), expected);
            let json: String = serde_json::from_str(&format!("\"{expected}\"")).unwrap();
            assert_eq!(json, text, "what is escaped can be read back");
        }
    }

    #[test]
    fn addresses_lose_who_asks() {
        for (text, expected) in [
            ("no address: a@b", "no address: a@b"),
            ("https://id.example/jwks", "https://id.example/jwks"),
            ("\"https://me:pw@id.example/k\" is no", "\"https://***@id.example/k\" is no"),
            ("https://me:p@ss/w@id/k, http://x:y@z", "https://***@id/k, http://***@z"),
            ("://@://a@b", "://***@b"),
        ] {
            assert_eq!(without_user_info(text), expected);
        }
    }
}
