//! The attributes that conditions and units name, and the types that these ask for.

use serde_json::Value;
use std::collections::BTreeMap;

/// How an attribute's text is read.
///
/// ```
/// use weir_definitions::Kind;
///
/// assert_eq!((Kind::List.name(), Kind::from_name("list")), ("list", Some(Kind::List)));
/// assert_eq!(Kind::ALL.map(Kind::name), ["string", "boolean", "number", "list", "json"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// `true` or `false`.
    Boolean,
    /// As a number.
    Number,
    /// As texts between commas.
    List,
    /// As JSON.
    Json,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Text, Self::Boolean, Self::Number, Self::List, Self::Json];

    /// The type's name in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::List => "list",
            Self::Json => "json",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Attributes by name, with all that is asked of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes(BTreeMap<String, Asked>);

/// What is asked of an attribute. Most questions can be asked of any text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// Whether it is this very text.
    text: bool,
    /// Whether it is one of some texts, which of a list means one of its elements.
    element: bool,
    /// Whether it is this very number.
    number: bool,
    /// Whether it is true.
    boolean: bool,
    list: bool,
    json: bool,
}

impl Asked {
    /// The type under which all answers are right, and whether there is one.
    pub(crate) fn kind(self) -> (Kind, bool) {
        let Self { text, element, number, boolean, list, json } = self;
        let several = usize::from(text || element) + usize::from(number) + usize::from(boolean) > 1;
        match () {
            () if json => (Kind::Json, true),
            () if list => (Kind::List, !(text || number || boolean)),
            () if several => (Kind::Text, false),
            () if number => (Kind::Number, true),
            () if boolean => (Kind::Boolean, true),
            () => (Kind::Text, true),
        }
    }

    /// Whether it may be a list as well as a text.
    pub(crate) fn may_be_list(self) -> bool {
        self.element && self.kind().0 == Kind::Text
    }

    fn join(&mut self, other: Self) {
        self.text |= other.text;
        self.element |= other.element;
        self.number |= other.number;
        self.boolean |= other.boolean;
        self.list |= other.list;
        self.json |= other.json;
    }
}

impl Attributes {
    /// Notes an attribute that is read as it is.
    pub(crate) fn note_text(&mut self, name: &str) {
        self.0.entry(name.to_owned()).or_default();
    }

    /// Notes an attribute whose parts are named.
    pub(crate) fn note_json(&mut self, name: &str) {
        self.0.entry(name.to_owned()).or_default().json = true;
    }

    /// Notes the attributes of a GrowthBook condition, with the types that their literals ask for.
    pub(crate) fn note(&mut self, condition: &Value) {
        let Value::Object(object) = condition else { return };
        for (key, value) in object {
            match (key.as_str(), value) {
                ("$and" | "$or" | "$nor", Value::Array(parts)) => {
                    parts.iter().for_each(|part| self.note(part))
                }
                ("$not", part) => self.note(part),
                (name, tests) => match name.split_once('.') {
                    Some((head, _)) => self.note_json(head),
                    None => self.0.entry(name.to_owned()).or_default().join(asked(tests)),
                },
            }
        }
    }

    pub(crate) fn join(&mut self, other: &Self) {
        for (name, asked) in &other.0 {
            self.0.entry(name.clone()).or_default().join(*asked);
        }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Asked)> {
        self.0.iter().map(|(name, asked)| (name.as_str(), *asked))
    }
}

/// What the tests of a field ask.
fn asked(tests: &Value) -> Asked {
    let nothing = Asked::default();
    match tests {
        Value::Bool(_) => Asked { boolean: true, ..nothing },
        Value::String(_) => Asked { text: true, ..nothing },
        // Of a plain number the SDK asks whether the text is that number.
        Value::Number(_) | Value::Null => nothing,
        Value::Array(items) => elements(items),
        Value::Object(operators) => {
            let mut all = nothing;
            if operators.keys().any(|key| !key.starts_with('$')) {
                all.json = true;
            }
            operators.iter().for_each(|(name, literal)| all.join(operand(name, literal)));
            all
        }
    }
}

/// A list of just these elements.
fn elements(items: &[Value]) -> Asked {
    let texts = items.iter().all(Value::is_string);
    Asked { list: texts, json: !texts, ..Asked::default() }
}

fn operand(operator: &str, literal: &Value) -> Asked {
    let nothing = Asked::default();
    match (operator, literal) {
        ("$not", tests) => asked(tests),
        ("$and" | "$or" | "$nor", _) => nothing,
        ("$type", Value::String(name)) => match name.as_str() {
            "number" => Asked { number: true, ..nothing },
            "boolean" => Asked { boolean: true, ..nothing },
            "array" => Asked { list: true, ..nothing },
            "object" => Asked { json: true, ..nothing },
            _ => Asked { text: true, ..nothing },
        },
        ("$size", _) => Asked { list: true, ..nothing },
        ("$all" | "$alli", Value::Array(items)) => {
            let strict = items.iter().any(|item| item.is_number() || item.is_boolean());
            Asked { list: true, json: strict, ..nothing }
        }
        ("$elemMatch", tests) => {
            let inner = asked(tests);
            Asked { list: true, json: inner.json || inner.number || inner.boolean, ..nothing }
        }
        ("$in" | "$nin" | "$ini" | "$nini", Value::Array(items)) => Asked {
            element: items.iter().any(Value::is_string),
            number: items.iter().any(Value::is_number),
            boolean: items.iter().any(Value::is_boolean),
            ..nothing
        },
        ("$eq" | "$ne", Value::Number(_)) => Asked { number: true, ..nothing },
        ("$eq" | "$ne", Value::Bool(_)) => Asked { boolean: true, ..nothing },
        ("$eq" | "$ne", Value::String(_)) => Asked { text: true, ..nothing },
        // `$gt` and its like compare texts with texts, and read all else as numbers; so do versions and patterns.
        _ => nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kinds(condition: &Value) -> Vec<(String, Kind, bool)> {
        let mut attributes = Attributes::default();
        attributes.note(condition);
        let kind = |(name, asked): (&str, Asked)| (name.to_owned(), asked.kind().0, asked.kind().1);
        attributes.iter().map(kind).collect()
    }

    #[test]
    fn literals_say_what_type_an_attribute_has() {
        let condition = json!({
            "plan": "pro",
            "$or": [{"age": {"$gte": 18}}, {"$not": {"staff": true}}],
            "level": {"$in": [1, 2]},
            "country": {"$in": ["de"], "$exists": true},
            "tags": {"$all": ["a"]},
            "sizes": {"$all": [1]},
            "user.plan": "x"
        });
        let expected = [
            // Of a text `$gte` asks the same.
            ("age", Kind::Text),
            ("country", Kind::Text),
            ("level", Kind::Number),
            ("plan", Kind::Text),
            ("sizes", Kind::Json),
            ("staff", Kind::Boolean),
            ("tags", Kind::List),
            ("user", Kind::Json),
        ];
        assert_eq!(kinds(&condition), expected.map(|(name, kind)| (name.to_owned(), kind, true)));
    }

    #[test]
    fn a_field_that_is_seen_two_ways_is_a_text() {
        let told = |condition: Value| kinds(&condition).remove(0);
        let id = |kind, sure| ("id".to_owned(), kind, sure);
        let both = json!({"$and": [{"id": {"$in": ["1042"]}}, {"id": {"$lt": 2000}}]});
        assert_eq!(told(both), id(Kind::Text, true));
        let strict = json!({"$and": [{"id": {"$in": ["1042"]}}, {"id": {"$in": [1042]}}]});
        assert_eq!(told(strict), id(Kind::Text, false));
        let list = json!({"$and": [{"id": {"$in": ["a"]}}, {"id": {"$size": 2}}]});
        assert_eq!(told(list), id(Kind::List, true));
    }
}
