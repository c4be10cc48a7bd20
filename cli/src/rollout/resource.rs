//! The target in a cluster: a resource with the configuration, and the state in an annotation of it.
//!
//! State and configuration are written together, in one request that names the version of the resource that was read.
//! So whatever is changed by something else meanwhile is never overwritten, and there is no moment between the two.

use super::announce::Announcer;
use super::encoding::{self, STATE, STATUS};
use super::error::EvaluationError;
use super::object::{Object, api};
use super::record::Record;
use super::snapshot::{Snapshot, Stored};
use crate::kubernetes::{Cluster, ClusterContext, Refused};
use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};
use std::sync::Arc;
use weir_rollout::{Event, Resource};

/// The resource that is released.
pub(super) struct Resources {
    pub(super) cluster: Arc<Cluster>,
    resource: Resource,
    /// What it is called in messages.
    name: String,
    announcer: Announcer,
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

    fn error(&self, refused: &Refused) -> EvaluationError {
        let message = refused.about(&self.name);
        if refused.may_pass() {
            EvaluationError::Transient(message)
        } else {
            EvaluationError::Permanent(message)
        }
    }

    /// What is there now.
    pub(super) fn snapshot(&self) -> Result<Snapshot, EvaluationError> {
        let found = self.cluster.get(&self.path()).map_err(|refused| self.error(&refused))?;
        let object = Object::of(&found, &self.resource);
        let state = object.annotations.as_ref().and_then(|annotations| annotations.get(STATE));
        let record = state.map(|state| encoding::read(state)).transpose();
        let record = record.with_context(|| format!("{}: annotation {STATE}", self.name))?;
        let text =
            object.configuration(&found).map_err(|problem| anyhow!(problem).context(self.name.clone()));
        Ok(Snapshot { record, text, object: Some(object) })
    }

    /// Stores the state, and a version of the configuration with it.
    pub(super) fn store(
        &self,
        snapshot: &Snapshot,
        record: &mut Record,
        write: Option<usize>,
        status: &str,
    ) -> Result<Stored, EvaluationError> {
        let Some(object) = &snapshot.object else { return Ok(Stored::Conflict) };
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
                Err(error) if error.code() == Some(409) => return Ok(Stored::Conflict),
                Err(error) if error.may_pass() => return Err(self.error(&error)),
                // A configuration that is not admitted must not make a decision forgotten.
                Err(error) => refused = Some(self.error(&error)),
            }
        }
        match self.cluster.patch(&self.path(), &Value::Array(std::mem::take(&mut operations))) {
            Ok(_) => Ok(refused.map_or(Stored::Done, Stored::Rejected)),
            Err(error) if error.code() == Some(409) => Ok(Stored::Conflict),
            Err(error) => Err(refused.unwrap_or_else(|| self.error(&error))),
        }
    }

    /// Makes Kubernetes Events of what has happened.
    pub(super) fn announce(&mut self, snapshot: &Snapshot, events: &[Event]) {
        let Some(object) = &snapshot.object else { return };
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
