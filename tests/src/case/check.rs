//! Comparison of what was expected with what happened.

use std::collections::BTreeMap;
use std::time::Duration;

use super::value::Shown;
use super::{Driver, Expect, ExpectMetric, ExpectResponse, ExpectUpstream};
use crate::minihost::Cost;

/// What a driver saw of an exchange.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What reached the upstream, if anything did.
    pub upstream: Option<UpstreamSeen>,
    /// What reached the client; `None` when the connection was reset.
    pub response: Option<ResponseSeen>,
    /// Log lines of the module, `[level] message`.
    pub log: Vec<String>,
    /// Changes of counters and histograms' numbers of samples, levels of gauges.
    pub metrics: BTreeMap<String, i64>,
    /// The new samples of histograms.
    pub samples: BTreeMap<String, Vec<Bin>>,
    /// How long it took.
    pub elapsed: Duration,
    /// What it cost, where the driver can see that.
    pub cost: Option<Cost>,
}

/// Samples of a histogram, as exactly as the driver sees them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The least that they may be.
    pub lower: f64,
    /// What they are less than, or `lower` when they are exactly that.
    pub upper: f64,
    /// How many there are.
    pub count: u64,
}

impl Bin {
    fn may_be(&self, sample: u64) -> bool {
        let sample = sample as f64;
        sample == self.lower || (self.lower < sample && sample < self.upper)
    }
}

/// A request as the upstream saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamSeen {
    /// Which upstream it was, where there are several.
    pub name: Option<String>,
    /// The host.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Trailers in order, names in lower case.
    pub trailers: Vec<(String, Vec<u8>)>,
}

/// A response as the client saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseSeen {
    /// The status.
    pub status: u16,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// Trailers in order, names in lower case.
    pub trailers: Vec<(String, Vec<u8>)>,
}

impl Expect {
    /// All differences between what is expected and what `driver` saw, each as a line of text.
    pub fn check(&self, seen: &Observed, driver: Driver) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(expected) = &self.upstream {
            expected.check(seen.upstream.as_ref(), &mut problems);
        }
        if let Some(expected) = &self.response {
            expected.check(seen.response.as_ref(), &mut problems);
        }
        self.check_log(&seen.log, &mut problems);
        for (name, expected) in &self.metrics {
            expected.check(name, seen, &mut problems);
        }
        self.check_time(seen.elapsed, driver, &mut problems);
        if let Some(cost) = &seen.cost {
            self.check_cost(cost, &mut problems);
        }
        problems
    }

    fn check_log(&self, log: &[String], problems: &mut Vec<String>) {
        let found = |pattern: &super::Pattern| log.iter().find(|line| pattern.is_match(line.as_bytes()));
        for pattern in self.log.iter().filter(|pattern| found(pattern).is_none()) {
            problems.push(format!("log: no line matches {}, there is {log:#?}", pattern.as_str()));
        }
        for pattern in &self.nolog {
            if let Some(line) = found(pattern) {
                problems.push(format!("log: {line:?} matches {}", pattern.as_str()));
            }
        }
    }

    fn check_time(&self, elapsed: Duration, driver: Driver, problems: &mut Vec<String>) {
        let Some(range) = self.elapsed_ms else { return };
        let actual = elapsed.as_millis() as u64;
        let late = driver == Driver::Minihost && range.max.is_some_and(|max| actual > max);
        if actual < range.min || late {
            problems.push(format!("elapsed: expected {range:?}, took {actual} ms"));
        }
    }

    fn check_cost(&self, cost: &Cost, problems: &mut Vec<String>) {
        let Some(budget) = &self.budget else { return };
        if let Some(expected) = &budget.hostcalls
            && *expected != cost.hostcalls
        {
            problems.push(format!(
                "budget: expected the hostcalls {expected:?}, but there were {:?}",
                cost.hostcalls
            ));
        }
        if let Some(most) = budget.fuel.filter(|most| cost.fuel > *most) {
            problems.push(format!("budget: fuel may be {most} at most, was {}", cost.fuel));
        }
    }
}

impl ExpectMetric {
    fn check(&self, name: &str, seen: &Observed, problems: &mut Vec<String>) {
        match self {
            Self::Number(expected) => {
                let actual = seen.metrics.get(name).copied().unwrap_or(0);
                differ(problems, &format!("metric {name}"), *expected, actual);
            }
            Self::Samples(expected) => {
                let bins = seen.samples.get(name).map_or(&[][..], Vec::as_slice);
                let expected_in = |bin: &Bin| expected.iter().filter(|sample| bin.may_be(**sample)).count();
                let number: u64 = bins.iter().map(|bin| bin.count).sum();
                if number != expected.len() as u64
                    || bins.iter().any(|bin| expected_in(bin) as u64 != bin.count)
                {
                    problems.push(format!("metric {name}: expected the samples {expected:?}, got {bins:?}"));
                }
            }
        }
    }
}

impl ExpectUpstream {
    fn check(&self, seen: Option<&UpstreamSeen>, problems: &mut Vec<String>) {
        let seen = match (self.reached, seen) {
            (true, Some(seen)) => seen,
            (false, None) => return,
            (true, None) => return problems.push("upstream: the request did not reach it".into()),
            (false, Some(seen)) => {
                return problems.push(format!("upstream: the request reached it: {seen:?}"));
            }
        };
        if let (Some(expected), Some(actual)) = (&self.name, &seen.name) {
            differ(problems, "upstream name", expected, actual);
        }
        if let Some(expected) = &self.host {
            differ(problems, "upstream host", expected, &seen.host);
        }
        if let Some(expected) = &self.path {
            differ(problems, "upstream path", expected, &seen.path);
        }
        check_headers("upstream header", &self.headers, &seen.headers, problems);
        check_headers("upstream trailer", &self.trailers, &seen.trailers, problems);
    }
}

impl ExpectResponse {
    fn check(&self, seen: Option<&ResponseSeen>, problems: &mut Vec<String>) {
        let seen = match (self.reset, seen) {
            (false, Some(seen)) => seen,
            (true, None) => return,
            (false, None) => return problems.push("response: the stream was reset".into()),
            (true, Some(seen)) => {
                return problems.push(format!("response: the stream was not reset: {seen:?}"));
            }
        };
        if let Some(expected) = self.status {
            differ(problems, "response status", expected, seen.status);
        }
        check_headers("response header", &self.headers, &seen.headers, problems);
        check_headers("response trailer", &self.trailers, &seen.trailers, problems);
        if let Some(expected) = self.body.as_ref().filter(|expected| !expected.fits(&seen.body)) {
            let actual = [seen.body.clone()];
            problems.push(format!("response body: expected {expected}, got {}", Shown(&actual)));
        }
    }
}

fn differ<T: PartialEq + std::fmt::Debug>(problems: &mut Vec<String>, what: &str, expected: T, actual: T) {
    if expected != actual {
        problems.push(format!("{what}: expected {expected:?}, got {actual:?}"));
    }
}

fn check_headers(
    what: &str,
    expected: &BTreeMap<String, super::Expected>,
    actual: &[(String, Vec<u8>)],
    problems: &mut Vec<String>,
) {
    for (name, expected) in expected {
        let name = name.to_ascii_lowercase();
        let values: Vec<_> = actual.iter().filter(|(key, _)| *key == name).map(|(_, v)| v.clone()).collect();
        if let Some(problem) = expected.check(&values) {
            problems.push(format!("{what} {name}: {problem}"));
        }
    }
}

/// Checks a refusal: each of `expected` must be in what the module logged. With `exact` the log must also
/// count exactly as many problems, in the words `2 problem(s)`. Gives the differences.
pub fn check_refusal(expected: &[String], exact: bool, log: &str) -> Vec<String> {
    let missing = expected.iter().filter(|text| !log.contains(text.as_str()));
    let mut problems: Vec<_> = missing.map(|text| format!("the log does not say {text:?}")).collect();
    if exact && !log.contains(&format!(" {} problem(s)", expected.len())) {
        problems.push(format!("the log does not count {} problem(s)", expected.len()));
    }
    if !problems.is_empty() {
        problems.push(format!("the log is:\n{log}"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str, seen: &Observed) -> Vec<String> {
        serde_saphyr::from_str::<Expect>(yaml).unwrap().check(seen, Driver::Minihost)
    }

    fn seen() -> Observed {
        Observed {
            upstream: Some(UpstreamSeen {
                name: Some("v1".into()),
                host: "example.com".into(),
                path: "/".into(),
                headers: vec![("a".into(), b"1".to_vec())],
                trailers: Vec::new(),
            }),
            response: Some(ResponseSeen { status: 200, ..Default::default() }),
            log: vec!["[warning] odd".into()],
            metrics: BTreeMap::from([("hits".into(), 2)]),
            samples: BTreeMap::from([(
                "sizes".into(),
                vec![Bin { lower: 3.0, upper: 3.0, count: 1 }, Bin { lower: 510.0, upper: 520.0, count: 2 }],
            )]),
            elapsed: Duration::from_millis(50),
            cost: Some(Cost {
                fuel: 100,
                hostcalls: BTreeMap::from([("proxy_log".into(), 1)]),
                ..Cost::default()
            }),
        }
    }

    #[test]
    fn what_fits_passes() {
        let all = "{upstream: {name: v1, path: /, host: example.com, headers: {A: '1', b: null}}, \
                   response: {status: 200, body: ''}, log: [odd], nolog: [even], metrics: {hits: 2, misses: 0, sizes: [512, 3, 519], none: []}, \
                   elapsedMs: {min: 50, max: 50}, budget: {hostcalls: {proxy_log: 1}, fuel: 100}}";
        assert_eq!(check(all, &seen()), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_reported() {
        for one in [
            "{upstream: {name: v2}}",
            "{upstream: {reached: false}}",
            "{upstream: {headers: {a: null}}}",
            "{upstream: {path: /x}}",
            "{upstream: {host: x}}",
            "{response: {status: 201}}",
            "{response: {reset: true}}",
            "{response: {headers: {a: b}}}",
            "{response: {body: x}}",
            "{response: {body: {matches: x}}}",
            "{response: {trailers: {a: b}}}",
            "{log: [even]}",
            "{nolog: [odd]}",
            "{metrics: {hits: 1}}",
            "{metrics: {misses: 1}}",
            "{metrics: {sizes: [3, 512]}}",
            "{metrics: {sizes: [3, 512, 520]}}",
            "{metrics: {sizes: [4, 512, 512]}}",
            "{metrics: {sizes: []}}",
            "{metrics: {none: [1]}}",
            "{elapsedMs: {min: 51}}",
            "{elapsedMs: {max: 49}}",
            "{budget: {hostcalls: {}}}",
            "{budget: {hostcalls: {proxy_log: 1, proxy_done: 1}}}",
            "{budget: {fuel: 99}}",
        ] {
            assert_eq!(check(one, &seen()).len(), 1, "{one}");
        }
    }

    #[test]
    fn a_request_that_got_lost_is_reported() {
        let nothing = Observed::default();
        assert!(check("{upstream: {}}", &nothing)[0].contains("did not reach"));
        assert!(check("{response: {}}", &nothing)[0].contains("reset"));
        assert!(check("{upstream: {reached: false}, response: {reset: true}}", &nothing).is_empty());
    }

    #[test]
    fn refusals_compare_with_the_log() {
        let log = "[error] refused, 2 problem(s):\na: bad\nb: worse";
        let fits = |texts: &[&str], exact| {
            check_refusal(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>(), exact, log).is_empty()
        };
        assert!(fits(&["a: bad"], false));
        assert!(!fits(&["a: bad"], true));
        assert!(fits(&["a: bad", "b: worse"], true));
        assert!(!fits(&["c"], false));
    }
}
