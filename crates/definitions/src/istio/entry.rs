//! Matches as sets of requests: whether one is inside of another, and what two have in common.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use weir_core::Truth;
use weir_core::http_match::FullMatch;

/// What a test looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    /// The host, because of the hosts of the VirtualService.
    Host,
    Uri,
    Scheme,
    Method,
    /// The host, because of a match.
    Authority,
    Header(String),
    Without(String),
    Query(String),
}

/// How a text is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Present,
    Exact(String),
    Prefix(String),
    Suffix(String),
    Regex(String),
    In(Vec<String>),
}

/// Tests that must all pass; no test is every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) tests: BTreeMap<Field, Text>,
    pub(crate) ignore_uri_case: bool,
}

impl Text {
    /// The texts that pass, where they are few.
    fn texts(&self) -> Option<&[String]> {
        match self {
            Self::Exact(text) => Some(std::slice::from_ref(text)),
            Self::In(texts) => Some(texts),
            _ => None,
        }
    }

    fn is_pattern(&self) -> bool {
        matches!(self, Self::Regex(_))
    }

    fn lowered(&self) -> Self {
        let lower = |text: &String| text.to_ascii_lowercase();
        match self {
            Self::Present => Self::Present,
            Self::Exact(text) => Self::Exact(lower(text)),
            Self::Prefix(text) => Self::Prefix(lower(text)),
            Self::Suffix(text) => Self::Suffix(lower(text)),
            Self::Regex(pattern) => Self::Regex(pattern.clone()),
            Self::In(texts) => Self::In(texts.iter().map(lower).collect()),
        }
    }

    /// Whether a text passes; `None` where that is not known.
    fn passes(&self, text: &str) -> Option<bool> {
        Some(match self {
            Self::Present => true,
            Self::Exact(_) | Self::In(_) => self.texts().is_some_and(|it| it.iter().any(|it| it == text)),
            Self::Prefix(start) => text.starts_with(start.as_str()),
            Self::Suffix(end) => text.ends_with(end.as_str()),
            Self::Regex(pattern) => match FullMatch::new(pattern).ok()?.judge(text.as_bytes()) {
                Truth::True => true,
                Truth::False => false,
                Truth::Unknown => return None,
            },
        })
    }

    /// Whether all texts that pass this pass the other too, as far as is known.
    fn is_inside(&self, other: &Self) -> bool {
        if self == other || *other == Self::Present {
            return true;
        }
        if let Some(texts) = self.texts() {
            return texts.iter().all(|text| other.passes(text) == Some(true));
        }
        match (self, other) {
            (Self::Prefix(long), Self::Prefix(short)) => long.starts_with(short.as_str()),
            (Self::Suffix(long), Self::Suffix(short)) => long.ends_with(short.as_str()),
            _ => false,
        }
    }

    /// Whether it is certain that no text passes both.
    fn is_apart(&self, other: &Self) -> bool {
        match (self.texts(), other.texts()) {
            (Some(texts), _) => texts.iter().all(|text| other.passes(text) == Some(false)),
            (None, Some(texts)) => texts.iter().all(|text| self.passes(text) == Some(false)),
            (None, None) => match (self, other) {
                (Self::Prefix(a), Self::Prefix(b)) => {
                    !a.starts_with(b.as_str()) && !b.starts_with(a.as_str())
                }
                (Self::Suffix(a), Self::Suffix(b)) => !a.ends_with(b.as_str()) && !b.ends_with(a.as_str()),
                _ => false,
            },
        }
    }

    /// As a configuration has it.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Present => json!({}),
            Self::Exact(text) => json!({"exact": text}),
            Self::Prefix(text) => json!({"prefix": text}),
            Self::Suffix(text) => json!({"suffix": text}),
            Self::Regex(pattern) => json!({"regex": pattern}),
            Self::In(texts) => json!({"in": texts}),
        }
    }
}

/// The opposite of a test, where a match can ask for it.
///
/// `withoutHeaders` takes an absent header for an empty one, and `headers` for one that does not pass. So a test that
/// an empty text passes has no opposite.
pub(crate) fn opposite(field: &Field, text: &Text) -> Option<Field> {
    let opposite = match field {
        Field::Header(name) => Field::Without(name.clone()),
        Field::Without(name) => Field::Header(name.clone()),
        _ => return None,
    };
    (*text == Text::Present || text.passes("") == Some(false)).then_some(opposite)
}

impl Entry {
    /// With one test.
    pub(crate) fn of(field: Field, text: Text) -> Self {
        Self { tests: BTreeMap::from([(field, text)]), ignore_uri_case: false }
    }

    /// Whether every request passes.
    pub(crate) fn is_all(&self) -> bool {
        self.tests.iter().all(|(field, text)| {
            *field == Field::Uri
                && match text {
                    Text::Prefix(start) => matches!(start.as_str(), "" | "/"),
                    Text::Present => true,
                    _ => false,
                }
        })
    }

    /// Whether the test of a field is passed by all that pass this entry, as far as is known.
    pub(crate) fn implies(&self, field: &Field, text: &Text, ignore_case: bool) -> bool {
        let Some(own) = self.tests.get(field) else {
            // Every request has these.
            let always = matches!(field, Field::Uri | Field::Method | Field::Authority | Field::Host);
            return always && *text == Text::Present;
        };
        match field {
            Field::Uri if self.ignore_uri_case && !ignore_case => {
                *text == Text::Present || own.is_pattern() && own == text
            }
            // The proxy ignores case. Which letters a pattern wants is not known, and in a path it keeps to their case.
            Field::Authority | Field::Uri
                if (ignore_case || *field == Field::Authority) && (own.is_pattern() || text.is_pattern()) =>
            {
                *text == Text::Present || own == text
            }
            Field::Uri if ignore_case => own.lowered().is_inside(&text.lowered()),
            Field::Authority | Field::Host => own.lowered().is_inside(&text.lowered()),
            // The absence of a header that passes less is a weaker test. Where it is absent altogether it counts as
            // empty, but for `{}`.
            Field::Without(_) => {
                own == text
                    || text.is_inside(own) && (*own != Text::Present || text.passes("") == Some(false))
            }
            _ => own.is_inside(text),
        }
    }

    /// Whether all requests that pass this pass the other too, as far as is known.
    pub(crate) fn is_inside(&self, other: &Self) -> bool {
        other.tests.iter().all(|(field, text)| self.implies(field, text, other.ignore_uri_case))
    }

    /// Whether it is certain that no request passes both.
    pub(crate) fn is_apart(&self, other: &Self) -> bool {
        let excluded = |one: &Self, another: &Self| {
            one.tests.iter().any(|(field, text)| {
                // One line of a header may pass where another does not.
                matches!(field, Field::Header(_))
                    && opposite(field, text).is_some_and(|opposite| {
                        another.tests.get(&opposite).is_some_and(|absent| text.is_inside(absent))
                    })
            })
        };
        if excluded(self, other) || excluded(other, self) {
            return true;
        }
        self.tests.iter().any(|(field, text)| {
            let Some(another) = other.tests.get(field) else { return false };
            match field {
                Field::Authority if text.is_pattern() || another.is_pattern() => false,
                Field::Uri if self.ignore_uri_case || other.ignore_uri_case => {
                    !text.is_pattern() && !another.is_pattern() && text.lowered().is_apart(&another.lowered())
                }
                Field::Authority | Field::Host => text.lowered().is_apart(&another.lowered()),
                Field::Uri | Field::Scheme | Field::Method | Field::Query(_) => text.is_apart(another),
                Field::Header(_) | Field::Without(_) => false,
            }
        })
    }

    /// The requests that pass both, where one entry can say it.
    pub(crate) fn meet(&self, other: &Self) -> Option<Self> {
        let has_path = |entry: &Self| entry.tests.contains_key(&Field::Uri);
        if self.ignore_uri_case != other.ignore_uri_case && has_path(self) && has_path(other) {
            return None;
        }
        let mut both = self.clone();
        both.ignore_uri_case = if has_path(self) { self.ignore_uri_case } else { other.ignore_uri_case };
        for (field, text) in &other.tests {
            if self.implies(field, text, other.ignore_uri_case) {
                continue;
            }
            if let Some(own) = self.tests.get(field)
                && !other.implies(field, own, self.ignore_uri_case)
            {
                return None;
            }
            both.tests.insert(field.clone(), text.clone());
        }
        Some(both)
    }

    /// As an entry of `match`.
    pub(crate) fn to_json(&self) -> Value {
        let mut entry = Map::new();
        for (field, text) in &self.tests {
            let (group, name) = match field {
                Field::Host if self.tests.contains_key(&Field::Authority) => ("headers", "host"),
                Field::Host | Field::Authority => ("authority", ""),
                Field::Uri => ("uri", ""),
                Field::Scheme => ("scheme", ""),
                Field::Method => ("method", ""),
                Field::Header(name) => ("headers", name.as_str()),
                Field::Without(name) => ("withoutHeaders", name.as_str()),
                Field::Query(name) => ("queryParams", name.as_str()),
            };
            match entry.entry(group) {
                slot if name.is_empty() => drop(slot.or_insert_with(|| text.to_json())),
                slot => {
                    if let Value::Object(members) = slot.or_insert_with(|| json!({})) {
                        members.insert(name.to_owned(), text.to_json());
                    }
                }
            }
        }
        if self.ignore_uri_case && self.tests.contains_key(&Field::Uri) {
            entry.insert("ignoreUriCase".into(), true.into());
        }
        Value::Object(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<const SIZE: usize>(tests: [(Field, Text); SIZE]) -> Entry {
        Entry { tests: tests.into_iter().collect(), ignore_uri_case: false }
    }

    fn uri(text: Text) -> Entry {
        Entry::of(Field::Uri, text)
    }

    #[test]
    fn what_is_certain_is_said_and_nothing_else() {
        let (exact, prefix) = (|text: &str| Text::Exact(text.into()), |text: &str| Text::Prefix(text.into()));
        let regex = |text: &str| Text::Regex(text.into());
        assert!(uri(exact("/a/b")).is_inside(&uri(prefix("/a"))));
        assert!(uri(exact("/a1")).is_inside(&uri(regex("/a[0-9]"))));
        assert!(uri(exact("/ab")).is_apart(&uri(regex("/a[0-9]"))));
        assert!(!uri(regex("/a.*")).is_inside(&uri(prefix("/a"))), "not known, though true");
        assert!(!uri(regex("/a")).is_apart(&uri(regex("/b"))), "not known, though true");
        assert!(uri(prefix("/a")).is_apart(&uri(prefix("/b"))));
        let host = |text: Text| Entry::of(Field::Authority, text);
        assert!(host(exact("A.test")).is_inside(&host(exact("a.test"))));
        assert!(host(exact("a.test")).is_apart(&host(exact("b.test"))));
        assert!(!host(exact("A.test")).is_apart(&host(regex("A\\.test"))), "the proxy ignores case");
        assert!(!host(exact("a.test")).is_inside(&host(regex("a\\.test|A.*"))), "not known, though true");
        let header = |text: Text| Entry::of(Field::Header("x".into()), text);
        assert!(!header(exact("a")).is_apart(&header(exact("b"))), "a header may have two lines");
        assert!(header(exact("a")).is_apart(&Entry::of(Field::Without("x".into()), Text::Present)));
        assert!(!header(Text::Present).is_apart(&Entry::of(Field::Without("x".into()), exact("a"))));
        let mut folded = uri(prefix("/A"));
        folded.ignore_uri_case = true;
        assert!(uri(exact("/ab")).is_inside(&folded) && !folded.is_inside(&uri(prefix("/A"))));
        assert!(folded.is_apart(&uri(prefix("/b"))) && !folded.is_apart(&uri(prefix("/a"))));
        let folded = |text: Text| Entry { ignore_uri_case: true, ..uri(text) };
        assert!(
            !folded(exact("/A")).is_inside(&folded(regex("/a"))),
            "it passes `/A` too, which the expression does not"
        );
        assert!(folded(regex("/a.*")).is_inside(&folded(regex("/a.*"))));
        assert!(folded(exact("/A")).is_inside(&folded(exact("/a"))));
        // Without tests that pass more is narrower.
        let without = |text: Text| Entry::of(Field::Without("x".into()), text);
        assert!(without(Text::Present).is_inside(&without(exact("a"))));
        assert!(!without(exact("a")).is_inside(&without(Text::Present)));
        assert!(!without(Text::Present).is_inside(&without(regex(".*"))), "an absent header counts as empty");
    }

    #[test]
    fn what_two_have_in_common() {
        let method = Entry::of(Field::Method, Text::Exact("GET".into()));
        let path = uri(Text::Prefix("/a".into()));
        let both = method.meet(&path).unwrap();
        assert!(both.is_inside(&method) && both.is_inside(&path));
        assert_eq!(path.meet(&uri(Text::Exact("/a/b".into()))), Some(uri(Text::Exact("/a/b".into()))));
        assert_eq!(path.meet(&uri(Text::Regex("/a.*".into()))), None);
        let host =
            entry([(Field::Host, Text::Exact("a".into())), (Field::Authority, Text::Prefix("b".into()))]);
        assert_eq!(
            host.to_json(),
            json!({"authority": {"prefix": "b"}, "headers": {"host": {"exact": "a"}}})
        );
    }

    #[test]
    fn opposites_are_exact_or_none() {
        let name = || Field::Header("x".into());
        assert_eq!(opposite(&name(), &Text::Present), Some(Field::Without("x".into())));
        assert_eq!(opposite(&name(), &Text::Regex("a+".into())), Some(Field::Without("x".into())));
        assert_eq!(opposite(&name(), &Text::Regex(".*".into())), None);
        assert_eq!(opposite(&Field::Uri, &Text::Present), None);
    }
}
