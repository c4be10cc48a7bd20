//! `weir render istio`: a WasmPlugin or a TrafficExtension with a configuration in it.

mod args;
mod manifest;
mod placement;
mod target;

use crate::document::{self, Loaded};
use crate::output::{Failure, Outcome};
use args::FailStrategy;
pub(crate) use args::{Args, label};
use placement::ProxyPlacement;
use std::io::Write;

/// Writes the manifest.
///
/// # Errors
/// A file that cannot be used, options that contradict each other.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    args.targets.iter().try_for_each(|target| target.allowed(args.at))?;
    let loaded = document::load_in(&args.config, &args.environment.read()?, |_| true)?;
    args.form.write_block(&manifest::manifest(args, &loaded)?, out)?;
    let wrong = cannot_work(args, &loaded);
    wrong.iter().for_each(|what| crate::output::complain(what));
    Ok(if wrong.is_empty() { Outcome::Fine } else { Outcome::Problems })
}

fn cannot_work(args: &Args, loaded: &Loaded) -> Vec<&'static str> {
    let document = &loaded.document;
    let mut wrong = Vec::new();
    if args.at == ProxyPlacement::Callee && document.routing.is_some() {
        wrong.push("routing cannot choose a route at the callee: a sidecar has one for what comes in");
    }
    if args.fail_strategy == Some(FailStrategy::FailOpen) && document.jwt.is_some() {
        wrong.push("with FAIL_OPEN requests pass without a check of their tokens when the module fails");
    }
    wrong
}
