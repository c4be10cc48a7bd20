//! The JSON Schema of the configuration language.

use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The schema as a text with a newline at its end; the same bytes for the same language.
#[must_use]
pub fn text() -> String {
    let mut schema = of::<weir_pipeline::Document>();
    // No keyword of JSON Schema, so validators leave it alone; build steps read it.
    schema.insert("version".to_owned(), weir_pipeline::LANGUAGE.into());
    format!("{:#}\n", schema.to_value())
}

/// The schema of a type, for editors.
#[must_use]
pub fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().with_transform(for_editors).into_generator().into_root_schema_for::<T>()
}

/// Leaves out what does not help to write a configuration. An absent option may also be
/// `null`, and then an editor would offer `null` everywhere; defaults such as `null`, `""`, `[]` say no
/// more than that the option can be left out.
fn for_editors(schema: &mut Schema) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
        if let [only] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            only.as_object().into_iter().flatten().for_each(|(key, value)| {
                schema.insert(key.clone(), value.clone());
            });
        }
    }
    if schema.get("default").is_some_and(says_nothing) {
        schema.remove("default");
    }
    // Rust's sizes of numbers.
    schema.remove("format");
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = unwrapped(text);
    }
    transform_subschemas(&mut for_editors, schema);
}

fn says_nothing(default: &Value) -> bool {
    match default {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.values().all(|value| *value == false || says_nothing(value)),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A doc comment without the line breaks that the source has; paragraphs stay.
fn unwrapped(text: &str) -> String {
    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}
