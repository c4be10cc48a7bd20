//! Which of several programs runs a rollout: a Lease in the cluster (`coordination.k8s.io/v1`).
//!
//! It spares the others the work. What keeps them from overwriting each other is the version of the resource: also
//! where two believe that they have the Lease, one of them writes.

use super::error::EvaluationError;
use crate::kubernetes::{Cluster, Refused};
use crate::report::time::rfc3339;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use weir_rollout::Resource;

/// Others take a Lease that was not renewed for so long.
const DURATION: Duration = Duration::from_secs(15);
/// Without a renewal for so long it counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between renewals.
const PERIOD: Duration = Duration::from_secs(2);

/// The name of this program in a Lease and in Events.
pub(super) fn identity() -> &'static str {
    static IDENTITY: OnceLock<String> = OnceLock::new();
    IDENTITY.get_or_init(new_identity)
}

/// The pod, or the machine, and the process; two containers in a network of one node have the same name and number, so
/// chance keeps them apart.
fn new_identity() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    // At most 128 bytes in an Event.
    let name: String = name.trim().chars().filter(char::is_ascii).take(100).collect();
    format!("{name}_{}_{:08x}", std::process::id(), fastrand::u32(..))
}

/// A Lease that is kept, or waited for, in the background. Dropping it gives it away.
pub(super) struct Lease {
    shared: Arc<Shared>,
    stop: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

struct Shared {
    held: Mutex<Held>,
    refused: Mutex<Option<EvaluationError>>,
    /// The first answer is there.
    known: AtomicBool,
}

/// Who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    /// This program, as of this time.
    Here(Instant),
    /// Another one, or none that is known.
    Elsewhere(String),
}

impl Lease {
    /// Begins to ask for the Lease of a resource.
    pub(super) fn keep(cluster: Arc<Cluster>, resource: &Resource) -> Self {
        let held = Mutex::new(Held::Elsewhere(String::new()));
        let shared = Arc::new(Shared { held, refused: Mutex::new(None), known: AtomicBool::new(false) });
        let (stop, stopped) = mpsc::channel::<()>();
        let mut keeper = Keeper::new(cluster, resource);
        let told = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            loop {
                let found = keeper.renew();
                let mut refused = None;
                match found {
                    Ok(held) => set(&told.held, held),
                    // An older renewal holds for as long as it holds.
                    Err(error) => {
                        let message = error.about(&format!("Lease {}", keeper.name));
                        let trouble = if error.may_pass() {
                            EvaluationError::Transient(message)
                        } else {
                            EvaluationError::Permanent(message)
                        };
                        refused = Some(trouble);
                    }
                }
                set(&told.refused, refused);
                told.known.store(true, Ordering::Release);
                if !matches!(stopped.recv_timeout(PERIOD), Err(RecvTimeoutError::Timeout)) {
                    keeper.release();
                    return;
                }
            }
        });
        Self { shared, stop: Some(stop), keeper: Some(thread) }
    }

    /// Whether this program has the Lease now; `None` before that is known.
    pub(super) fn is_here(&self) -> Option<bool> {
        if !self.shared.known.load(Ordering::Acquire) {
            return None;
        }
        let held = self.shared.held.lock().map(|held| held.clone());
        Some(matches!(held, Ok(Held::Here(since)) if since.elapsed() < PATIENCE))
    }

    /// Which other program has it; empty where that is not known.
    pub(super) fn holder(&self) -> String {
        match self.shared.held.lock().as_deref() {
            Ok(Held::Elsewhere(holder)) => holder.clone(),
            _ => String::new(),
        }
    }

    /// Why it cannot be asked for.
    pub(super) fn error(&self) -> Option<EvaluationError> {
        self.shared.refused.lock().ok().and_then(|trouble| trouble.clone())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

fn set<T>(place: &Mutex<T>, value: T) {
    if let Ok(mut place) = place.lock() {
        *place = value;
    }
}

/// Asks for the Lease.
struct Keeper {
    cluster: Arc<Cluster>,
    identity: String,
    namespace: String,
    name: String,
    /// What another program last wrote, and when that was seen: clocks of two machines are not compared.
    seen: Option<(Value, Instant)>,
    /// The Lease as this program wrote it.
    own: Option<Value>,
}

impl Keeper {
    fn new(cluster: Arc<Cluster>, resource: &Resource) -> Self {
        let namespace = resource.namespace.clone().unwrap_or_default();
        let name = name(resource);
        Self { cluster, identity: identity().to_owned(), namespace, name, seen: None, own: None }
    }

    fn collection(&self) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.namespace)
    }

    fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    /// Asks once.
    fn renew(&mut self) -> Result<Held, Refused> {
        let asked = Instant::now();
        let found = match self.cluster.get(&self.path()) {
            Ok(found) => found,
            Err(refused) if refused.code() == Some(404) => {
                let new = json!({
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": {"name": self.name, "namespace": self.namespace},
                    "spec": self.spec(None),
                });
                let made = self.cluster.create(&self.collection(), &new);
                return self.written(made, asked);
            }
            Err(refused) => return Err(refused),
        };
        let spec = found.get("spec").cloned().unwrap_or_default();
        let holder = spec.get("holderIdentity").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !holder.is_empty() && holder != self.identity {
            let renewed = match &self.seen {
                Some((known, since)) if *known == spec => *since,
                _ => {
                    self.seen = Some((spec.clone(), asked));
                    asked
                }
            };
            let lasts = spec.get("leaseDurationSeconds").and_then(Value::as_u64);
            if renewed.elapsed() < lasts.map_or(DURATION, Duration::from_secs) {
                self.own = None;
                return Ok(Held::Elsewhere(holder));
            }
        }
        let mut mine = found;
        if let Some(object) = mine.as_object_mut() {
            object.insert("spec".to_owned(), self.spec(Some(&spec)));
        }
        let written = self.cluster.replace(&self.path(), &mine);
        self.written(written, asked)
    }

    fn written(&mut self, answer: Result<Value, Refused>, asked: Instant) -> Result<Held, Refused> {
        match answer {
            Ok(lease) => {
                self.own = Some(lease);
                Ok(Held::Here(asked))
            }
            // Another one was quicker; the next look says which.
            Err(refused) if refused.code() == Some(409) => {
                self.own = None;
                Ok(Held::Elsewhere(String::new()))
            }
            Err(refused) => Err(refused),
        }
    }

    /// What this program writes; `before` is what was there.
    fn spec(&self, before: Option<&Value>) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = rfc3339(now.as_secs()).replace('Z', &format!(".{:06}Z", now.subsec_micros()));
        let of = |key: &str| before.and_then(|spec| spec.get(key)).cloned();
        let is_ours = of("holderIdentity").is_some_and(|holder| holder == self.identity.as_str());
        let transitions = of("leaseTransitions").and_then(|count| count.as_u64()).unwrap_or_default();
        json!({
            "holderIdentity": self.identity,
            "leaseDurationSeconds": DURATION.as_secs(),
            "renewTime": now,
            "acquireTime": of("acquireTime").filter(|_| is_ours).unwrap_or_else(|| json!(now)),
            "leaseTransitions": if is_ours || before.is_none() { transitions } else { transitions + 1 },
        })
    }

    /// Gives it away, so that another one need not wait.
    fn release(&mut self) {
        let Some(mut own) = self.own.take() else { return };
        if let Some(spec) = own.get_mut("spec").and_then(Value::as_object_mut) {
            spec.insert("holderIdentity".to_owned(), json!(""));
        }
        // If that is not taken, the Lease ends by itself.
        let _ = self.cluster.replace(&self.path(), &own);
    }
}

/// The Lease of a resource's rollout.
fn name(resource: &Resource) -> String {
    format!("weir-rollout-{}-{}", resource.kind.name().to_ascii_lowercase(), resource.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two programs with one name and number must not both believe that a Lease is theirs.
    #[test]
    fn identities_are_of_one_program() {
        let (one, two) = (new_identity(), new_identity());
        assert_ne!(one, two);
        assert!(one.len() <= 128, "Kubernetes takes no longer one in an Event: {one}");
        assert_eq!(identity(), identity(), "of one program they are the same");
    }
}
