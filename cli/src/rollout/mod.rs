//! `weir rollout`: gives a release to more and more units, and takes it back when it is bad.
//!
//! `weir_rollout` decides. Here are its eyes and hands: `specification` reads the rollout's file, `backend` is where
//! target and state are (`files`, or `resource` in a cluster), `target` makes the versions, `observe` asks Prometheus,
//! `judge` makes verdicts of counts, `evaluate` does one evaluation, `follow` one after another, `events` and `view`
//! show what happens.

mod announce;
mod args;
mod backend;
mod encoding;
mod error;
mod evaluate;
mod events;
mod files;
mod follow;
mod judge;
mod lease;
mod live;
mod object;
mod observe;
mod outcome;
mod record;
mod resource;
#[cfg(test)]
mod simulation;
mod snapshot;
mod specification;
mod target;
mod view;

use crate::document;
use crate::input;
use crate::output::{Failure, Format, Outcome};
use args::{Evaluated, HashArgs, RunArgs, SpecArgs, StatusArgs, StepArgs};
use clap::Subcommand;
use error::EvaluationError;
use evaluate::{Mode, Rollout};
use outcome::{ask_again, outcome, show};
use specification::Specification;
use std::io::Write;
pub(crate) use target::fingerprint;
use weir_rollout::Command as UserCommand;

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
                Err(EvaluationError::Transient(message)) => return Ok(ask_again(&message)),
                stored => stored?,
            };
            show(&rollout.specification, &record, args.format, out)?;
            Ok(outcome(&record))
        }
        Command::Approve(args) => tell(args, UserCommand::Approve, out),
        Command::Abort(args) => tell(args, UserCommand::Abort, out),
        Command::Pause(args) => tell(args, UserCommand::Pause, out),
        Command::Resume(args) => tell(args, UserCommand::Resume, out),
        Command::Hash(args) => {
            let (name, text) = input::named(&args.config)?;
            let loaded = document::find(&name, &text, &crate::environment::inherited(), |_| true)?;
            writeln!(out, "{}", target::fingerprint(&loaded))?;
            Ok(Outcome::Fine)
        }
    }
}

fn step(args: &Evaluated, format: Format, out: &mut impl Write) -> Result<Outcome, Failure> {
    let mut rollout = args.open()?;
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Apply };
    let evaluated = match rollout.evaluate(mode) {
        Ok(evaluated) => evaluated,
        Err(EvaluationError::Transient(message)) => return Ok(ask_again(&message)),
        Err(error) => return Err(error.into()),
    };
    if !format.is_json() {
        for event in &evaluated.events {
            events::write(event, &rollout.specification, out)?;
        }
        if let (Mode::DryRun, Some(version)) = (mode, evaluated.write) {
            writeln!(
                out,
                "dry run: would write {} into {}",
                view::version(&rollout.specification, version),
                rollout.specification.title
            )?;
        }
    }
    show(&rollout.specification, &evaluated.record, format, out)?;
    match evaluated.error {
        None => Ok(outcome(&evaluated.record)),
        Some(EvaluationError::Transient(message)) => Ok(ask_again(&message)),
        Some(error) => Err(error.into()),
    }
}

fn tell(args: &SpecArgs, command: UserCommand, out: &mut impl Write) -> Result<Outcome, Failure> {
    let specification = Specification::read(&args.spec)?;
    let mut rollout = Rollout::open(specification, &args.cluster, None, false)?;
    let followed = rollout.command(command)?;
    for event in &followed.events {
        events::write(event, &rollout.specification, out)?;
    }
    followed.error.map_or(Ok(Outcome::Fine), |error| Err(error.into()))
}
