//! What a shell and `man` need of the command line: completions and manual pages, made of its definition.

use crate::output::{Failure, Outcome};
use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;
use std::io::Write;
use std::path::PathBuf;

/// Prints the completions of commands and options for a shell.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes: 0 they were printed; 2 wrong usage.

Example:
  weir completions bash > ~/.local/share/bash-completion/completions/weir")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Writes a manual page for each command.
#[derive(clap::Args)]
pub(crate) struct ManualArgs {
    /// The folder that gets them, which must exist.
    folder: PathBuf,
}

/// Prints the completions.
pub(crate) fn completions(
    args: &CompletionsArgs,
    mut command: Command,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "weir", &mut script);
    out.write_all(&script)?;
    Ok(Outcome::Fine)
}

/// Writes the manual pages.
pub(crate) fn manual(args: &ManualArgs, command: Command) -> Result<Outcome, Failure> {
    let folder = &args.folder;
    clap_mangen::generate_to(command, folder).with_context(|| folder.display().to_string())?;
    Ok(Outcome::Fine)
}
