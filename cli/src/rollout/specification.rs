//! The rollout's own file.

use crate::input;
use anyhow::{anyhow, bail};
use std::path::{Path, PathBuf};
use weir_core::escape::escape;
use weir_core::{Problem, Problems};
use weir_rollout::{Plan, Spec};
use weir_workbench::yaml::{self, Mark, Node};

/// A specification that was read and checked.
#[derive(Debug)]
pub(super) struct Specification {
    /// What it says.
    pub(super) plan: Plan,
    /// Its own name, for messages.
    pub(super) name: String,
    /// Its text: a rollout goes on only with the one that it began with.
    pub(super) text: String,
    /// The target as the specification names it, …
    pub(super) title: String,
    /// … and as messages name it.
    pub(super) place: String,
    /// The folder from which a target's file is seen.
    pub(super) folder: PathBuf,
    /// Where everything is in the text.
    written: Node,
}

impl Specification {
    /// Reads one.
    ///
    /// # Errors
    /// All that is wrong with it, a line for each.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let (name, text) = input::named(path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self::parse(&name, &text, folder.unwrap_or(Path::new(".")))
    }

    /// Reads the text of one that is called so, and is in this folder.
    ///
    /// # Errors
    /// As [`Specification::read`].
    pub(super) fn parse(name: &str, text: &str, folder: &Path) -> anyhow::Result<Self> {
        let (mut documents, broken) = yaml::read(text);
        if let Some(broken) = broken.first() {
            bail!(at(name, broken.at, &escape(&broken.message)));
        }
        if documents.len() > 1 {
            bail!("{name}: several documents: expected one rollout");
        }
        let Some(written) = documents.pop() else { bail!("{name}: the file is empty") };
        let mut problems = Problems::default();
        let spec: Spec = weir_core::load::load_value(&written.to_json(), &mut problems);
        let plan =
            Plan::compile(&spec, problems).map_err(|problems| anyhow!(listed(name, &written, &problems)))?;
        let title = plan.place.to_string();
        let (name, text, folder) = (name.to_owned(), text.to_owned(), folder.to_owned());
        Ok(Self { plan, name, text, place: title.clone(), title, folder, written })
    }

    /// Problems that show only beside the configuration.
    pub(super) fn problems(&self, problems: &Problems) -> String {
        listed(&self.name, &self.written, problems)
    }
}

fn listed(name: &str, written: &Node, problems: &Problems) -> String {
    let line = |problem: &Problem| at(name, written.locate(&problem.at), &problem.to_string());
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn at(name: &str, mark: Mark, message: &str) -> String {
    format!("{name}:{}:{}: {message}", mark.line, mark.column)
}
