//! A resource as an API server has it: where it is, where its configuration is, and in which form.

use anyhow::bail;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use weir_rollout::{Kind, Resource};

/// A resource as it was read.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// Its version: what was changed since has another one.
    pub(super) version: String,
    /// Its identity: one that is made again has another one.
    pub(super) uid: String,
    /// All annotations.
    pub(super) annotations: Option<BTreeMap<String, String>>,
    /// Where the configuration is, as a JSON Pointer.
    pub(super) pointer: Result<String, NoConfiguration>,
}

impl Object {
    /// What is kept of a resource.
    pub(super) fn of(found: &Value, resource: &Resource) -> Self {
        let metadata = found.get("metadata").unwrap_or(&Value::Null);
        let text = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let annotations = metadata.get("annotations").and_then(Value::as_object).map(|annotations| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            annotations.iter().map(|(key, value)| (key.clone(), text(value))).collect()
        });
        let pointer = pointer(found, resource);
        Self { version: text("resourceVersion"), uid: text("uid"), annotations, pointer }
    }

    /// The configuration in the resource, in the form in which configurations are compared.
    ///
    /// # Errors
    /// There is no place for one.
    pub(super) fn configuration(&self, found: &Value) -> Result<String, NoConfiguration> {
        let pointer = self.pointer.as_ref().map_err(Clone::clone)?;
        Ok(canonical_value(found.pointer(pointer).unwrap_or(&Value::Null)).to_string())
    }
}

/// Why a resource has no place for a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoConfiguration {
    /// It loads no WebAssembly.
    NoWasm,
    /// The specification does not say which entry of its list is meant; the names in the list.
    NoEntry(Vec<String>),
}

impl fmt::Display for NoConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWasm => f.write_str("it has no `wasm`"),
            Self::NoEntry(known) => write!(
                f,
                "target.kubernetes.wasm: expected the name of an entry of its list `wasm` ({})",
                known.join(", ")
            ),
        }
    }
}

impl std::error::Error for NoConfiguration {}

/// Where resources of a kind are, as the API has it.
pub(super) fn api(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::WasmPlugin => ("extensions.istio.io/v1alpha1", "wasmplugins"),
        Kind::TrafficExtension => ("extensions.istio.io/v1alpha1", "trafficextensions"),
        Kind::EnvoyExtensionPolicy => ("gateway.envoyproxy.io/v1alpha1", "envoyextensionpolicies"),
    }
}

/// Where a resource has its configuration.
fn pointer(found: &Value, resource: &Resource) -> Result<String, NoConfiguration> {
    match resource.kind {
        Kind::WasmPlugin => Ok("/spec/pluginConfig".to_owned()),
        Kind::TrafficExtension => match found.pointer("/spec/wasm") {
            Some(Value::Object(_)) => Ok("/spec/wasm/pluginConfig".to_owned()),
            _ => Err(NoConfiguration::NoWasm),
        },
        Kind::EnvoyExtensionPolicy => {
            let list = found.pointer("/spec/wasm").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let name_of = |item: &Value| item.get("name").and_then(Value::as_str).map(str::to_owned);
            let index = match (&resource.wasm, list.len()) {
                (None, 1) => Some(0),
                (None, _) => None,
                (Some(name), _) => list.iter().position(|item| name_of(item).as_ref() == Some(name)),
            };
            let names = || list.iter().filter_map(name_of).collect();
            let index = index.ok_or_else(|| NoConfiguration::NoEntry(names()))?;
            Ok(format!("/spec/wasm/{index}/config"))
        }
    }
}

/// A configuration in the form in which an API server gives it back: JSON with sorted names, and numbers without a
/// fraction as integers.
pub(super) fn canonical(text: &str) -> anyhow::Result<String> {
    let (documents, broken) = weir_workbench::yaml::read(text);
    match (documents.first(), broken.first()) {
        (Some(document), None) => Ok(canonical_value(&document.to_json()).to_string()),
        (_, Some(broken)) => bail!(broken.message.clone()),
        (None, None) => Ok(Value::Null.to_string()),
    }
}

fn canonical_value(value: &Value) -> Value {
    match value {
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (None, Some(float)) if float.fract() == 0.0 && float.abs() < 9e15 => Value::from(float as i64),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(canonical_value).collect(),
        Value::Object(members) => {
            let sorted: BTreeMap<&String, Value> =
                members.iter().map(|(name, value)| (name, canonical_value(value))).collect();
            Value::Object(
                sorted.into_iter().map(|(name, value)| (name.clone(), value)).collect::<Map<_, _>>(),
            )
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn configurations_are_compared_as_an_api_server_gives_them_back() {
        let read = canonical("{b: 1.0, a: [{d: 0.5, c: 10%}], n: null}").unwrap();
        assert_eq!(read, r#"{"a":[{"c":"10%","d":0.5}],"b":1,"n":null}"#);
        assert_eq!(canonical(&read).unwrap(), read);
        // As Go writes it.
        assert_eq!(canonical("[1e20]").unwrap(), canonical("[100000000000000000000]").unwrap());
        assert_eq!(canonical("").unwrap(), "null");
        assert!(canonical("{").is_err());
    }

    #[test]
    fn a_configuration_is_found_in_each_kind() {
        let of = |kind, wasm: Option<&str>| Resource {
            kind,
            namespace: None,
            name: "weir".to_owned(),
            wasm: wasm.map(str::to_owned),
        };
        let none = json!({"spec": {}});
        assert_eq!(pointer(&none, &of(Kind::WasmPlugin, None)).unwrap(), "/spec/pluginConfig");
        assert!(pointer(&none, &of(Kind::TrafficExtension, None)).is_err());
        let one = json!({"spec": {"wasm": {}}});
        assert_eq!(pointer(&one, &of(Kind::TrafficExtension, None)).unwrap(), "/spec/wasm/pluginConfig");
        let policy = json!({"spec": {"wasm": [{"name": "other"}, {"name": "weir"}]}});
        let kind = Kind::EnvoyExtensionPolicy;
        assert_eq!(pointer(&policy, &of(kind, Some("weir"))).unwrap(), "/spec/wasm/1/config");
        for wasm in [None, Some("wier")] {
            assert!(pointer(&policy, &of(kind, wasm)).unwrap_err().to_string().contains("(other, weir)"));
        }
        let single = json!({"spec": {"wasm": [{}]}});
        assert_eq!(pointer(&single, &of(kind, None)).unwrap(), "/spec/wasm/0/config");
    }
}
