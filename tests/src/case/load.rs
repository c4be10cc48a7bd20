//! Reading case files, and finding out which of them make no sense.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Case, CaseFile, Driver};
use crate::paths;

/// A case file with where it was found.
#[derive(Clone, Debug)]
pub struct Located {
    /// Path below `tests/cases`, without `.yaml`, or an example's folder: the first part of test names.
    pub id: String,
    /// What is in it.
    pub file: CaseFile,
}

/// Why a case file cannot be used.
#[derive(Debug)]
pub struct CaseError {
    path: PathBuf,
    problems: Vec<String>,
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.problems.join("\n  "))
    }
}

impl std::error::Error for CaseError {}

impl CaseFile {
    /// Reads a case file and checks that it makes sense.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(yaml: &str) -> Result<Self, Vec<String>> {
        let file: Self = serde_saphyr::from_str(yaml).map_err(|error| vec![error.to_string()])?;
        let mut problems = Vec::new();
        if file.cases.is_empty() {
            problems.push("there is no case".to_owned());
        }
        let mut names = std::collections::BTreeSet::new();
        for case in &file.cases {
            if !names.insert(&case.name) {
                problems.push(format!("{}: another case has this name", case.name));
            }
            problems.extend(case.problems(&file).into_iter().map(|what| format!("{}: {what}", case.name)));
        }
        if problems.is_empty() { Ok(file) } else { Err(problems) }
    }
}

impl Case {
    fn problems(&self, file: &CaseFile) -> Vec<String> {
        let mut problems = Vec::new();
        let mut require = |condition: bool, problem: &str| {
            if !condition {
                problems.push(problem.to_owned());
            }
        };
        let single = self.request.is_some()
            || self.upstream.is_some()
            || self.expect.is_some()
            || self.after_ms > 0
            || !self.properties.is_empty();
        let kinds = [single, !self.requests.is_empty(), self.is_refusal()];
        let kinds = kinds.into_iter().filter(|kind| *kind).count();
        require(kinds == 1, "give one of: `request` with `expect`, `requests`, `configErrors`");
        require(self.is_refusal() || !self.exact, "`exact` belongs to `configErrors`");
        if let Some(only) = self.only.as_ref().or(file.only.as_ref()) {
            require(!only.reason().trim().is_empty(), "`only` needs a reason");
        }
        if let Some(except) = self.except.as_ref().or(file.except.as_ref()) {
            require(!except.reason().trim().is_empty(), "`except` needs a reason");
        }
        require(
            file.runs_in(self, Driver::Minihost) || file.runs_in(self, Driver::Envoy),
            "`only` here and in the file exclude each other: no driver is left",
        );
        let has_properties = self.steps().iter().any(|step| !step.properties.is_empty());
        require(
            !has_properties || !file.runs_in(self, Driver::Envoy),
            "only the mini host can set properties: say so with `only: {minihost: why}`",
        );
        let callouts = file.callouts_of(self);
        require(callouts.values().all(|answers| !answers.is_empty()), "`callouts`: a cluster has no answer");
        if !self.is_refusal() {
            for step in self.steps() {
                require(!step.expect.is_empty(), "nothing is expected: such a case cannot fail");
            }
        }
        problems
    }
}

/// All case files below `directory`, sorted.
///
/// # Errors
/// All files that cannot be read, parsed or used, with what is wrong.
pub fn load_all(directory: &Path) -> Result<Vec<Located>, Vec<CaseError>> {
    let mut paths = Vec::new();
    collect(directory, &mut paths)
        .map_err(|error| vec![CaseError { path: directory.to_owned(), problems: vec![error.to_string()] }])?;
    paths.sort();
    read_all(paths.into_iter().map(|path| (id_of(directory, &path), path)))
}

/// All case files: those of Weir's filters, and `cases.yaml` of each example.
///
/// # Errors
/// As [`load_all`].
pub fn load_shipped() -> Result<Vec<Located>, Vec<CaseError>> {
    let examples = paths::examples();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&examples)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|error| vec![CaseError { path: examples, problems: vec![error.to_string()] }])?;
    folders.sort();
    let mut files = load_all(&paths::cases())?;
    files.extend(read_all(folders.into_iter().map(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (format!("examples/{name}"), folder.join("cases.yaml"))
    }))?);
    Ok(files)
}

fn read_all(paths: impl Iterator<Item = (String, PathBuf)>) -> Result<Vec<Located>, Vec<CaseError>> {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for (id, path) in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| vec![error.to_string()]);
        match text.and_then(|yaml| CaseFile::parse(&yaml)) {
            Ok(file) => files.push(Located { id, file }),
            Err(problems) => errors.push(CaseError { path, problems }),
        }
    }
    if errors.is_empty() { Ok(files) } else { Err(errors) }
}

fn id_of(directory: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(directory).unwrap_or(path).with_extension("");
    relative.to_string_lossy().replace('\\', "/")
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(cases: &str) -> String {
        CaseFile::parse(&format!("module: m\ncases: {cases}")).unwrap_err().join("; ")
    }

    #[test]
    fn a_case_is_read() {
        let yaml = "{module: m, config: {a: [1]}, cases: [{name: n, request: {headers: {a: b}}, \
                    expect: {upstream: {headers: {x: null}}, response: {status: 200}}}]}";
        let file = CaseFile::parse(yaml).unwrap();
        let case = &file.cases[0];
        assert_eq!(file.config_of(case).to_string(), r#"{"a":[1]}"#);
        let step = &case.steps()[0];
        assert_eq!((step.request.host.as_deref(), step.upstream.status), (Some("example.com"), 200));
        assert!(file.runs_in(case, Driver::Envoy) && file.runs_in(case, Driver::Minihost));
    }

    #[test]
    fn cases_that_prove_nothing_are_refused() {
        assert!(problems("[{name: n, request: {}}]").contains("cannot fail"));
        assert!(problems("[{name: n}]").contains("give one of"));
        assert!(problems("[]").contains("no case"));
        let double = "{name: n, configErrors: [a]}";
        assert!(problems(&format!("[{double}, {double}]")).contains("another case"));
    }

    #[test]
    fn a_driver_is_left_out_only_with_a_reason() {
        let case = "name: n, expect: {response: {status: 200}}";
        assert!(problems(&format!("[{{{case}, only: {{envoy: ' '}}}}]")).contains("needs a reason"));
        assert!(problems(&format!("[{{{case}, properties: {{a: b}}}}]")).contains("only the mini host"));
        let yaml = format!("{{module: m, only: {{envoy: a}}, cases: [{{{case}, only: {{minihost: b}}}}]}}");
        assert!(CaseFile::parse(&yaml).unwrap_err()[0].contains("exclude each other"));
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(problems("[{name: n, expects: {}}]").contains("expects"));
        assert!(problems("[{name: n, expect: {response: {code: 1}}}]").contains("code"));
    }
}
