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
    /// Whether files without a configuration are as they should be.
    #[serde(skip)]
    allows_none: bool,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct File {
    pub(super) file: String,
    /// Why the file could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// What is wrong with the file's syntax, and with what surrounds its configurations.
    pub(super) problems: Vec<Finding>,
    /// Valid settings outside of configurations that are probably not intended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<Warned>,
    pub(super) configurations: Vec<Configuration>,
    /// Wasm plugins of others, which were left alone.
    pub(super) others: Vec<Other>,
    /// What the file is, where it has no configuration.
    #[serde(skip)]
    pub(super) foreign: Option<String>,
    /// Its lines, where they are shown.
    #[serde(skip)]
    pub(super) lines: Vec<String>,
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

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Problem,
    Warning(&'static str),
}

impl From<Broken> for Finding {
    fn from(broken: Broken) -> Self {
        Self { at: broken.at, path: None, message: broken.message }
    }
}

impl Finding {
    /// The path and the message. What a file says of itself must not look like a line of ours.
    pub(super) fn text(&self) -> String {
        match &self.path {
            Some(path) => format!("{}: {}", escape(path), escape(&self.message)),
            None => escape(&self.message).into_owned(),
        }
    }
}

impl File {
    pub(super) fn name(&self) -> &str {
        &self.file
    }

    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Why nothing was checked.
    pub(super) fn failure(&self) -> &str {
        self.error.as_deref().unwrap_or("no Weir configuration in it")
    }

    fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.problems
            .iter()
            .chain(self.configurations.iter().flat_map(|configuration| &configuration.problems))
    }

    fn warnings(&self) -> impl Iterator<Item = &Warned> {
        self.warnings
            .iter()
            .chain(self.configurations.iter().flat_map(|configuration| &configuration.warnings))
    }

    /// All problems, then all warnings, in the order of their positions.
    fn all(&self) -> Vec<(Level, &Finding)> {
        let mut problems: Vec<&Finding> = self.problems().collect();
        problems.sort_by_key(|finding| finding.at);
        let mut warnings: Vec<&Warned> = self.warnings().collect();
        warnings.sort_by_key(|warned| warned.finding.at);
        let problems = problems.into_iter().map(|finding| (Level::Problem, finding));
        problems.chain(warnings.into_iter().map(|it| (Level::Warning(it.code), &it.finding))).collect()
    }

    /// What else there is to say: that all is right, and what was left alone.
    fn write_rest(&self, out: &mut impl Write) -> io::Result<()> {
        let file = &self.file;
        if self.error.is_some() {
            return Ok(());
        }
        if self.problems().next().is_none() {
            let named: Vec<&str> =
                self.configurations.iter().map(|c| c.name.as_str()).filter(|name| !name.is_empty()).collect();
            match (self.configurations.is_empty(), named.as_slice(), &self.foreign) {
                (true, _, None) => writeln!(out, "{file}: no Weir configuration in it")?,
                (true, _, Some(what)) => {
                    writeln!(out, "{file}: no Weir configuration in it: {}", escape(what))?
                }
                (false, [], _) => writeln!(out, "{file}: ok")?,
                (false, names, _) => writeln!(out, "{file}: ok ({})", escape(&names.join("; ")))?,
            }
        }
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

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        if self.error.is_some() {
            return Ok(());
        }
        for (level, finding) in self.all() {
            let Mark { line, column } = finding.at;
            write!(out, "{}:{line}:{column}: ", self.file)?;
            if let Level::Warning(code) = level {
                write!(out, "warning[{code}]: ")?;
            }
            writeln!(out, "{}", finding.text())?;
        }
        self.write_rest(out)
    }
}

impl Checked {
    pub(super) fn new(files: Vec<File>, allows_none: bool) -> Self {
        let problems = files.iter().map(|file| file.problems().count()).sum();
        let configurations = files.iter().map(|file| file.configurations.len()).sum();
        let warnings = files.iter().map(|file| file.warnings().count()).sum();
        Self { files, problems, warnings, configurations, allows_none }
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
        } else if self.configurations == 0 && !self.allows_none {
            Outcome::Failure
        } else {
            Outcome::Fine
        }
    }

    /// Calls `f` for each problem and warning, and without a finding for a file that could not be checked.
    pub(super) fn each<'c>(&'c self, mut f: impl FnMut(&'c File, Level, Option<&'c Finding>)) {
        let nothing = self.outcome() == Outcome::Failure;
        for file in &self.files {
            let has_nothing = file.configurations.is_empty() && file.problems.is_empty();
            if file.error.is_some() || (nothing && has_nothing) {
                f(file, Level::Problem, None);
            }
            file.all().into_iter().for_each(|(level, finding)| f(file, level, Some(finding)));
        }
    }

    pub(super) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        self.files.iter().try_for_each(|file| file.write_text(out))?;
        self.write_sum(out)
    }

    /// What a terminal shows after the snippets.
    pub(super) fn write_summary(&self, out: &mut impl Write) -> io::Result<()> {
        self.files.iter().try_for_each(|file| file.write_rest(out))?;
        self.write_sum(out)
    }

    fn write_sum(&self, out: &mut impl Write) -> io::Result<()> {
        if self.problems > 0 {
            let bad = self.files.iter().filter(|file| file.problems().next().is_some()).count();
            writeln!(out, "{} in {}", count(self.problems, "problem"), count(bad, "file"))?;
        }
        Ok(())
    }
}
