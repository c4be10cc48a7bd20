//! Regular expressions that must match the whole text, as Envoy's RE2 matchers do.

use super::literal::{Anchor, stands};
use crate::need::{Need, Source};
use crate::regex::{Alphabet, InvalidSyntax, Regex, latin1, of_this_request};
use crate::truth::Truth;
use std::borrow::Cow;
use std::fmt;

/// Istio's limit for the length of an expression, in bytes.
const MAX_PATTERN_LEN: usize = 1024;

/// A compiled regular expression. It takes time in proportion to the text, whatever the text is.
///
/// As in Envoy, which runs RE2 in Latin-1 mode, a character is a byte: `.` is one byte of an `é`, and
/// bytes that are not UTF-8 match like others.
///
/// ```
/// use weir_core::Truth;
/// use weir_core::http_match::{FullMatch, InvalidRegex};
///
/// let order = FullMatch::new("/orders/[0-9]+")?;
/// assert_eq!(order.judge(b"/orders/7"), Truth::True);
/// assert_eq!(order.judge(b"/orders/7/items"), Truth::False, "the whole text must match");
/// assert!(FullMatch::new("(a").is_err());
/// # Ok::<(), InvalidRegex>(())
/// ```
#[derive(Debug)]
pub struct FullMatch(Form);

#[derive(Debug)]
enum Form {
    /// A literal with or without `.*` around it, which is what most expressions are. Comparing is
    /// some fifty times cheaper than running the automaton.
    Plain(Anchor, Box<[u8]>),
    Automaton(Regex),
}

impl FullMatch {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// When it is empty, too long, too large, or no expression of the supported syntax.
    pub fn new(pattern: &str) -> Result<Self, InvalidRegex> {
        if pattern.is_empty() {
            return Err(InvalidRegex::Empty);
        }
        if pattern.len() > MAX_PATTERN_LEN {
            return Err(InvalidRegex::TooLong(pattern.len()));
        }
        let invalid = |why| InvalidRegex::Syntax { pattern: pattern.into(), why };
        let regex = Regex::whole(&latin1(pattern.as_bytes()), Alphabet::Bytes).map_err(invalid)?;
        Ok(Self(match plain(pattern) {
            Some((place, literal)) => Form::Plain(place, literal.into()),
            None => Form::Automaton(regex),
        }))
    }

    /// What a value of the request needs to match; `None` if that is unknown.
    pub(super) fn need(&self, source: Source) -> Option<Need<'_>> {
        /// What the automaton costs, in comparisons of a header.
        const COST: usize = 100;
        match &self.0 {
            Form::Plain(Anchor::Whole, literal) => Some(Need::of(source, false, literal, 12)),
            Form::Plain(Anchor::Start, literal) => Some(Need::of(source, true, literal, 12)),
            Form::Automaton(regex) if !regex.start().is_empty() => {
                Some(Need::of(source, true, regex.start(), COST))
            }
            _ => None,
        }
    }

    /// Whether the whole of `text` matches; unknown where finding out would be more work than one request may be.
    pub fn judge(&self, text: &[u8]) -> Truth {
        match &self.0 {
            Form::Plain(place, literal) => {
                // `.*` stands for anything but line feeds.
                (stands(*place, literal, false, text) && !text.contains(&b'\n')).into()
            }
            Form::Automaton(regex) => of_this_request(|work| regex.judge(text, work)),
        }
    }
}

/// An expression that matches a lower-cased text where `pattern`, ignoring case, matches the text.
///
/// `(?i)` costs the literal start that an expression is found by, so it is added only to one that could match an
/// upper-case letter: a letter itself, an escape, a class, or a range.
pub(crate) fn for_lower_case(pattern: &str) -> Cow<'_, str> {
    let bytes = pattern.as_bytes();
    let upper = bytes.iter().any(u8::is_ascii_uppercase)
        || bytes.windows(2).any(|two| matches!(two, [b'\\', b'x' | b'0'..=b'7'] | b"[:"))
        || bytes.windows(3).any(|three| match *three {
            // A dash at the end of a class or at its start is no range's.
            [b'[' | b'^', b'-', _] | [_, b'-', b']'] => false,
            [b'a'..=b'z', b'-', b'a'..=b'z'] | [b'0'..=b'9', b'-', b'0'..=b'9'] => false,
            [_, b'-', _] => true,
            _ => false,
        });
    if upper && !pattern.starts_with("(?i)") { ["(?i)", pattern].concat().into() } else { pattern.into() }
}

/// The literal in `literal`, `literal.*`, `.*literal` or `.*literal.*`, with the place that this
/// means. `None` for every other expression.
fn plain(pattern: &str) -> Option<(Anchor, Vec<u8>)> {
    let rest = pattern.strip_prefix('^').unwrap_or(pattern);
    let (before, rest) = rest.strip_prefix(".*").map_or((false, rest), |rest| (true, rest));
    let mut literal = Vec::new();
    let mut bytes = rest.as_bytes();
    let after = loop {
        match bytes {
            [] | b"$" => break false,
            b".*" | b".*$" => break true,
            // After any of these, a character could be more than itself.
            [_, b'*' | b'+' | b'?' | b'{', ..] | [b'\\', _, b'*' | b'+' | b'?' | b'{', ..] => return None,
            [b'\\', escaped, tail @ ..] if escaped.is_ascii_punctuation() => {
                literal.push(*escaped);
                bytes = tail;
            }
            [
                b'\\' | b'^' | b'$' | b'.' | b'|' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'*' | b'+'
                | b'?' | b'\n',
                ..,
            ] => {
                return None;
            }
            [byte, tail @ ..] => {
                literal.push(*byte);
                bytes = tail;
            }
        }
    };
    let place = match (before, after) {
        (false, false) => Anchor::Whole,
        (false, true) => Anchor::Start,
        (true, false) => Anchor::End,
        (true, true) => Anchor::Anywhere,
    };
    Some((place, literal))
}

/// An expression that cannot be used. Its text says what to write instead.
#[derive(Clone, Debug)]
pub enum InvalidRegex {
    /// It is empty.
    Empty,
    /// Too long; the length in bytes.
    TooLong(usize),
    /// It is too large, or not in the supported syntax.
    Syntax {
        /// The expression.
        pattern: Box<str>,
        /// What is wrong.
        why: InvalidSyntax,
    },
}

impl fmt::Display for InvalidRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty; to match an empty text, write {exact: \"\"}"),
            Self::TooLong(length) => {
                write!(f, "is {length} bytes long; at most {MAX_PATTERN_LEN} are allowed, as in Istio")
            }
            Self::Syntax { pattern, why } => {
                write!(f, "{pattern:?}: {why}")?;
                hint(why).map_or(Ok(()), |hint| write!(f, "; {hint}"))
            }
        }
    }
}

impl std::error::Error for InvalidRegex {}

/// What to write instead.
fn hint(why: &InvalidSyntax) -> Option<&'static str> {
    Some(match why {
        InvalidSyntax::LookAround => {
            "RE2 has none either: exclude texts with `withoutHeaders` or in an earlier rule"
        }
        InvalidSyntax::BackReference => "RE2 has none either: write the alternatives out",
        InvalidSyntax::UnicodeClass => "write the characters as a class, such as [A-Za-z]",
        InvalidSyntax::TooLarge => "repeat less: the number in {n} multiplies the preceding expression",
        InvalidSyntax::TooDeep => "use fewer groups within groups",
        InvalidSyntax::NothingToRepeat(_) => "`.*` matches any text",
        InvalidSyntax::UnknownEscape(_) => {
            "put a backslash only before punctuation or one of the classes \\d \\s \\w \\b and their opposites"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn the_whole_text_must_match() {
        for (pattern, yes, no) in [
            ("a|bc", ["a", "bc"], ["abc", "ab"]),
            ("/users/[0-9]+", ["/users/1", "/users/42"], ["/users/", "/users/4/x"]),
            (
                r"^(.*?;)?(user=jason)(;.*)?$",
                ["user=jason", "a=b;user=jason;c=d"],
                ["user=jasonx", "xuser=jason"],
            ),
            ("(?i)canary", ["CANARY", "canary"], ["canaryx", ""]),
            (r"\d+\.\w+", ["1.a", "10.b_c"], ["١.a", "1.é"]),
            ("v1.*", ["v1", "v1/x"], ["v2", "xv1"]),
            (r".*\.example\.com", [".example.com", "a.example.com"], ["a.example.com:80", "aXexample.com"]),
            (".*Mobile.*", ["Mobile", "a Mobile b"], ["mobile", "Mobil"]),
            (".*", ["", "x"], ["a\nb", "\n"]),
            ("a.c", ["abc", "a/c"], ["ac", "a\nc"]),
            // As in Envoy, a character is a byte.
            ("a..c", ["abbc", "aéc"], ["abc", "a你c"]),
            ("é.?", ["é", "éa"], ["e", "éé"]),
            ("[[:alpha:]]+", ["abc", "Z"], ["a1", ""]),
            // As in RE2, an escape before any punctuation is a character.
            (r"\<a\>", ["<a>", "<a>"], ["a", r"\<a\>"]),
            (r"\<a+[\<\>]|\\<{1,2}", ["<aa>", r"\<<"], ["aa", "<aa"]),
            // A dash is a range's even where it is the first in a class.
            ("[--a]+", ["A0", "-.a"], ["b", ","]),
        ] {
            let regex = FullMatch::new(pattern).unwrap();
            for (texts, expected) in [(yes, Truth::True), (no, Truth::False)] {
                for text in texts {
                    assert_eq!(regex.judge(text.as_bytes()), expected, "{pattern} {text:?}");
                }
            }
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn long_texts_and_any_bytes_may_match_until_it_is_too_much_work() {
        crate::regex::renew();
        let regexes = [".*", "a.*", "[^b]*", "(a|[^b])*"].map(|pattern| FullMatch::new(pattern).unwrap());
        for regex in &regexes {
            for text in [&[b'a'; 100_000][..], b"a\xff", b"a\xc0\xa7"] {
                assert_eq!(regex.judge(text), Truth::True, "{regex:?}");
            }
        }
        // An automaton stops; a literal has no limit.
        let automaton = FullMatch::new("[^b]*").unwrap();
        let answers: Vec<Truth> = (0..12).map(|_| automaton.judge(&[b'a'; 100_000])).collect();
        assert_eq!((answers[0], answers[11]), (Truth::True, Truth::Unknown));
        assert_eq!(automaton.judge(b""), Truth::Unknown, "the request has nothing left");
        let literal = FullMatch::new("b.*").unwrap();
        assert_eq!(literal.judge(&[b'a'; 100_000]), Truth::False);
        crate::regex::renew();
        assert_eq!(automaton.judge(b""), Truth::True, "the next one has");
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn refusals_say_what_to_write_instead() {
        for (pattern, expected) in [
            ("", "is empty"),
            (
                "^(?!admin).*",
                "look-around is not supported; RE2 has none either: exclude texts with `withoutHeaders`",
            ),
            (r"(a)\1", "back-references are not supported; RE2 has none either"),
            (r"\p{L}+", "write the characters as a class"),
            ("*.example.com", "`.*` matches any text"),
            ("(a{1000}){1000}", "repeat less"),
            ("a)|(b", "a group is closed that was never opened"),
            ("(a", "\"(a\": a group `(` is not closed"),
            (r"\y", "put a backslash only before"),
            ("a{2,1}", "the first number is at most the second"),
        ] {
            let message = FullMatch::new(pattern).unwrap_err().to_string();
            assert!(message.contains(expected), "{pattern}: {message}");
        }
        let nested = format!("{}a{}", "(".repeat(60), ")".repeat(60));
        assert!(FullMatch::new(&nested).unwrap_err().to_string().contains("fewer groups"));
        assert!(FullMatch::new(&"a".repeat(1025)).unwrap_err().to_string().contains("1025 bytes"));
        assert!(FullMatch::new(&"a".repeat(1024)).is_ok());
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn plain_expressions_are_recognised() {
        for (pattern, place, literal) in [
            ("abc", Anchor::Whole, "abc"),
            ("^abc$", Anchor::Whole, "abc"),
            (r"/v1\.2/.*", Anchor::Start, "/v1.2/"),
            (".*-beta$", Anchor::End, "-beta"),
            ("^.*x.*$", Anchor::Anywhere, "x"),
            (".*", Anchor::End, ""),
        ] {
            assert_eq!(plain(pattern), Some((place, literal.as_bytes().to_vec())), "{pattern}");
        }
        for pattern in
            ["a|b", "ab?", "ab*", r"a\d", "a.b", "(a)", "[a]", r"a\.+", "a.+", ".*.*a+", r"a\$$|b", "é?"]
        {
            assert_eq!(plain(pattern), None, "{pattern}");
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn what_could_match_an_upper_case_letter_ignores_case() {
        for (pattern, expected) in [
            (r"api\.[a-z0-9-]+\.example", r"api\.[a-z0-9-]+\.example"),
            (r"my-shop\.[-a-z][^-b]", r"my-shop\.[-a-z][^-b]"),
            (r"API\.example", r"(?i)API\.example"),
            (r"(?i)API", r"(?i)API"),
            ("[--b]+", "(?i)[--b]+"),
            ("[!-~]+", "(?i)[!-~]+"),
            ("[[:upper:]]+", "(?i)[[:upper:]]+"),
            (r"\x41", r"(?i)\x41"),
            (r"\101", r"(?i)\101"),
        ] {
            assert_eq!(for_lower_case(pattern), expected);
        }
    }

    /// The short cut decides as the automaton does.
    #[cfg(not(target_arch = "wasm32"))]
    mod same {
        use super::super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn for_lower_case_ignores_case(pattern in "(\\(\\?i\\))?(a|B|z-|[.]|-|\\[\\^?-?(a-z|0-9|[!-Z+]-[a-~]|B|c|\\\\x4[1-5]|\\[:upper:\\]|\\\\W|[.]|-[a-c]){1,3}-?\\]|\\\\x4[1-5]|\\\\10[1-5]|\\\\Q[aB+]\\\\E|\\\\C|\\\\W|[*+?]){0,4}", text in "[aAbBzZ0.+-]{0,6}") {
                crate::regex::renew();
                let folded = FullMatch::new(&format!("(?i){pattern}"));
                let (Ok(folded), Ok(lower)) = (folded, FullMatch::new(&for_lower_case(&pattern))) else { return Ok(()) };
                prop_assert_eq!(lower.judge(text.to_ascii_lowercase().as_bytes()), folded.judge(text.as_bytes()), "{:?}", pattern);
            }

            #[test]
            fn plain_is_only_faster(pattern in "\\^?(\\.\\*)?([ab/é\n-]|\\\\\\.|\\\\\\$){0,4}(\\.\\*)?\\$?", text in proptest::collection::vec(prop::sample::select(b"ab/\xc3\xa9.$\n-\xff".to_vec()), 0..6)) {
                let whole = format!("^(?:{})$", latin1(pattern.as_bytes()));
                if let (Some((place, literal)), Ok(regex)) = (plain(&pattern), regex_lite::Regex::new(&whole)) {
                    let short = FullMatch(Form::Plain(place, literal.into()));
                    prop_assert_eq!(short.judge(&text), Truth::from(regex.is_match(&latin1(&text))));
                }
            }

            #[test]
            fn no_pattern_panics(pattern in ".{0,40}", text in proptest::collection::vec(any::<u8>(), 0..40)) {
                if let Ok(regex) = FullMatch::new(&pattern) {
                    let _ = regex.judge(&text);
                }
            }
        }
    }
}
