//! `weir assign`: what becomes of one unit, and why.

mod report;
mod request;

use crate::document::{self, Loaded};
use crate::environment::Environment;
use crate::output::{Failure, Format, Outcome};
use report::{Decided, Report, Taken};
use request::{Given, Options};
use std::io::Write;
use std::path::PathBuf;
use weir_core::header::encode_pairs;
use weir_core::{Effects, Request, Scratch, SourceSpec};
use weir_experiment::{Config, Note};

/// Says which variant a unit gets, with every step of the decision.
///
/// The request that the options describe goes through the filters as it would in the proxy, and each step
/// is told: status, override, sticky, unit, holdout, layer, targeting, prerequisites, coverage, variant,
/// with the numbers that the unit was hashed to. Secrets are read from the environment, as in the proxy. CEL
/// expressions only a proxy can evaluate; they do not hold here.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir assign checkout.yaml --experiment checkout --unit user-42
  weir assign checkout.yaml --all --unit user-42 --attr country=de -H 'x-plan: pro'
  weir assign checkout.yaml --all --cookie uid=42 --path /shop --now 2026-03-01T00:00:00Z

Exit codes: 0 it is decided, also when the unit gets no variant; 2 the file or the options cannot be used.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    #[command(flatten)]
    which: Which,
    /// The unit's id. It is put where the experiment looks first.
    #[arg(long, value_name = "ID")]
    unit: Option<String>,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    request: Options,
}

#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// One experiment, by its key.
    #[arg(long, value_name = "KEY")]
    experiment: Option<String>,
    /// All experiments, and the headers that the request ends up with.
    #[arg(long)]
    all: bool,
}

impl Which {
    fn takes(&self, key: &str) -> bool {
        self.experiment.as_ref().is_none_or(|wanted| wanted == key)
    }
}

/// Decides and writes.
///
/// # Errors
/// A file or options that cannot be used.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let loaded = document::load_in(&args.config, &args.environment.read()?, |loaded| {
        section(loaded, &args.which).is_ok()
    })?;
    let section = section(&loaded, &args.which)?;
    let mut given = Given::new(&args.request, &loaded.document.attributes)?;
    if let Some(unit) = &args.unit {
        for source in unit_sources(section, &args.which)? {
            given.put(source, unit, &loaded.document.attributes)?;
        }
    }
    let report = decide(&loaded, section, &given, &args.which);
    if !loaded.plans.shape.cel.is_empty() {
        crate::output::complain("note: CEL expressions are the proxy's; here they do not hold");
    }
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out)?;
    }
    Ok(Outcome::Fine)
}

/// The section, if it has what is asked for.
fn section<'l>(loaded: &'l Loaded, which: &Which) -> Result<&'l Config, String> {
    let section = loaded.document.experiments.as_ref();
    let section = section.ok_or("the configuration has no experiments")?;
    if section.list.iter().any(|experiment| which.takes(&experiment.key)) {
        return Ok(section);
    }
    let keys: Vec<&str> = section.list.iter().map(|experiment| experiment.key.as_str()).collect();
    let wanted = which.experiment.as_deref().unwrap_or_default();
    Err(format!("there is no experiment {wanted}; there is: {}", keys.join(", ")))
}

/// Where the chosen experiments look for a unit first, each place once.
fn unit_sources<'l>(section: &'l Config, which: &Which) -> Result<Vec<&'l SourceSpec>, String> {
    let mut sources: Vec<&SourceSpec> = Vec::new();
    for experiment in section.list.iter().filter(|experiment| which.takes(&experiment.key)) {
        let own = experiment.unit.first().or(section.unit.first());
        if let Some(source) = own.filter(|source| !sources.contains(source)) {
            sources.push(source);
        }
    }
    if sources.is_empty() {
        return Err("--unit: no source of units is named; give the minted cookie with --cookie".into());
    }
    Ok(sources)
}

/// Sends the request through the filters, in the order of the pipeline.
fn decide(loaded: &Loaded, section: &Config, given: &Given, which: &Which) -> Report {
    let shape = &loaded.plans.shape;
    let headers = given.headers();
    let pairs: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (raw, mut scratch, mut effects) = (encode_pairs(&pairs), Scratch::default(), Effects::default());
    scratch.read(shape, &raw);
    let request = Request::new(shape, &raw, &scratch, given);
    effects.reset(shape);
    let mut taken: Vec<(usize, Taken)> = Vec::new();
    if let Some(plan) = &loaded.plans.experiments {
        let mut trace = |note: Note<'_>| taken.push((note.experiment.index(), Taken::new(&note)));
        plan.decide_traced(&request, &mut effects, &mut trace);
    }
    if let Some(routing) = &loaded.plans.routing {
        routing.decide(&request, &mut effects);
    }
    let chosen = section.list.iter().enumerate().filter(|(_, experiment)| which.takes(&experiment.key));
    let experiments = chosen.map(|(index, experiment)| {
        let steps = taken.iter().filter(|(of, _)| *of == index).map(|(_, step)| step.clone());
        Decided::new(experiment, steps.collect())
    });
    let experiments = experiments.collect();
    let written = shape.owned.iter().zip(&effects.headers).filter_map(|(owned, value)| {
        let bytes = effects.bytes(*value, shape)?;
        Some((owned.name.clone(), String::from_utf8_lossy(bytes).into_owned()))
    });
    Report { experiments, headers: which.all.then(|| written.collect()) }
}
