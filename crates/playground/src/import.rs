//! `weir import` for a page.

use crate::answer::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use weir_allocation::sdk::Algorithm;
use weir_definitions::{Kind, Options, istio};
use weir_workbench::import;

/// A file to import.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Question {
    /// What the file is.
    from: Format,
    /// Its text: YAML or JSON.
    text: String,
    /// The sources of attributes by name, such as `cookie:uid`.
    #[serde(default)]
    sources: BTreeMap<String, String>,
    /// The types of attributes by name: `string`, `boolean`, `number`, `list` or `json`.
    #[serde(default)]
    types: BTreeMap<String, String>,
    /// The hash of flagd's `fractional`: `flagd-2`, or `flagd-1` for flagd up to core 0.13.
    #[serde(default)]
    hash: Option<String>,
    /// Of Istio: sources of what identifies a user in splits.
    #[serde(default)]
    units: Vec<String>,
    /// Of Istio: set no cookie with an anonymous ID.
    #[serde(default)]
    no_cookie: bool,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Growthbook,
    Unleash,
    Flagd,
    Istio,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Growthbook => "growthbook",
            Self::Unleash => "unleash",
            Self::Flagd => "flagd",
            Self::Istio => "istio",
        }
    }
}

/// What was imported, and what was not.
#[derive(Serialize)]
#[serde(untagged)]
enum Report {
    Flags(weir_definitions::Report),
    Istio(istio::Report),
}

/// The result of an import.
#[derive(Serialize)]
pub(crate) struct Answer {
    /// As `weir import --output json` prints it, without the texts.
    report: Report,
    /// The same in words, a line each.
    lines: Vec<String>,
    /// The configuration; none where nothing could be imported.
    configuration: Option<String>,
    /// Of Istio: the VirtualServices that follow the header that Weir sets.
    routes: Option<String>,
}

/// Imports.
///
/// # Errors
/// A text that is not such a file, options that cannot be.
pub(crate) fn answer(question: Question) -> Result<Answer, Error> {
    let name = format!("{}.yaml", question.from.name());
    let vendor = match question.from {
        Format::Growthbook => weir_definitions::Vendor::Growthbook,
        Format::Unleash => weir_definitions::Vendor::Unleash,
        Format::Flagd => weir_definitions::Vendor::Flagd,
        Format::Istio => return of_istio(question, &name),
    };
    let flags = import::flags(vendor, &name, &question.text, &options(&question)?)?;
    Ok(Answer {
        lines: import::lines(&flags.report, &name),
        report: Report::Flags(flags.report),
        configuration: flags.configuration,
        routes: None,
    })
}

fn of_istio(question: Question, name: &str) -> Result<Answer, Error> {
    if let Some(text) = question.units.iter().find(|text| !text.contains(':')) {
        let message = format!("{text}: expected a source such as header:x-user-id or cookie:uid");
        return Err(Error::Field("units", message));
    }
    let options = istio::Options { units: question.units, cookie: !question.no_cookie };
    let imported = import::istio::import(name, &question.text, &options)?;
    Ok(Answer {
        lines: import::istio::lines(&imported.report, name),
        report: Report::Istio(imported.report),
        configuration: imported.configuration,
        routes: imported.routes,
    })
}

fn options(question: &Question) -> Result<Options, Error> {
    let mut options = Options::default();
    if let Some(hash) = &question.hash {
        options.flagd_hash = match hash.as_str() {
            "flagd-1" => Algorithm::Flagd1,
            "flagd-2" => Algorithm::Flagd2,
            _ => return Err(Error::Field("hash", format!("{hash}: expected flagd-1 or flagd-2"))),
        };
    }
    for (name, source) in &question.sources {
        if !source.contains(':') {
            let message = format!("{source}: expected a source such as header:x-user-id or cookie:uid");
            return Err(Error::Field("sources", message));
        }
        options.sources.insert(name.clone(), source.clone());
    }
    for (name, kind) in &question.types {
        let known = Kind::ALL.map(Kind::name).join(", ");
        let unknown = || Error::Field("types", format!("{kind}: the types are {known}"));
        let kind = Kind::from_name(kind).ok_or_else(unknown)?;
        options.types.insert(name.clone(), kind);
    }
    Ok(options)
}
