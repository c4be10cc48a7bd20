//! From what counters were to how much they went up: resets, gaps, and proxies that come and go.

use std::collections::BTreeMap;

/// Windows of time, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Where the first window begins, in seconds since 1970.
    pub(crate) start: u64,
    /// How long a window is, in seconds.
    pub(crate) step: u64,
    /// How many windows.
    pub(crate) windows: usize,
}

/// Lengths of windows: parts of a day, so that days are whole windows.
const STEPS: [u64; 12] = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
/// The most windows; Prometheus gives 11,000 points at most.
const MAX_WINDOWS: u64 = 2000;

impl Span {
    /// The span from one time to another, in seconds since 1970. Its end is rounded up to a whole window. Windows of
    /// less than a minute are for spans of less than an hour.
    pub(crate) fn between(since: u64, until: u64) -> Option<Self> {
        let length = until.checked_sub(since).filter(|length| *length > 0)?;
        let least = if length >= 3600 { 60 } else { 1 };
        let fits = |step: &&u64| **step >= least && length.div_ceil(**step) <= MAX_WINDOWS;
        let step = *STEPS.iter().find(fits)?;
        Some(Self { start: since, step, windows: usize::try_from(length.div_ceil(step)).ok()? })
    }

    pub(crate) fn end(&self) -> u64 {
        self.start + self.step * self.windows as u64
    }

    /// The end of a window, counted from 0.
    pub(crate) fn end_of(&self, window: usize) -> u64 {
        self.start + self.step * (window as u64 + 1)
    }

    /// The place of a point in time: 0 is the start, 1 the end of the first window.
    fn place(&self, time: u64) -> Option<usize> {
        let place = usize::try_from(time.checked_sub(self.start)? / self.step).ok()?;
        (place <= self.windows).then_some(place)
    }
}

/// A series as Prometheus gives it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// Without the metric's name.
    pub(crate) labels: BTreeMap<String, String>,
    /// Seconds since 1970, and the value.
    pub(crate) samples: Vec<(u64, f64)>,
}

/// One counter of one proxy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counter {
    pub(crate) labels: BTreeMap<String, String>,
    /// At the start, and for each window: the last value, and the highest one.
    seen: Vec<Option<(f64, f64)>>,
}

impl Counter {
    /// Counters from the last values and the highest values of each window.
    pub(crate) fn join(last: Vec<Series>, highest: Vec<Series>, span: &Span) -> Vec<Self> {
        let mut peaks: BTreeMap<BTreeMap<String, String>, Vec<(u64, f64)>> = BTreeMap::new();
        for series in highest {
            peaks.entry(series.labels).or_default().extend(series.samples);
        }
        let counter = |series: Series| {
            let mut seen = vec![None; span.windows + 1];
            for (time, value) in series.samples.into_iter().filter(is_count) {
                if let Some(place) = span.place(time).and_then(|place| seen.get_mut(place)) {
                    *place = Some((value, value));
                }
            }
            for (time, value) in peaks.remove(&series.labels).unwrap_or_default().into_iter().filter(is_count)
            {
                if let Some(Some(both)) = span.place(time).and_then(|place| seen.get_mut(place)) {
                    both.1 = both.1.max(value);
                }
            }
            Self { labels: series.labels, seen }
        };
        last.into_iter().map(counter).collect()
    }

    /// Gives counters the values that they had at the start, where a window before it has none. Of each series only the
    /// sample at the start counts.
    pub(crate) fn begin(counters: &mut [Self], at_start: Vec<Series>, span: &Span) {
        for series in at_start {
            let value = series.samples.iter().find(|(time, _)| *time == span.start).filter(|it| is_count(it));
            let counter = counters.iter_mut().find(|counter| counter.labels == series.labels);
            if let Some((first, (_, value))) = counter.and_then(|it| it.seen.first_mut()).zip(value) {
                first.get_or_insert((*value, *value));
            }
        }
    }

    /// The first place where it was seen.
    pub(crate) fn first(&self) -> Option<usize> {
        self.seen.iter().position(Option::is_some)
    }

    /// How much it went up in each window. What it had when scraping began (`began`, the first place of all
    /// counters) is no increase; a counter that came later began at 0, as those of a new proxy do, and as a series does
    /// whose labels come from traffic. A value below an earlier one is a reset: the proxy began again at 0.
    pub(crate) fn increases(&self, began: usize) -> Vec<f64> {
        let mut before: Option<f64> = None;
        let mut increases = vec![0.0; self.seen.len().saturating_sub(1)];
        for (place, seen) in self.seen.iter().enumerate() {
            let Some((last, peak)) = *seen else { continue };
            let increase = match before {
                None if place <= began => 0.0,
                None => rise(0.0, last, peak),
                Some(before) => rise(before, last, peak),
            };
            before = Some(last);
            if let Some(sum) = place.checked_sub(1).and_then(|window| increases.get_mut(window)) {
                *sum += increase;
            }
        }
        increases
    }
}

/// Counters are never negative.
fn is_count((_, value): &(u64, f64)) -> bool {
    *value >= 0.0
}

/// From one value to another by way of the highest one.
fn rise(before: f64, last: f64, peak: f64) -> f64 {
    let peak = peak.max(before);
    if last < peak { peak - before + last } else { last - before }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { start: 1000, step: 60, windows: 5 };

    fn series(samples: &[(u64, f64)]) -> Series {
        let samples = samples.iter().map(|(place, value)| (1000 + 60 * place, *value)).collect();
        Series { labels: BTreeMap::from([("instance".to_owned(), "a".to_owned())]), samples }
    }

    fn increases(last: &[(u64, f64)], highest: &[(u64, f64)], began: usize) -> Vec<f64> {
        let counters = Counter::join(vec![series(last)], vec![series(highest)], &SPAN);
        assert_eq!(counters.len(), 1);
        counters[0].increases(began)
    }

    #[test]
    fn a_counter_goes_up() {
        let values = [(0, 10.0), (1, 12.0), (2, 12.0), (3, 15.0), (4, 15.0), (5, 16.0)];
        assert_eq!(increases(&values, &values, 0), [2.0, 0.0, 3.0, 0.0, 1.0]);
    }

    #[test]
    fn a_reset_loses_nothing_that_was_scraped() {
        // In the second window it went from 12 to 14, then began again and came to 3.
        let last = [(0, 10.0), (1, 12.0), (2, 3.0), (3, 5.0)];
        let highest = [(0, 10.0), (1, 12.0), (2, 14.0), (3, 5.0)];
        assert_eq!(increases(&last, &highest, 0), [2.0, 5.0, 2.0, 0.0, 0.0]);
        // It began again and came to more than it had had at the window's start.
        let last = [(0, 1.0), (1, 30.0)];
        let highest = [(0, 1.0), (1, 40.0)];
        assert_eq!(increases(&last, &highest, 0)[0], 69.0);
    }

    #[test]
    fn a_span_in_the_middle_begins_with_what_was_there() {
        // Two proxies that have counted for long, scraped at different times, less often than windows are long.
        let of = |name: &str, samples: &[(u64, f64)]| {
            let labels = BTreeMap::from([("instance".to_owned(), name.to_owned())]);
            Series { labels, samples: series(samples).samples }
        };
        let last = vec![of("a", &[(1, 105.0), (4, 109.0)]), of("b", &[(3, 1007.0)]), of("new", &[(2, 3.0)])];
        let mut counters = Counter::join(last.clone(), last, &SPAN);
        Counter::begin(&mut counters, vec![of("a", &[(0, 100.0)]), of("b", &[(0, 1000.0), (1, 1.0)])], &SPAN);
        let began = counters.iter().filter_map(Counter::first).min().unwrap();
        let all: Vec<f64> = counters.iter().map(|it| it.increases(began).iter().sum()).collect();
        assert_eq!(all, [9.0, 7.0, 3.0]);
    }

    #[test]
    fn missing_scrapes_change_nothing() {
        assert_eq!(increases(&[(0, 1.0), (4, 9.0)], &[(0, 1.0), (4, 9.0)], 0), [0.0, 0.0, 0.0, 8.0, 0.0]);
    }

    #[test]
    fn proxies_that_come_later_began_at_zero() {
        let values = [(3, 7.0), (4, 9.0)];
        assert_eq!(increases(&values, &values, 0), [0.0, 0.0, 7.0, 2.0, 0.0]);
        assert_eq!(increases(&values, &values, 3), [0.0, 0.0, 0.0, 2.0, 0.0], "scraping itself began there");
    }

    #[test]
    fn spans_are_whole_windows() {
        let span = |length| Span::between(0, length).map(|span| (span.step, span.windows));
        assert_eq!(span(0), None);
        assert_eq!(span(90), Some((1, 90)));
        assert_eq!(span(3600), Some((60, 60)));
        assert_eq!(span(86_400), Some((60, 1440)));
        assert_eq!(span(28 * 86_400), Some((1800, 1344)));
        assert_eq!(span(10 * 365 * 86_400 * 10), None, "a century");
        assert_eq!(SPAN.place(999), None);
        assert_eq!((SPAN.place(1000), SPAN.place(1300), SPAN.place(1360)), (Some(0), Some(5), None));
    }
}
