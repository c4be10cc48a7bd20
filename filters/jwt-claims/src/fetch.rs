//! The pipeline's interface for keys: fetches, responses, timers.

use crate::keys::Fetch;
use crate::plan::Plan;
use weir_core::ids::{Counter, Gauge};

/// What came of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Counts it.
    pub count: Counter,
    /// Set to the time where keys came.
    pub since: Option<Gauge>,
    /// Whether requests may wait that can now be decided.
    pub release: bool,
    /// Log lines: skipped keys, or why the response is unusable.
    pub notes: Vec<String>,
}

impl Plan {
    /// Something to fetch now, if there is anything; it then counts as started. To be asked again until there
    /// is nothing more: after the configuration was read, after a request was told to wait, and when it is
    /// time (see [`Plan::next_wake`]). `now` is in nanoseconds since the Unix epoch, here and everywhere.
    pub fn poll(&self, now: u64) -> Option<Fetch<'_>> {
        let mut all = (0u16..).zip(&self.remotes);
        let (provider, fetched) = all.find(|(_, fetched)| fetched.remote.poll(now))?;
        let server = &fetched.remote.server;
        Some(Fetch {
            provider,
            cluster: &server.cluster,
            scheme: server.scheme,
            authority: &server.authority,
            path: &server.path,
            timeout_ms: u32::try_from(server.timeout / 1_000_000).unwrap_or(u32::MAX).max(1),
        })
    }

    /// Takes an answer, its status and body; an error when there was none, or the call could not be made.
    /// `provider` is the one of [`Fetch`]. `None` when there is no such provider.
    pub fn on_fetched(&self, provider: u16, now: u64, answer: Result<(u16, &[u8]), ()>) -> Option<Fetched> {
        let fetched = self.remotes.get(usize::from(provider))?;
        // Requests wait at one place, and may need the keys of several servers.
        let waited = self.remotes.iter().any(|fetched| fetched.remote.has_waiting());
        let (count, since, notes) = match fetched.remote.on_fetched(now, answer) {
            Ok(skipped) => (fetched.ok, Some(fetched.since), skipped),
            Err(reason) => (fetched.failed, None, vec![["keys are not available: ", &reason].concat()]),
        };
        let name = |note: String| ["jwt: ", &fetched.provider, ": ", &note].concat();
        Some(Fetched { count, since, release: waited, notes: notes.into_iter().map(name).collect() })
    }

    /// Whether a request that was not held wants something to be fetched.
    pub fn wants_fetch(&self) -> bool {
        self.remotes.iter().any(|fetched| fetched.remote.wants_fetch())
    }

    /// A request does not wait any longer that had this mark ([`weir_core::Hold`]): it is decided again, or its
    /// client has gone.
    pub fn hold_over(&self, mark: u16) {
        if let Some(fetched) = self.remotes.get(usize::from(mark)) {
            fetched.remote.leave();
        }
    }

    /// Whether requests have waited for the maximum time: all waiting requests must be decided again.
    pub fn expired(&self, now: u64) -> bool {
        // All of them: each ends its own time.
        self.remotes.iter().fold(false, |any, fetched| fetched.remote.expired(now) | any)
    }

    /// In how many nanoseconds [`Plan::poll`] and [`Plan::expired`] are to be asked next; `None` when never.
    pub fn next_wake(&self, now: u64) -> Option<u64> {
        self.remotes.iter().map(|fetched| fetched.remote.next_wake(now).saturating_sub(now)).min()
    }

    /// What to log once: keys of the configuration that are skipped.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
