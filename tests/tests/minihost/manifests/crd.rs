//! What a CustomResourceDefinition says of a resource: its schema, and its rules in CEL.

use std::fs;

use jsonschema::Validator;
use serde_json::{Value, json};
use weir_tests::paths;

use super::rules::Rules;

/// A definition that resources can be held to.
pub(crate) struct Crd {
    kind: String,
    version: String,
    schema: Validator,
    rules: Rules,
}

impl Crd {
    /// Reads the definition of `kind` from a folder of `tests/vectors`. A rule in it that `rules` do not know is
    /// an error.
    pub(crate) fn read(folder: &str, kind: &str, rules: Rules) -> Self {
        let file = format!("tests/vectors/{folder}/{}-crd.yaml", kind.to_lowercase());
        let text = fs::read_to_string(paths::root().join(file)).unwrap();
        let crd: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(crd["spec"]["names"]["kind"], kind);
        let mut messages = Vec::new();
        let version = &crd["spec"]["versions"][0];
        let mut schema = version["schema"]["openAPIV3Schema"].clone();
        close(&mut schema, &mut messages);
        for message in messages {
            assert!(rules.known.contains(&message.as_str()), "a new rule: {message}");
        }
        // The two that every resource has beside its `spec`.
        for name in ["apiVersion", "kind", "metadata"] {
            schema["properties"][name] = json!({});
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let version = format!("{}/{}", text(&crd["spec"]["group"]), text(&version["name"]));
        Self { kind: kind.to_owned(), version, schema: jsonschema::validator_for(&schema).unwrap(), rules }
    }

    /// Why the API server would refuse the resource, or drop a part of it.
    pub(crate) fn problems(&self, resource: &Value) -> Vec<String> {
        assert_eq!(resource["kind"], self.kind.as_str());
        assert_eq!(resource["apiVersion"], self.version.as_str());
        let schema = self.schema.iter_errors(resource);
        let mut problems: Vec<_> = schema.map(|e| format!("{}: {e}", e.instance_path())).collect();
        (self.rules.check)(&resource["spec"], &mut problems);
        problems
    }
}

/// Makes unknown fields an error, where Kubernetes would drop them, turns `nullable` into what JSON Schema
/// knows, and collects the rules in CEL by their messages.
fn close(schema: &mut Value, rules: &mut Vec<String>) {
    let Some(object) = schema.as_object_mut() else { return };
    for rule in object.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
        rules.push(rule["message"].as_str().unwrap().to_owned());
    }
    let open = object.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    if object.contains_key("properties") && !open {
        object.insert("additionalProperties".to_owned(), json!(false));
    }
    if object.remove("nullable") == Some(json!(true))
        && let Some(kind) = object.remove("type")
    {
        object.insert("type".to_owned(), json!([kind, "null"]));
    }
    // Kubernetes' own formats, such as `int32`, are no matter of ours.
    object.remove("format");
    for key in ["properties", "additionalProperties", "items"] {
        match object.get_mut(key) {
            Some(Value::Object(parts)) if key == "properties" => {
                parts.values_mut().for_each(|part| close(part, rules));
            }
            Some(part) => close(part, rules),
            None => {}
        }
    }
}
