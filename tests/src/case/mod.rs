//! Case files: what a module must do, written once and run by both drivers.
//!
//! `tests/cases/README.md` explains the format to those who write cases; the types here are its definition.

mod check;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use check::{Observed, ResponseSeen, UpstreamSeen, check_refusal};
pub use value::{Expected, Headers, Pattern, Properties, Property, Value};

/// A case file: one module with one configuration, and what is expected of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CaseFile {
    /// The module's file in `dist/`, without `.wasm`.
    pub module: String,
    /// The plugin's configuration; the module gets it as JSON. A case may have its own instead.
    #[serde(default)]
    pub config: serde_json::Value,
    /// The environment of the VM.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The only driver that can run the cases of this file, with the reason.
    #[serde(default)]
    pub only: Option<Only>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One case: requests and what becomes of them, or a configuration that must be refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Case {
    /// What the case shows; unique in its file.
    pub name: String,
    /// A configuration for this case, in place of the file's.
    #[serde(default)]
    pub config: Option<serde_json::Value>,
    /// The only driver that can run this case, with the reason.
    #[serde(default)]
    pub only: Option<Only>,
    /// What is sent.
    #[serde(default)]
    pub request: Option<Request>,
    /// Properties that the stream offers. Only the mini host can set them.
    #[serde(default)]
    pub properties: Properties,
    /// How the upstream answers.
    #[serde(default)]
    pub upstream: Option<Answer>,
    /// What is expected.
    #[serde(default)]
    pub expect: Option<Expect>,
    /// Several exchanges on the same plugin, one after the other, in place of `request`.
    #[serde(default)]
    pub requests: Vec<Step>,
    /// The module must refuse the configuration, and each of these texts must be in what it logs.
    #[serde(default)]
    pub config_errors: Vec<String>,
    /// With `configErrors`: the log must also count exactly as many problems.
    #[serde(default)]
    pub exact: bool,
}

/// One of several exchanges.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Step {
    /// What is sent.
    #[serde(default)]
    pub request: Request,
    /// As in [`Case`].
    #[serde(default)]
    pub properties: Properties,
    /// How the upstream answers.
    #[serde(default)]
    pub upstream: Answer,
    /// What is expected.
    #[serde(default)]
    pub expect: Expect,
}

/// A driver that can run a case when the other cannot, and why: `{minihost: "sets a property"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Only {
    /// The interpreter.
    Minihost(String),
    /// The real proxy.
    Envoy(String),
}

impl Only {
    fn reason(&self) -> &str {
        let (Self::Minihost(reason) | Self::Envoy(reason)) = self;
        reason
    }
}

/// A driver of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// The interpreter.
    Minihost,
    /// The real proxy.
    Envoy,
}

/// A request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// Default: GET.
    pub method: String,
    /// Path and query. Default: `/`.
    pub path: String,
    /// Default: `example.com`.
    pub host: String,
    /// Further headers.
    pub headers: Headers,
    /// The body. Default: none.
    pub body: Option<Value>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            path: "/".into(),
            host: "example.com".into(),
            headers: Headers::default(),
            body: None,
        }
    }
}

/// An upstream's answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Answer {
    /// Default: 200.
    pub status: u16,
    /// Headers beside those that any answer has.
    pub headers: Headers,
    /// How long the upstream takes, in milliseconds.
    pub delay_ms: u64,
}

impl Default for Answer {
    fn default() -> Self {
        Self { status: 200, headers: Headers::default(), delay_ms: 0 }
    }
}

/// What is expected of an exchange. What is not mentioned is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Expect {
    /// What the upstream got.
    pub upstream: Option<ExpectUpstream>,
    /// What the client got.
    pub response: Option<ExpectResponse>,
    /// Each must be found in a line of the log, `[level] message`.
    pub log: Vec<Pattern>,
    /// None may be found in the log.
    pub nolog: Vec<Pattern>,
    /// By how much counters went up and how many samples histograms got, where gauges stand.
    pub metrics: BTreeMap<String, i64>,
    /// How long the exchange took, in milliseconds.
    pub elapsed_ms: Option<Range>,
    /// What the module may spend. Only the mini host can see it.
    pub budget: Option<Budget>,
}

/// What is expected to reach the upstream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectUpstream {
    /// Whether the request reaches an upstream at all. Default: it does.
    pub reached: bool,
    /// Which upstream answered: v1, v2 or canary. Only Envoy has routes.
    pub name: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// Path and query.
    pub path: Option<String>,
    /// Headers.
    pub headers: BTreeMap<String, Expected>,
}

impl Default for ExpectUpstream {
    fn default() -> Self {
        Self { reached: true, name: None, host: None, path: None, headers: BTreeMap::new() }
    }
}

/// What is expected to reach the client.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectResponse {
    /// The status.
    pub status: Option<u16>,
    /// Headers.
    pub headers: BTreeMap<String, Expected>,
    /// The body of a response that the module made.
    pub body: Option<Value>,
}

/// From `min` to `max`, both included.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    #[serde(default)]
    pub min: u64,
    /// The most. Only the mini host looks at it: its clock does not depend on the machine.
    pub max: Option<u64>,
}

/// What an exchange may cost once the plugin is warm.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Exactly these calls of imported functions, in all phases together; those not named, never.
    pub hostcalls: Option<BTreeMap<String, u64>>,
    /// At most so much fuel, in all phases together.
    pub fuel: Option<u64>,
}

/// A case file with where it was found.
#[derive(Clone, Debug)]
pub struct Located {
    /// Path below `tests/cases`, without `.yaml`: the first part of test names.
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

    /// Whether `driver` can run `case`.
    pub fn runs_in(&self, case: &Case, driver: Driver) -> bool {
        let wanted = match driver {
            Driver::Minihost => |only: &Only| matches!(only, Only::Minihost(_)),
            Driver::Envoy => |only: &Only| matches!(only, Only::Envoy(_)),
        };
        case.only.iter().chain(&self.only).all(wanted)
    }

    /// The configuration of `case` as the JSON text that the module gets.
    pub fn config_of(&self, case: &Case) -> serde_json::Value {
        case.config.clone().unwrap_or_else(|| self.config.clone())
    }
}

impl Case {
    /// The exchanges, however they were written.
    pub fn steps(&self) -> Vec<Step> {
        if !self.requests.is_empty() {
            return self.requests.clone();
        }
        vec![Step {
            request: self.request.clone().unwrap_or_default(),
            properties: self.properties.clone(),
            upstream: self.upstream.clone().unwrap_or_default(),
            expect: self.expect.clone().unwrap_or_default(),
        }]
    }

    /// Whether the module must refuse the configuration.
    pub fn is_refusal(&self) -> bool {
        !self.config_errors.is_empty()
    }

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
            || !self.properties.is_empty();
        let kinds = [single, !self.requests.is_empty(), self.is_refusal()];
        let kinds = kinds.into_iter().filter(|kind| *kind).count();
        require(kinds == 1, "give one of: `request` with `expect`, `requests`, `configErrors`");
        require(self.is_refusal() || !self.exact, "`exact` belongs to `configErrors`");
        if let Some(only) = self.only.as_ref().or(file.only.as_ref()) {
            require(!only.reason().trim().is_empty(), "`only` needs a reason");
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
        if !self.is_refusal() {
            for step in self.steps() {
                require(!step.expect.is_empty(), "nothing is expected: such a case cannot fail");
            }
        }
        problems
    }
}

impl Expect {
    /// Whether something is expected that all requests of a proxy share: its log or its metrics.
    pub fn is_about_all(&self) -> bool {
        !self.log.is_empty() || !self.nolog.is_empty() || !self.metrics.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.upstream.is_none()
            && self.response.is_none()
            && self.log.is_empty()
            && self.nolog.is_empty()
            && self.metrics.is_empty()
            && self.elapsed_ms.is_none()
            && self.budget.is_none()
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
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| vec![error.to_string()]);
        match text.and_then(|yaml| CaseFile::parse(&yaml)) {
            Ok(file) => files.push(Located { id: id_of(directory, &path), file }),
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
        assert_eq!((step.request.host.as_str(), step.upstream.status), ("example.com", 200));
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
