//! Counters with labels, added up by workers and brought to Envoy by the main thread.
//!
//! For each addition to a counter with labels, Envoy looks up the series by the texts of the labels: 3,400
//! instructions, as much as a filter. So a worker adds to a number of its own, and every now and then ([`EVERY`]) the
//! main thread brings the sums. What is left when a configuration ends is brought then.
//!
//! Envoy forgets a counter with labels when the last configuration that has counted it ends. So a new configuration
//! counts nothing, once, in each series that those before it have met: counters go on over updates.

use crate::abi::{Config, ConfigAtEnd};
use crate::families::Families;
use crate::main_thread::MainThread;
use crate::wake::{self, Due};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How long a count takes to arrive in Envoy at most, apart from the main thread's own work.
pub(crate) const EVERY: Duration = Duration::from_millis(50);

/// How many series a configuration takes over at most; further ones begin again.
const MAX_BEFORE: usize = 10_000;

/// The counters of all configurations that are there.
static LIVE: Mutex<Vec<Weak<Counts>>> = Mutex::new(Vec::new());

/// What all configurations know a series by: its metric, as [`Families`] does, and the values of its labels.
type Known = (Box<str>, Box<[Box<str>]>);

/// A counter of one worker.
pub(crate) struct Counted {
    /// The metric, as [`Families`] knows it, and by Envoy's number.
    family: Box<str>,
    metric: usize,
    /// The values of its labels.
    labels: Box<[Box<str>]>,
    /// What Envoy does not know yet.
    sum: AtomicU64,
    /// Whether it has been counted.
    met: AtomicBool,
}

/// The counters with labels of a configuration, of all workers.
pub(crate) struct Counts {
    /// What has the main thread come.
    main: MainThread,
    /// Whether it will come.
    comes: AtomicBool,
    all: Mutex<Vec<Arc<Counted>>>,
    /// The series that configurations before this one have met.
    before: Mutex<BTreeSet<Known>>,
}

impl Counts {
    pub(crate) fn new(main: MainThread) -> Arc<Self> {
        Arc::new(Self {
            main,
            comes: AtomicBool::new(false),
            all: Mutex::default(),
            before: Mutex::default(),
        })
    }

    /// Takes over the series of the configurations that are there, on the main thread.
    pub(crate) fn take_over(self: &Arc<Self>, config: Config, families: &Families) {
        let mut live = lock(&LIVE);
        live.retain(|counts| counts.strong_count() > 0);
        let mut before = BTreeSet::new();
        for counts in live.iter().filter_map(Weak::upgrade) {
            before.extend(lock(&counts.before).iter().cloned());
            let all = lock(&counts.all);
            let met = all.iter().filter(|counted| counted.is_met());
            before.extend(met.map(|counted| (counted.family.clone(), counted.labels.clone())));
        }
        before.retain(|(family, _)| families.find(family).is_some());
        while before.len() > MAX_BEFORE {
            before.pop_last();
        }
        for (family, labels) in &before {
            if let Some(metric) = families.find(family) {
                config.count(metric, labels, 0);
            }
        }
        *lock(&self.before) = before;
        live.push(Arc::downgrade(self));
    }

    /// A counter that is added up; `None` where nothing would bring the sums.
    pub(crate) fn counter(&self, family: &str, metric: usize, labels: &[Box<str>]) -> Option<Arc<Counted>> {
        if self.main.is_none() || !wake::has_clock() {
            return None;
        }
        let counted = Arc::new(Counted::new(family, metric, labels));
        lock(&self.all).push(Arc::clone(&counted));
        Some(counted)
    }

    /// Adds to a counter.
    #[inline]
    pub(crate) fn add(self: &Arc<Self>, counted: &Counted, by: u64) {
        // Either the main thread takes this too, or it has said before that it will not come.
        counted.sum.fetch_add(by, Ordering::SeqCst);
        if !self.comes.load(Ordering::SeqCst) {
            self.call();
        }
    }

    #[cold]
    fn call(self: &Arc<Self>) {
        if !self.comes.swap(true, Ordering::SeqCst) {
            let this: Weak<Self> = Arc::downgrade(self);
            wake::alarm(Instant::now() + EVERY, this);
        }
    }

    /// Passes the sums to Envoy, on the main thread.
    pub(crate) fn flush(&self, config: Config) {
        if self.comes.swap(false, Ordering::SeqCst) {
            self.take(|metric, labels, sum| config.count(metric, labels, sum));
        }
    }

    /// Passes on what is left while Envoy drops the configuration.
    pub(crate) fn flush_last(&self, config: &ConfigAtEnd) {
        self.take(|metric, labels, sum| config.count(metric, labels, sum));
    }

    fn take(&self, flush: impl Fn(usize, &[Box<str>], u64)) {
        for counted in &*lock(&self.all) {
            // Most have nothing new, and a write would take the number away from the workers' caches.
            if counted.sum.load(Ordering::SeqCst) > 0 {
                let sum = counted.sum.swap(0, Ordering::SeqCst);
                counted.met.store(true, Ordering::Relaxed);
                flush(counted.metric, &counted.labels, sum);
            }
        }
    }
}

impl Counted {
    fn new(family: &str, metric: usize, labels: &[Box<str>]) -> Self {
        let (sum, met) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { family: family.into(), metric, labels: labels.into(), sum, met }
    }

    fn is_met(&self) -> bool {
        self.met.load(Ordering::Relaxed) || self.sum.load(Ordering::SeqCst) > 0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Due for Counts {
    fn expired(&self, _: Instant) {
        if let Some(main) = &self.main {
            main.commit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn counter(counts: &Counts, metric: usize, label: &str) -> Arc<Counted> {
        let counted =
            Counted::new(&format!("Counter take_over_{metric} variant"), metric, &[Box::from(label)]);
        let counted = Arc::new(counted);
        lock(&counts.all).push(Arc::clone(&counted));
        counted
    }

    /// What the main thread would bring, if it were to come.
    fn taken(counts: &Counts) -> Vec<(usize, String, u64)> {
        let all = RefCell::default();
        counts.take(|metric, labels, sum| {
            let mut all: std::cell::RefMut<'_, Vec<_>> = all.borrow_mut();
            all.push((metric, labels.join(","), sum));
        });
        all.into_inner()
    }

    #[test]
    fn each_sum_is_brought_once() {
        let counts = Counts::new(None);
        let (a, _unused, b) =
            (counter(&counts, 1, "a"), counter(&counts, 1, "unused"), counter(&counts, 2, "b"));
        counts.add(&a, 2);
        counts.add(&b, 1);
        counts.add(&a, 3);
        assert_eq!(taken(&counts), [(1, "a".to_owned(), 5), (2, "b".to_owned(), 1)]);
        assert_eq!(taken(&counts), []);
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        const EACH: u64 = 20_000;
        let counts = Counts::new(None);
        let counters = [counter(&counts, 1, "a"), counter(&counts, 2, "b")];
        let mut total = 0;
        std::thread::scope(|scope| {
            let workers = counters.each_ref().map(|counted| {
                let counts = &counts;
                scope.spawn(move || (0..EACH).for_each(|_| counts.add(counted, 1)))
            });
            while !workers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                counts.comes.store(false, Ordering::SeqCst);
                total += taken(&counts).iter().map(|(_, _, sum)| sum).sum::<u64>();
            }
        });
        // What came after the last look has called for another one.
        let left: u64 = taken(&counts).iter().map(|(_, _, sum)| sum).sum();
        assert!(left == 0 || counts.comes.load(Ordering::SeqCst));
        assert_eq!(total + left, 2 * EACH);
    }

    #[test]
    fn without_the_main_thread_nothing_is_added_up() {
        assert!(Counts::new(None).counter("Counter x_total a", 1, &[]).is_none());
    }

    #[test]
    fn series_are_taken_over_from_one_configuration_to_the_next() {
        let [first, second, third] = [(); 3].map(|()| Counts::new(None));
        // Counted, counted as a metric that goes, and not counted.
        let counters = [counter(&first, 71, "a"), counter(&first, 72, "a"), counter(&first, 71, "b")];
        counters.iter().take(2).for_each(|counted| first.add(counted, 1));
        let families = Families::of(&[(&counters[0].family, 3)]);
        for counts in [&first, &second] {
            counts.take_over(Config::nowhere(), &families);
        }
        drop(first);
        third.take_over(Config::nowhere(), &families);
        // Other tests have configurations too.
        let ours = |known: &&Known| counters.iter().any(|counted| counted.family == known.0);
        let taken: Vec<Known> = lock(&third.before).iter().filter(ours).cloned().collect();
        assert_eq!(taken, [(counters[0].family.clone(), Box::from([Box::from("a")]))]);
    }
}
