//! The compiled form of a `StringMatch`.

use super::StringMatch;
use super::literal::{Anchor, stands};
use super::regex::FullMatch;
use crate::need::{Need, Source};
use crate::problem::{At, Problems};
use crate::sort::sort_by;
use crate::truth::Truth;
use semver::{Version, VersionReq};

/// Whether a longer text is a version is not found out.
const MAX_VERSION_LEN: usize = 256;

/// A compiled test of a text. It allocates nothing (but for a pre-release label of more than eight
/// bytes in a version that a client sends).
///
/// ```
/// use weir_core::http_match::{Anchor, TextTest};
/// use weir_core::Truth;
///
/// let test = TextTest::literal(Anchor::Start, "/api");
/// assert_eq!((test.judge(b"/api/orders"), test.judge(b"/cart")), (Truth::True, Truth::False));
/// ```
#[derive(Debug)]
pub enum TextTest {
    /// Any text, also an empty one.
    Any,
    /// Compares with one text.
    Literal {
        /// Where the literal must match.
        place: Anchor,
        /// The literal, in lower case if case is ignored.
        literal: Box<[u8]>,
        /// Whether ASCII letters are the same in either case.
        ignore_case: bool,
    },
    /// Is one of several texts.
    OneOf {
        /// The texts, sorted; in lower case if case is ignored.
        texts: Box<[Box<[u8]>]>,
        /// Whether ASCII letters are the same in either case.
        ignore_case: bool,
    },
    /// Matches a regular expression as a whole.
    Regex(Box<FullMatch>),
    /// Is a version that satisfies a requirement.
    Version(Box<VersionReq>),
}

impl TextTest {
    /// A case-sensitive comparison.
    pub fn literal(place: Anchor, literal: &str) -> Self {
        TextTest::Literal { place, literal: literal.as_bytes().into(), ignore_case: false }
    }

    /// What a value of the request needs to pass: one of these texts, or a start of one; `None` if that is unknown.
    /// `cost` is what the test costs.
    pub(crate) fn need(&self, source: Source, cost: usize) -> Option<Need<'_>> {
        match self {
            TextTest::Literal { place: Anchor::Whole, literal, ignore_case: false } => {
                Some(Need::of(source, false, literal, cost))
            }
            TextTest::Literal { place: Anchor::Start, literal, ignore_case: false } => {
                Some(Need::of(source, true, literal, cost))
            }
            TextTest::OneOf { texts, ignore_case: false } => {
                Some(Need::any(texts.iter().map(|text| Need::of(source, false, text, cost))))
            }
            TextTest::Regex(regex) => regex.need(source),
            _ => None,
        }
    }

    /// Whether `text` passes; unknown where finding out would be too much work.
    pub fn judge(&self, text: &[u8]) -> Truth {
        let passes = match self {
            TextTest::Any => true,
            TextTest::Literal { place, literal, ignore_case } => stands(*place, literal, *ignore_case, text),
            TextTest::OneOf { texts, ignore_case: false } => {
                texts.binary_search_by(|t| (**t).cmp(text)).is_ok()
            }
            TextTest::OneOf { texts, ignore_case: true } => {
                let lower = || text.iter().map(u8::to_ascii_lowercase);
                texts.binary_search_by(|t| t.iter().copied().cmp(lower())).is_ok()
            }
            TextTest::Regex(regex) => return regex.judge(text),
            TextTest::Version(_) if text.len() > MAX_VERSION_LEN => return Truth::Unknown,
            TextTest::Version(requirement) => version(text).is_some_and(|v| requirement.matches(&v)),
        };
        passes.into()
    }
}

/// A version as people write it: a `v` before it, or without its last parts.
fn version(text: &[u8]) -> Option<Version> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    Version::parse(text).ok().or_else(|| {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Some(Version::new(whole_number(major)?, whole_number(minor)?, 0))
    })
}

/// Digits only: Rust would also read a sign, and semver forbids leading zeros.
fn whole_number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| plain)
}

/// What a `StringMatch` asks of a text that may be absent.
///
/// ```
/// use weir_core::http_match::{StringMatch, TextRequirement};
/// use weir_core::{At, Problems, Truth};
///
/// let mut problems = Problems::default();
/// let recent = StringMatch { semver: Some(">=1.2, <2".to_owned()), ..StringMatch::default() };
/// let recent = recent.asks(false, &mut problems, &At::root().field("x-app-version")).unwrap();
/// assert_eq!(recent.judge(Some(b"v1.4")), Truth::True);
/// assert_eq!(recent.judge(Some(b"2.0.0")), Truth::False);
/// assert_eq!(TextRequirement::Presence(false).judge(None), Truth::True);
///
/// let two = StringMatch { exact: Some("a".to_owned()), prefix: Some("b".to_owned()), ..StringMatch::default() };
/// assert!(two.asks(false, &mut problems, &At::root()).is_none() && problems.len() == 1);
/// ```
#[derive(Debug)]
pub enum TextRequirement {
    /// That the text is there or not.
    Presence(bool),
    /// That it is there and passes.
    Passes(TextTest),
}

impl TextRequirement {
    /// Whether a text, which may be absent, is what is asked for.
    pub fn judge(&self, text: Option<&[u8]>) -> Truth {
        match self {
            TextRequirement::Presence(wanted) => (text.is_some() == *wanted).into(),
            TextRequirement::Passes(test) => text.map_or(Truth::False, |text| test.judge(text)),
        }
    }
}

impl StringMatch {
    /// Compiles it; `None` when something was wrong, which then is in `problems`. An `ignore_case` from
    /// outside applies where it can and is no problem where it cannot.
    pub fn asks(&self, ignore_case: bool, problems: &mut Problems, at: &At) -> Option<TextRequirement> {
        let given = [
            ("exact", self.exact.is_some()),
            ("prefix", self.prefix.is_some()),
            ("regex", self.regex.is_some()),
            ("suffix", self.suffix.is_some()),
            ("contains", self.contains.is_some()),
            ("in", self.one_of.is_some()),
            ("present", self.present.is_some()),
            ("semver", self.semver.is_some()),
        ];
        let names: Vec<&str> = given.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        if names.len() > 1 {
            problems.add(
                at,
                format!(
                    "has {}: one test only; to ask for both, combine them in a `regex`",
                    names.join(" and ")
                ),
            );
            return None;
        }
        if self.ignore_case
            && !matches!(names.as_slice(), ["exact" | "prefix" | "suffix" | "contains" | "in"])
        {
            let hint = if self.regex.is_some() { "; write `(?i)` at the start of the regex" } else { "" };
            problems.add(
                &at.field("ignoreCase"),
                format!("is only valid with exact, prefix, suffix, contains or in{hint}"),
            );
            return None;
        }
        self.test(ignore_case || self.ignore_case, problems, at)
    }

    fn test(&self, ignore_case: bool, problems: &mut Problems, at: &At) -> Option<TextRequirement> {
        let fold = |text: &str| -> Box<[u8]> {
            if ignore_case { text.to_ascii_lowercase().into_bytes().into() } else { text.as_bytes().into() }
        };
        let literal = |place, text: &str| TextTest::Literal { place, literal: fold(text), ignore_case };
        let parts = [
            ("prefix", Anchor::Start, &self.prefix),
            ("suffix", Anchor::End, &self.suffix),
            ("contains", Anchor::Anywhere, &self.contains),
        ];
        for (name, place, text) in parts {
            match text.as_deref() {
                None => {}
                Some("") => {
                    problems.add(
                        &at.field(name),
                        "is empty, so every text passes; to ask that it is there, write {}",
                    );
                    return None;
                }
                Some(text) => return Some(TextRequirement::Passes(literal(place, text))),
            }
        }
        if let Some(text) = &self.exact {
            return Some(TextRequirement::Passes(literal(Anchor::Whole, text)));
        }
        if let Some(texts) = &self.one_of {
            if texts.is_empty() {
                problems.add(&at.field("in"), "is empty, so nothing could pass; list the texts that may");
                return None;
            }
            let mut texts: Vec<Box<[u8]>> = texts.iter().map(|t| fold(t)).collect();
            sort_by(&mut texts, |a, b| a < b);
            texts.dedup();
            return Some(TextRequirement::Passes(TextTest::OneOf { texts: texts.into(), ignore_case }));
        }
        // Istio: `*` is no regular expression, but asks that the text is there (istio PR 20629).
        if let Some(pattern) = self.regex.as_deref().filter(|p| *p != "*") {
            let regex = problems.accept(FullMatch::new(pattern), &at.field("regex"))?;
            return Some(TextRequirement::Passes(TextTest::Regex(Box::new(regex))));
        }
        if let Some(text) = &self.semver {
            let message =
                |error| format!("{text:?} is not a version requirement such as \">=1.2.0, <2\": {error}");
            let requirement = VersionReq::parse(text).map_err(message);
            let requirement = problems.accept(requirement, &at.field("semver"))?;
            return Some(TextRequirement::Passes(TextTest::Version(Box::new(requirement))));
        }
        Some(TextRequirement::Presence(self.present.unwrap_or(true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(json: &str) -> Result<TextRequirement, Problems> {
        let mut problems = Problems::default();
        let asks = crate::load::<StringMatch>(json.as_bytes(), &mut problems).asks(
            false,
            &mut problems,
            &At::root().field("x"),
        );
        asks.ok_or(problems)
    }

    fn passes(json: &str, text: &[u8]) -> bool {
        match compiled(json).unwrap() {
            TextRequirement::Passes(test) => test.judge(text) == Truth::True,
            TextRequirement::Presence(_) => panic!("{json} asks for presence"),
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn literals_stand_where_they_must() {
        for (json, yes, no) in [
            (r#"{"exact": "ab"}"#, ["ab", "ab", "ab"], ["", "abc", "AB"]),
            (r#"{"prefix": "ab"}"#, ["ab", "abc", "abab"], ["", "a", "xab"]),
            (r#"{"suffix": "ab"}"#, ["ab", "cab", "abab"], ["", "b", "abx"]),
            (r#"{"contains": "ab"}"#, ["ab", "cabc", "aab"], ["", "a", "axb"]),
            (r#"{"in": ["b", "ab", "b"]}"#, ["ab", "b", "b"], ["", "a", "B"]),
            (r#"{"exact": "aB", "ignoreCase": true}"#, ["AB", "ab", "Ab"], ["", "abc", "a"]),
            (r#"{"contains": "aB", "ignoreCase": true}"#, ["xABx", "ab", "AAb"], ["", "xAxB", "a"]),
            (r#"{"in": ["Ab", "Zz", "q"], "ignoreCase": true}"#, ["aB", "zZ", "Q"], ["", "abc", "a"]),
        ] {
            yes.iter().for_each(|text| assert!(passes(json, text.as_bytes()), "{json} {text}"));
            no.iter().for_each(|text| assert!(!passes(json, text.as_bytes()), "{json} {text}"));
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn versions_are_read_as_people_write_them() {
        let requirement = r#"{"semver": ">=1.2.0, <2"}"#;
        for yes in ["1.2.0", "v1.2.0", "V1.9.9", "1.2", "1.10.0+build.5", " 1.3.0 "] {
            assert!(passes(requirement, yes.as_bytes()), "{yes}");
        }
        for no in [
            "1",
            "2.0.0",
            "1.1.9",
            "",
            "v",
            "1.2.x",
            "+1.2",
            "01.2",
            "1.2.0.0",
            "vv1.2.0",
            "1.3.0-beta",
            "1..2",
        ] {
            assert!(!passes(requirement, no.as_bytes()), "{no}");
        }
        assert!(!passes(requirement, b"\xff"));
        let Ok(TextRequirement::Passes(test)) = compiled(requirement) else { panic!() };
        let long = format!("1.2.0+{}", "a".repeat(MAX_VERSION_LEN));
        assert_eq!(test.judge(long.as_bytes()), Truth::Unknown);
        assert!(passes(r#"{"semver": ">=1.3.0-alpha"}"#, b"1.3.0-beta"));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn presence_has_three_spellings() {
        for (json, there) in [("{}", true), (r#"{"present": false}"#, false), (r#"{"regex": "*"}"#, true)] {
            assert!(matches!(compiled(json), Ok(TextRequirement::Presence(p)) if p == there), "{json}");
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn what_cannot_be_meant_is_refused() {
        for (json, expected) in [
            (r#"{"exact": "a", "prefix": "b"}"#, "x: has exact and prefix: one test only"),
            (r#"{"prefix": ""}"#, "x.prefix: is empty"),
            (r#"{"in": []}"#, "x.in: is empty"),
            (
                r#"{"regex": "a", "ignoreCase": true}"#,
                "x.ignoreCase: is only valid with exact, prefix, suffix, contains or in; write `(?i)`",
            ),
            (r#"{"ignoreCase": true}"#, "x.ignoreCase: is only valid with"),
            (r#"{"semver": "newest"}"#, "x.semver: \"newest\" is not a version requirement"),
            (r#"{"regex": ""}"#, "x.regex: is empty"),
        ] {
            let text = compiled(json).unwrap_err().to_string();
            assert!(text.starts_with(expected), "{json}: {text}");
        }
    }
}
