//! Wakes workers: Envoy's ABI has no timers for filters, so a thread of this module waits for the time, and has Envoy
//! call a filter on its worker.
//!
//! Only a stream can be called, and only one that waits is worth a call: a worker on which nothing waits does what is
//! due with its next request. A stream that was called may end before the call arrives; then another one is called.

use crate::abi::Scheduler;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

/// What has a worker called: something that can be done once from another thread.
pub(crate) trait Call: Send + 'static {
    /// Has Envoy call the filter, some time later.
    fn call(&self);
}

impl Call for Scheduler {
    fn call(&self) {
        self.commit();
    }
}

/// A worker that can be woken from other threads.
pub(crate) struct Wake<C = Scheduler> {
    state: Mutex<State<C>>,
    /// Whether something is to be done with the next request, because no stream waits that could be called.
    overdue: AtomicBool,
}

struct State<C> {
    /// When the timer fires; `None` when it is stopped.
    due: Option<Instant>,
    /// The streams that wait.
    streams: BTreeMap<u32, C>,
    /// The stream that was called and has not answered yet.
    called: Option<u32>,
}

impl<C: Call> Wake<C> {
    pub(crate) fn new() -> Arc<Self> {
        let state = State { due: None, streams: BTreeMap::new(), called: None };
        Arc::new(Self { state: Mutex::new(state), overdue: AtomicBool::new(false) })
    }

    /// A stream waits from here on.
    pub(crate) fn add(&self, stream: u32, call: C) {
        let mut state = self.lock();
        state.streams.insert(stream, call);
        if self.overdue.swap(false, Ordering::Relaxed) {
            self.ring(&mut state);
        }
    }

    /// A stream does not wait any longer.
    pub(crate) fn remove(&self, stream: u32) {
        let mut state = self.lock();
        // What is taken out is dropped while no thread can use it.
        if state.streams.remove(&stream).is_some() && state.called == Some(stream) {
            state.called = None;
            self.ring(&mut state);
        }
    }

    /// Whether no stream waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().streams.is_empty()
    }

    /// Has the worker called at this time, and at no other; `None` stops the timer.
    pub(crate) fn at(self: &Arc<Self>, due: Option<Instant>)
    where
        Self: Timed,
    {
        self.lock().due = due;
        if let Some(due) = due {
            Self::wait(due, Arc::downgrade(self));
        }
    }

    /// Has the worker called now.
    pub(crate) fn now(&self) {
        let mut state = self.lock();
        self.ring(&mut state);
    }

    fn ring(&self, state: &mut State<C>) {
        if state.called.is_some() {
            return;
        }
        match state.streams.iter().next() {
            Some((stream, call)) => {
                call.call();
                state.called = Some(*stream);
            }
            None => self.overdue.store(true, Ordering::Relaxed),
        }
    }

    /// The worker was called.
    pub(crate) fn arrived(&self) {
        self.lock().called = None;
    }

    /// Whether something is to be done that no stream could be called for. At most once for each.
    #[inline]
    pub(crate) fn take_overdue(&self) -> bool {
        self.overdue.load(Ordering::Relaxed) && self.overdue.swap(false, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happens at a time for which the thread has waited.
pub(crate) trait Due: Send + Sync {
    /// The time is over.
    fn expired(&self, now: Instant);
}

impl<C: Call> Due for Wake<C> {
    fn expired(&self, now: Instant) {
        let mut state = self.lock();
        // The timer may have been set to a later time since.
        if state.due.is_some_and(|due| due <= now) {
            state.due = None;
            self.ring(&mut state);
        }
    }
}

/// What the thread can wait for.
pub(crate) trait Timed: Sized {
    /// Has the thread call [`Wake::expired`] then.
    fn wait(due: Instant, what: Weak<Self>);
}

impl Timed for Wake<Scheduler> {
    fn wait(due: Instant, what: Weak<Self>) {
        alarm(due, what);
    }
}

/// The thread; `None` where it could not be started.
fn clock() -> Option<&'static Arc<Clock>> {
    static CLOCK: OnceLock<Option<Arc<Clock>>> = OnceLock::new();
    CLOCK.get_or_init(Clock::start).as_ref()
}

/// Whether alarms ring.
pub(crate) fn has_clock() -> bool {
    clock().is_some()
}

/// Has [`Due::expired`] called at this time.
pub(crate) fn alarm(due: Instant, what: Weak<dyn Due>) {
    if let Some(clock) = clock() {
        clock.add(due, what);
    }
}

/// The thread, and what it waits for.
struct Clock {
    alarms: Mutex<Alarms>,
    changed: Condvar,
}

#[derive(Default)]
struct Alarms {
    /// The next one first.
    order: BinaryHeap<Reverse<(Instant, u64)>>,
    by_number: BTreeMap<u64, Weak<dyn Due>>,
    next_number: u64,
}

/// How long the thread waits at most; a new alarm notifies it.
const LONGEST: Duration = Duration::from_secs(3600);

impl Clock {
    fn start() -> Option<Arc<Self>> {
        let clock = Arc::new(Self { alarms: Mutex::default(), changed: Condvar::new() });
        let running = Arc::clone(&clock);
        let thread = std::thread::Builder::new().name("weir_timer".to_owned());
        if let Err(error) = thread.spawn(move || running.run()) {
            crate::abi::log(
                log::Level::Error,
                &format!("weir: no thread for timers, delays do not end: {error}"),
            );
            return None;
        }
        Some(clock)
    }

    fn add(&self, due: Instant, what: Weak<dyn Due>) {
        let mut alarms = self.lock();
        let number = alarms.next_number;
        alarms.next_number = number.wrapping_add(1);
        alarms.order.push(Reverse((due, number)));
        alarms.by_number.insert(number, what);
        let is_first = alarms.order.peek().is_some_and(|Reverse((_, first))| *first == number);
        drop(alarms);
        if is_first {
            self.changed.notify_one();
        }
    }

    fn run(&self) {
        let mut alarms = self.lock();
        loop {
            let now = Instant::now();
            while let Some(what) = alarms.take_due(now) {
                // Workers set their timers while they hold locks of their own: never wait for both.
                drop(alarms);
                if let Some(what) = what.upgrade() {
                    what.expired(now);
                }
                alarms = self.lock();
            }
            let next = alarms.order.peek().map(|Reverse((due, _))| due.saturating_duration_since(now));
            let longest = next.unwrap_or(LONGEST);
            alarms = self.changed.wait_timeout(alarms, longest).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alarms {
    fn take_due(&mut self, now: Instant) -> Option<Weak<dyn Due>> {
        let Reverse((due, number)) = *self.order.peek()?;
        if due > now {
            return None;
        }
        self.order.pop();
        self.by_number.remove(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Note(Arc<Mutex<Vec<u32>>>, u32);

    impl Call for Note {
        fn call(&self) {
            self.0.lock().unwrap().push(self.1);
        }
    }

    struct Fixture {
        wake: Arc<Wake<Note>>,
        calls: Arc<Mutex<Vec<u32>>>,
    }

    impl Fixture {
        fn new(streams: &[u32]) -> Self {
            let fixture = Self { wake: Wake::new(), calls: Arc::default() };
            streams.iter().for_each(|stream| fixture.add(*stream));
            fixture
        }

        fn add(&self, stream: u32) {
            self.wake.add(stream, Note(Arc::clone(&self.calls), stream));
        }

        fn calls(&self) -> Vec<u32> {
            std::mem::take(&mut self.calls.lock().unwrap())
        }
    }

    #[test]
    fn one_stream_is_called_until_it_answers() {
        let all = Fixture::new(&[7, 8]);
        all.wake.now();
        all.wake.now();
        assert_eq!(all.calls(), [7]);
        all.wake.arrived();
        all.wake.now();
        assert_eq!(all.calls(), [7]);
    }

    #[test]
    fn a_call_to_a_stream_that_ends_goes_to_another() {
        let all = Fixture::new(&[7, 8]);
        all.wake.now();
        all.wake.remove(7);
        assert_eq!(all.calls(), [7, 8]);
        all.wake.remove(8);
        assert!(all.wake.take_overdue() && !all.wake.take_overdue() && all.wake.is_idle());
    }

    #[test]
    fn what_no_stream_waits_for_comes_with_the_next() {
        let all = Fixture::new(&[]);
        all.wake.now();
        assert_eq!(all.calls(), [0; 0]);
        all.add(9);
        assert_eq!((all.calls(), all.wake.take_overdue()), (vec![9], false));
    }

    #[test]
    fn a_timer_that_was_set_later_does_not_ring_early() {
        let all = Fixture::new(&[7]);
        let start = Instant::now();
        all.wake.lock().due = Some(start + Duration::from_secs(2));
        all.wake.expired(start + Duration::from_secs(1));
        assert_eq!(all.calls(), [0; 0]);
        all.wake.expired(start + Duration::from_secs(2));
        all.wake.expired(start + Duration::from_secs(3));
        assert_eq!(all.calls(), [7]);
    }
}
