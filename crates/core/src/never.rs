//! Literals and patterns that no request can ever meet, because of the form in which requests come. A rule with
//! one is a mistake, and one that protects nothing.

use std::fmt::Write;

/// What all values of something have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A path without its query: a slash first, and what is not ASCII percent-encoded.
    Path,
    /// A part of the query as it was sent: percent-encoded.
    Query,
    /// A host, with or without a port.
    Host,
    /// A method.
    Method,
    /// A scheme.
    Scheme,
    /// The value of a header, without the white space around it.
    Header,
    /// Something with its ASCII letters in lower case.
    Lower,
}

/// Which part of the value a literal is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComparedPart {
    /// All of it.
    Whole,
    /// Its start.
    Start,
    /// Its end, or anything in it.
    Other,
}

impl Form {
    /// Why no value has this literal in that part, and what to write.
    pub(crate) fn refuses(self, literal: &str, part: ComparedPart) -> Option<String> {
        match self {
            Form::Path if literal.contains(['?', '#']) => Some(
                "the path is matched without its query, so this could never match; use `queryParams`".to_owned(),
            ),
            Form::Path | Form::Query if !is_sendable(literal) => Some(format!(
                "requests have this percent-encoded, so it could never match: write {:?}",
                encoded(literal)
            )),
            Form::Path if part != ComparedPart::Other && !literal.starts_with('/') && literal != "*" => {
                Some(format!("a path starts with a slash, so this could never match: write {:?}", ["/", literal].concat()))
            }
            Form::Query if literal.contains(['&', '#']) => {
                Some("a query has this percent-encoded (`%26`, `%23`), so it could never match".to_owned())
            }
            Form::Host if !is_sendable(literal) || literal.contains(['/', '@', '?', '#']) => Some(
                "a host is a name or an address, with a port if need be (`example.com`, `[::1]:8080`), and an \
                 international name is in its ASCII form (`xn--…`); so this could never match"
                    .to_owned(),
            ),
            Form::Method if part == ComparedPart::Whole => {
                let upper = literal.to_ascii_uppercase();
                let known = METHODS.contains(&upper.as_str()) && upper != literal;
                known.then(|| format!("methods are in upper case, so this could never match: write {upper:?}"))
            }
            Form::Scheme if part == ComparedPart::Whole && !matches!(literal, "http" | "https") => {
                Some("a scheme is `http` or `https`, so this could never match".to_owned())
            }
            Form::Header => {
                let space = |c: Option<char>| matches!(c, Some(' ' | '\t'));
                let start = part != ComparedPart::Other && space(literal.chars().next());
                let end = part == ComparedPart::Whole && space(literal.chars().next_back());
                let control = literal.bytes().any(|b| b != b'\t' && (b < 0x20 || b == 0x7f));
                (start || end || control).then(|| {
                    "a header's value has no white space around it and no control characters in it, so this could \
                     never match"
                        .to_owned()
                })
            }
            Form::Lower if literal.bytes().any(|b| b.is_ascii_uppercase()) => Some(format!(
                "the value is in lower case, so this could never match: write {:?}",
                literal.to_ascii_lowercase()
            )),
            _ => None,
        }
    }

    /// Why no value, or a part of the pattern none, matches this regular expression.
    pub(crate) fn refuses_pattern(self, pattern: &str, dialect: Dialect) -> Option<String> {
        let mut plain = Plain { rest: pattern.chars(), dialect, class: false };
        match self {
            Form::Path | Form::Query if !pattern.is_ascii() || plain.any(|c| c == ' ') => Some(format!(
                "requests have characters beyond ASCII, and spaces, percent-encoded, so they could never match: write \
                 {:?}",
                encoded(pattern)
            )),
            Form::Host if !pattern.is_ascii() => Some(
                "a host has ASCII only, also an international one (`xn--…`), so this could never match"
                    .to_owned(),
            ),
            Form::Host if is_case_sensitive(pattern) => Some(
                "hosts are case-insensitive, so an upper-case letter after `-i` could never match; remove `-i`"
                    .to_owned(),
            ),
            Form::Lower if !pattern.starts_with("(?i)") && plain.any(|c| c.is_ascii_uppercase()) => {
                Some("the value is in lower case, so the capital letters could never match".to_owned())
            }
            _ => None,
        }
    }
}

/// The methods that requests have; others are possible, but have no case that anyone could mistake.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Whether these characters come as they are in a request line.
fn is_sendable(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

/// The text as a request line has it: what cannot be sent is percent-encoded.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Whether flags in the pattern make it case-sensitive: `(?-i)`, `(?s-i:`.
fn is_case_sensitive(pattern: &str) -> bool {
    pattern.split('(').filter_map(|group| group.strip_prefix('?')).any(|group| {
        let flags = group.split([')', ':', '<']).next().unwrap_or_default();
        flags.split_once('-').is_some_and(|(_, off)| off.contains('i'))
    })
}

/// Whose syntax a regular expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A `regex` of `match`.
    Re2,
    /// A pattern of a condition.
    JavaScript,
}

/// The characters of a pattern that stand for themselves outside of classes.
struct Plain<'p> {
    rest: std::str::Chars<'p>,
    dialect: Dialect,
    class: bool,
}

impl Iterator for Plain<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            match self.rest.next()? {
                '\\' => {
                    self.rest.next()?;
                }
                '[' if !self.class => {
                    self.class = true;
                    // A bracket that closes is a character as the first of a class; in JavaScript the class is empty.
                    if self.dialect == Dialect::Re2 {
                        let rest = self.rest.as_str();
                        let rest = rest.strip_prefix('^').unwrap_or(rest);
                        self.rest = rest.strip_prefix(']').unwrap_or(rest).chars();
                    }
                }
                ']' if self.class => self.class = false,
                c if !self.class => return Some(c),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn what_no_request_has_is_refused_with_what_it_has() {
        for (form, literal, part, expected) in [
            (Form::Path, "/größe", ComparedPart::Start, "write \"/gr%C3%B6%C3%9Fe\""),
            (Form::Path, "/my files", ComparedPart::Whole, "write \"/my%20files\""),
            (Form::Path, "größe", ComparedPart::Other, "write \"gr%C3%B6%C3%9Fe\""),
            (Form::Path, "/a?b", ComparedPart::Whole, "use `queryParams`"),
            (Form::Path, "api", ComparedPart::Start, "write \"/api\""),
            (Form::Query, "a b", ComparedPart::Whole, "write \"a%20b\""),
            (Form::Query, "a&b", ComparedPart::Whole, "`%26`"),
            (Form::Host, "https://example.com", ComparedPart::Whole, "a host is a name"),
            (Form::Host, "größe.example", ComparedPart::Whole, "xn--"),
            (Form::Method, "get", ComparedPart::Whole, "write \"GET\""),
            (Form::Scheme, "HTTPS", ComparedPart::Whole, "`http` or `https`"),
            (Form::Header, " a", ComparedPart::Whole, "white space"),
            (Form::Header, "a ", ComparedPart::Whole, "white space"),
            (Form::Header, "a\nb", ComparedPart::Other, "control characters"),
            (Form::Lower, "De", ComparedPart::Whole, "write \"de\""),
        ] {
            let message = form.refuses(literal, part).unwrap_or_default();
            assert!(message.contains(expected), "{literal}: {message}");
        }
        for (form, literal, part) in [
            (Form::Path, "/gr%C3%B6%C3%9Fe", ComparedPart::Whole),
            (Form::Path, "*", ComparedPart::Whole),
            (Form::Path, ".jpg", ComparedPart::Other),
            (Form::Query, "a+b=c", ComparedPart::Whole),
            (Form::Host, "[::1]:8080", ComparedPart::Whole),
            (Form::Method, "purge", ComparedPart::Whole),
            (Form::Method, "get", ComparedPart::Start),
            (Form::Header, "a b", ComparedPart::Whole),
            (Form::Header, "grün", ComparedPart::Whole),
            (Form::Header, "a ", ComparedPart::Start),
            (Form::Lower, "größe", ComparedPart::Whole),
        ] {
            assert_eq!(form.refuses(literal, part), None, "{literal}");
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn patterns_too() {
        for (form, pattern) in [
            (Form::Path, "/größe(/.*)?"),
            (Form::Path, "/my files/.*"),
            (Form::Path, "/[äö]+"),
            (Form::Lower, "^Admin"),
            (Form::Host, "ä.example"),
            (Form::Host, r"(?-i)Shop\.example"),
            (Form::Host, r"(?i)a(?s-i:B)"),
        ] {
            for dialect in [Dialect::Re2, Dialect::JavaScript] {
                assert!(form.refuses_pattern(pattern, dialect).is_some(), "{pattern}");
            }
        }
        // In JavaScript a class is at its end there.
        for (form, pattern) in [(Form::Lower, "[^]B]"), (Form::Path, "/a[] ]")] {
            assert_eq!(form.refuses_pattern(pattern, Dialect::Re2), None, "{pattern}");
            assert!(form.refuses_pattern(pattern, Dialect::JavaScript).is_some(), "{pattern}");
        }
        for (form, pattern) in [
            (Form::Path, r"/a[^ ]*"),
            (Form::Path, r"/a\ b"),
            (Form::Lower, r"^\D+\.[A-Z]?admin"),
            (Form::Lower, "(?i)Admin"),
            (Form::Host, "Admin"),
            (Form::Host, r"(?i)a(?P<my-ip>b)(?:-i)"),
        ] {
            for dialect in [Dialect::Re2, Dialect::JavaScript] {
                assert_eq!(form.refuses_pattern(pattern, dialect), None, "{pattern}");
            }
        }
    }
}
