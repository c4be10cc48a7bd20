//! From configuration bytes to configuration types, reporting every problem at once.
//!
//! The bytes are parsed by serde_json into a [`Json`]. Types are read out of the parsed document by [`Load`], which
//! goes on after what it refuses, knows the place of everything, and is small in a module: with serde's derive, a list
//! of problems took reading the document again for each of them, and 60 to 85 kB of visitors.

mod fingerprint;
mod json;
mod node;
mod parse;
mod plain;
mod structure;

pub use fingerprint::{fingerprint, fingerprint_of};
pub use json::{Json, Member};
pub use node::Node;
pub use plain::{one_or_many, short_or_long};
pub use weir_load_derive::Load;

use crate::problem::{At, Problems};
use parse::parse;
use serde_json::Value;

/// A type that can be loaded from a document. Derived for structs and enums, with serde's attributes for the
/// names.
///
/// ```
/// use weir_core::{Load, Problems, load};
///
/// /// What users write.
/// #[derive(Debug, Default, Load)]
/// #[serde(default, deny_unknown_fields, rename_all = "camelCase")]
/// struct Config {
///     header: String,
///     max_users: Option<u32>,
/// }
///
/// let mut problems = Problems::default();
/// let config: Config = load(br#"{"header": "x-user", "maxUser": 7}"#, &mut problems);
/// assert_eq!((&*config.header, config.max_users), ("x-user", None), "what is valid is there");
/// assert!(problems.to_string().ends_with("did you mean `maxUsers`?"), "{problems}");
/// ```
pub trait Load: Sized {
    /// Loads a value. Invalid parts are added to `problems` and omitted; `None`, with a problem, if nothing
    /// can be loaded.
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self>;
}

/// A struct whose members are loaded one by one, by itself or as part of another one. Derived with [`Load`].
pub trait Members: Default {
    /// The names of the members, in groups: those of a flattened field are a group.
    const NAMES: &'static [&'static [&'static str]];

    /// Loads the member with this number: its group, and its position there.
    fn load_member(&mut self, index: (usize, usize), node: &Node<'_>, problems: &mut Problems);
}

/// The names of a flattened struct, which must not have a flattened field itself.
#[doc(hidden)]
#[allow(clippy::panic, reason = "derived code evaluates it in a constant: while it is compiled")]
pub const fn only_group<T: Members>() -> &'static [&'static str] {
    match T::NAMES {
        [only] => only,
        _ => panic!("a flattened struct has members, and no flattened field"),
    }
}

/// Loads an object, for derived code.
#[doc(hidden)]
pub fn object<T: Members>(node: &Node<'_>, problems: &mut Problems) -> Option<T> {
    let mut new = T::default();
    let read = node.members(problems, T::NAMES, &mut |index, node, problems| {
        new.load_member(index, node, problems);
    });
    read.then_some(new)
}

/// Stores a loaded value, for derived code. One function per type instead of one per field.
#[doc(hidden)]
#[inline(never)]
pub fn keep<T>(place: &mut T, read: Option<T>) {
    if let Some(read) = read {
        *place = read;
    }
}

/// Loads a document, JSON or a `google.protobuf.Struct`, into `T`, and adds all errors to `problems`.
///
/// The result contains all valid parts, so that the caller can also report problems that involve several
/// parts. Empty bytes are an empty document, because Istio sends no bytes for an empty `pluginConfig`.
///
/// ```
/// use weir_core::{OrderedMap, Problems, load};
///
/// let mut problems = Problems::default();
/// let weights: OrderedMap<f64> = load(br#"{"treatment": 10, "control": "many"}"#, &mut problems);
/// assert_eq!(weights.get("treatment"), Some(&10.0));
/// assert_eq!((problems.len(), problems.iter().next().unwrap().at.to_string()), (1, "control".to_owned()));
/// ```
pub fn load<T: Load + Default>(bytes: &[u8], problems: &mut Problems) -> T {
    load_with_fingerprint(bytes, problems).0
}

/// Like [`load`], with the [`fingerprint()`]; 0 where the bytes are no document. The bytes are parsed once.
///
/// ```
/// use weir_core::load::{fingerprint, load_with_fingerprint};
/// use weir_core::{OrderedMap, Problems};
///
/// let bytes = br#"{"treatment": 10}"#;
/// let (weights, number) = load_with_fingerprint::<OrderedMap<f64>>(bytes, &mut Problems::default());
/// assert_eq!((weights.get("treatment"), Some(number)), (Some(&10.0), fingerprint(bytes)));
/// ```
pub fn load_with_fingerprint<T: Load + Default>(bytes: &[u8], problems: &mut Problems) -> (T, u64) {
    match parse(bytes) {
        Ok(json) => {
            let nothing = bytes.iter().all(u8::is_ascii_whitespace);
            let document = if nothing { T::default() } else { load_json(&json, problems) };
            (document, fingerprint::of_json(&json))
        }
        Err(message) => {
            problems.add(&At::root(), message);
            (T::default(), 0)
        }
    }
}

/// Like [`load`], from a document that is already parsed.
///
/// ```
/// use weir_core::{Problems, load::load_value};
///
/// let mut problems = Problems::default();
/// let names: Vec<String> = load_value(&serde_json::json!(["ada", 7]), &mut problems);
/// assert_eq!(names, ["ada"]);
/// assert_eq!(problems.iter().next().unwrap().at.to_string(), "[1]");
/// ```
pub fn load_value<T: Load + Default>(document: &Value, problems: &mut Problems) -> T {
    load_json(&Json::from(document), problems)
}

fn load_json<T: Load + Default>(document: &Json<'_>, problems: &mut Problems) -> T {
    T::load(&Node::top(document), problems).unwrap_or_default()
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
    use node::MAX_PROBLEMS;

    #[derive(Load, Default, Debug)]
    #[serde(default, deny_unknown_fields)]
    struct Rule {
        name: String,
        weight: u32,
    }

    #[derive(Load, Default, Debug)]
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
            "rules[0].nmae: unknown field `nmae`, did you mean `name`?",
            "rules[0].weight: \"x\" is not a whole number from 0 to 4294967295",
            "rules[1]: 5 is not an object",
            "rules[2].name: 7 is not a string",
            "on: 1 is not a boolean",
            "rulez: unknown field `rulez`, did you mean `rules`?",
        ] {
            assert!(lines.contains(&expected), "{expected}\nnot in\n{text}");
        }
        assert_eq!(config.rules.last().map(|r| r.name.as_str()), Some("d"));
    }

    #[derive(Load, Debug, PartialEq)]
    #[serde(rename_all = "camelCase")]
    enum Word {
        OneThing,
        Other,
    }

    #[derive(Load, Debug, PartialEq)]
    #[serde(transparent)]
    struct Wrapped(u8);

    #[derive(Load, Default, Debug, PartialEq)]
    #[serde(default, deny_unknown_fields, rename_all = "camelCase")]
    struct Kinds {
        of_words: Vec<Word>,
        #[load(one_or_many)]
        texts: Vec<String>,
        #[serde(rename = "type")]
        kind: Option<u16>,
        wrapped: Option<Wrapped>,
        pair: Option<[u8; 2]>,
        decimal: f64,
        anything: Value,
    }

    #[test]
    fn each_kind_is_read() {
        let mut problems = Problems::default();
        let text =
            br#"{"ofWords": ["oneThing", "other"], "texts": "a", "type": null, "wrapped": 7, "pair": [1, 2],
            "decimal": "0.5", "anything": {"x": []}}"#;
        let kinds: Kinds = load(text, &mut problems);
        assert!(problems.is_empty(), "{problems}");
        let expected = Kinds {
            of_words: vec![Word::OneThing, Word::Other],
            texts: vec!["a".into()],
            kind: None,
            wrapped: Some(Wrapped(7)),
            pair: Some([1, 2]),
            decimal: 0.5,
            anything: serde_json::json!({"x": []}),
        };
        assert_eq!(kinds, expected);
        let many: Kinds = load(br#"{"texts": ["a", "b"]}"#, &mut problems);
        assert_eq!(many.texts, ["a", "b"]);
    }

    #[test]
    fn each_kind_is_refused() {
        let mut problems = Problems::default();
        let text =
            br#"{"ofWords": ["OneThing", 1], "texts": ["a", 1], "type": 65536, "wrapped": -1, "pair": [1],
            "decimal": "x", "of_words": []}"#;
        let _: Kinds = load(text, &mut problems);
        let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                "decimal: \"x\" is not a number",
                "ofWords[0]: unknown word `OneThing`, did you mean `oneThing`?",
                "ofWords[1]: 1 is not one of the known words",
                "of_words: unknown field `of_words`, did you mean `ofWords`?",
                "pair: a list is not a list of two",
                "texts[1]: 1 is not a string",
                "type: 65536 is not a whole number from 0 to 65535",
                "wrapped: -1 is not a whole number from 0 to 255",
            ]
        );
    }

    #[test]
    fn no_more_problems_than_one_reads() {
        let mut problems = Problems::default();
        let text = serde_json::json!({"ofWords": vec![0; 1000]}).to_string();
        let _: Kinds = load(text.as_bytes(), &mut problems);
        assert_eq!(problems.len(), MAX_PROBLEMS);
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
