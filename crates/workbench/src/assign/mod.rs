//! What becomes of one request, and why.

mod explained;
mod report;
mod request;
mod steps;
mod tokens;

pub use explained::{Kind, Line, Section};
pub use report::Report;
pub use request::{Options, RequestSpec};

use crate::document::{self, Loaded};
use crate::error::Error;
use crate::variables::Variables;
use report::{Answer, Chosen, ChosenBy, Decided, Routed, TriedRule};
use std::fmt::Display;
use steps::{Split, Steps};
use weir_core::header::encode_pairs;
use weir_core::problem::suggestion;
use weir_core::{Clock as _, Disposition, SourceSpec, Truth};
use weir_pipeline::routing;

/// What is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// One experiment, by its key.
    Experiment(String),
    /// All experiments, routing, faults, and the resulting request headers.
    All,
}

impl Which {
    fn takes(&self, key: &str) -> bool {
        match self {
            Self::Experiment(wanted) => wanted == key,
            Self::All => true,
        }
    }
}

/// A request, and what is asked about it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// What is to be explained.
    pub which: &'q Which,
    /// The unit's ID. It is set in the first source that the experiment, split or fault reads.
    pub unit: Option<&'q str>,
    /// The request.
    pub request: &'q Options,
    /// Key sets for providers that fetch theirs from a server: `NAME`, or `PROVIDER=NAME`.
    pub jwks: &'q [String],
    /// The time of requests that name none, in nanoseconds since the Unix epoch.
    pub now: u64,
}

/// What becomes of the request. `key_set` gives the text of a key set by the name that the question has for it, and
/// `note` takes what people should know besides.
///
/// # Errors
/// A question that cannot be understood or does not fit the configuration.
pub fn explain<E: Display>(
    loaded: &Loaded,
    question: &Question<'_>,
    key_set: impl Fn(&str) -> Result<String, E>,
    mut note: impl FnMut(&str),
) -> Result<Report, Error> {
    let document = &loaded.document;
    let mut given =
        RequestSpec::new(question.request, &document.attributes, document.jwt.is_some(), question.now)?;
    if let Some(unit) = question.unit {
        for source in unit_sources(loaded, question.which)? {
            given.put(source, unit, &document.attributes)?;
        }
    }
    if let (Some(config), Some(plan)) = (&document.jwt, &loaded.plans.jwt) {
        tokens::give_keys(question.jwks, plan, given.now(), key_set, &mut note)?;
        tokens::assume(&mut given, config, &loaded.plans)?;
    } else if !question.jwks.is_empty() {
        return Err(Error::option("jwks", "the configuration verifies no tokens"));
    }
    let report = decide(loaded, &given, question.which);
    if !loaded.plans.access_plan.cel.is_empty() {
        note("CEL expressions are evaluated by Envoy; here they count as not fulfilled");
    }
    Ok(report)
}

/// The configuration that has what is asked for. Of several in a text, those with experiments come first.
///
/// # Errors
/// There is none, or not one; a message for people.
pub fn load(file: &str, text: &str, variables: &Variables, which: &Which) -> Result<Loaded, Error> {
    let experiments = |loaded: &Loaded| has_experiment(loaded, which).is_ok();
    let loaded = document::find(file, text, variables, experiments);
    if *which == Which::All {
        let decides = |loaded: &Loaded| {
            let document = &loaded.document;
            document.routing.is_some() || document.jwt.is_some() || document.faults.is_some()
        };
        return loaded.or_else(|_| document::find(file, text, variables, decides));
    }
    let loaded = loaded?;
    has_experiment(&loaded, which)?;
    Ok(loaded)
}

/// Whether the configuration has the experiment, or any.
fn has_experiment(loaded: &Loaded, which: &Which) -> Result<(), Error> {
    let list = loaded.document.experiments.iter().flat_map(|section| &section.list);
    let keys: Vec<&str> = list.map(|experiment| experiment.key.as_str()).collect();
    if keys.iter().any(|key| which.takes(key)) {
        return Ok(());
    }
    if keys.is_empty() {
        return Err(Error::because("the configuration has no experiments"));
    }
    let wanted = match which {
        Which::Experiment(key) => key,
        Which::All => "",
    };
    let hint = suggestion(wanted, &keys);
    Err(Error::Unknown { what: format!("experiment {wanted}"), hint })
}

/// Where a unit is looked for first, by what is asked for: each place once.
fn unit_sources<'l>(loaded: &'l Loaded, which: &Which) -> Result<Vec<&'l SourceSpec>, Error> {
    let document = &loaded.document;
    let mut sources: Vec<&SourceSpec> = Vec::new();
    let mut add = |source: Option<&'l SourceSpec>| {
        sources.extend(source.filter(|source| !sources.contains(source)));
    };
    if let Some(section) = &document.experiments {
        for experiment in section.list.iter().filter(|experiment| which.takes(&experiment.key)) {
            add(experiment.unit.first().or(section.unit.first()));
        }
    }
    if *which == Which::All {
        let rules = document.routing.iter().flat_map(|routing| &routing.rules);
        rules.filter_map(|rule| rule.split.as_ref()).for_each(|split| add(split.sticky_by.first()));
        for fault in document.faults.iter().flat_map(|faults| &faults.0) {
            if let Some(weir_pipeline::faults::Sampling::Sticky(sticky)) = &fault.sampling {
                add(sticky.unit.first());
            }
        }
    }
    if sources.is_empty() {
        let message = "no source of units is named; give the minted cookie with --cookie";
        return Err(Error::option("unit", message));
    }
    Ok(sources)
}

/// Sends the request through the filters, in the order of the pipeline.
fn decide(loaded: &Loaded, given: &RequestSpec, which: &Which) -> Report {
    let headers = given.headers();
    let pairs: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut steps = Steps::default();
    let outcome = loaded.plans.outcome(&encode_pairs(&pairs), given, &mut steps);
    let list = loaded.document.experiments.iter().flat_map(|section| &section.list);
    let chosen = list.enumerate().filter(|(_, experiment)| which.takes(&experiment.key));
    let experiments = chosen.map(|(index, experiment)| {
        let taken = steps.experiments.iter().filter(|(of, _)| *of == index);
        Decided::new(experiment, taken.map(|(_, step)| step.clone()).collect())
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut report = Report {
        tokens: std::mem::take(&mut steps.tokens),
        experiments: experiments.collect(),
        waits: matches!(outcome.disposition, Disposition::Hold(_)),
        ..Report::default()
    };
    if let Disposition::Reply(reply) = &outcome.disposition {
        let body = text(&reply.body);
        report.answer = Some(Answer { status: reply.status, details: reply.details.to_string(), body });
    }
    // What is not decided is not told.
    if *which != Which::All || outcome.disposition != Disposition::On {
        return report;
    }
    report.routing = loaded.document.routing.as_ref().map(|config| routed(config, &steps));
    report.faults = steps.faults;
    let owned = outcome.owned.iter().filter_map(|it| Some((it.name.clone(), text(it.value.as_ref()?))));
    report.headers = Some(owned.collect());
    let unset = outcome.owned.iter().filter(|it| it.value.is_none()).map(|it| it.name.as_bytes());
    let removed = unset.filter(|name| headers.iter().any(|(sent, _)| sent.as_bytes() == *name));
    report.removed = removed.chain(outcome.removed.iter().map(Vec::as_slice)).map(text).collect();
    report.path = outcome.path.as_deref().map(text);
    report.authority = outcome.authority.as_deref().map(text);
    report.state = outcome.states.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    report.response = outcome.response.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    report.counts = outcome.counts;
    report
}

/// Where the request goes, in words of the configuration.
fn routed(config: &routing::Config, steps: &Steps) -> Routed {
    let rule = |position: usize| config.rules.get(position);
    let name = |position: usize| rule(position).map(|rule| rule.name.clone()).unwrap_or_default();
    let matched = steps.rules.iter().find(|(_, truth)| *truth == Truth::True).map(|(position, _)| *position);
    let target = |Split { target, .. }: &Split| {
        let target = rule(matched?)?.split.as_ref()?.targets.get(*target)?;
        Some(format!("{}/{}", name(matched?), target.name))
    };
    let chosen = |split: &Split| match &split.key {
        None => Chosen { by: ChosenBy::First, unit: None, bucket: None },
        Some(key) => {
            let by = match (&key.unit, key.random) {
                (Some(_), _) => ChosenBy::Key,
                (None, true) => ChosenBy::Random,
                (None, false) => ChosenBy::Cookie,
            };
            Chosen { by, unit: key.unit.clone(), bucket: Some(key.bucket) }
        }
    };
    let tried = |(position, truth): &(usize, Truth)| TriedRule {
        name: name(*position),
        matches: *truth == Truth::True,
        undecided: *truth == Truth::Unknown,
    };
    Routed {
        rules: steps.rules.iter().map(tried).collect(),
        target: match (matched, &steps.split) {
            (Some(_), Some(split)) => target(split),
            (Some(position), None) => Some(name(position)),
            (None, _) => config.default.as_ref().map(|_| "default".to_owned()),
        },
        split: steps.split.as_ref().map(chosen),
    }
}
