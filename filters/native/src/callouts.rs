//! Requests to other servers, which fetch keys. Only the main thread can make one that outlives a stream: workers ask
//! it to, and find the answers in a box of their own.

use crate::abi::{Config, Scheduler};
use crate::main_thread::MainThread;
use crate::wake::Wake;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use weir_host::Callout;

/// More of an answer is not kept, in bytes; one more than jwt-claims takes, so that it is refused there.
pub(crate) const MAX_ANSWER: usize = (1 << 20) + 1;

/// The answer to a callout.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What the worker knows the callout by.
    pub(crate) token: u32,
    /// Status and body; `None` where there was no answer.
    pub(crate) content: Option<(Vec<u8>, Vec<u8>)>,
}

/// The answers that a worker has not taken yet.
pub(crate) struct Mailbox {
    answers: Mutex<Vec<Answer>>,
    wake: Arc<Wake<Scheduler>>,
}

impl Mailbox {
    pub(crate) fn new(wake: Arc<Wake<Scheduler>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::default(), wake })
    }

    pub(crate) fn take(&self) -> Vec<Answer> {
        std::mem::take(&mut lock(&self.answers))
    }

    fn put(&self, answer: Answer) {
        lock(&self.answers).push(answer);
        self.wake.now();
    }
}

/// A callout that a worker wants.
struct Wanted {
    mailbox: Arc<Mailbox>,
    token: u32,
    cluster: String,
    scheme: String,
    authority: String,
    path: String,
    timeout: u32,
}

/// The callouts of a configuration.
pub(crate) struct Callouts {
    /// What has the main thread take up what is wanted.
    main: MainThread,
    wanted: Mutex<Vec<Wanted>>,
    /// Those that run, by Envoy's numbers.
    running: Mutex<HashMap<u64, (Arc<Mailbox>, u32)>>,
}

impl Callouts {
    pub(crate) fn new(main: MainThread) -> Self {
        Self { main, wanted: Mutex::default(), running: Mutex::default() }
    }

    /// Asks for a callout, on a worker. False when it cannot be made.
    pub(crate) fn want(&self, mailbox: &Arc<Mailbox>, token: u32, callout: &Callout<'_>) -> bool {
        let Some(main) = &self.main else { return false };
        lock(&self.wanted).push(Wanted {
            mailbox: Arc::clone(mailbox),
            token,
            cluster: callout.cluster.to_owned(),
            scheme: callout.scheme.to_owned(),
            authority: callout.authority.to_owned(),
            path: callout.path.to_owned(),
            timeout: callout.timeout,
        });
        main.commit();
        true
    }

    /// Makes the callouts that are wanted, on the main thread.
    pub(crate) fn start_all(&self, config: Config) {
        let wanted = std::mem::take(&mut *lock(&self.wanted));
        for Wanted { mailbox, token, cluster, scheme, authority, path, timeout } in wanted {
            let headers = [
                (":method", "GET"),
                (":scheme", scheme.as_str()),
                (":path", path.as_str()),
                (":authority", authority.as_str()),
                ("accept", "application/json"),
            ];
            match config.call_out(&cluster, &headers, timeout) {
                Some(id) => {
                    lock(&self.running).insert(id, (mailbox, token));
                }
                // No such cluster, or none of its hosts is there.
                None => mailbox.put(Answer { token, content: None }),
            }
        }
    }

    /// A callout was answered, or failed, on the main thread.
    pub(crate) fn finish(&self, id: u64, content: Option<(Vec<u8>, Vec<u8>)>) {
        let running = lock(&self.running).remove(&id);
        if let Some((mailbox, token)) = running {
            mailbox.put(Answer { token, content });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_for_the_worker_that_asked() {
        let (ours, other) = (Mailbox::new(Wake::new()), Mailbox::new(Wake::new()));
        let callouts = Callouts::new(None);
        lock(&callouts.running).extend([(5, (Arc::clone(&ours), 1)), (6, (Arc::clone(&other), 1))]);
        let content = Some((b"200".to_vec(), b"{}".to_vec()));
        callouts.finish(5, content.clone());
        callouts.finish(5, None);
        callouts.finish(7, None);
        assert_eq!(ours.take(), [Answer { token: 1, content }]);
        assert!(ours.wake.take_overdue(), "nothing waits: it is for the next request");
        assert_eq!((ours.take(), other.take()), (vec![], vec![]));
    }

    #[test]
    fn without_the_main_thread_nobody_is_called() {
        let callout = Callout { cluster: "c", scheme: "http", authority: "a", path: "/", timeout: 1 };
        assert!(!Callouts::new(None).want(&Mailbox::new(Wake::new()), 1, &callout));
    }
}
