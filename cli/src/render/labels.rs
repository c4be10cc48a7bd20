//! The labels by which rules and panels keep clusters, teams and programs apart.

use anyhow::bail;
use std::str::FromStr;

/// Labels that are of Weir's metrics or of Prometheus itself.
const TAKEN: [&str; 19] = [
    "bucket",
    "code",
    "code_class",
    "experiment",
    "fault",
    "filter",
    "goal",
    "hash",
    "kind",
    "label",
    "le",
    "metric",
    "plugin",
    "provider",
    "reason",
    "result",
    "route",
    "token",
    "variant",
];

/// The option.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Labels {
    /// Labels of the scrape by which everything is kept apart, separated by commas. A label that series do not have does
    /// no harm.
    #[arg(long, value_name = "LABELS", default_value = "cluster,namespace,job")]
    labels: Names,
}

/// Names of labels, at least one.
#[derive(Clone, Debug)]
struct Names(Vec<String>);

impl FromStr for Names {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        for (index, name) in names.iter().enumerate() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            let begins = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
            if !begins || !name.bytes().all(plain) || name.starts_with("__") {
                bail!("invalid label {name:?}: use letters, digits and `_`");
            }
            if TAKEN.contains(&name.as_str()) {
                bail!("invalid label {name:?}: it is a label of Weir's own metrics");
            }
            if names.iter().take(index).any(|other| other == name) {
                bail!("duplicate label {name:?}");
            }
        }
        Ok(Self(names))
    }
}

impl Labels {
    /// The names.
    pub(crate) fn names(&self) -> &[String] {
        &self.labels.0
    }

    /// As PromQL lists them.
    pub(crate) fn list(&self) -> String {
        self.names().join(", ")
    }

    /// Their values, as Grafana's legends have them.
    pub(crate) fn legend(&self) -> String {
        let names: Vec<String> = self.names().iter().map(|name| format!("{{{{{name}}}}}")).collect();
        names.join(" ")
    }

    /// Their values, as annotations of alerts have them.
    pub(crate) fn annotation(&self) -> String {
        let names: Vec<String> =
            self.names().iter().map(|name| format!("{{{{ $labels.{name} }}}}")).collect();
        names.join(" ")
    }
}
