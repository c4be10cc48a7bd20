//! Counting, without a call to the proxy for each of a hundred counters.

use crate::{Host, MetricId, MetricKind};
use std::cell::RefCell;

/// Maximum number of counters that one request sends to the proxy. Each is a call, about 1k instructions.
const MAX_CALLS: usize = 8;

/// The counters of a plugin.
///
/// Up to eight counts a request go to the proxy at once. Where a request has more, as with a hundred
/// experiments, they are added up here, and this and later requests bring eight sums each; the rest comes
/// when the configuration is replaced. Only what waits in a VM that ends is lost.
///
/// ```
/// use weir_host::{Counters, FakeHost};
///
/// let proxy = FakeHost::default();
/// let names: Vec<String> = (0..20).map(|number| format!("experiment_{number}_total")).collect();
/// let counters = Counters::define(&names, &proxy);
/// let sum = || proxy.counters.borrow().iter().map(|(_, count)| count).sum::<i64>();
///
/// // A request that is in all of them: eight counts at once, the others with later requests …
/// counters.count(0..20, &proxy);
/// assert_eq!(sum(), 8);
/// counters.count([].into_iter(), &proxy);
/// assert_eq!(sum(), 16);
/// // … or when the configuration is replaced.
/// counters.flush(&proxy);
/// assert_eq!(sum(), 20);
/// ```
pub struct Counters {
    /// In the order in which they were defined; `None` where the proxy has no metrics.
    ids: Box<[Option<MetricId>]>,
    waiting: RefCell<Waiting>,
}

/// Sums that the proxy does not know yet.
#[derive(Default)]
struct Waiting {
    /// A sum for each counter; none at all before the first request that needs them.
    sums: Vec<u32>,
    /// How many of them are not zero.
    open: usize,
    /// The counter whose turn is next.
    next: usize,
}

impl Counters {
    /// Defines counters at the proxy; from here on they are numbers, in this order.
    pub fn define<H: Host>(names: &[String], host: &H) -> Self {
        let ids = names.iter().map(|name| host.define_metric(MetricKind::Counter, name)).collect();
        Self { ids, waiting: RefCell::default() }
    }

    /// Adds one to each of these counters.
    #[inline]
    pub fn count<H: Host>(&self, counters: impl ExactSizeIterator<Item = usize>, host: &H) {
        if H::SPREADS_COUNTS && (counters.len() > MAX_CALLS || self.has_waiting()) {
            return self.wait(counters, host);
        }
        for counter in counters {
            self.bring(counter, 1, host);
        }
    }

    /// Brings everything that waits.
    pub fn flush<H: Host>(&self, host: &H) {
        let Ok(mut waiting) = self.waiting.try_borrow_mut() else { return };
        while let Some((index, sum)) = waiting.take() {
            self.bring(index, sum, host);
        }
    }

    #[inline]
    fn has_waiting(&self) -> bool {
        // Only where a request may have had more counts than calls.
        self.ids.len() > MAX_CALLS && self.waiting.try_borrow().is_ok_and(|waiting| waiting.open > 0)
    }

    #[inline]
    fn bring<H: Host>(&self, index: usize, by: u32, host: &H) {
        if let Some(Some(id)) = self.ids.get(index) {
            host.increment(*id, i64::from(by));
        }
    }

    #[cold]
    #[inline(never)]
    fn wait<H: Host>(&self, counters: impl Iterator<Item = usize>, host: &H) {
        let Ok(mut waiting) = self.waiting.try_borrow_mut() else { return };
        waiting.sums.resize(self.ids.len(), 0);
        for counter in counters {
            waiting.add(counter);
        }
        for _ in 0..MAX_CALLS {
            let Some((index, sum)) = waiting.take() else { break };
            self.bring(index, sum, host);
        }
    }
}

impl Waiting {
    #[inline]
    fn add(&mut self, index: usize) {
        if let Some(sum) = self.sums.get_mut(index) {
            self.open += usize::from(*sum == 0);
            *sum = sum.saturating_add(1);
        }
    }

    /// The next sum that is not zero.
    fn take(&mut self) -> Option<(usize, u32)> {
        if self.open == 0 {
            return None;
        }
        for _ in 0..self.sums.len() {
            let index = self.next;
            self.next = if index + 1 < self.sums.len() { index + 1 } else { 0 };
            if let Some(sum @ 1..) = self.sums.get_mut(index) {
                self.open -= 1;
                return Some((index, std::mem::take(sum)));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FakeHost;

    fn set_up(number: usize) -> (FakeHost, Counters) {
        let host = FakeHost::default();
        let names: Vec<String> = (0..number).map(|i| format!("c{i}")).collect();
        let counters = Counters::define(&names, &host);
        (host, counters)
    }

    fn values(host: &FakeHost) -> Vec<i64> {
        host.counters.borrow().iter().map(|(_, value)| *value).collect()
    }

    #[test]
    fn few_counts_arrive_at_once() {
        let (host, counters) = set_up(20);
        counters.count(0..8, &host);
        counters.count(7..9, &host);
        let expected: Vec<i64> = (0..20).map(|i| if i == 7 { 2 } else { i64::from(i < 9) }).collect();
        assert_eq!(values(&host), expected);
    }

    #[test]
    fn many_counts_arrive_with_later_requests_and_none_is_lost() {
        let (host, counters) = set_up(100);
        for request in 1..=50 {
            let before = values(&host);
            counters.count(0..100, &host);
            let changed = values(&host).iter().zip(&before).filter(|(new, old)| new != old).count();
            assert_eq!(changed, MAX_CALLS);
            // Each is behind by at most a round.
            assert!(values(&host).iter().all(|value| request - value <= 13), "{request}");
        }
        for _ in 0..100 {
            counters.count(0..0, &host);
        }
        assert_eq!(values(&host), vec![50; 100]);
        counters.count(0..1, &host);
        assert_eq!(values(&host)[0], 51, "and then they arrive at once again");
    }

    #[test]
    fn the_rest_arrives_at_the_end() {
        let (host, counters) = set_up(100);
        counters.count(0..100, &host);
        counters.flush(&host);
        assert_eq!(values(&host), vec![1; 100]);
        counters.flush(&host);
        assert_eq!(values(&host), vec![1; 100]);
    }
}
