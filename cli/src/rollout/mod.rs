//! `weir rollout`: gives a release to more and more units, and takes it back when it is bad.
//!
//! `weir_rollout` decides. Here are its eyes and hands: `specification` reads the rollout's file, `home` is where target
//! and state are (`files`, or `resource` in a cluster), `target` makes the versions, `observe` asks Prometheus,
//! `judge` makes verdicts of counts, `evaluate` does one evaluation, `follow` one after another, `events` and `view` show
//! what happens.

mod announce;
mod args;
mod encoding;
mod evaluate;
mod events;
mod files;
mod follow;
mod home;
mod judge;
mod lease;
mod live;
mod look;
mod object;
mod observe;
mod outcome;
mod record;
mod resource;
#[cfg(test)]
mod simulation;
mod specification;
mod target;
mod trouble;
mod view;

use crate::document;
use crate::input;
use crate::output::{Failure, Format, Outcome};
use args::{Evaluated, HashArgs, RunArgs, SpecArgs, StatusArgs, StepArgs};
use clap::Subcommand;
use evaluate::{Rollout, Way};
use outcome::{ask_again, outcome, show};
use specification::Specification;
use std::io::Write;
pub(crate) use target::fingerprint;
use trouble::Trouble;
use weir_rollout::Command as Said;

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

fn step(args: &Evaluated, format: Format, out: &mut impl Write) -> Result<Outcome, Failure> {
    let mut rollout = args.open()?;
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

fn say(args: &SpecArgs, said: Said, out: &mut impl Write) -> Result<Outcome, Failure> {
    let specification = Specification::read(&args.spec)?;
    let mut rollout = Rollout::open(specification, &args.cluster, None, false)?;
    let followed = rollout.say(said)?;
    for event in &followed.events {
        events::write(event, &rollout.specification, out)?;
    }
    followed.trouble.map_or(Ok(Outcome::Fine), |trouble| Err(trouble.into()))
}
