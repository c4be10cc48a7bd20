//! The options that choose one experiment or split.

pub(crate) use weir_workbench::subject::{Origin, Subject, Which, shares, subjects};

/// The options that choose one of them.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "Which", required = true, multiple = false)]
pub(crate) struct Chosen {
    /// An experiment, by its key.
    #[arg(long, value_name = "KEY")]
    experiment: Option<String>,
    /// The split of a routing rule, by the rule's name.
    #[arg(long, value_name = "RULE")]
    split: Option<String>,
}

impl Chosen {
    /// The one that the options name.
    pub(crate) fn which(&self) -> Which {
        match (&self.experiment, &self.split) {
            (Some(key), _) => Which::Experiment(key.clone()),
            (None, rule) => Which::Split(rule.clone().unwrap_or_default()),
        }
    }
}
