//! Holds a value to a schema, as an API server does with kubectl's strict validation, or as Envoy reads protobuf's
//! JSON.

use super::refused::Refused;
use super::rules;
use super::schema::Schema;
use crate::yaml::{Content, Mark, Member, Node};
use regex_lite::Regex;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashSet;
use weir_core::At;
use weir_core::problem::suggestion;

/// The first ones are enough to find the mistake.
const MAX_REFUSED: usize = 50;
/// A value that is shown is no longer than this.
const MAX_SHOWN: usize = 80;
/// Members whose values can be secrets.
const HIDDEN: [&str; 6] =
    ["value", "env", "environment_variables", "key_values", "inline_string", "inline_bytes"];
/// Names that are as long as this are not shown where secrets can be: `{name: A, hush}` has, in YAML, a member `hush`.
const MIN_SECRET_LEN: usize = 16;

/// Collects what is refused.
#[derive(Debug, Default)]
pub(super) struct Hold {
    pub(super) refused: Vec<Refused>,
    /// Whether names have protobuf's two spellings, and its types are read as protobuf's JSON has them.
    protobuf: bool,
    /// Whether the schema is a condition on some members: others are no matter of it.
    partial: bool,
    /// Whether values are not to be shown.
    hidden: bool,
}

impl Hold {
    pub(super) fn protobuf() -> Self {
        Self { protobuf: true, ..Self::default() }
    }

    /// Adds a problem, unless there is one at this place already.
    pub(super) fn refuse(&mut self, mark: Mark, at: &At, message: impl Into<String>) {
        if self.refused.len() < MAX_REFUSED && !self.refused.iter().any(|known| known.at == *at) {
            self.refused.push(Refused { mark, at: at.clone(), message: message.into() });
        }
    }

    /// Holds a value to a schema. Its problems are shown at `mark`.
    pub(super) fn node(&mut self, schema: &Schema, node: &Node, at: &At, mark: Mark) {
        if node.is_null() && schema.nullable {
            return;
        }
        if let Some(expected) = mismatch(schema, node) {
            let hint = quoting(schema, node);
            let shown = match (schema.kind.as_str(), &node.content) {
                // A text in the place of a whole section can be anything, a key set for example.
                ("object" | "array", Content::Text(..)) => "a text (not shown here)".to_owned(),
                _ => self.shown(node),
            };
            let message = format!("{shown} is not {expected}{hint}");
            return self.refuse(mark, at, message);
        }
        self.scalar(schema, node, at, mark);
        match &node.content {
            Content::Object(members) => self.object(schema, members, at, mark),
            Content::List(items) => self.list(schema, items, at, mark),
            _ => {}
        }
        self.alternatives(schema, node, at, mark);
        for rule in schema.rules.iter().filter_map(|rule| rules::find(&rule.text())) {
            if !(rule.holds)(node) {
                self.refuse(mark, at, rule.message);
            }
        }
    }

    fn scalar(&mut self, schema: &Schema, node: &Node, at: &At, mark: Mark) {
        if !schema.words.is_empty() && !schema.words.contains(&node.to_json()) {
            let words: Vec<&str> = schema.words.iter().filter_map(Value::as_str).collect();
            // What nobody writes: protobuf's word for none.
            let words: Vec<&str> = words.into_iter().filter(|word| !word.starts_with("UN")).collect();
            let hint = suggestion(node.text().unwrap_or_default(), &words);
            let message = format!("unknown value {}{hint}", self.shown(node));
            self.refuse(mark, at, message);
        }
        if let Some(text) = node.text() {
            let length = text.chars().count();
            if let Some(least) = schema.min_length.filter(|least| length < *least) {
                let message = if length == 0 {
                    "is empty".to_owned()
                } else {
                    format!("has {length} characters: {least} or more are needed")
                };
                self.refuse(mark, at, message);
            }
            if let Some(most) = schema.max_length.filter(|most| length > *most) {
                self.refuse(mark, at, format!("has {length} characters: at most {most} are allowed"));
            }
            let is_other = |it: &&String| !pattern(it).is_ok_and(|pattern| pattern.is_match(text));
            if let Some(pattern) = schema.pattern.as_ref().filter(is_other) {
                let hint = match text.strip_prefix("sha256:") {
                    Some(_) => ", without `sha256:`",
                    None => "",
                };
                let message = format!("{} is not {}{hint}", self.shown(node), described(pattern));
                self.refuse(mark, at, message);
            }
        }
        if let Content::Number(number) = &node.content {
            let (least, most) = (schema.minimum, schema.maximum);
            let (least, most) = match schema.format.as_deref() {
                Some("int32") => (least.or(Some(f64::from(i32::MIN))), most.or(Some(f64::from(i32::MAX)))),
                _ => (least, most),
            };
            let value = number.as_f64().unwrap_or_default();
            if least.is_some_and(|least| value < least) || most.is_some_and(|most| value > most) {
                let bound = |bound: Option<f64>| bound.map(|it| format!("{it:.0}")).unwrap_or_default();
                let message = format!("{number} is out of range: {} to {}", bound(least), bound(most));
                self.refuse(mark, at, message);
            }
        }
    }

    fn object(&mut self, schema: &Schema, members: &[Member], at: &At, mark: Mark) {
        if let Some(most) = schema.max_properties.filter(|most| members.len() > *most) {
            self.refuse(mark, at, format!("has {} members: at most {most} are allowed", members.len()));
        }
        let known: Vec<&str> = schema.properties.keys().map(String::as_str).collect();
        let mut seen: HashSet<String> = HashSet::new();
        let mut misspelt = String::new();
        for Member { key, key_at, value } in members {
            let name = self.name(key);
            let place = at.field(key);
            if self.protobuf && !seen.insert(name.clone().into_owned()) {
                self.refuse(*key_at, &place, format!("`{name}` is there twice, in its two spellings"));
            }
            let part = schema.properties.get(name.as_ref()).or(schema.additional_properties.as_deref());
            match part {
                // As good as absent.
                Some(part) if value.is_null() && !part.nullable => {}
                Some(part) => {
                    let hidden = self.hidden;
                    self.hidden |= HIDDEN.contains(&name.as_ref());
                    self.node(part, value, &place, *key_at);
                    self.hidden = hidden;
                }
                None if schema.open || self.partial => {}
                None => {
                    let can_be_secret = key.len() >= MIN_SECRET_LEN && (self.hidden || value.is_null())
                        || self.hidden && value.is_null();
                    let (place, shown) = match can_be_secret {
                        true => (at.clone(), "(not shown here)"),
                        false => (place, key.as_str()),
                    };
                    let hint = match known.as_slice() {
                        [] => ": none is allowed here".to_owned(),
                        known => suggestion(&name, known),
                    };
                    misspelt.push_str(&hint);
                    self.refuse(*key_at, &place, format!("unknown field `{shown}`{hint}"));
                }
            }
        }
        let has = |name: &str| members.iter().any(|it| self.name(&it.key) == name && !it.value.is_null());
        let absent: Vec<&String> = schema.required.iter().filter(|name| !has(name)).collect();
        for name in absent {
            let defaulted = schema.properties.get(name).is_some_and(|part| part.default.is_some());
            // A misspelt name is one mistake, not two.
            if !defaulted && !misspelt.contains(&format!("`{name}`?")) {
                self.refuse(mark, &at.field(name), format!("`{name}` is required"));
            }
        }
    }

    fn list(&mut self, schema: &Schema, items: &[Node], at: &At, mark: Mark) {
        if let Some(most) = schema.max_items.filter(|most| items.len() > *most) {
            self.refuse(mark, at, format!("has {} entries: at most {most} are allowed", items.len()));
        }
        if let Some(part) = &schema.items {
            for (index, item) in items.iter().enumerate() {
                self.node(part, item, &at.index(index), item.at);
            }
        }
        let keys = &schema.list_keys;
        let identity = |item: &Node| match schema.list_type.as_str() {
            "map" => keys.iter().map(|key| item.get(key).map(Node::to_json)).collect::<Option<Vec<Value>>>(),
            "set" => Some(vec![item.to_json()]),
            _ => None,
        };
        let mut seen: HashSet<String> = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            let identity = identity(item).map(|values| Value::from(values).to_string());
            if identity.is_some_and(|it| !seen.insert(it)) {
                let message = match keys.as_slice() {
                    [] => "is there twice".to_owned(),
                    keys => format!("another entry has this {} already", keys.join(" and ")),
                };
                self.refuse(item.at, &at.index(index), message);
            }
        }
    }

    fn alternatives(&mut self, schema: &Schema, node: &Node, at: &At, mark: Mark) {
        for part in &schema.all_of {
            let partial = std::mem::replace(&mut self.partial, true);
            self.node(part, node, at, mark);
            self.partial = partial;
        }
        let fitting = |parts: &[Schema]| parts.iter().filter(|part| self.fits(part, node)).count();
        let any = schema.any_of.is_empty() || fitting(&schema.any_of) > 0;
        let one = schema.one_of.is_empty() || fitting(&schema.one_of) == 1;
        let not = schema.not.as_ref().is_none_or(|part| !self.fits(part, node));
        // A misspelt name is one mistake, not two.
        let unknown = |it: &Refused| it.message.starts_with("unknown field") && at.contains(&it.at);
        if (!any || !one || !not) && !self.refused.iter().any(unknown) {
            let parts = schema.one_of.iter().chain(&schema.any_of);
            let names: Vec<&str> = parts.flat_map(|part| &part.required).map(String::as_str).collect();
            self.refuse(mark, at, format!("needs exactly one of {}", names.join(", ")));
        }
    }

    fn fits(&self, schema: &Schema, node: &Node) -> bool {
        let mut trial = Self { protobuf: self.protobuf, partial: true, ..Self::default() };
        trial.node(schema, node, &At::root(), node.at);
        trial.refused.is_empty()
    }

    /// A member's name as schemas have it.
    fn name<'k>(&self, key: &'k str) -> Cow<'k, str> {
        if !self.protobuf || !key.contains(|c: char| c.is_ascii_uppercase()) {
            return key.into();
        }
        let mut name = String::with_capacity(key.len() + 4);
        for c in key.chars() {
            if c.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        }
        name.into()
    }

    fn shown(&self, node: &Node) -> String {
        match &node.content {
            Content::Object(_) => "an object".into(),
            Content::List(_) => "a list".into(),
            Content::Null => "null".into(),
            _ if self.hidden => "this value (not shown here)".into(),
            Content::Text(text, _) if text.len() > MAX_SHOWN => "this text".into(),
            Content::Text(text, _) => format!("{text:?}"),
            Content::Bool(value) => value.to_string(),
            Content::Number(number) => number.to_string(),
        }
    }
}

/// What the value should be, where it is not of the schema's type.
fn mismatch(schema: &Schema, node: &Node) -> Option<&'static str> {
    let content = &node.content;
    let whole = |least: f64, most: f64| match content {
        Content::Number(number) => {
            number.as_f64().is_some_and(|it| it.fract() == 0.0 && (least..=most).contains(&it))
        }
        _ => false,
    };
    let text = |fits: fn(&str) -> bool| node.text().is_some_and(fits);
    let (fits, expected) = match schema.kind.as_str() {
        "string" => (matches!(content, Content::Text(..)), "a string"),
        "boolean" => (matches!(content, Content::Bool(_)), "a boolean"),
        "object" => (matches!(content, Content::Object(_)), "an object"),
        "array" => (matches!(content, Content::List(_)), "a list"),
        "number" => (matches!(content, Content::Number(_)), "a number"),
        "integer" => (whole(f64::MIN, f64::MAX), "a whole number"),
        "uint32" => {
            let fits = whole(0.0, f64::from(u32::MAX)) || text(|text| text.parse::<u32>().is_ok());
            (fits, "a whole number from 0 to 4294967295")
        }
        "duration" => (text(is_duration), "a duration in seconds, such as \"5s\" or \"0.25s\""),
        _ => (true, ""),
    };
    (!fits).then_some(expected)
}

/// How protobuf's JSON writes a duration.
fn is_duration(text: &str) -> bool {
    let Some(number) = text.strip_suffix('s') else { return false };
    let number = number.strip_prefix('-').unwrap_or(number);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str, most| {
        !part.is_empty() && part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    digits(whole, 12) && digits(fraction, 9)
}

/// What to do about a value that YAML took for another type.
fn quoting(schema: &Schema, node: &Node) -> &'static str {
    match (schema.kind.as_str(), &node.content) {
        ("string", Content::Number(_) | Content::Bool(_)) => ": put it in quotes",
        ("integer" | "number", Content::Text(text, _)) if text.parse::<f64>().is_ok() => {
            ": remove the quotes"
        }
        ("boolean", Content::Text(text, _)) if text == "true" || text == "false" => ": remove the quotes",
        _ => "",
    }
}

/// A pattern of a schema, which is Go's: nothing escapes a slash but habit.
pub(super) fn pattern(text: &str) -> Result<Regex, regex_lite::Error> {
    Regex::new(&text.replace(r"\/", "/"))
}

/// What a pattern asks for.
fn described(pattern: &str) -> Cow<'_, str> {
    match pattern {
        "(^$|^[a-f0-9]{64}$)" => "64 hexadecimal digits in lower case".into(),
        "^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
        | "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" => {
            "a DNS name: lower-case letters, digits, `-` and `.`".into()
        }
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" => "a DNS label: lower-case letters, digits and `-`".into(),
        "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$" => "a name: letters, digits and `-`, from a letter on".into(),
        "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$" => {
            "the value of a label: letters, digits, `-`, `_` and `.`".into()
        }
        other => format!("a text that matches {other}").into(),
    }
}
