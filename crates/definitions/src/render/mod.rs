//! Converts the parsed definitions to a Weir configuration.
//!
//! A flag has branches, of which the first that takes a unit decides. Each becomes an experiment; several are
//! experiments of one `flag`, which are tried in the same way.

mod experiment;
mod flags;
mod layers;
mod ranges;

use crate::attributes::{Attributes, Kind};
use crate::document::{Attribute, Document};
use crate::imported::{Imported, Options};
use crate::model::{ByName, Flag, Import};
use crate::names::{header, is_safe, safe};
use crate::report::{Refused, Renamed, Report};
use crate::unsupported::Unsupported;
use flags::{Resolved, Resolver};
use layers::Layers;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use weir_core::{At, Problem};

/// Makes the configuration. What a module would refuse is left out with what depends on it: the whole is
/// validated once, and once more after something was left out, however much it was.
pub(crate) fn render(import: Import, options: &Options) -> Imported {
    let Import { flags, report, missing } = import;
    let mut left_out: BTreeMap<String, String> =
        report.left_out.iter().map(|it| (it.flag.clone(), it.message.clone())).collect();
    let mut unlucky: Vec<(String, Refused)> = Vec::new();
    loop {
        let by_name: ByName<'_> = flags
            .iter()
            .filter(|flag| !left_out.contains_key(&flag.name))
            .map(|flag| (flag.name.as_str(), flag))
            .collect();
        let resolved = Resolver::new(&by_name, &left_out, missing).all();
        let mut report = report.clone();
        for (name, refused) in &unlucky {
            report.leave_out(name, refused.clone());
        }
        let document = document(&resolved, &by_name, &mut report, options);
        let refused = if document.is_empty() { Vec::new() } else { refused(&document, &by_name) };
        if refused.is_empty() {
            return Imported { document, report };
        }
        for (name, message) in refused {
            let at = by_name.get(name.as_str()).map(|flag| flag.at.clone()).unwrap_or_default();
            left_out.insert(name.clone(), message.clone());
            unlucky.push((name, Refused { message, at }));
        }
    }
}

fn document(
    resolved: &BTreeMap<&str, Result<Resolved<'_>, Unsupported>>,
    flags: &ByName<'_>,
    report: &mut Report,
    options: &Options,
) -> Document {
    let (mut document, mut layers, mut attributes) =
        (Document::default(), Layers::default(), Attributes::default());
    let taken = taken(resolved);
    for (&name, found) in resolved {
        let found = match found {
            Ok(found) => found,
            Err(message) => {
                let at = flags.get(name).map(|flag| flag.at.clone()).unwrap_or_default();
                report.leave_out(name, Refused { message: message.to_string(), at });
                continue;
            }
        };
        if found.rules.is_empty() {
            let list = if found.flag.is_off { &mut report.off } else { &mut report.constant };
            list.push(name.to_owned());
            continue;
        }
        let called = safe(name);
        if taken.get(&called.to_ascii_lowercase()).is_some_and(|count| *count > 1) {
            let message =
                format!("another flag would be called {called:?} too, and names of headers have no case");
            report.leave_out(name, Refused { message, at: found.flag.at.clone() });
            continue;
        }
        if !is_safe(name) {
            report.renamed.push(Renamed { flag: name.to_owned(), variant: None, name: called });
        }
        for (from, to) in &found.named.renamed {
            let (flag, variant, name) = (name.to_owned(), Some(from.clone()), to.clone());
            report.renamed.push(Renamed { flag, variant, name });
        }
        for (index, rule) in found.rules.iter().enumerate() {
            let experiment = experiment::experiment(&mut layers, found.flag, &found.named, rule, index == 0);
            document.experiments.push(experiment);
        }
        for note in found.flag.seen.notes.iter().chain(&found.notes) {
            report.note(name, note.clone());
        }
        attributes.join(&found.flag.seen.attributes);
        report.imported.push(name.to_owned());
    }
    document.attributes = sources(&attributes, options, report);
    document
}

/// How many flags would have a name, ignoring case, as names of headers are compared.
fn taken(resolved: &BTreeMap<&str, Result<Resolved<'_>, Unsupported>>) -> BTreeMap<String, usize> {
    let mut taken = BTreeMap::new();
    let named = resolved.iter().filter(|(_, found)| found.as_ref().is_ok_and(|it| !it.rules.is_empty()));
    for (name, _) in named {
        *taken.entry(safe(name).to_ascii_lowercase()).or_default() += 1;
    }
    taken
}

/// Where requests have the attributes.
fn sources(attributes: &Attributes, options: &Options, report: &mut Report) -> Vec<Attribute> {
    let given = options.sources.values().filter_map(|it| it.strip_prefix("header:"));
    let mut headers: BTreeSet<String> = given.map(str::to_ascii_lowercase).collect();
    let (mut unsure, mut lists) = (Vec::new(), Vec::new());
    let mut all = Vec::new();
    for (name, asked) in attributes.iter() {
        let (kind, is_sure) = asked.kind();
        let told = options.types.get(name).copied();
        if told.is_none() && !is_sure {
            unsure.push(name);
        }
        if told.is_none() && asked.may_be_list() {
            lists.push(name);
        }
        let given = options.sources.get(name);
        let source = match given {
            Some(source) => source.clone(),
            None => {
                let base = format!("x-{}", header(name));
                let names =
                    std::iter::once(base.clone()).chain((2..).map(|number| format!("{base}-{number}")));
                let free = names.into_iter().find(|it| headers.insert(it.clone()));
                format!("header:{}", free.unwrap_or(base))
            }
        };
        let source = match told.unwrap_or(kind) {
            Kind::Text => json!(source),
            kind => {
                let (place, value) = source.split_once(':').unwrap_or(("header", &source));
                json!({place: value, "type": kind.name()})
            }
        };
        all.push(Attribute { name: name.to_owned(), source, is_guess: given.is_none() });
    }
    if !unsure.is_empty() {
        let message = "compared with texts and with numbers, true or lists, and read as text or list: say what they \
                       are in your application with --type";
        report.note("", format!("{}: {message}", unsure.join(", ")));
    }
    if !lists.is_empty() {
        let message = "read as text; if it is a list in your application, use --type NAME=list";
        report.note("", format!("{}: {message}", lists.join(", ")));
    }
    all
}

/// The flags that a module refuses, and why; one message each.
fn refused(document: &Document, flags: &ByName<'_>) -> Vec<(String, String)> {
    let json = document.to_json().to_string();
    let Err(problems) = weir_pipeline::validate_all(json.as_bytes()) else { return Vec::new() };
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    for problem in problems.iter() {
        let message = || format!("a module would refuse it: {problem}");
        if let Some(experiment) = position(&problem.at).and_then(|index| document.experiments.get(index)) {
            refused.entry(experiment.flag.clone()).or_insert_with(message);
            continue;
        }
        for name in users(document, flags, problem) {
            refused.entry(name).or_insert_with(message);
        }
    }
    if refused.is_empty() {
        // What concerns no flag concerns all.
        let message = problems.iter().next().map(|it| format!("a module would refuse the whole: {it}"));
        let all =
            document.experiments.iter().map(|it| (it.flag.clone(), message.clone().unwrap_or_default()));
        return all.collect::<BTreeMap<_, _>>().into_iter().collect();
    }
    refused.into_iter().collect()
}

/// Which of the experiments a place is in.
fn position(at: &At) -> Option<usize> {
    let at = at.to_string();
    let (index, _) = at.strip_prefix("experiments.list[")?.split_once(']')?;
    index.parse().ok()
}

/// The flags whose attribute has a problem.
fn users(document: &Document, flags: &ByName<'_>, problem: &Problem) -> Vec<String> {
    let at = At::root().field("attributes");
    let named = document.attributes.iter().find(|it| at.field(&it.name).contains(&problem.at));
    let Some(attribute) = named else { return Vec::new() };
    let uses = |flag: &&Flag| flag.seen.attributes.contains(&attribute.name);
    flags.values().copied().filter(uses).map(|flag| flag.name.clone()).collect()
}
