//! How much work the regular expressions of one request may be.

use std::cell::Cell;

/// What one request may spend, in bytes that an automaton goes through: about 5 ms of a proxy's time. Twenty
/// patterns on a header of 16 KiB are a third of it.
pub const WORK_OF_A_REQUEST: usize = 1_000_000;

/// What is left of it.
#[derive(Debug)]
pub struct Work(Cell<usize>);

impl Work {
    /// As much as one request may spend.
    pub const fn of_a_request() -> Self {
        Self(Cell::new(WORK_OF_A_REQUEST))
    }

    /// As much as nobody spends, for work that no client decides about.
    pub const fn unbounded() -> Self {
        Self(Cell::new(usize::MAX))
    }

    /// What is left.
    pub fn left(&self) -> usize {
        self.0.get()
    }

    /// Spends some of it.
    pub fn take(&self, steps: usize) {
        self.0.set(self.0.get().saturating_sub(steps));
    }

    /// Starts again, for another request.
    pub fn renew(&self) {
        self.0.set(WORK_OF_A_REQUEST);
    }
}

thread_local! {
    static OF_THIS_REQUEST: Work = const { Work::of_a_request() };
}

/// Another request, or the end of one, begins: its expressions have all the work before them.
pub fn renew() {
    OF_THIS_REQUEST.with(Work::renew);
}

/// Runs what only explains, with work of its own: nothing of what it spends is the request's.
pub fn aside<T>(explain: impl FnOnce() -> T) -> T {
    let left = of_this_request(|work| work.0.replace(WORK_OF_A_REQUEST));
    let explained = explain();
    of_this_request(|work| work.0.set(left));
    explained
}

/// What is left to the request at hand.
pub fn of_this_request<T>(spend: impl FnOnce(&Work) -> T) -> T {
    OF_THIS_REQUEST.with(spend)
}
