//! What was found. The JSON form is documented in `docs/cli.md`.

use crate::text::count;
use crate::yaml::{Broken, Mark};
use serde::Serialize;
use std::io::{self, Write};
use weir_core::escape::escape;

/// What was found in all files.
#[derive(Debug, Serialize)]
pub struct Checked {
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

/// What was found in a file.
#[derive(Debug, Default, Serialize)]
pub struct File {
    /// What messages call it.
    pub file: String,
    /// Why the file could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is wrong with the file's syntax, and with what surrounds its configurations.
    pub problems: Vec<Finding>,
    /// Valid settings outside of configurations that are probably not intended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warned>,
    /// The configurations in it.
    pub configurations: Vec<Configuration>,
    /// Wasm plugins of others, which were left alone.
    pub others: Vec<Other>,
    /// What the file is, where it has no configuration.
    #[serde(skip)]
    pub foreign: Option<String>,
    /// Its lines, where they are shown.
    #[serde(skip)]
    pub lines: Vec<String>,
}

/// What was found in a configuration.
#[derive(Debug, Serialize)]
pub struct Configuration {
    /// Where it was found; empty for a plain Weir document.
    pub name: String,
    /// Where.
    #[serde(flatten)]
    pub at: Mark,
    /// What a proxy refuses.
    pub problems: Vec<Finding>,
    /// Valid settings that are probably not intended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warned>,
}

/// A warning.
#[derive(Debug, Serialize)]
pub struct Warned {
    /// It does not change from one version to the next.
    pub code: &'static str,
    /// What it says, and where.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Another's Wasm plugin.
#[derive(Debug, Serialize)]
pub struct Other {
    /// Where it was found, for people.
    pub name: String,
    /// Where.
    #[serde(flatten)]
    pub at: Mark,
}

/// Something to say of a place.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// Where.
    #[serde(flatten)]
    pub at: Mark,
    /// The place in the configuration; none for what is wrong with the text itself.
    pub path: Option<String>,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No problems; there may be warnings.
    Fine,
    /// There are problems.
    Problems,
    /// A file could not be read, or none has a configuration.
    Unchecked,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A proxy refuses it.
    Problem,
    /// It is valid and probably not intended; the code.
    Warning(&'static str),
}

impl From<Broken> for Finding {
    fn from(broken: Broken) -> Self {
        Self { at: broken.at, path: None, message: broken.message }
    }
}

impl Finding {
    /// The path and the message. What a file says of itself must not look like a line of ours.
    pub fn text(&self) -> String {
        match &self.path {
            Some(path) => format!("{}: {}", escape(path), escape(&self.message)),
            None => escape(&self.message).into_owned(),
        }
    }
}

impl File {
    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.file
    }

    /// Its lines, where they are kept.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Why nothing was checked.
    pub fn failure(&self) -> &str {
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
    /// The results of these files. `allows_none`: a file without a configuration is as it should be.
    pub fn new(files: Vec<File>, allows_none: bool) -> Self {
        let problems = files.iter().map(|file| file.problems().count()).sum();
        let configurations = files.iter().map(|file| file.configurations.len()).sum();
        let warnings = files.iter().map(|file| file.warnings().count()).sum();
        Self { files, problems, warnings, configurations, allows_none }
    }

    /// Whether there is any warning.
    pub fn has_warnings(&self) -> bool {
        self.warnings > 0
    }

    /// The worst of all files. A run that has checked nothing has not succeeded.
    pub fn outcome(&self) -> Outcome {
        if self.files.iter().any(|file| file.error.is_some()) {
            Outcome::Unchecked
        } else if self.problems > 0 {
            Outcome::Problems
        } else if self.configurations == 0 && !self.allows_none {
            Outcome::Unchecked
        } else {
            Outcome::Fine
        }
    }

    /// Calls `f` for each problem and warning, and without a finding for a file that could not be checked.
    pub fn each<'c>(&'c self, mut f: impl FnMut(&'c File, Level, Option<&'c Finding>)) {
        let nothing = self.outcome() == Outcome::Unchecked;
        for file in &self.files {
            let has_nothing = file.configurations.is_empty() && file.problems.is_empty();
            if file.error.is_some() || (nothing && has_nothing) {
                f(file, Level::Problem, None);
            }
            file.all().into_iter().for_each(|(level, finding)| f(file, level, Some(finding)));
        }
    }

    /// Writes everything for people.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        self.files.iter().try_for_each(|file| file.write_text(out))?;
        self.write_sum(out)
    }

    /// What a terminal shows after the snippets.
    pub fn write_summary(&self, out: &mut impl Write) -> io::Result<()> {
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
