//! `weir`: what one wants to know of a configuration before a proxy gets it.

mod check;
mod schema;

use clap::{Parser, Subcommand};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Checks Weir configurations and prints their schema.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Finds everything that is wrong with configurations, as a proxy would.
    ///
    /// Each problem is one line on standard output: the file, the place in it, what is wrong there
    /// and what would be right. Two things only a proxy can check: CEL expressions, and what stands in
    /// environment variables.
    ///
    /// Ends with 0 when all files are right, with 1 when there are problems, with 2 when a file
    /// cannot be read.
    Check {
        /// Weir configurations in YAML or JSON; `-` is standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Prints the JSON Schema of the configuration language, for editors and validators.
    Schema,
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let done = match Options::parse().command {
        Command::Check { files } => check::files(&files, &mut out).map(check::Verdict::exit_code),
        Command::Schema => out.write_all(schema::text().as_bytes()).map(|()| ExitCode::SUCCESS),
    };
    done.and_then(|code| out.flush().map(|()| code)).unwrap_or_else(|error| {
        // Who reads us may have seen enough, as in `weir schema | head`.
        if error.kind() != io::ErrorKind::BrokenPipe {
            eprintln!("weir: {error}");
        }
        ExitCode::from(2)
    })
}
