//! Writes `crds.json` from the definitions in `tests/vectors`, which say where they come from and under which
//! licence. After new definitions: `WEIR_WRITE_CRDS=1 cargo test -p weir-workbench --lib envelope::definitions`.

use super::schema::{Definition, Schema};
use super::{KINDS, OBJECT_META, WASM, rules};
use crate::yaml::read;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const DEFINITIONS: [&str; 3] = [
    "istio/wasmplugin-crd.yaml",
    "istio/trafficextension-crd.yaml",
    "envoy-gateway/envoyextensionpolicy-crd.yaml",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A kind by its name.
fn definition(file: &str) -> (String, Definition) {
    let text = std::fs::read_to_string(root().join("../../tests/vectors").join(file)).unwrap();
    let (documents, broken) = read(&text);
    assert_eq!(broken, []);
    let crd = documents[0].to_json();
    let versions = crd["spec"]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 1, "{file}: which version is meant?");
    let mut schema = versions[0]["schema"]["openAPIV3Schema"].clone();
    // Controllers write it, and an API server takes a resource with any.
    schema["properties"]["status"] = json!({"x-kubernetes-preserve-unknown-fields": true});
    schema["properties"]["metadata"] =
        json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    for name in ["apiVersion", "kind"] {
        schema["properties"][name] = json!({"type": "string"});
    }
    schema["type"] = json!("object");
    let schema: Schema = serde_json::from_value(schema).unwrap_or_else(|error| panic!("{file}: {error}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let api_version = format!("{}/{}", text(&crd["spec"]["group"]), text(&versions[0]["name"]));
    (text(&crd["spec"]["names"]["kind"]), Definition { api_version, schema })
}

#[test]
fn the_schemas_are_those_of_the_definitions() {
    let kinds: BTreeMap<String, Definition> = DEFINITIONS.into_iter().map(definition).collect();
    let text = serde_json::to_string_pretty(&kinds).unwrap() + "\n";
    let file = root().join("src/envelope/crds.json");
    if std::env::var_os("WEIR_WRITE_CRDS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap();
    assert!(committed == text, "crds.json is not what the definitions say: see the top of this file");
    assert!(std::env::var_os("WEIR_WRITE_CRDS").is_some() || KINDS.len() == DEFINITIONS.len());
}

/// What is written by hand can be read.
#[test]
fn the_other_schemas_are_read() {
    assert!(OBJECT_META.properties.contains_key("labels"));
    assert!(WASM.properties["config"].properties.contains_key("vm_config"));
}

/// A new definition may have a new rule, and may drop one: both are looked at by a person.
#[test]
fn the_rules_are_exactly_those_of_the_definitions() {
    let mut used = BTreeSet::new();
    let mut patterns = BTreeSet::new();
    let schemas = DEFINITIONS.into_iter().map(|file| definition(file).1.schema);
    for schema in schemas.chain([OBJECT_META.clone(), WASM.clone()]) {
        each(&schema, &mut |part| {
            used.extend(part.rules.iter().map(super::schema::Rule::text));
            patterns.extend(part.pattern.clone());
        });
    }
    let known: BTreeSet<String> = rules::known().map(str::to_owned).collect();
    assert_eq!(used, known);
    for pattern in patterns {
        super::hold::pattern(&pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    }
}

fn each(schema: &Schema, found: &mut impl FnMut(&Schema)) {
    found(schema);
    let parts = schema.properties.values().chain(&schema.all_of).chain(&schema.any_of).chain(&schema.one_of);
    let boxed = [&schema.additional_properties, &schema.items, &schema.not];
    let parts: Vec<&Schema> = parts.chain(boxed.into_iter().flatten().map(AsRef::as_ref)).collect();
    parts.into_iter().for_each(|part| each(part, found));
}
