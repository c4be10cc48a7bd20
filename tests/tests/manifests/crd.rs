//! What a CustomResourceDefinition says of a resource: its schema, and its rules in CEL.

use std::fs;

use jsonschema::Validator;
use serde_json::{Value, json};
use weir_tests::paths;

use super::rules;

/// A definition that resources can be held to.
pub(crate) struct Crd {
    kind: String,
    schema: Validator,
}

impl Crd {
    /// Reads the definition of `kind` from `tests/vectors/istio`.
    pub(crate) fn read(kind: &str) -> Self {
        let file = format!("tests/vectors/istio/{}-crd.yaml", kind.to_lowercase());
        let text = fs::read_to_string(paths::root().join(file)).unwrap();
        let crd: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(crd["spec"]["names"]["kind"], kind);
        let mut rules = Vec::new();
        let mut schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        close(&mut schema, &mut rules);
        rules::all_known(&rules);
        // The two that every resource has beside its `spec`.
        for name in ["apiVersion", "kind", "metadata"] {
            schema["properties"][name] = json!({});
        }
        Self { kind: kind.to_owned(), schema: jsonschema::validator_for(&schema).unwrap() }
    }

    /// Why the API server would refuse the resource, or drop a part of it.
    pub(crate) fn problems(&self, resource: &Value) -> Vec<String> {
        assert_eq!(resource["kind"], self.kind.as_str());
        assert_eq!(resource["apiVersion"], "extensions.istio.io/v1alpha1");
        let schema = self.schema.iter_errors(resource);
        let mut problems: Vec<_> = schema.map(|e| format!("{}: {e}", e.instance_path())).collect();
        rules::check(&resource["spec"], &mut problems);
        problems
    }
}

/// Makes unknown fields an error, where Kubernetes would drop them, turns `nullable` into what JSON Schema
/// knows, and collects the rules in CEL.
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
