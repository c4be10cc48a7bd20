//! From configuration bytes to configuration types, reporting every problem at once.
//!
//! Serde stops at the first error. To find the next one, the part that was refused is cut out of
//! the document and the rest is read again, until nothing is refused any more. Each round removes
//! at least one node, and the number of rounds is bounded.

mod de;
mod structure;

use crate::problem::{At, Problems};
use de::{Node, Refused, Step};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reading stops after so many problems: who has made fifty mistakes wants to see the first ones.
const MOST_PROBLEMS: usize = 50;

/// Reads a document, JSON or a `google.protobuf.Struct`, into `T`, adding what is wrong with it to `problems`.
///
/// The result holds everything that could be read, so that the caller can go on to find the
/// problems that only show when the parts are seen together. Empty bytes are an empty document,
/// because Istio sends no bytes at all for an empty `pluginConfig`.
pub fn load<T: DeserializeOwned + Default>(bytes: &[u8], problems: &mut Problems) -> T {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return T::default();
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => load_value(value, problems),
        Err(error) => match structure::read(bytes) {
            Some(value) => load_value(value, problems),
            None => {
                problems.add(&At::root(), format!("neither JSON nor a google.protobuf.Struct: {error}"));
                T::default()
            }
        },
    }
}

/// Like [`load`], from a document that is already parsed.
pub fn load_value<T: DeserializeOwned + Default>(mut document: Value, problems: &mut Problems) -> T {
    let mut removed = Removed::default();
    for _ in 0..MOST_PROBLEMS {
        let Refused { path: mut steps, message } = match T::deserialize(Node(&document)) {
            Ok(config) => return config,
            Err(refused) => refused,
        };
        steps.reverse();
        problems.add(&removed.original(&steps), message);
        if !removed.cut(&mut document, steps) {
            return T::default();
        }
    }
    T::default()
}

/// What was cut out so far: later elements of a list have moved up, and problems in them must
/// still be reported under the index that the user sees.
#[derive(Default)]
struct Removed(Vec<(Vec<Step>, usize)>);

impl Removed {
    /// The place that `steps` had in the document as it was written.
    fn original(&self, steps: &[Step]) -> At {
        let mut at = At::root();
        for (depth, step) in steps.iter().enumerate() {
            at = match step {
                Step::Key(key) => at.field(key),
                Step::Index(index) => {
                    at.index(self.original_index(steps.get(..depth).unwrap_or_default(), *index))
                }
            };
        }
        at
    }

    fn original_index(&self, list: &[Step], index: usize) -> usize {
        // The latest cut first: each one says how indexes stood just before it.
        self.0
            .iter()
            .rev()
            .filter(|(l, _)| l == list)
            .fold(index, |i, (_, cut)| if i >= *cut { i + 1 } else { i })
    }

    /// Cuts the node at `steps`, or the nearest one around it that exists. False when there is
    /// nothing left to cut.
    fn cut(&mut self, document: &mut Value, mut steps: Vec<Step>) -> bool {
        while let Some(last) = steps.pop() {
            match (node(document, &steps), last) {
                (Some(Value::Object(object)), Step::Key(key)) => {
                    if object.remove(&key).is_some() {
                        return true;
                    }
                }
                (Some(Value::Array(list)), Step::Index(index)) if index < list.len() => {
                    list.remove(index);
                    self.0.push((steps, index));
                    return true;
                }
                _ => {}
            }
        }
        false
    }
}

fn node<'a>(document: &'a mut Value, steps: &[Step]) -> Option<&'a mut Value> {
    steps.iter().try_fold(document, |node, step| match step {
        Step::Key(key) => node.get_mut(key.as_str()),
        Step::Index(index) => node.get_mut(index),
    })
}

/// For a `deserialize_with` on lists where one value may stand without its brackets.
///
/// # Errors
/// What the element type refuses.
pub fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Either<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Either<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a value or a list of values")
        }
        fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Vec<T>, E> {
            T::deserialize(serde::de::value::StrDeserializer::new(v)).map(|v| vec![v])
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
            T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|v| vec![v])
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(v) = seq.next_element()? {
                list.push(v);
            }
            Ok(list)
        }
    }
    deserializer.deserialize_any(Either(std::marker::PhantomData))
}

/// The schema of a list that [`one_or_many`] reads.
#[cfg(feature = "schema")]
pub struct OneOrMany<T>(std::marker::PhantomData<T>);

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = generator.subschema_for::<T>();
        let many = generator.subschema_for::<Vec<T>>();
        schemars::json_schema!({"anyOf": [one, many]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Default, Debug)]
    #[serde(default, deny_unknown_fields)]
    struct Rule {
        name: String,
        weight: u32,
    }

    #[derive(Deserialize, Default, Debug)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        rules: Vec<Rule>,
        on: bool,
    }

    fn problems(json: &str) -> (Config, String) {
        let mut problems = Problems::default();
        let config = load(json.as_bytes(), &mut problems);
        (config, problems.to_string())
    }

    #[test]
    fn every_problem_is_found_and_the_rest_is_read() {
        let (config, text) = problems(
            r#"{"rules": [{"nmae": "a", "weight": "x"}, 5, {"name": 7}, {"name": "d"}], "on": 1, "rulez": 2}"#,
        );
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        for expected in [
            "rules[0].nmae: unknown field `nmae`, expected one of: name, weight, did you mean `name`?",
            "rules[0].weight: \"x\" is not a whole number, 0 or more",
            "rules[1]: 5 is not an object",
            "rules[2].name: 7 is not a string",
            "on: 1 is not a boolean",
            "rulez: unknown field `rulez`, expected one of: rules, on, did you mean `rules`?",
        ] {
            assert!(lines.contains(&expected), "{expected}\nnot in\n{text}");
        }
        assert_eq!(config.rules.last().map(|r| r.name.as_str()), Some("d"));
    }

    #[test]
    fn broken_json_says_where() {
        let (_, text) = problems("{\"rules\": [\n{]}");
        assert_eq!(
            text,
            "(top level): neither JSON nor a google.protobuf.Struct: key must be a string at line 2 column 2"
        );
    }

    #[test]
    fn nothing_at_all_is_an_empty_document() {
        assert_eq!(problems("").1, "");
        assert_eq!(problems(" \n").1, "");
    }
}
