//! What happens to a rollout, as Kubernetes Events of its target: `kubectl describe` and `kubectl events` show them.

use super::lease;
use super::object::api;
use crate::kubernetes::{Cluster, Refused};
use crate::report::time::rfc3339;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use weir_rollout::{Event, EventKind, Resource};

/// The longest note that Kubernetes takes, in bytes.
const MAX_NOTE: usize = 1024;
/// What happened longer ago, in milliseconds, was told by those that watched then.
const RECENT: u64 = 600_000;

/// Creates Events. The name of each is derived from what happened and when, so that creating it again changes nothing.
pub(super) struct Announcer {
    cluster: Arc<Cluster>,
    resource: Resource,
    /// What has been told already.
    told: BTreeSet<String>,
    /// Why the last one was not taken.
    trouble: Option<String>,
}

impl Announcer {
    pub(super) fn new(cluster: Arc<Cluster>, resource: &Resource) -> Self {
        Self { cluster, resource: resource.clone(), told: BTreeSet::new(), trouble: None }
    }

    /// Tells what has not been told. What is not taken is tried again with the next evaluation, and holds nothing up.
    pub(super) fn announce(&mut self, uid: &str, events: &[Event]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let recent = |event: &&Event| u128::from(event.at + RECENT) > now;
        let names: Vec<String> = events.iter().map(|event| name(event, &self.resource.name)).collect();
        self.told.retain(|name| names.contains(name));
        for (event, name) in
            events.iter().filter(recent).map(|event| (event, name(event, &self.resource.name)))
        {
            if self.told.contains(&name) {
                continue;
            }
            match self.tell(event, &name, uid) {
                Ok(()) => {
                    self.told.insert(name);
                    self.trouble = None;
                }
                Err(refused) => {
                    let trouble = refused.about("Kubernetes Events");
                    // Once, not with each evaluation.
                    if self.trouble.as_ref() != Some(&trouble) {
                        crate::output::complain(&trouble);
                    }
                    self.trouble = Some(trouble);
                    return;
                }
            }
        }
    }

    fn tell(&self, event: &Event, name: &str, uid: &str) -> Result<(), Refused> {
        let namespace = self.resource.namespace.as_deref().unwrap_or_default();
        let path = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        match self.cluster.create(&path, &object(event, name, &self.resource, uid)) {
            Err(refused) if refused.code() != Some(409) => Err(refused),
            _ => Ok(()),
        }
    }
}

fn name(event: &Event, resource: &str) -> String {
    let kind = reason(event.event).to_ascii_lowercase();
    format!("{resource}.{:x}.{kind}", event.at)
}

fn object(event: &Event, name: &str, resource: &Resource, uid: &str) -> Value {
    let (version, _) = api(resource.kind);
    let time = rfc3339(event.at / 1000).replace('Z', &format!(".{:03}000Z", event.at % 1000));
    let mut note = event.message.clone();
    let fits = (0..=MAX_NOTE.min(note.len())).rev().find(|length| note.is_char_boundary(*length));
    note.truncate(fits.unwrap_or_default());
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": resource.namespace},
        "eventTime": time,
        "action": "Rollout",
        "reason": reason(event.event),
        "note": note,
        "type": if is_warning(event.event) { "Warning" } else { "Normal" },
        "reportingController": "weir/rollout",
        "reportingInstance": lease::identity(),
        "regarding": {
            "apiVersion": version,
            "kind": resource.kind.name(),
            "name": resource.name,
            "namespace": resource.namespace,
            "uid": uid,
        },
    })
}

fn is_warning(event: EventKind) -> bool {
    matches!(event, EventKind::Held | EventKind::RollingBack | EventKind::RolledBack)
}

fn reason(event: EventKind) -> &'static str {
    match event {
        EventKind::Started => "RolloutStarted",
        EventKind::Advancing => "RolloutAdvancing",
        EventKind::Running => "RolloutRunning",
        EventKind::Waiting => "RolloutWaiting",
        EventKind::Approved => "RolloutApproved",
        EventKind::Paused => "RolloutPaused",
        EventKind::Resumed => "RolloutResumed",
        EventKind::Held => "RolloutHeld",
        EventKind::Released => "RolloutReleased",
        EventKind::RollingBack => "RollingBack",
        EventKind::RolledBack => "RolledBack",
        EventKind::Completed => "RolloutCompleted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_rollout::Kind;

    #[test]
    fn events_are_as_kubernetes_takes_them() {
        let resource = Resource {
            kind: Kind::WasmPlugin,
            namespace: Some("shop".to_owned()),
            name: "weir".to_owned(),
            wasm: None,
        };
        let at = 1_772_359_940_007;
        let message = "ä".repeat(MAX_NOTE);
        let event = Event { at, event: EventKind::RollingBack, step: Some(1), message };
        let name = name(&event, "weir");
        assert_eq!(name, "weir.19ca8e277a7.rollingback");
        let object = object(&event, &name, &resource, "1-2");
        assert_eq!(object["eventTime"], "2026-03-01T10:12:20.007000Z");
        assert_eq!(object["note"].as_str().unwrap().len(), MAX_NOTE);
        assert_eq!((&object["type"], &object["reason"]), (&json!("Warning"), &json!("RollingBack")));
    }
}
