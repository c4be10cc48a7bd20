//! `weir rollout`: gives a release to more and more units, and takes it back when it is bad.
//!
//! `weir_rollout` decides. Here are its eyes and hands: `specification` reads the rollout's file, `home` is where target
//! and state are (`store` for files, `resource` for a cluster), `target` makes the versions, `observe` asks Prometheus,
//! `judge` makes verdicts of counts, `evaluate` does one evaluation, `follow` one after another, `events` and `view` show
//! what happens.

mod announce;
mod encoding;
mod evaluate;
mod events;
mod follow;
mod home;
mod judge;
mod lease;
mod live;
mod observe;
mod resource;
#[cfg(test)]
mod simulation;
mod specification;
mod store;
mod target;
mod view;

use crate::document;
use crate::input;
use crate::output::{Failure, Format, Outcome};
use crate::report::prometheus::{Connection, Prometheus};
use anyhow::anyhow;
use clap::Subcommand;
use evaluate::{Rollout, Way};
use home::Trouble;
use specification::Specification;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use store::Record;
pub(crate) use target::fingerprint;
use weir_rollout::{Command as Said, Phase};

/// A longer wait for Prometheus counts as no answer: the release is not watched meanwhile.
const PATIENCE: Duration = Duration::from_secs(20);
/// The exit code of a rollout that is not over.
const GOES_ON: u8 = 3;
/// The exit code of a rollout that needs a person.
const HELD: u8 = 4;

/// Gives a release to more and more units, watches its gates, and takes it back when one fails.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Step(StepArgs),
    Run(RunArgs),
    Status(StatusArgs),
    /// Approves the step that waits for it.
    #[command(
        after_long_help = "Example:\n  weir rollout approve rollout.yaml\n\nExit codes: 0 done; 2 no step waits, or a file cannot be used."
    )]
    Approve(SpecArgs),
    /// Rolls back: puts back what was there before the rollout, at once. A running `weir rollout run`, or the next
    /// `weir rollout step`, then waits until all proxies report it.
    #[command(
        after_long_help = "Example:\n  weir rollout abort rollout.yaml\n\nExit codes: 0 done; 2 the rollout is over, or a file cannot be used."
    )]
    Abort(SpecArgs),
    /// Stays at the current step. Gates are watched: one that fails rolls back.
    #[command(
        after_long_help = "Example:\n  weir rollout pause rollout.yaml\n\nExit codes: 0 done; 2 it is paused or over, or a file cannot be used."
    )]
    Pause(SpecArgs),
    /// Goes on after `pause`.
    #[command(
        after_long_help = "Example:\n  weir rollout resume rollout.yaml\n\nExit codes: 0 done; 2 it is not paused, or a file cannot be used."
    )]
    Resume(SpecArgs),
    Hash(HashArgs),
}

/// Evaluates a rollout once: for cron, CI and GitOps.
///
/// The first evaluation begins the rollout. Each one looks at the target, the proxies and the gates, and then does at
/// most one thing: it writes the next step, or puts back what was there before. The state is kept in a file beside the
/// target, FILE.rollout.json, or in an annotation of the resource.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir rollout step rollout.yaml --prometheus http://localhost:9090
  weir rollout step rollout.yaml --prometheus http://localhost:9090 --dry-run

Exit codes: 0 the rollout is complete; 1 it is rolled back, or on the way there; 2 a file cannot be used; \
3 it goes on, or the API server has no answer: evaluate again; 4 it needs a person: an approval, a foreign edit, a \
deadline, a pause.")]
pub(crate) struct StepArgs {
    #[command(flatten)]
    common: Evaluated,
    #[command(flatten)]
    format: Format,
}

/// Evaluates a rollout again and again until it is over.
///
/// It may be stopped at any time, even killed: the next start goes on where it was. Each event is a line on standard
/// output; a terminal also shows the steps, how far they are, and the gates. Several may run at once: those of a file take turns, and of those of a resource one runs, and the others
/// wait for its Lease.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir rollout run rollout.yaml --prometheus http://localhost:9090
  weir rollout run /etc/weir/rollout.yaml --prometheus http://prometheus.monitoring:9090 --stay

Exit codes: 0 the rollout is complete; 1 it is rolled back; 2 a file cannot be used; 3 it was stopped by a signal, and \
goes on with the next start.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    common: Evaluated,
    /// Stay when the rollout is over, and begin the next one when the specification has changed: for a Deployment. While
    /// a rollout is under way it goes on with the specification that it began with.
    #[arg(long)]
    stay: bool,
    #[command(flatten)]
    format: Format,
}

/// What all that evaluates needs.
#[derive(Debug, clap::Args)]
struct Evaluated {
    /// The rollout's specification.
    spec: PathBuf,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    cluster: crate::kubernetes::ClusterContext,
    /// Begin again, where the last rollout of this target is over.
    #[arg(long)]
    restart: bool,
    /// Evaluate once, and print what would be done; nothing is stored, written or sent.
    #[arg(long)]
    dry_run: bool,
}

/// Shows where a rollout is, and what has happened. Prometheus is not asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  weir rollout status rollout.yaml

Exit codes: 0 the rollout is complete; 1 it is rolled back, or on the way there; 2 a file cannot be used, or there is \
no rollout; 3 it goes on, or the API server has no answer: ask again; 4 it needs a person.")]
pub(crate) struct StatusArgs {
    /// The rollout's specification.
    spec: PathBuf,
    #[command(flatten)]
    cluster: crate::kubernetes::ClusterContext,
    #[command(flatten)]
    format: Format,
}

/// A rollout.
#[derive(Debug, clap::Args)]
pub(crate) struct SpecArgs {
    /// The rollout's specification.
    spec: PathBuf,
    #[command(flatten)]
    cluster: crate::kubernetes::ClusterContext,
}

/// Prints the number that proxies report for a configuration, `weir_config_hash`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  weir rollout hash weir.yaml

Exit codes: 0 success; 2 the file cannot be used.")]
pub(crate) struct HashArgs {
    /// The configuration; `-` is standard input.
    config: PathBuf,
}

/// Follows a command.
///
/// # Errors
/// A file that cannot be used, a command that makes no sense now.
pub(crate) fn run(command: &Command, out: &mut impl Write) -> Result<Outcome, Failure> {
    match command {
        Command::Step(args) => step(&args.common, args.format, out),
        Command::Run(args) if args.common.dry_run => step(&args.common, args.format, out),
        Command::Run(args) => follow::run(args, out),
        Command::Status(args) => {
            let rollout = Rollout::open(Specification::read(&args.spec)?, &args.cluster, None, false)?;
            let record = match rollout.stored() {
                Err(Trouble::Passing(message)) => return Ok(ask_again(&message)),
                stored => stored?,
            };
            show(&rollout.specification, &record, args.format, out)?;
            Ok(outcome(&record))
        }
        Command::Approve(args) => say(args, Said::Approve, out),
        Command::Abort(args) => say(args, Said::Abort, out),
        Command::Pause(args) => say(args, Said::Pause, out),
        Command::Resume(args) => say(args, Said::Resume, out),
        Command::Hash(args) => {
            let (name, text) = input::named(&args.config)?;
            let loaded = document::find(&name, &text, &crate::environment::inherited(), |_| true)?;
            writeln!(out, "{}", target::fingerprint(&loaded))?;
            Ok(Outcome::Fine)
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Error(anyhow!(trouble.message().to_owned()))
    }
}

fn step(args: &Evaluated, format: Format, out: &mut impl Write) -> Result<Outcome, Failure> {
    let mut rollout = open(args)?;
    let way = if args.dry_run { Way::Pretend } else { Way::Really };
    let evaluated = match rollout.evaluate(way) {
        Ok(evaluated) => evaluated,
        Err(Trouble::Passing(message)) => return Ok(ask_again(&message)),
        Err(trouble) => return Err(trouble.into()),
    };
    if !format.is_json() {
        for event in &evaluated.events {
            events::write(event, &rollout.specification, out)?;
        }
        if let (Way::Pretend, Some(version)) = (way, evaluated.write) {
            writeln!(
                out,
                "dry run: would write {} into {}",
                view::version(&rollout.specification, version),
                rollout.specification.title
            )?;
        }
    }
    show(&rollout.specification, &evaluated.record, format, out)?;
    match evaluated.trouble {
        None => Ok(outcome(&evaluated.record)),
        Some(Trouble::Passing(message)) => Ok(ask_again(&message)),
        Some(trouble) => Err(trouble.into()),
    }
}

/// The API server is away, or has too much to do.
fn ask_again(message: &str) -> Outcome {
    crate::output::complain(message);
    Outcome::Exit(GOES_ON)
}

fn open(args: &Evaluated) -> Result<Rollout, Failure> {
    let specification = Specification::read(&args.spec)?;
    let prometheus = Prometheus::open_within(&args.connection, PATIENCE)?;
    Ok(Rollout::open(specification, &args.cluster, Some(prometheus), args.restart)?)
}

fn say(args: &SpecArgs, said: Said, out: &mut impl Write) -> Result<Outcome, Failure> {
    let specification = Specification::read(&args.spec)?;
    let mut rollout = Rollout::open(specification, &args.cluster, None, false)?;
    let followed = rollout.say(said)?;
    for event in &followed.events {
        events::write(event, &rollout.specification, out)?;
    }
    followed.trouble.map_or(Ok(Outcome::Fine), |trouble| Err(trouble.into()))
}

fn show(
    specification: &Specification,
    record: &Record,
    format: Format,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if format.is_json() {
        crate::output::json(out, &view::Status::new(specification, record))?;
    } else {
        view::write(specification, record, out)?;
    }
    Ok(())
}

fn outcome(record: &Record) -> Outcome {
    let needs_a_person = record.state.held.is_some_and(weir_rollout::Held::needs_a_person);
    match &record.state.phase {
        Phase::Completed => Outcome::Fine,
        Phase::RolledBack { .. } => Outcome::Problems,
        _ if needs_a_person => Outcome::Exit(HELD),
        Phase::Restoring { .. } | Phase::ConfirmingRestore { .. } => Outcome::Problems,
        Phase::Waiting { .. } if !record.state.approved => Outcome::Exit(HELD),
        _ => Outcome::Exit(GOES_ON),
    }
}
