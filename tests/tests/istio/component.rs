//! A component of `wasm-plugins/components`, applied without kustomize.

use serde_json::Value;

use super::mesh::documents;

/// The JSON patches of a component, each with the resources that it is for.
pub(crate) struct Component(Vec<(Value, Vec<Value>)>);

impl Component {
    /// Reads a component by its folder's name.
    pub(crate) fn read(name: &str) -> Self {
        let component = documents(&format!("components/{name}/kustomization.yaml")).remove(0);
        let patch = |patch: &Value| {
            let operations = serde_saphyr::from_str(patch["patch"].as_str().unwrap()).unwrap();
            (patch["target"].clone(), operations)
        };
        Self(component["patches"].as_array().unwrap().iter().map(patch).collect())
    }

    /// Changes a resource, if it is one that the component is for.
    pub(crate) fn apply(&self, resource: &mut Value) {
        for (target, operations) in &self.0 {
            if is_for(target, resource) {
                operations.iter().for_each(|operation| carry_out(operation, resource));
            }
        }
    }
}

fn is_for(target: &Value, resource: &Value) -> bool {
    let group = resource["apiVersion"].as_str().and_then(|version| version.split('/').next());
    let fits = |key: &str, actual: Option<&str>| target.get(key).is_none_or(|value| value.as_str() == actual);
    fits("group", group)
        && fits("kind", resource["kind"].as_str())
        && fits("name", resource["metadata"]["name"].as_str())
}

/// `add`, `replace` and `remove` of RFC 6902, on members of objects.
fn carry_out(operation: &Value, resource: &mut Value) {
    let path = operation["path"].as_str().unwrap();
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = resource.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
    match operation["op"].as_str().unwrap() {
        "add" => drop(parent.insert(name.to_owned(), operation["value"].clone())),
        "replace" => *parent.get_mut(name).unwrap() = operation["value"].clone(),
        "remove" => drop(parent.remove(name).unwrap()),
        other => panic!("{other} is not known here"),
    }
}
