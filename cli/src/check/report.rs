//! The output of `weir check`. The JSON form is documented in `docs/cli.md`.

use crate::output::{Outcome, count};
use crate::yaml::{Broken, Mark};
use serde::Serialize;
use std::io::{self, Write};
use weir_core::escape::escape;

#[derive(Debug, Serialize)]
pub(super) struct Checked {
    files: Vec<File>,
    /// How many problems there are in all files.
    problems: usize,
    /// How many warnings.
    warnings: usize,
    /// How many configurations were checked.
    configurations: usize,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct File {
    pub(super) file: String,
    /// Why the file could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// What is wrong with the file's syntax.
    pub(super) problems: Vec<Finding>,
    pub(super) configurations: Vec<Configuration>,
    /// Wasm plugins of others, which were left alone.
    pub(super) others: Vec<Other>,
}

#[derive(Debug, Serialize)]
pub(super) struct Configuration {
    /// Where it was found; empty for a plain Weir document.
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) at: Mark,
    pub(super) problems: Vec<Finding>,
    /// Valid settings that are probably not intended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<Warned>,
    /// Valid settings that are dangerous in their context. They do not count as problems.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<Finding>,
}

/// A warning.
#[derive(Debug, Serialize)]
pub(super) struct Warned {
    /// It does not change from one version to the next.
    pub(super) code: &'static str,
    #[serde(flatten)]
    pub(super) finding: Finding,
}

#[derive(Debug, Serialize)]
pub(super) struct Other {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) at: Mark,
}

#[derive(Debug, Serialize)]
pub(super) struct Finding {
    #[serde(flatten)]
    pub(super) at: Mark,
    /// The place in the configuration; none for what is wrong with the text itself.
    pub(super) path: Option<String>,
    pub(super) message: String,
}

impl From<Broken> for Finding {
    fn from(broken: Broken) -> Self {
        Self { at: broken.at, path: None, message: broken.message }
    }
}

impl Finding {
    fn write_text(&self, file: &str, kind: &str, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{file}:{}:{}: {kind}", self.at.line, self.at.column)?;
        if let Some(path) = &self.path {
            write!(out, "{path}: ")?;
        }
        // What a file says of itself must not look like a line of ours.
        writeln!(out, "{}", escape(&self.message))
    }
}

impl File {
    /// All problems in the order of their positions.
    fn findings(&self) -> Vec<&Finding> {
        let inner = self.configurations.iter().flat_map(|configuration| &configuration.problems);
        let mut all: Vec<&Finding> = self.problems.iter().chain(inner).collect();
        all.sort_by_key(|finding| finding.at);
        all
    }

    fn warnings(&self) -> impl Iterator<Item = &Warned> {
        self.configurations.iter().flat_map(|configuration| &configuration.warnings)
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let findings = self.findings();
        let file = &self.file;
        if self.error.is_some() {
            return Ok(());
        }
        findings.iter().try_for_each(|finding| finding.write_text(file, "", out))?;
        self.warnings()
            .try_for_each(|it| it.finding.write_text(file, &format!("warning[{}]: ", it.code), out))?;
        if findings.is_empty() {
            let named: Vec<&str> =
                self.configurations.iter().map(|c| c.name.as_str()).filter(|name| !name.is_empty()).collect();
            match (self.configurations.is_empty(), named.as_slice()) {
                (true, _) => writeln!(out, "{file}: no Weir configuration in it")?,
                (false, []) => writeln!(out, "{file}: ok")?,
                (false, names) => writeln!(out, "{file}: ok ({})", escape(&names.join("; ")))?,
            }
        }
        let notes = self.configurations.iter().flat_map(|configuration| &configuration.notes);
        notes.into_iter().try_for_each(|note| note.write_text(file, "note: ", out))?;
        for Other { name, at } in &self.others {
            writeln!(
                out,
                "{file}:{}:{}: not checked: the Wasm plugin of {} is not Weir's",
                at.line,
                at.column,
                escape(name)
            )?;
        }
        Ok(())
    }
}

impl Checked {
    pub(super) fn new(files: Vec<File>) -> Self {
        let problems = files.iter().map(|file| file.findings().len()).sum();
        let configurations = files.iter().map(|file| file.configurations.len()).sum();
        let warnings = files.iter().map(|file| file.warnings().count()).sum();
        Self { files, problems, warnings, configurations }
    }

    /// Whether there is any warning.
    pub(super) fn has_warnings(&self) -> bool {
        self.warnings > 0
    }

    /// The worst of all files. A run that has checked nothing has not succeeded.
    pub(super) fn outcome(&self) -> Outcome {
        if self.files.iter().any(|file| file.error.is_some()) {
            Outcome::Failure
        } else if self.problems > 0 {
            Outcome::Problems
        } else if self.configurations == 0 {
            Outcome::Failure
        } else {
            Outcome::Fine
        }
    }

    pub(super) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        self.files.iter().try_for_each(|file| file.write_text(out))?;
        if self.problems > 0 {
            let bad = self.files.iter().filter(|file| !file.findings().is_empty()).count();
            writeln!(out, "{} in {}", count(self.problems, "problem"), count(bad, "file"))?;
        }
        Ok(())
    }
}
