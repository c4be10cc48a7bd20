//! Which connections there are, and which one has to go when there are too many.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// A connection as long as its [`Place`] is held.
pub(super) struct Connection {
    /// When it was opened, or got its last answer.
    since: Mutex<Instant>,
    /// How many of its requests have arrived and are being checked.
    busy: AtomicUsize,
    closed: Notify,
}

/// All connections. Without one that can be closed nobody could take all places by keeping quiet.
pub(super) struct Connections {
    most: usize,
    open: Mutex<Vec<Arc<Connection>>>,
}

/// A connection's place, until it is dropped.
pub(super) struct Place {
    all: Arc<Connections>,
    pub(super) connection: Arc<Connection>,
}

impl Connections {
    /// Room for so many.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::new(Vec::new()) })
    }

    /// A place for a new connection. Where there are too many, the one that has been quiet longest is closed; none is
    /// left where each of them has a request that is being checked.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= self.most {
            let quiet = open.iter().enumerate().filter(|(_, it)| it.busy.load(Ordering::Relaxed) == 0);
            let (oldest, _) = quiet.min_by_key(|(_, it)| it.since())?;
            open.swap_remove(oldest).closed.notify_one();
        }
        let connection = Arc::new(Connection {
            since: Mutex::new(Instant::now()),
            busy: AtomicUsize::new(0),
            closed: Notify::new(),
        });
        open.push(Arc::clone(&connection));
        Some(Place { all: Arc::clone(self), connection })
    }

    /// How many there are.
    pub(super) fn number(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Connection {
    /// Since when it has been quiet.
    pub(super) fn since(&self) -> Instant {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// Returns when it has to be closed for another one.
    pub(super) async fn closed(&self) {
        self.closed.notified().await;
    }

    /// A request of it is being checked, until the result is dropped.
    pub(super) fn check(self: &Arc<Self>) -> Check {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Check(Arc::clone(self))
    }
}

/// See [`Connection::check`].
pub(super) struct Check(Arc<Connection>);

impl Drop for Check {
    fn drop(&mut self) {
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|it| !Arc::ptr_eq(it, &self.connection));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_is_quiet_longest_goes() {
        let all = Connections::new(3);
        let places: Vec<Place> = (0..3).map(|_| all.enter().unwrap()).collect();
        let is_open =
            |place: &Place| all.open.lock().unwrap().iter().any(|it| Arc::ptr_eq(it, &place.connection));
        // The first has had an answer meanwhile, and the second one's request is being checked.
        drop(places[0].connection.check());
        let checked = places[1].connection.check();
        let fourth = all.enter().unwrap();
        assert_eq!(places.iter().map(is_open).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(all.number(), 3);
        let (_busy, _too) = (places[0].connection.check(), fourth.connection.check());
        assert!(all.enter().is_none(), "no request is broken off for a newcomer");
        drop(checked);
        let fifth = all.enter().unwrap();
        assert!(!is_open(&places[1]) && is_open(&fifth));
        drop(places);
        drop((fourth, fifth));
        assert_eq!(all.number(), 0);
    }
}
