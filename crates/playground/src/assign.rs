//! `weir assign` for a page.

use crate::answer::{Error, FILE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use weir_workbench::assign::{self, Options, Report, Section, Which};
use weir_workbench::variables::Variables;

/// A configuration, and a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Question {
    /// YAML or JSON: a configuration, or a manifest with one.
    text: String,
    /// One experiment only.
    #[serde(default)]
    experiment: Option<String>,
    /// The unit's ID, which is set where the configuration looks for it.
    #[serde(default)]
    unit: Option<String>,
    /// The request.
    #[serde(default)]
    request: Request,
    /// Key sets by the name of the provider that would fetch them; `*` is for all.
    #[serde(default)]
    jwks: BTreeMap<String, String>,
    /// Values of the proxy's environment variables.
    #[serde(default)]
    env: String,
    /// The time in milliseconds since the Unix epoch, as `Date.now()` has it.
    now: f64,
}

/// A request. Texts of pairs have a `=` between name and value, those of headers a `:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct Request {
    method: String,
    host: String,
    path: String,
    headers: Vec<String>,
    cookies: Vec<String>,
    query: Vec<String>,
    claims: Vec<String>,
    attributes: Vec<String>,
    properties: Vec<String>,
    /// RFC 3339, in the place of `now`.
    at: Option<String>,
}

impl Default for Request {
    fn default() -> Self {
        let Options { path, method, host, .. } = Options::default();
        Self {
            method,
            host,
            path,
            headers: Vec::new(),
            cookies: Vec::new(),
            query: Vec::new(),
            claims: Vec::new(),
            attributes: Vec::new(),
            properties: Vec::new(),
            at: None,
        }
    }
}

/// A decision.
#[derive(Serialize)]
pub(crate) struct Answer {
    /// As `weir assign --output json` prints it.
    report: Report,
    /// The same in words.
    sections: Vec<Section>,
    notes: Vec<String>,
}

/// Decides.
///
/// # Errors
/// A text without the configuration, or a request that cannot be.
pub(crate) fn answer(question: Question) -> Result<Answer, Error> {
    let mut variables = Variables::default();
    variables.add("environment", &question.env)?;
    let which = question.experiment.map_or(Which::All, Which::Experiment);
    let loaded = assign::load(FILE, &question.text, &variables, &which)?;
    let Request { method, host, path, headers, cookies, query, claims, attributes, properties, at } =
        question.request;
    let request = Options {
        attr: attributes,
        header: headers,
        cookie: cookies,
        query,
        claim: claims,
        property: properties,
        path,
        method,
        host,
        at,
    };
    let names = question.jwks.keys();
    let jwks: Vec<String> =
        names.map(|name| if name == "*" { name.clone() } else { format!("{name}={name}") }).collect();
    let asked = assign::Question {
        which: &which,
        unit: question.unit.as_deref(),
        request: &request,
        jwks: &jwks,
        // A number that is none, or out of range, becomes the nearest.
        now: (question.now * 1e6) as u64,
    };
    let key_set = |name: &str| question.jwks.get(name).cloned().ok_or("no key set");
    let mut notes = Vec::new();
    let report = assign::explain(&loaded, &asked, key_set, |note| notes.push(note.to_owned()))?;
    Ok(Answer { sections: report.sections(), report, notes })
}
