//! Versions as semver.org orders them, as patterns.
//!
//! Conditions have GrowthBook's `$vgt` and its like, which take every text for a version: "dev" is above 1.2.3.
//! Unleash and flagd take only versions for versions. A pattern says exactly which texts are versions above
//! another one, however long their numbers are, and costs a module nothing.

use crate::condition::{escaped, never, text_matches};
use crate::number::{WHOLE, above, below, group};
use serde_json::Value;

/// How versions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    Below,
    BelowOrEqual,
    Above,
    AboveOrEqual,
    /// flagd's `^`.
    SameMajor,
    /// flagd's `~`.
    SameMinor,
}

/// Which texts are versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `1.2.3`, as semver.org has it.
    Strict,
    /// Also `v1.2.3`, and `1.2` and `1`, which have zeros for what they lack: flagd's.
    Lenient,
}

const IDENTIFIER: &str = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
/// An identifier that is not a number.
const NAME: &str = "[0-9]*[A-Za-z-][0-9A-Za-z-]*";
const BUILD: &str = r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?";
/// What identifiers are made of, in their order.
const ALPHABET: &str = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The condition that an attribute is a version in this relation to another; never, where that is none.
pub(crate) fn condition(name: &str, relation: Relation, version: &str, form: Form) -> Value {
    match Version::read(version, form) {
        Some(version) => text_matches(name, &version.pattern(relation, form), false),
        None => never(),
    }
}

/// The condition that an attribute is a version.
pub(crate) fn is_version(name: &str, form: Form) -> Value {
    let rest = match form {
        Form::Strict => format!(r"\.{WHOLE}\.{WHOLE}"),
        Form::Lenient => format!(r"(?:\.{WHOLE}(?:\.{WHOLE})?)?"),
    };
    text_matches(name, &anchored(&format!("{WHOLE}{rest}{}", optional(&pre())), form), false)
}

/// A version without its build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    core: [u64; 3],
    pre: Vec<String>,
}

impl Version {
    /// Reads a version; `None` when it is none.
    pub(crate) fn read(text: &str, form: Form) -> Option<Self> {
        let text = match form {
            Form::Strict => text,
            Form::Lenient => text.strip_prefix(['v', 'V']).unwrap_or(text),
        };
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
        if build.is_some_and(|build| build.split('.').any(|part| !is_identifier(part))) {
            return None;
        }
        let numbers = core.split('.').map(number).collect::<Option<Vec<u64>>>()?;
        let core = match (numbers.as_slice(), form) {
            (&[major, minor, patch], _) => [major, minor, patch],
            (&[major, minor], Form::Lenient) => [major, minor, 0],
            (&[major], Form::Lenient) => [major, 0, 0],
            _ => return None,
        };
        let pre: Vec<String> = pre.map(|pre| pre.split('.').map(str::to_owned).collect()).unwrap_or_default();
        let good = |part: &String| is_identifier(part) && (!is_digits(part) || number(part).is_some());
        pre.iter().all(good).then_some(Self { core, pre })
    }

    /// The texts that are versions in this relation to it.
    fn pattern(&self, relation: Relation, form: Form) -> String {
        let (equal, below, above) = (self.core_equal(form), self.core_below(form), self.core_above(form));
        let any_pre = optional(&pre());
        // A pre-release is below its release.
        let is_release = self.pre.is_empty();
        let at = if is_release { equal.clone() } else { format!("{equal}-{}", escaped(&self.pre.join("."))) };
        let mut lower: Vec<String> = below.map(|below| format!("{below}{any_pre}")).into_iter().collect();
        lower.push(if is_release {
            format!("{equal}{}", pre())
        } else {
            format!("{equal}-{}", self.pre_below())
        });
        let mut higher = vec![format!("{above}{any_pre}")];
        if !is_release {
            higher.extend([equal.clone(), format!("{equal}-{}", self.pre_above())]);
        }
        let texts = match relation {
            Relation::Equal => vec![at],
            Relation::Below => lower,
            Relation::BelowOrEqual => lower.into_iter().chain([at]).collect(),
            Relation::Above => higher,
            Relation::AboveOrEqual => higher.into_iter().chain([at]).collect(),
            Relation::SameMajor => vec![format!("{}{}{any_pre}", self.core[0], tail(2, form))],
            Relation::SameMinor => {
                let [major, minor, _] = self.core;
                let bare = form == Form::Lenient && minor == 0;
                let rest = format!(r"\.{minor}{}", tail(1, form));
                vec![format!("{major}{}{any_pre}", if bare { optional(&rest) } else { rest })]
            }
        };
        anchored(&group(&texts), form)
    }

    fn core_equal(&self, form: Form) -> String {
        let [major, minor, patch] = self.core;
        match (form, minor, patch) {
            (Form::Lenient, 0, 0) => format!(r"{major}(?:\.0(?:\.0)?)?"),
            (Form::Lenient, _, 0) => format!(r"{major}\.{minor}(?:\.0)?"),
            _ => format!(r"{major}\.{minor}\.{patch}"),
        }
    }

    fn core_above(&self, form: Form) -> String {
        let [major, minor, patch] = self.core;
        group(&[
            format!("{}{}", above(major), tail(2, form)),
            format!(r"{major}\.{}{}", above(minor), tail(1, form)),
            format!(r"{major}\.{minor}\.{}", above(patch)),
        ])
    }

    fn core_below(&self, form: Form) -> Option<String> {
        let [major, minor, patch] = self.core;
        let mut texts = Vec::new();
        texts.extend(below(major).map(|it| format!("{it}{}", tail(2, form))));
        texts.extend(below(minor).map(|it| format!(r"{major}\.{it}{}", tail(1, form))));
        texts.extend(below(patch).map(|it| format!(r"{major}\.{minor}\.{it}")));
        if form == Form::Lenient && patch > 0 {
            texts.push(format!(r"{major}\.{minor}"));
        }
        if form == Form::Lenient && (minor > 0 || patch > 0) {
            texts.push(major.to_string());
        }
        (!texts.is_empty()).then(|| group(&texts))
    }

    /// Pre-releases above this one, without the dash.
    fn pre_above(&self) -> String {
        let mut texts = Vec::new();
        for (at, part) in self.pre.iter().enumerate() {
            texts.push(format!(r"{}{}(?:\.{IDENTIFIER})*", self.pre_start(at), identifier_above(part)));
        }
        texts.push(format!(r"{}(?:\.{IDENTIFIER})+", escaped(&self.pre.join("."))));
        group(&texts)
    }

    /// Pre-releases below this one, without the dash.
    fn pre_below(&self) -> String {
        let mut texts = Vec::new();
        for (at, part) in self.pre.iter().enumerate() {
            if let Some(lower) = identifier_below(part) {
                texts.push(format!(r"{}{lower}(?:\.{IDENTIFIER})*", self.pre_start(at)));
            }
            if at > 0 {
                texts.push(escaped(&self.pre[..at].join(".")));
            }
        }
        // The lowest pre-release of all is 0: nothing is below it.
        if texts.is_empty() { "[^\\s\\S]".to_owned() } else { group(&texts) }
    }

    fn pre_start(&self, count: usize) -> String {
        self.pre[..count].iter().map(|part| format!(r"{}\.", escaped(part))).collect()
    }
}

fn pre() -> String {
    format!(r"-{IDENTIFIER}(?:\.{IDENTIFIER})*")
}

fn optional(pattern: &str) -> String {
    format!("(?:{pattern})?")
}

fn anchored(pattern: &str, form: Form) -> String {
    let start = if form == Form::Lenient { "[vV]?" } else { "" };
    format!("^{start}{pattern}{BUILD}$")
}

/// The numbers that follow where they may be any.
fn tail(count: usize, form: Form) -> String {
    match (form, count) {
        (Form::Strict, 1) => format!(r"\.{WHOLE}"),
        (Form::Strict, _) => format!(r"\.{WHOLE}\.{WHOLE}"),
        (Form::Lenient, 1) => format!(r"(?:\.{WHOLE})?"),
        (Form::Lenient, _) => format!(r"(?:\.{WHOLE}(?:\.{WHOLE})?)?"),
    }
}

fn identifier_above(part: &str) -> String {
    match number(part) {
        Some(limit) => group(&[above(limit), NAME.to_owned()]),
        None => name_beside(part, true),
    }
}

fn identifier_below(part: &str) -> Option<String> {
    match number(part) {
        Some(limit) => below(limit),
        // Numbers are below all names.
        None => Some(group(&[WHOLE.to_owned(), name_beside(part, false)])),
    }
}

/// Names above or below a name, in the order of their characters.
fn name_beside(name: &str, above: bool) -> String {
    const REST: &str = "[0-9A-Za-z-]*";
    let mut texts = Vec::new();
    for (at, c) in name.char_indices() {
        let start = &name[..at];
        let beside = |it: &char| if above { *it > c } else { *it < c };
        let (digits, others): (String, String) =
            ALPHABET.chars().filter(beside).partition(|it: &char| it.is_ascii_digit());
        let named = !is_digits(start);
        for (set, rest) in [(others, REST), (digits, if named { REST } else { NAME })] {
            if !set.is_empty() {
                texts.push(format!("{start}{}{rest}", class(&set)));
            }
        }
        if !above && named && at > 0 {
            texts.push(start.to_owned());
        }
    }
    if above {
        texts.push(format!("{name}[0-9A-Za-z-]+"));
    }
    if texts.is_empty() { "[^\\s\\S]".to_owned() } else { group(&texts) }
}

/// A class of characters that are in the order of [`ALPHABET`], with ranges.
fn class(set: &str) -> String {
    let mut text = String::new();
    let mut chars = set.chars().filter(|c| *c != '-').peekable();
    while let Some(first) = chars.next() {
        let mut last = first;
        while let Some(next) = chars.next_if(|next| u32::from(*next) == u32::from(last) + 1) {
            last = next;
        }
        text.push(first);
        if last != first {
            text.extend(['-', last]);
        }
    }
    // At the end it is itself.
    if set.contains('-') { format!("[{text}-]") } else { format!("[{text}]") }
}

/// Digits only, also none.
fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A whole number without leading zeros.
fn number(text: &str) -> Option<u64> {
    let plain = is_digits(text) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value_test::ValueTest;
    use serde_json::json;
    use std::cmp::Ordering;

    /// The order of semver.org, spelt out.
    fn compare(a: &Version, b: &Version) -> Ordering {
        let part = |a: &String, b: &String| match (number(a), number(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => a.cmp(b),
        };
        let pre = || match (a.pre.is_empty(), b.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let differs = a.pre.iter().zip(&b.pre).map(|(a, b)| part(a, b)).find(|it| it.is_ne());
                differs.unwrap_or(a.pre.len().cmp(&b.pre.len()))
            }
        };
        a.core.cmp(&b.core).then_with(pre)
    }

    #[test]
    fn patterns_hold_for_the_versions_of_their_relation() {
        let texts = [
            "0.0.0",
            "0.0.1",
            "0.1.0",
            "1.0.0",
            "1.2.2",
            "1.2.3",
            "1.2.4",
            "1.3.0",
            "1.10.0",
            "2.0.0",
            "10.0.0",
            "99999.0.0",
            "100000.0.0",
            "1.2.3-0",
            "1.2.3-1",
            "1.2.3-11",
            "1.2.3-9a",
            "1.2.3-a",
            "1.2.3-alpha",
            "1.2.3-alpha.1",
            "1.2.3-alpha.2",
            "1.2.3-alpha.10",
            "1.2.3-alpha.beta",
            "1.2.3-alpha.1.0",
            "1.2.3-beta",
            "1.2.3-rc",
            "1.2.3-rc-1",
            "1.2.3--",
            "1.2.3-Rc.1",
            "1.2.3-1.a",
            "1.2.3-rc+build.7",
            "1.2.3+b",
            "2.0.0-rc",
            "v1.2.3",
            "V2.0.0",
            "1",
            "1.2",
            "1.3",
            "v2",
            "1-rc",
            "dev",
            "",
            "2.0.0.0",
            "01.2.3",
            "1.2.3-01",
            "1.2.3-",
            "1.2.3+",
            "latest",
            "1.2.3-ü",
            "1.2.x",
        ];
        let mut held = 0;
        for form in [Form::Strict, Form::Lenient] {
            let versions: Vec<_> = texts.iter().map(|text| Version::read(text, form)).collect();
            for (literal, version) in texts.iter().zip(&versions) {
                for (relation, holds) in [
                    (Relation::Equal, &(|it: Ordering| it.is_eq()) as &dyn Fn(Ordering) -> bool),
                    (Relation::Below, &|it| it.is_lt()),
                    (Relation::BelowOrEqual, &|it| it.is_le()),
                    (Relation::Above, &|it| it.is_gt()),
                    (Relation::AboveOrEqual, &|it| it.is_ge()),
                ] {
                    let test = ValueTest::new(&condition("value", relation, literal, form)).unwrap();
                    for (text, other) in texts.iter().zip(&versions) {
                        let expected = match (other, version) {
                            (Some(other), Some(version)) => holds(compare(other, version)),
                            _ => false,
                        };
                        assert_eq!(
                            test.passes(&json!(text)),
                            expected,
                            "{text} {relation:?} {literal} {form:?}"
                        );
                        held += usize::from(expected);
                    }
                }
            }
            let any = ValueTest::new(&is_version("value", form)).unwrap();
            for (text, version) in texts.iter().zip(&versions) {
                assert_eq!(any.passes(&json!(text)), version.is_some(), "{text} {form:?}");
            }
        }
        assert!(held > 1000, "{held}");
    }

    #[test]
    fn majors_and_minors() {
        for (relation, literal, yes, no) in [
            (Relation::SameMajor, "1", ["1.9.0", "v1", "1.0.0-rc"], ["2.0.0", "10.0.0", "0.1"]),
            (Relation::SameMinor, "3.0.0", ["3", "3.0", "3.0.7"], ["3.1.0", "30.0", "3.00"]),
            (Relation::SameMinor, "v3.2", ["3.2", "3.2.9", "3.2.0-a"], ["3", "3.20", "3.1.2"]),
        ] {
            let test = ValueTest::new(&condition("value", relation, literal, Form::Lenient)).unwrap();
            assert!(yes.iter().all(|text| test.passes(&json!(text))), "{literal}");
            assert!(no.iter().all(|text| !test.passes(&json!(text))), "{literal}");
        }
    }
}
