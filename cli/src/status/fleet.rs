//! Proxies, made of what they report, and whether each is as it should be. No input or output.

use std::collections::BTreeMap;

/// What is read of each proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    /// Each plugin's configuration.
    Hash,
    /// When it was accepted.
    Accepted,
    /// When one was refused.
    Refused,
    /// The module's version, as a number.
    Version,
    /// When keys of a provider came.
    Keys,
    /// How many configurations of a filter, or listeners, Envoy has rejected.
    Rejections,
}

impl Metric {
    /// Those that modules have, with their names, and the label that says of what they are.
    pub(super) const OWN: [(Self, &'static str, &'static str); 5] = [
        (Self::Hash, "weir_config_hash", "plugin"),
        (Self::Accepted, "weir_config_timestamp_seconds", "plugin"),
        (Self::Refused, "weir_config_refused_timestamp_seconds", "plugin"),
        (Self::Version, "weir_module_version", "plugin"),
        (Self::Keys, "weir_jwt_keys_timestamp_seconds", "provider"),
    ];
}

/// One number that a proxy reports.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) metric: Metric,
    /// The plugin, the provider, or what Envoy rejected.
    pub(super) of: String,
    pub(super) value: u64,
}

/// A proxy with all that is known of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxy {
    pub(super) name: String,
    /// What tells it from others: labels, or the ID of its node.
    pub(super) labels: BTreeMap<String, String>,
    pub(super) plugins: BTreeMap<String, Plugin>,
    /// When the keys of each provider came, in seconds since 1970.
    pub(super) keys: BTreeMap<String, u64>,
    /// How often Envoy rejected what it was sent, by filter or listener.
    pub(super) rejections: BTreeMap<String, u64>,
    /// What Envoy says of last updates that it rejected.
    pub(super) reasons: Vec<Reason>,
    /// Why nothing is known.
    pub(super) trouble: Option<String>,
}

/// A last update that Envoy rejected: the proxy runs an older one. The native module has no other sign of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// The plugins for which Envoy rejected it, as their metrics name them; none where it is something else in the
    /// listener.
    pub(super) plugins: Vec<String>,
    pub(super) text: String,
}

impl Reason {
    /// Whether it is about this plugin.
    pub(super) fn is_about(&self, plugin: &str) -> bool {
        self.plugins.iter().any(|of| of == plugin)
    }
}

/// A plugin of a proxy. Times are in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plugin {
    pub(super) hash: Option<u64>,
    pub(super) version: Option<String>,
    pub(super) accepted: Option<u64>,
    pub(super) refused: Option<u64>,
}

/// Whether a proxy is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It runs the expected configuration, or one if none is expected.
    Runs,
    /// It runs another one.
    Differs,
    /// It refused the last configuration that it was sent, and runs an older one.
    Refuses,
    /// It runs no plugin.
    Nothing,
    /// It does not answer.
    Unknown,
}

/// What the proxies should be like.
#[derive(Clone, Debug, Default)]
pub(super) struct Question {
    /// The number of the configuration that they should run.
    pub(super) expected: Option<u64>,
    /// The only plugin that matters.
    pub(super) plugin: Option<String>,
}

/// All proxies, in the order of their names.
pub(super) struct Fleet {
    pub(super) question: Question,
    pub(super) proxies: Vec<Proxy>,
}

impl Proxy {
    /// A proxy that reports these numbers.
    pub(super) fn new(name: String, labels: BTreeMap<String, String>, readings: Vec<Reading>) -> Self {
        let mut proxy = Self { name, labels, ..Self::default() };
        for Reading { metric, of, value } in readings {
            match metric {
                Metric::Hash => proxy.plugins.entry(of).or_default().hash = Some(value),
                Metric::Accepted => proxy.plugins.entry(of).or_default().accepted = Some(value),
                Metric::Refused => proxy.plugins.entry(of).or_default().refused = Some(value),
                Metric::Version => proxy.plugins.entry(of).or_default().version = Some(version(value)),
                Metric::Keys => drop(proxy.keys.insert(of, value)),
                Metric::Rejections if value > 0 => drop(proxy.rejections.insert(of, value)),
                Metric::Rejections => {}
            }
        }
        proxy
    }

    /// One of which only this is known.
    pub(super) fn silent(name: String, labels: BTreeMap<String, String>, trouble: String) -> Self {
        Self { name, labels, trouble: Some(trouble), ..Self::default() }
    }

    /// Its plugins that matter, by name.
    pub(super) fn asked<'p>(&'p self, question: &Question) -> impl Iterator<Item = (&'p String, &'p Plugin)> {
        let wanted = question.plugin.clone();
        self.plugins.iter().filter(move |(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == *name))
    }

    /// Whether the last configuration that this plugin was sent is not the one that it runs.
    pub(super) fn refuses(&self, name: &str, plugin: &Plugin) -> bool {
        plugin.refuses() || self.reasons.iter().any(|reason| reason.is_about(name))
    }

    pub(super) fn state(&self, question: &Question) -> State {
        if self.trouble.is_some() {
            return State::Unknown;
        }
        let plugins: Vec<&Plugin> = self.asked(question).map(|(_, plugin)| plugin).collect();
        if plugins.iter().all(|plugin| plugin.hash.is_none()) {
            return State::Nothing;
        }
        if self.asked(question).any(|(name, plugin)| self.refuses(name, plugin)) {
            return State::Refuses;
        }
        match question.expected {
            Some(expected) if plugins.iter().all(|plugin| plugin.hash != Some(expected)) => State::Differs,
            _ => State::Runs,
        }
    }
}

impl Plugin {
    /// Whether it says so itself.
    fn refuses(&self) -> bool {
        self.refused > self.accepted
    }
}

impl Fleet {
    pub(super) fn new(question: Question, mut proxies: Vec<Proxy>) -> Self {
        proxies.sort_by(|a, b| a.name.cmp(&b.name));
        Self { question, proxies }
    }

    pub(super) fn is_well(&self) -> bool {
        self.proxies.iter().all(|proxy| proxy.state(&self.question) == State::Runs)
    }

    /// How many are in a state.
    pub(super) fn count(&self, state: State) -> usize {
        self.proxies.iter().filter(|proxy| proxy.state(&self.question) == state).count()
    }
}

/// `1.2.3` for 1002003.
fn version(number: u64) -> String {
    format!("{}.{}.{}", number / 1_000_000, number / 1000 % 1000, number % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(readings: &[(Metric, &str, u64)]) -> Proxy {
        let reading = |(metric, of, value): &(Metric, &str, u64)| Reading {
            metric: *metric,
            of: (*of).to_owned(),
            value: *value,
        };
        Proxy::new("a".to_owned(), BTreeMap::new(), readings.iter().map(reading).collect())
    }

    fn state(readings: &[(Metric, &str, u64)], expected: Option<u64>, plugin: Option<&str>) -> State {
        proxy(readings).state(&Question { expected, plugin: plugin.map(str::to_owned) })
    }

    #[test]
    fn a_proxy_runs_differs_refuses_or_has_nothing() {
        let good = [(Metric::Hash, "weir", 7), (Metric::Accepted, "weir", 100)];
        assert_eq!(state(&good, None, None), State::Runs);
        assert_eq!(state(&good, Some(7), None), State::Runs);
        assert_eq!(state(&good, Some(8), None), State::Differs);
        assert_eq!(state(&good, None, Some("other")), State::Nothing);
        assert_eq!(state(&[], None, None), State::Nothing);
        let refused = |at| [good[0], good[1], (Metric::Refused, "weir", at)];
        assert_eq!(state(&refused(101), Some(7), None), State::Refuses);
        assert_eq!(state(&refused(99), Some(7), None), State::Runs, "a later one was accepted");
        // An older module does not say when it accepted.
        assert_eq!(state(&[(Metric::Hash, "weir", 7)], Some(7), None), State::Runs);
        // A refused first configuration has no hash.
        assert_eq!(state(&[(Metric::Refused, "weir", 5)], None, None), State::Nothing);
    }

    #[test]
    fn what_envoy_rejects_is_refused_although_the_plugin_says_nothing() {
        let with = |reasons: Vec<Reason>| Proxy {
            reasons,
            ..proxy(&[(Metric::Hash, "weir", 7), (Metric::Accepted, "weir", 100)])
        };
        let of = |plugins: &[&str]| Reason {
            plugins: plugins.iter().map(|it| (*it).to_owned()).collect(),
            text: String::new(),
        };
        let question =
            |plugin: Option<&str>| Question { expected: Some(7), plugin: plugin.map(str::to_owned) };
        assert_eq!(with(vec![of(&["weir"])]).state(&question(Some("weir"))), State::Refuses);
        assert_eq!(with(vec![of(&["other's", "weir"])]).state(&question(None)), State::Refuses);
        assert_eq!(with(vec![of(&["other's"])]).state(&question(None)), State::Runs, "a filter of others");
        assert_eq!(
            with(vec![of(&[])]).state(&question(None)),
            State::Runs,
            "a listener, but no plugin of it"
        );
        assert_eq!(with(Vec::new()).state(&question(None)), State::Runs);
    }

    #[test]
    fn one_of_several_plugins_is_enough() {
        let both = [(Metric::Hash, "a", 7), (Metric::Hash, "b", 8)];
        assert_eq!(state(&both, Some(8), None), State::Runs);
        assert_eq!(state(&both, Some(8), Some("a")), State::Differs);
        assert_eq!(state(&both, Some(9), None), State::Differs);
    }

    #[test]
    fn what_is_zero_was_not_rejected() {
        let proxy = proxy(&[
            (Metric::Rejections, "listener", 0),
            (Metric::Rejections, "weir", 2),
            (Metric::Version, "w", 1000),
        ]);
        assert_eq!(proxy.rejections, BTreeMap::from([("weir".to_owned(), 2)]));
        assert_eq!(proxy.plugins["w"].version.as_deref(), Some("0.1.0"));
        assert_eq!(version(10_020_030), "10.20.30");
    }
}
