//! Timers: delayed requests, held requests, throttled responses.
//!
//! A proxy provides one timer per root context. It is set to the next due event and stopped if there is none,
//! so an idle plugin never wakes up. It may fire early (Envoy's clock has the resolution of the kernel's
//! ticks), so the steady clock determines what is due, and nothing happens early.

use crate::{Host, Reply};
use std::cell::RefCell;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::rc::Rc;

/// How many streams go on in one callback. Each one's next step can call back into the VM, one inside the
/// other, and some hundreds of them overflow its stack: in Envoy with V8 400 do not, and 600 do.
pub const MAX_BATCH: usize = 64;

/// How often it is looked whether the clients of waiting streams are still there, in nanoseconds.
const BETWEEN_LOOKS: u64 = 1_000_000_000;

/// The same where a request finds no room to wait, in nanoseconds: a look at ten thousand streams takes about
/// a millisecond, and clients decide how often there is no room.
const BETWEEN_LOOKS_FOR_ROOM: u64 = 50_000_000;

/// After how long a request that is held is decided again even if its plugin says nothing, in nanoseconds.
const PATIENCE: u64 = 60_000_000_000;

/// A stream that waits.
pub(crate) struct Waiting<P> {
    pub(crate) due: u64,
    pub(crate) stream: u32,
    pub(crate) plugin: Rc<P>,
    pub(crate) then: Then,
}

/// What happens when its time has come.
pub(crate) enum Then {
    /// The delay with this mark is over: the request goes on, or is answered.
    DelayOver { mark: u16, reply: Option<Box<Reply>> },
    /// The request, held with this mark and since then, is decided again.
    Again { mark: u16, since: u64 },
    /// The response goes on.
    ResumeResponse,
}

/// All that waits in a VM.
pub(crate) struct Timers<P> {
    state: RefCell<State<P>>,
}

struct State<P> {
    waiting: BinaryHeap<Reverse<Waiting<P>>>,
    /// When the timer of each root rings; roots whose timer is stopped are not here.
    armed: Vec<(u32, u64)>,
    next_look: u64,
    /// From when on it may be looked because there is no room.
    next_look_for_room: u64,
}

impl<P> Timers<P> {
    pub(crate) const fn new() -> Self {
        let state =
            State { waiting: BinaryHeap::new(), armed: Vec::new(), next_look: 0, next_look_for_room: 0 };
        Self { state: RefCell::new(state) }
    }

    /// How many streams wait.
    pub(crate) fn len(&self) -> usize {
        self.state.try_borrow().map_or(0, |state| state.waiting.len())
    }

    /// Lets a stream of the root wait.
    pub(crate) fn add<H: Host>(&self, host: &H, root: u32, waiting: Waiting<P>) {
        let mut due = waiting.due;
        if let Ok(mut state) = self.state.try_borrow_mut() {
            if state.waiting.is_empty() {
                state.next_look = host.steady_now().saturating_add(BETWEEN_LOOKS);
            }
            due = due.min(state.next_look);
            state.waiting.push(Reverse(waiting));
        }
        self.wake_at(host, root, due);
    }

    /// Until when a request that is held now waits at most.
    pub(crate) fn patience(now: u64) -> u64 {
        now.saturating_add(PATIENCE)
    }

    /// Has the root's timer ring no later than at `due`.
    pub(crate) fn wake_at<H: Host>(&self, host: &H, root: u32, due: u64) {
        let Ok(mut state) = self.state.try_borrow_mut() else { return };
        match state.armed.iter_mut().find(|(known, _)| *known == root) {
            Some((_, armed)) if *armed <= due => return,
            Some((_, armed)) => *armed = due,
            None => state.armed.push((root, due)),
        }
        drop(state);
        arm(host, due);
    }

    /// The root's timer rang.
    pub(crate) fn fired(&self, root: u32) {
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.armed.retain(|(known, _)| *known != root);
        }
    }

    /// Sets the root's timer, which has rung, to what is due next: that, or something of the plugin's own.
    pub(crate) fn rearm<H: Host>(&self, host: &H, root: u32, own: Option<u64>) {
        let next = self.state.try_borrow().ok().and_then(|state| state.next());
        match next.into_iter().chain(own).min() {
            Some(due) => self.wake_at(host, root, due),
            None => host.set_timer(0),
        }
    }

    /// Forgets the timers of roots that are gone.
    pub(crate) fn keep_only(&self, keeps: impl Fn(u32) -> bool) {
        if let Ok(mut state) = self.state.try_borrow_mut() {
            state.armed.retain(|(root, _)| keeps(*root));
        }
    }

    /// The next stream whose time has come.
    pub(crate) fn take_due(&self, now: u64) -> Option<Waiting<P>> {
        let mut state = self.state.try_borrow_mut().ok()?;
        let due = state.waiting.peek().is_some_and(|Reverse(first)| first.due <= now);
        if due { state.waiting.pop().map(|Reverse(first)| first) } else { None }
    }

    /// Requests that a plugin holds need not wait any longer.
    pub(crate) fn release(&self, plugin: &Rc<P>, now: u64) {
        let Ok(mut state) = self.state.try_borrow_mut() else { return };
        let mut all = std::mem::take(&mut state.waiting).into_vec();
        for Reverse(waiting) in &mut all {
            if matches!(waiting.then, Then::Again { .. }) && Rc::ptr_eq(&waiting.plugin, plugin) {
                waiting.due = waiting.due.min(now);
            }
        }
        state.waiting = all.into();
    }

    /// Takes out the streams whose clients have gone, when it is time to look for them.
    pub(crate) fn take_gone<H: Host>(&self, host: &H, now: u64) -> Vec<Waiting<P>> {
        match self.state.try_borrow_mut() {
            Ok(mut state) if now >= state.next_look => state.take_gone(host, now),
            _ => Vec::new(),
        }
    }

    /// The same at any time.
    pub(crate) fn take_all_gone<H: Host>(&self, host: &H) -> Vec<Waiting<P>> {
        let state = self.state.try_borrow_mut();
        state.map_or_else(|_| Vec::new(), |mut state| state.take_gone(host, host.steady_now()))
    }

    /// The same when somebody needs their room, which may be more often.
    pub(crate) fn take_gone_for_room<H: Host>(&self, host: &H, now: u64) -> Vec<Waiting<P>> {
        match self.state.try_borrow_mut() {
            Ok(mut state) if now >= state.next_look_for_room => {
                state.next_look_for_room = now.saturating_add(BETWEEN_LOOKS_FOR_ROOM);
                state.take_gone(host, now)
            }
            _ => Vec::new(),
        }
    }
}

impl<P> State<P> {
    fn take_gone<H: Host>(&mut self, host: &H, now: u64) -> Vec<Waiting<P>> {
        self.next_look = now.saturating_add(BETWEEN_LOOKS);
        let all = std::mem::take(&mut self.waiting).into_vec();
        let (there, gone): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|Reverse(waiting)| host.is_alive(waiting.stream));
        self.waiting = there.into();
        gone.into_iter().map(|Reverse(waiting)| waiting).collect()
    }

    fn next(&self) -> Option<u64> {
        self.waiting.peek().map(|Reverse(first)| first.due.min(self.next_look))
    }
}

/// Sets the timer of the root in whose callback this is.
fn arm<H: Host>(host: &H, due: u64) {
    // In whole milliseconds, and at least one: a period of 0 would stop it.
    let milliseconds = due.saturating_sub(host.steady_now()).div_ceil(1_000_000).max(1);
    host.set_timer(u32::try_from(milliseconds).unwrap_or(u32::MAX));
}

impl<P> Waiting<P> {
    /// What is due first comes first; what is due at once, in the order of the streams.
    fn order(&self) -> (u64, u32) {
        (self.due, self.stream)
    }
}

impl<P> PartialEq for Waiting<P> {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl<P> Eq for Waiting<P> {}

impl<P> PartialOrd for Waiting<P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<P> Ord for Waiting<P> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}
