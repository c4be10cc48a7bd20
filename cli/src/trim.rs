//! `weir trim`: a module without the callbacks that its configurations do not need.

use crate::oci::module::Module;
use crate::oci::size;
use crate::output::{Failure, Format, Outcome};
use crate::{environment, input};
use anyhow::{Context as _, anyhow};
use serde::Serialize;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use weir_core::Callbacks;
use weir_workbench::document::find_all;

/// Removes the callbacks from a module that its configurations do not need, because each costs every request.
///
/// A proxy calls every callback that a module exports, for each request, whether or not there is anything to do: 1,300 to
/// 1,900 instructions for each of those for a response's headers, for its body, and for the end of a stream. The new
/// module refuses configurations that need what was removed.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir trim dist/weir.wasm weir.yaml --to shop.wasm
  weir trim dist/weir.wasm shop.yaml search.yaml --to ours.wasm

Exit codes: 0 the module was written; 2 wrong usage, a configuration with problems, a file that is no module of Weir, or \
one that cannot be read or written.")]
pub(crate) struct Args {
    /// The module.
    #[arg(value_name = "MODULE")]
    module: PathBuf,
    /// Files with all the configurations that the module will have; `-` is standard input.
    #[arg(value_name = "CONFIG", required = true)]
    configs: Vec<PathBuf>,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    format: Format,
}

/// What was done.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trimmed {
    file: String,
    /// In bytes.
    size: usize,
    size_before: usize,
    /// What the new module exports and the old one did too.
    kept: Vec<&'static str>,
    removed: Vec<&'static str>,
}

/// Writes the module.
///
/// # Errors
/// Files that are not what they should be, or that cannot be read or written.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let name = args.module.display();
    let module = fs::read(&args.module).with_context(|| name.to_string())?;
    let before = Module::read(&module).with_context(|| name.to_string())?;
    if before.identity.is_none() {
        return Err(anyhow!("{name}: not a module of Weir").into());
    }
    let needed = needed(&args.configs)?;
    let trimmed = weir_postlink::trim(&module, needed).map_err(|error| anyhow!("{name}: {error}"))?;
    let file = args.to.display().to_string();
    crate::output::replace(&args.to, &trimmed).with_context(|| file.clone())?;
    let there = |callbacks: Callbacks| {
        let was_there =
            |export: &&str| before.callbacks.iter().any(|name| export.strip_prefix("proxy_") == Some(name));
        callbacks.exports().filter(was_there).collect()
    };
    let done = Trimmed {
        file,
        size: trimmed.len(),
        size_before: module.len(),
        kept: there(needed),
        removed: there(Callbacks::ALL.without(needed)),
    };
    if args.format.is_json() {
        crate::output::json(out, &done)?;
    } else {
        let list = |names: &[&str]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        let (now, before) = (size(done.size as u64), size(done.size_before as u64));
        writeln!(out, "{}: {now} (before: {before})", done.file)?;
        writeln!(out, "removed: {}", list(&done.removed))?;
        writeln!(out, "needed:  {}", list(&done.kept))?;
    }
    Ok(Outcome::Fine)
}

/// What any configuration in these files needs.
fn needed(files: &[PathBuf]) -> anyhow::Result<Callbacks> {
    let mut needed = Callbacks::NONE;
    for path in files {
        let (file, text) = input::named(path)?;
        let all = find_all(&file, &text, &environment::inherited())?;
        if all.is_empty() {
            return Err(anyhow!("{file}: no Weir configuration in it"));
        }
        needed = all.iter().fold(needed, |needed, loaded| needed.with(loaded.plans.access_plan.callbacks));
    }
    Ok(needed)
}
