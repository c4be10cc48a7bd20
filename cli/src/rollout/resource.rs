//! The target in a cluster: a resource with the configuration, and the state in an annotation of it.
//!
//! State and configuration are written together, in one request that names the version of the resource that was read.
//! So whatever is changed by something else meanwhile is never overwritten, and there is no moment between the two.

use super::announce::Announcer;
use super::encoding::{self, STATE, STATUS};
use super::home::{Look, Stored, Trouble};
use super::store::Record;
use crate::kubernetes::{Cluster, ClusterContext, Refused};
use anyhow::{Context as _, anyhow, bail};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use weir_rollout::{Event, Kind, Resource};

/// A resource as it was read.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// Its version: what was changed since has another one.
    version: String,
    /// Its identity: one that is made again has another one.
    pub(super) uid: String,
    /// All annotations.
    annotations: Option<BTreeMap<String, String>>,
    /// Where the configuration is, as a JSON Pointer.
    pointer: Result<String, NoConfiguration>,
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

/// The resource that is released.
pub(super) struct Resources {
    pub(super) cluster: Arc<Cluster>,
    resource: Resource,
    /// What it is called in messages.
    name: String,
    announcer: Announcer,
}

/// Where resources of a kind are, as the API has it.
pub(super) fn api(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::WasmPlugin => ("extensions.istio.io/v1alpha1", "wasmplugins"),
        Kind::TrafficExtension => ("extensions.istio.io/v1alpha1", "trafficextensions"),
        Kind::EnvoyExtensionPolicy => ("gateway.envoyproxy.io/v1alpha1", "envoyextensionpolicies"),
    }
}

impl Resources {
    /// Opens a connection. Fills in the namespace.
    pub(super) fn open(resource: &mut Resource, connection: &ClusterContext) -> anyhow::Result<Self> {
        let cluster = Arc::new(Cluster::open(connection)?);
        let namespace = resource.namespace.get_or_insert_with(|| cluster.namespace.clone());
        let name = format!("{} {namespace}/{}", resource.kind.name(), resource.name);
        let announcer = Announcer::new(Arc::clone(&cluster), resource);
        Ok(Self { cluster, resource: resource.clone(), name, announcer })
    }

    /// What is released.
    pub(super) fn resource(&self) -> &Resource {
        &self.resource
    }

    fn path(&self) -> String {
        let (version, plural) = api(self.resource.kind);
        let namespace = self.resource.namespace.as_deref().unwrap_or_default();
        format!("/apis/{version}/namespaces/{namespace}/{plural}/{}", self.resource.name)
    }

    fn trouble(&self, refused: &Refused) -> Trouble {
        let message = refused.about(&self.name);
        if refused.may_pass() { Trouble::Passing(message) } else { Trouble::Wrong(message) }
    }

    /// What is there now.
    pub(super) fn look(&self) -> Result<Look, Trouble> {
        let found = self.cluster.get(&self.path()).map_err(|refused| self.trouble(&refused))?;
        let metadata = found.get("metadata").unwrap_or(&Value::Null);
        let text = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let annotations = metadata.get("annotations").and_then(Value::as_object).map(|annotations| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            annotations.iter().map(|(key, value)| (key.clone(), text(value))).collect::<BTreeMap<_, _>>()
        });
        let state = annotations.as_ref().and_then(|annotations| annotations.get(STATE));
        let record = state.map(|state| encoding::read(state)).transpose();
        let record = record.with_context(|| format!("{}: annotation {STATE}", self.name))?;
        let pointer = pointer(&found, &self.resource);
        let text_of = match &pointer {
            Ok(pointer) => Ok(canonical_value(found.pointer(pointer).unwrap_or(&Value::Null)).to_string()),
            Err(problem) => Err(anyhow!(problem.clone()).context(self.name.clone())),
        };
        let object = Object { version: text("resourceVersion"), uid: text("uid"), annotations, pointer };
        Ok(Look { record, text: text_of, object: Some(object) })
    }

    /// Stores the state, and a version of the configuration with it.
    pub(super) fn store(
        &self,
        look: &Look,
        record: &mut Record,
        write: Option<usize>,
        status: &str,
    ) -> Result<Stored, Trouble> {
        let Some(object) = &look.object else { return Ok(Stored::Overtaken) };
        record.revision += 1;
        let others = object.annotations.iter().flatten();
        let others = others.filter(|(key, _)| ![STATE, STATUS].contains(&key.as_str()));
        let taken = others.map(|(key, value)| key.len() + value.len()).sum();
        let state = encoding::write(record, status, taken).with_context(|| self.name.clone())?;
        let mut operations = annotate(object, &state, status);
        let version = write.and_then(|version| record.versions.get(version));
        let mut refused = None;
        if let (Some(version), Ok(pointer)) = (version, &object.pointer) {
            let value: Value = serde_json::from_str(&version.text).map_err(anyhow::Error::from)?;
            let mut both = operations.clone();
            both.push(json!({"op": "add", "path": pointer, "value": value}));
            match self.cluster.patch(&self.path(), &Value::Array(both)) {
                Ok(_) => return Ok(Stored::Done),
                Err(error) if error.code() == Some(409) => return Ok(Stored::Overtaken),
                Err(error) if error.may_pass() => return Err(self.trouble(&error)),
                // A configuration that is not admitted must not make a decision forgotten.
                Err(error) => refused = Some(self.trouble(&error)),
            }
        }
        match self.cluster.patch(&self.path(), &Value::Array(std::mem::take(&mut operations))) {
            Ok(_) => Ok(refused.map_or(Stored::Done, Stored::Refused)),
            Err(error) if error.code() == Some(409) => Ok(Stored::Overtaken),
            Err(error) => Err(refused.unwrap_or_else(|| self.trouble(&error))),
        }
    }

    /// Makes Kubernetes Events of what has happened.
    pub(super) fn announce(&mut self, look: &Look, events: &[Event]) {
        let Some(object) = &look.object else { return };
        self.announcer.announce(&object.uid, events);
    }
}

/// The operations that write the annotations into the version of the resource that was read, and into no other.
fn annotate(object: &Object, state: &str, status: &str) -> Vec<Value> {
    let mut operations =
        vec![json!({"op": "add", "path": "/metadata/resourceVersion", "value": object.version})];
    if object.annotations.is_none() {
        operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
    }
    for (key, value) in [(STATE, state), (STATUS, status)] {
        let path = format!("/metadata/annotations/{}", key.replace('/', "~1"));
        operations.push(json!({"op": "add", "path": path, "value": value}));
    }
    operations
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
