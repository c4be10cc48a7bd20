//! `weir rollout run`: one evaluation after another.

use super::backend::Backend;
use super::error::EvaluationError;
use super::evaluate::{Mode, Rollout};
use super::lease::Lease;
use super::live::Live;
use super::outcome::{GOES_ON, outcome, show};
use super::specification::Specification;
use super::{args::RunArgs, evaluate, events};
use crate::output::{Failure, Outcome, in_words};
use crate::run::stop::Stop;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// How often a program without the Lease looks whether it has it.
const WAITING: Duration = Duration::from_millis(200);

/// Evaluates until the rollout is over, or a signal comes.
///
/// # Errors
/// A specification or a target that cannot be used.
pub(super) fn run(args: &RunArgs, out: &mut impl Write) -> Result<Outcome, Failure> {
    let mut rollout = args.common.open()?;
    rollout.stays = args.stay;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(anyhow::Error::from)?;
    let stop = Stop::listen(&runtime).map_err(anyhow::Error::from)?;
    let mut lease = lease_of(&rollout);
    let mut turn = Turn::default();
    let mut has_begun = false;
    let live = Live::new(!args.format.is_json());
    loop {
        if let Some(lease) = &lease {
            match live.beside(|| turn.has(lease, &rollout, has_begun))? {
                true => {}
                false if stop.told_within(WAITING) => return Ok(Outcome::Exit(GOES_ON)),
                false => continue,
            }
        }
        let interval = Duration::from_millis(rollout.specification.plan.interval);
        let evaluated = match live.beside(|| rollout.evaluate(Mode::Apply)) {
            Ok(evaluated) => evaluated,
            // A release that has begun is watched on: a full disk, a lock that is held for long, or a missing permission
            // may pass.
            Err(error) if has_begun || matches!(error, EvaluationError::Transient(_)) => {
                live.beside(|| crate::output::complain(error.message()));
                if stop.told_within(interval) {
                    return Ok(Outcome::Exit(GOES_ON));
                }
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        live.beside(|| {
            for event in &evaluated.events {
                if args.format.is_json() {
                    events::write_json(event, &rollout.specification, out)?;
                } else {
                    events::write(event, &rollout.specification, out)?;
                }
            }
            out.flush()
        })?;
        live.draw(&rollout.specification, &evaluated, evaluate::now());
        if let Some(error) = evaluated.error {
            if !has_begun && matches!(error, EvaluationError::Permanent(_)) {
                return Err(error.into());
            }
            live.beside(|| crate::output::complain(error.message()));
        }
        has_begun = true;
        if evaluated.record.state.phase.is_final() {
            // It was over before: --restart begins again.
            if evaluated.events.is_empty() {
                show(&rollout.specification, &evaluated.record, args.format, out)?;
                out.flush()?;
            }
            if !args.stay {
                return Ok(outcome(&evaluated.record));
            }
            match next(args, &evaluated.record.specification, interval, &stop)? {
                Some(mut next) => {
                    next.succeed(&rollout);
                    // The target may be another one.
                    drop(lease);
                    lease = lease_of(&next);
                    rollout = next;
                }
                None => return Ok(Outcome::Exit(GOES_ON)),
            }
            continue;
        }
        if stop.told_within(interval) {
            return Ok(Outcome::Exit(GOES_ON));
        }
    }
}

fn lease_of(rollout: &Rollout) -> Option<Lease> {
    match &rollout.backend {
        Backend::Resource(resources) => {
            Some(Lease::keep(Arc::clone(&resources.cluster), resources.resource()))
        }
        Backend::Files(_) => None,
    }
}

/// Waits for a specification that is another one than that of the rollout that is over. `None` where a signal came first.
fn next(args: &RunArgs, over: &str, interval: Duration, stop: &Stop) -> Result<Option<Rollout>, Failure> {
    let mut said = String::new();
    loop {
        if stop.told_within(interval) {
            return Ok(None);
        }
        match Specification::read(&args.common.spec) {
            Ok(specification) if specification.text == over => {}
            Ok(_) => {
                let mut next = args.common.open()?;
                next.stays = true;
                return Ok(Some(next));
            }
            Err(problem) => {
                let problem = in_words(&problem);
                // Once, not every few seconds.
                if problem != said {
                    crate::output::complain(&problem);
                    said = problem;
                }
            }
        }
    }
}

/// Whose turn it is, as it was said last.
#[derive(Default)]
struct Turn {
    said: String,
    /// The Lease has been read or written before: permissions were right then.
    has_worked: bool,
}

impl Turn {
    /// Whether it is this program's. Says so when it is not, once.
    ///
    /// # Errors
    /// The Lease cannot be had, and never could. Once the rollout has begun, or the Lease was there, that may pass.
    fn has(&mut self, lease: &Lease, rollout: &Rollout, has_begun: bool) -> Result<bool, Failure> {
        let here = lease.is_here();
        let error = lease.error();
        self.has_worked |= here.is_some() && error.is_none();
        if here == Some(true) {
            if !self.said.is_empty() {
                crate::output::complain(&format!(
                    "{}: this program has the Lease",
                    rollout.specification.place
                ));
                self.said.clear();
            }
            return Ok(true);
        }
        let message = match error {
            Some(error @ EvaluationError::Permanent(_)) if !has_begun && !self.has_worked => {
                return Err(error.into());
            }
            Some(EvaluationError::Permanent(message) | EvaluationError::Transient(message)) => message,
            None if lease.holder().is_empty() => return Ok(false),
            None => format!("{}: {} has the Lease: waiting", rollout.specification.place, lease.holder()),
        };
        if self.said != message {
            crate::output::complain(&message);
            self.said = message;
        }
        Ok(false)
    }
}
