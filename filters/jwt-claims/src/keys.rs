//! Keys from a server: when they are fetched, and how long they are valid. A state machine without I/O; the
//! pipeline carries out the fetches that [`Remote::poll`] requests, and reports the results.
//!
//! Times are nanoseconds since the Unix epoch, as [`weir_core::HostServices::now`] gives them. That clock can jump,
//! so no time that is further away than it was ever set is waited for.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use weir_jose::KeySet;

/// A longer answer is refused, in bytes.
pub(crate) const MAX_RESPONSE_LEN: usize = 1024 * 1024;

/// Grace period after the timeout of a fetch, for responses that the proxy never delivers, in nanoseconds.
const GRACE: u64 = 2_000_000_000;

/// A server that answers with a key set. All times are in nanoseconds.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) cluster: Box<str>,
    pub(crate) scheme: &'static str,
    pub(crate) authority: Box<str>,
    pub(crate) path: Box<str>,
    pub(crate) timeout: u64,
    /// The age at which keys are fetched again.
    pub(crate) refresh: u64,
    /// For how long after that they are still used.
    pub(crate) max_stale: u64,
    pub(crate) retry: u64,
    pub(crate) retry_max: u64,
    pub(crate) unknown_key_interval: u64,
    /// How long requests wait, and how many at once.
    pub(crate) wait: u64,
    pub(crate) max_waiting: u32,
}

impl Server {
    /// Maximum age of keys.
    fn longest_use(&self) -> u64 {
        self.refresh.saturating_add(self.max_stale)
    }

    /// The longest time in which nothing is to be done.
    fn longest_pause(&self) -> u64 {
        self.refresh.max(self.retry_max).max(self.timeout.saturating_add(GRACE))
    }

    /// The shortest time between two fetches for keys that are unknown, whichever they are.
    fn unknown_key_gap(&self) -> u64 {
        self.unknown_key_interval / UNKNOWN_KEY_FETCHES
    }
}

/// How many fetches tokens with unknown keys can cause in the interval that one such key has to keep to. With
/// several, made-up names of keys do not keep a token of a new key waiting for the whole interval.
const UNKNOWN_KEY_FETCHES: u64 = 5;

/// How many names of unknown keys are remembered. The oldest is forgotten: its key may be asked for again.
const MAX_SOUGHT: usize = 64;

/// Of a longer name only this many bytes are compared, and its length.
const MAX_KID: usize = 256;

/// A key that was asked for and was not there.
#[derive(Debug)]
struct Sought {
    kid: Box<[u8]>,
    length: usize,
    /// When it was asked for first.
    asked: u64,
    /// Which fetch was the first that was started afterwards.
    fetch: u64,
}

/// The result for a request whose token names an unknown key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskAgain {
    /// It is to wait for a fetch.
    Wait,
    /// Keys were fetched since, without this one.
    Unknown,
    /// It cannot wait for the fetch that comes; how long until then.
    Later { retry_after: u64 },
}

/// Something to ask a server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch<'p> {
    /// Which provider's keys they are: what [`crate::Plan::on_fetched`] is told.
    pub provider: u16,
    /// The cluster.
    pub cluster: &'p str,
    /// `http` or `https`.
    pub scheme: &'p str,
    /// The `:authority`.
    pub authority: &'p str,
    /// The `:path`; the method is `GET`.
    pub path: &'p str,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u32,
}

/// Keys, of which nothing is ever printed.
#[derive(Clone)]
pub(crate) struct Trusted(pub(crate) Rc<KeySet>);

impl fmt::Debug for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys")
    }
}

/// The keys at hand.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) keys: Trusted,
    /// A new number means new keys: cached tokens are verified again.
    pub(crate) generation: u32,
}

/// The result for a request that needs keys.
#[derive(Debug)]
pub(crate) enum Ask {
    /// These.
    Keys(Current),
    /// It is to wait: they are being fetched.
    Wait,
    /// None; how long until they are asked for again.
    Unavailable { retry_after: u64 },
}

/// A server with the state of its keys.
#[derive(Debug)]
pub(crate) struct Remote {
    /// Its position in [`crate::Plan`]: the mark of requests that wait for it.
    pub(crate) mark: u16,
    pub(crate) server: Server,
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Current>,
    /// How many key sets there were.
    generations: u32,
    /// The answer that they were read from.
    answer: Box<[u8]>,
    /// When that came.
    fetched: u64,
    /// When the fetch that runs was started.
    running: Option<u64>,
    /// When the last one was over.
    tried: Option<u64>,
    /// How many were started, and which of them was over last.
    started: u64,
    finished: u64,
    failures: u32,
    /// Whether a request needed an unknown key.
    wanted: bool,
    /// When keys were fetched for that last.
    fetched_again: Option<u64>,
    /// The keys that are not there.
    sought: Vec<Sought>,
    /// Until when requests wait; `None` where none does.
    waiting_until: Option<u64>,
    /// How many requests have a place to wait.
    waiting: u32,
    /// Whether the time to wait was over without an answer: until there is one, nobody waits again.
    given_up: bool,
}

/// Whether the time `at`, which was set at most `most` ahead, has come.
fn due(at: u64, most: u64, now: u64) -> bool {
    now >= at || at - now > most
}

impl Remote {
    pub(crate) fn new(mark: u16, server: Server) -> Self {
        Self { mark, server, state: RefCell::default() }
    }

    /// The keys for a request; without any it is to wait, within bounds.
    pub(crate) fn ask(&self, now: u64) -> Ask {
        let Ok(mut state) = self.state.try_borrow_mut() else {
            return Ask::Unavailable { retry_after: self.server.retry };
        };
        state.drop_stale(&self.server, now);
        match state.current.clone() {
            Some(current) => Ask::Keys(current),
            None if state.may_wait(&self.server, now) => Ask::Wait,
            None => Ask::Unavailable { retry_after: state.next_try(&self.server).saturating_sub(now) },
        }
    }

    /// The number of the keys at hand, when they are good.
    #[inline]
    pub(crate) fn generation(&self, now: u64) -> Option<u32> {
        let state = self.state.try_borrow().ok()?;
        let good = now.saturating_sub(state.fetched) <= self.server.longest_use();
        state.current.as_ref().filter(|_| good).map(|current| current.generation)
    }

    /// What a request is to do whose token names a key that is not there. Each such key has one fetch that was
    /// started after it was asked for first; after that it is not asked for again for a while.
    pub(crate) fn ask_again(&self, kid: &[u8], now: u64) -> AskAgain {
        let later = AskAgain::Later { retry_after: self.server.unknown_key_gap() };
        let Ok(mut state) = self.state.try_borrow_mut() else { return later };
        let fetch = state.seek(kid, self.server.unknown_key_interval, now);
        if state.finished >= fetch {
            return AskAgain::Unknown;
        }
        let mut next = now;
        if state.started < fetch {
            // A fetch is useful even if no request waits: the next request with that key will pass.
            state.wanted = true;
            next = now.max(state.wanted_at(&self.server, now));
        }
        let retry_after = next - now;
        if retry_after <= self.server.wait && state.may_wait(&self.server, now) {
            return AskAgain::Wait;
        }
        AskAgain::Later { retry_after }
    }

    /// Gives a request a place to wait; false when all are taken.
    pub(crate) fn take_place(&self, now: u64) -> bool {
        let Ok(mut state) = self.state.try_borrow_mut() else { return false };
        if state.waiting >= self.server.max_waiting {
            return false;
        }
        state.waiting_until.get_or_insert(now.saturating_add(self.server.wait));
        state.waiting += 1;
        true
    }

    /// A request does not wait any longer.
    pub(crate) fn leave(&self) {
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.waiting = state.waiting.saturating_sub(1);
        }
    }

    /// Whether keys are to be fetched now; if so, the fetch counts as started.
    pub(crate) fn poll(&self, now: u64) -> bool {
        let Ok(mut state) = self.state.try_borrow_mut() else { return false };
        state.give_up_running(&self.server, now);
        if state.running.is_some() || !state.is_due(&self.server, now) {
            return false;
        }
        state.running = Some(now);
        state.started += 1;
        if std::mem::take(&mut state.wanted) {
            state.fetched_again = Some(now);
        }
        // With keys at hand, only those of unknown keys wait: each fetch may be waited for.
        state.given_up &= state.current.is_none();
        true
    }

    /// Takes an answer, and tells which of its keys are skipped. The keys that were there stay when it is
    /// unusable.
    ///
    /// # Errors
    /// Why it is of no use.
    pub(crate) fn on_fetched(
        &self,
        now: u64,
        answer: Result<(u16, &[u8]), ()>,
    ) -> Result<Vec<String>, String> {
        let Ok(mut state) = self.state.try_borrow_mut() else { return Err("busy".to_owned()) };
        if state.running.take().is_some() {
            state.finished = state.started;
        }
        state.tried = Some(now);
        let taken = state.take(answer);
        match &taken {
            Ok(_) => (state.fetched, state.failures, state.given_up) = (now, 0, false),
            Err(_) => state.failures = state.failures.saturating_add(1),
        }
        if state.current.is_some() {
            state.waiting_until = None;
        }
        taken
    }

    /// Whether a fetch for an unknown key is to be started, now or later.
    pub(crate) fn wants_fetch(&self) -> bool {
        self.state.try_borrow().is_ok_and(|state| state.wanted && state.running.is_none())
    }

    /// Whether requests may wait.
    pub(crate) fn has_waiting(&self) -> bool {
        self.state.try_borrow().is_ok_and(|state| state.waiting > 0)
    }

    /// Whether requests have waited long enough: they are to be decided again.
    pub(crate) fn expired(&self, now: u64) -> bool {
        let Ok(mut state) = self.state.try_borrow_mut() else { return false };
        state.give_up_running(&self.server, now);
        let over = state.waiting_until.is_some_and(|until| due(until, self.server.wait, now));
        if over {
            (state.given_up, state.waiting_until) = (true, None);
        }
        over
    }

    /// When something is to be done next.
    pub(crate) fn next_wake(&self, now: u64) -> u64 {
        let Ok(state) = self.state.try_borrow() else { return now };
        let next = match state.running {
            Some(started) => started.saturating_add(self.server.timeout).saturating_add(GRACE),
            None if state.wanted => state.wanted_at(&self.server, now).min(state.next_try(&self.server)),
            None => state.next_try(&self.server),
        };
        let next = next.min(state.waiting_until.unwrap_or(u64::MAX));
        // If the clock was set back, earlier deadlines are ignored.
        next.clamp(now, now.saturating_add(self.server.longest_pause()))
    }
}

impl State {
    /// Forgets keys that are too old.
    fn drop_stale(&mut self, server: &Server, now: u64) {
        // A clock that was set back makes them no older.
        if self.current.is_some() && now.saturating_sub(self.fetched) > server.longest_use() {
            self.current = None;
            self.answer = Box::default();
        }
    }

    /// Whether requests may wait: if there is time, and something to wait for.
    fn may_wait(&self, server: &Server, now: u64) -> bool {
        let over = self.waiting_until.is_some_and(|until| due(until, server.wait, now));
        server.wait > 0 && !self.given_up && !over
    }

    /// Which fetch was the first after a key was asked for that is not there.
    fn seek(&mut self, kid: &[u8], interval: u64, now: u64) -> u64 {
        self.sought.retain(|sought| !due(sought.asked.saturating_add(interval), interval, now));
        let (start, length) = (kid.get(..MAX_KID).unwrap_or(kid), kid.len());
        let known = self.sought.iter().find(|sought| sought.length == length && *sought.kid == *start);
        if let Some(sought) = known {
            return sought.fetch;
        }
        if self.sought.len() >= MAX_SOUGHT {
            // They are in the order in which they were asked for.
            self.sought.remove(0);
        }
        let fetch = self.started + 1;
        self.sought.push(Sought { kid: start.into(), length, asked: now, fetch });
        fetch
    }

    /// When keys that are unknown let them be fetched next.
    fn wanted_at(&self, server: &Server, now: u64) -> u64 {
        let gap = server.unknown_key_gap();
        let next = self.fetched_again.map_or(0, |last| last.saturating_add(gap));
        if due(next, gap, now) { now } else { next }
    }

    /// A fetch whose end the proxy never reports has timed out.
    fn give_up_running(&mut self, server: &Server, now: u64) {
        let most = server.timeout.saturating_add(GRACE);
        if self.running.is_some_and(|started| due(started.saturating_add(most), most, now)) {
            self.running = None;
            self.finished = self.started;
            self.tried = Some(now);
            self.failures = self.failures.saturating_add(1);
        }
    }

    fn is_due(&self, server: &Server, now: u64) -> bool {
        let wanted = self.wanted && self.wanted_at(server, now) <= now;
        wanted || due(self.next_try(server), server.longest_pause(), now)
    }

    /// When keys are fetched next: at once at the start, after a while if the last try failed, else when
    /// they are old.
    fn next_try(&self, server: &Server) -> u64 {
        let Some(tried) = self.tried else { return 0 };
        let pause = match self.failures.checked_sub(1) {
            None => server.refresh,
            Some(earlier) => server.retry.saturating_mul(1 << earlier.min(20)).min(server.retry_max),
        };
        tried.saturating_add(pause)
    }

    fn take(&mut self, answer: Result<(u16, &[u8]), ()>) -> Result<Vec<String>, String> {
        let (status, body) = answer.map_err(|()| "no answer".to_owned())?;
        if status != 200 {
            let hint = match status {
                300..400 => ", and redirects are not followed: use the address that it leads to",
                _ => "",
            };
            return Err(format!("the answer's status is {status}{hint}"));
        }
        if body.len() > MAX_RESPONSE_LEN {
            return Err("the response is longer than 1 MiB".to_owned());
        }
        if self.current.is_some() && *self.answer == *body {
            return Ok(Vec::new());
        }
        let (keys, skipped) = KeySet::parse(body).map_err(|error| error.to_string())?;
        self.generations = self.generations.wrapping_add(1);
        self.current = Some(Current { keys: Trusted(Rc::new(keys)), generation: self.generations });
        self.answer = body.into();
        Ok(skipped)
    }
}
