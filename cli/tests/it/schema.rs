//! `weir schema`.

use crate::support::weir;

#[test]
fn the_schema_is_closed_and_speaks_to_people() {
    let run = weir(&["schema"]);
    assert_eq!(run.code, 0);
    let schema = run.json();
    assert_eq!(schema["title"], "Weir configuration");
    assert!(schema.get("$id").is_none());
    let definitions = schema["$defs"].as_object().unwrap();
    for (name, definition) in definitions.iter().chain([(&"top".to_owned(), &schema)]) {
        let Some(properties) = definition.get("properties").and_then(|p| p.as_object()) else { continue };
        assert_eq!(definition["additionalProperties"], false, "{name}");
        for (property, its) in properties {
            assert!(its["description"].is_string(), "{name}.{property} has no description");
        }
    }
    let rule = &definitions["Rule"]["properties"];
    assert_eq!(rule["cluster"]["type"], "string", "no null for editors to offer");
    assert_eq!(rule["split"]["$ref"], "#/$defs/Split");
}
