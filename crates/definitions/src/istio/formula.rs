//! What a policy asks of a token, as a condition on claims.

use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Requirements that are combined.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Formula {
    Always,
    Never,
    /// A condition that no request without a token meets.
    Is(Value),
    Not(Box<Formula>),
    All(Vec<Formula>),
    Any(Vec<Formula>),
}

impl Formula {
    pub(crate) fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    pub(crate) fn all(parts: Vec<Self>) -> Self {
        let flat = |part| if let Self::All(inner) = part { inner } else { vec![part] };
        let parts = parts.into_iter().flat_map(flat).collect();
        Self::joined(parts, &Self::Always, &Self::Never, Self::All)
    }

    pub(crate) fn any(parts: Vec<Self>) -> Self {
        let flat = |part| if let Self::Any(inner) = part { inner } else { vec![part] };
        let parts = parts.into_iter().flat_map(flat).collect();
        Self::joined(parts, &Self::Never, &Self::Always, Self::Any)
    }

    /// Without the parts that change nothing; `decisive` alone decides.
    fn joined(parts: Vec<Self>, idle: &Self, decisive: &Self, join: fn(Vec<Self>) -> Self) -> Self {
        let mut left = Vec::new();
        for part in parts {
            if part == *decisive {
                return part;
            }
            if part != *idle && !left.contains(&part) {
                left.push(part);
            }
        }
        match left.len() {
            0 => idle.clone(),
            1 => left.swap_remove(0),
            _ => join(left),
        }
    }

    /// Whether a request without a token meets it.
    pub(crate) fn without_token(&self) -> bool {
        match self {
            Self::Always => true,
            Self::Never | Self::Is(_) => false,
            Self::Not(inner) => !inner.without_token(),
            Self::All(parts) => parts.iter().all(Self::without_token),
            Self::Any(parts) => parts.iter().any(Self::without_token),
        }
    }

    /// As a condition on claims.
    pub(crate) fn condition(&self) -> Value {
        let list = |parts: &[Self]| parts.iter().map(Self::condition).collect::<Vec<_>>();
        match self {
            Self::Always => json!({}),
            Self::Never => json!({"$not": {}}),
            Self::Is(condition) => condition.clone(),
            Self::Not(inner) => json!({"$not": inner.condition()}),
            Self::All(parts) => json!({"$and": list(parts)}),
            Self::Any(parts) => json!({"$or": list(parts)}),
        }
    }
}

/// Claims whose texts are lists with spaces between their items, as the proxy reads them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spaced {
    /// The names.
    pub(crate) names: BTreeSet<String>,
    /// Those that a policy asks for.
    pub(crate) used: BTreeSet<String>,
}

/// A claim that is a text, or a list with a text, that passes one of these tests of Istio's: `a`, `a*`, `*a`, `*`.
pub(crate) fn claim(path: &[String], values: &[String], spaced: &mut Spaced) -> Formula {
    let is_spaced = path.len() == 1 && path.first().is_some_and(|name| spaced.names.contains(name));
    let name = if is_spaced {
        spaced.used.extend(path.first().cloned());
        path.concat()
    } else {
        called(path)
    };
    let (whole, patterns): (Vec<&String>, Vec<&String>) =
        values.iter().partition(|value| !value.starts_with('*') && !value.ends_with('*'));
    let mut parts = Vec::new();
    if !whole.is_empty() {
        parts.push(Formula::Is(json!({&name: {"$in": whole}})));
    }
    for pattern in patterns {
        let test = pattern_test(pattern);
        parts.push(Formula::Is(json!({&name: test})));
        parts.push(Formula::Is(json!({&name: {"$elemMatch": test}})));
    }
    Formula::any(parts)
}

/// A text that is equal to this, or passes the pattern.
pub(crate) fn text(name: &str, value: &str) -> Formula {
    Formula::Is(if value.starts_with('*') || value.ends_with('*') {
        json!({name: pattern_test(value)})
    } else {
        json!({name: {"$eq": value}})
    })
}

fn pattern_test(pattern: &str) -> Value {
    let regex = match (pattern, pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        ("*", _, _) => return json!({"$type": "string", "$ne": ""}),
        (_, Some(end), _) => format!("{}$", escaped(end)),
        (_, None, Some(start)) => format!("^{}", escaped(start)),
        (whole, None, None) => format!("^{}$", escaped(whole)),
    };
    // A number has a text too, but Istio asks for texts.
    json!({"$type": "string", "$regex": regex})
}

/// A claim's name in a condition.
pub(crate) fn called(path: &[String]) -> String {
    match path {
        [one] if one.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) => one.clone(),
        path => path.iter().map(|part| format!("[{part}]")).collect(),
    }
}

/// A text as a regular expression that matches it alone.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '_' | '-') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_change_nothing_are_left_out() {
        let is = |name: &str| Formula::Is(json!({name: true}));
        assert_eq!(Formula::all(vec![Formula::Always, is("a"), is("a")]), is("a"));
        assert_eq!(Formula::all(vec![Formula::Never, is("a")]), Formula::Never);
        assert_eq!(Formula::any(vec![]), Formula::Never);
        assert_eq!(is("a").not().not(), is("a"));
        let mixed = Formula::all(vec![is("a").not(), Formula::any(vec![is("b"), is("c").not()])]);
        assert!(mixed.without_token());
        assert_eq!(
            mixed.condition(),
            json!({"$and": [{"$not": {"a": true}}, {"$or": [{"b": true}, {"$not": {"c": true}}]}]})
        );
    }

    #[test]
    fn claims_are_texts_or_lists_of_texts() {
        let mut spaced = Spaced { names: BTreeSet::from(["scope".to_owned()]), ..Spaced::default() };
        let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let values = |values: &[&str]| path(values);
        let one = claim(&path(&["a", "b.c"]), &values(&["x", "y"]), &mut spaced);
        assert_eq!(one.condition(), json!({"[a][b.c]": {"$in": ["x", "y"]}}));
        let any = claim(&path(&["scope"]), &values(&["read:*"]), &mut spaced);
        let test = json!({"$type": "string", "$regex": "^read\\:"});
        assert_eq!(any.condition(), json!({"$or": [{"scope": test}, {"scope": {"$elemMatch": test}}]}));
        assert_eq!(spaced.used.len(), 1);
    }
}
