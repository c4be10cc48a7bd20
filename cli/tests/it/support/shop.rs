//! A made-up shop with an experiment: what its proxies' counters say at each scrape, and what really happened.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

/// The configuration that counts so.
pub const CONFIG: &str = r#"
experiments:
  unit: header:x-user-id
  secret: {value: for-tests-only-a-secret}
  assignmentCookie: {name: seen}
  list:
  - {key: check.out, variants: [{key: control, weight: 1}, {key: one-page, weight: 1}]}
metrics:
  red: {}
  goals: [{name: order}]
  list:
  - {name: orders_total, experiments: "*"}
  - name: clicks_total
    experiments: check.out
    labels: {bucket: {subBucket: {unit: "header:x-user-id"}}}
"#;

pub const VARIANTS: [&str; 2] = ["control", "one-page"];
/// Seconds between two scrapes.
pub const SCRAPE: u64 = 100;
const PARTS: u64 = 20;

/// What happens to units of one variant.
#[derive(Clone, Copy, Debug)]
pub struct Arm {
    /// The part of units that order.
    pub orders: f64,
    /// The part of requests that end with 5xx.
    pub errors: f64,
    /// Milliseconds of a request, on average.
    pub milliseconds: f64,
}

/// The shop.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The first scrape, in seconds since 1970.
    pub start: u64,
    pub hours: u64,
    /// New units in an hour, of both variants and all proxies.
    pub units_an_hour: f64,
    /// The part of units that are counted for the control.
    pub control: f64,
    pub arms: [Arm; 2],
    pub proxies: usize,
    /// Whether the first proxy begins again in the middle.
    pub restart: bool,
    /// Whether the last proxy comes after a third of the time, and its first scrapes are missing.
    pub late: bool,
    pub seed: u64,
}

/// What really happened, by variant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    pub units: [u64; 2],
    pub orders: [u64; 2],
    pub clicks: [u64; 2],
    pub requests: [u64; 2],
    pub errors: [u64; 2],
}

/// A name, labels, and values at times.
#[derive(Clone, Debug)]
pub struct Series {
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub samples: Vec<(u64, f64)>,
}

type Key = (usize, &'static str, Vec<(&'static str, String)>);

impl Shop {
    /// Two days, both variants alike.
    pub fn healthy(start: u64) -> Self {
        let arm = Arm { orders: 0.05, errors: 0.005, milliseconds: 40.0 };
        Self {
            start,
            hours: 48,
            units_an_hour: 800.0,
            control: 0.5,
            arms: [arm; 2],
            proxies: 1,
            restart: false,
            late: false,
            seed: 7,
        }
    }

    pub fn end(&self) -> u64 {
        self.start + self.hours * 3600
    }

    /// What Prometheus has stored, and the truth.
    pub fn scraped(&self) -> (Vec<Series>, Truth) {
        let mut dice = Dice(self.seed | 1);
        let mut truth = Truth::default();
        let mut counters: BTreeMap<Key, f64> = BTreeMap::new();
        let mut stored: BTreeMap<Key, Vec<(u64, f64)>> = BTreeMap::new();
        let scrapes = self.hours * 3600 / SCRAPE;
        let each = self.units_an_hour * SCRAPE as f64 / 3600.0 / self.proxies as f64;
        for scrape in 0..=scrapes {
            let time = self.start + scrape * SCRAPE;
            for proxy in 0..self.proxies {
                let late = self.late && proxy + 1 == self.proxies && scrape <= scrapes / 3;
                if late {
                    continue;
                }
                // In the middle of a window, so that the window has values from before and after.
                if self.restart && proxy == 0 && scrape == scrapes / 2 + 2 {
                    counters.retain(|key, _| key.0 != proxy);
                }
                for variant in VARIANTS {
                    let labels =
                        vec![("experiment", "check_out".to_owned()), ("variant", variant.to_owned())];
                    // Counters of a configuration are there from the start.
                    counters.entry((proxy, "weir_exposures_total", labels.clone())).or_default();
                    counters.entry((proxy, "orders_total", labels.clone())).or_default();
                    let goal = [labels, vec![("goal", "order".to_owned())]].concat();
                    counters.entry((proxy, "weir_conversions_total", goal)).or_default();
                }
                if scrape > 0 {
                    for _ in 0..(each + dice.part()) as u64 {
                        self.unit(proxy, &mut dice, &mut counters, &mut truth);
                    }
                }
                // Every fiftieth scrape fails.
                if scrape % 50 == 17 || (self.late && proxy + 1 == self.proxies && scrape <= scrapes / 3 + 3)
                {
                    continue;
                }
                for (key, value) in counters.iter().filter(|(key, _)| key.0 == proxy) {
                    stored.entry(key.clone()).or_default().push((time, *value));
                }
            }
        }
        let series = stored.into_iter().map(|((proxy, name, labels), samples)| {
            let own = [("instance", format!("10.0.0.{proxy}:15090")), ("job", "envoy".to_owned())];
            let labels =
                own.into_iter().chain(labels).map(|(name, value)| (name.to_owned(), value)).collect();
            Series { name: name.to_owned(), labels, samples }
        });
        (series.collect(), truth)
    }

    /// A unit comes, with eight requests.
    fn unit(&self, proxy: usize, dice: &mut Dice, counters: &mut BTreeMap<Key, f64>, truth: &mut Truth) {
        let arm = usize::from(dice.part() >= self.control);
        let Arm { orders, errors, milliseconds } = self.arms[arm];
        let mut add = |name: &'static str, more: &[(&'static str, String)], value: f64| {
            let mut labels =
                vec![("experiment", "check_out".to_owned()), ("variant", VARIANTS[arm].to_owned())];
            labels.extend_from_slice(more);
            *counters.entry((proxy, name, labels)).or_default() += value;
        };
        add("weir_exposures_total", &[], 1.0);
        truth.units[arm] += 1;
        if dice.part() < orders {
            add("orders_total", &[], 1.0);
            add("weir_conversions_total", &[("goal", "order".to_owned())], 1.0);
            truth.orders[arm] += 1;
        }
        let part = (dice.next() % PARTS).to_string();
        // One unit in ten clicks, and then ten times.
        if dice.part() < 0.1 {
            add("clicks_total", &[("bucket", part)], 10.0);
            truth.clicks[arm] += 10;
        }
        for _ in 0..8 {
            let failed = dice.part() < errors;
            let class = if failed { "5xx" } else { "2xx" };
            add("weir_experiment_requests_total", &[("code_class", class.to_owned())], 1.0);
            truth.requests[arm] += 1;
            truth.errors[arm] += u64::from(failed);
            let duration = (milliseconds * (0.5 + dice.part())).round();
            add("weir_experiment_request_duration_milliseconds_sum", &[], duration);
            add("weir_experiment_request_duration_milliseconds_count", &[], 1.0);
        }
    }
}

/// The same numbers each time (xorshift64*).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn part(&mut self) -> f64 {
        self.next() as f64 / (1_u64 << 53) as f64
    }
}
