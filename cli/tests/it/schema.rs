//! `weir schema`.

use crate::support::weir;
use serde_json::Value;

/// A schema, all of whose objects are closed and all of whose fields are described.
fn closed(arguments: &[&str], title: &str) -> Value {
    let run = weir(arguments);
    assert_eq!(run.code, 0);
    let schema = run.json();
    assert_eq!(schema["title"], title);
    assert!(schema.get("$id").is_none());
    let definitions = schema["$defs"].as_object().unwrap();
    for (name, definition) in definitions.iter().chain([(&"top".to_owned(), &schema)]) {
        let Some(properties) = definition.get("properties").and_then(|p| p.as_object()) else { continue };
        assert_eq!(definition["additionalProperties"], false, "{name}");
        for (property, its) in properties {
            assert!(its["description"].is_string(), "{name}.{property} has no description");
        }
    }
    schema
}

#[test]
fn the_schemas_are_closed_and_speak_to_people() {
    let rollout = closed(&["schema", "--rollout"], "Weir rollout");
    assert_eq!(rollout["properties"]["steps"]["items"]["$ref"], "#/$defs/RolloutStep");
    let schema = closed(&["schema"], "Weir configuration");
    let rule = &schema["$defs"]["Rule"]["properties"];
    assert_eq!(rule["cluster"]["type"], "string", "no null for editors to offer");
    assert_eq!(rule["split"]["$ref"], "#/$defs/Split");
}
