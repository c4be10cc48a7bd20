//! `weir`: what one wants to know of a configuration before a proxy gets it.

mod check;
mod input;
mod manifest;
mod output;
mod schema;
mod yaml;

use clap::{Parser, Subcommand};
use output::Outcome;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Checks, explains, simulates, plans and imports Weir configurations.
///
/// Everything is decided by the same code that runs in the proxy.
#[derive(Parser)]
#[command(name = "weir", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 all is well; 1 problems or differences were found; 2 wrong usage, or a file that cannot be
read or written.")]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Args),
    /// Prints the JSON Schema of the configuration language, for editors and validators.
    #[command(after_long_help = "Example:\n  weir schema > weir.schema.json")]
    Schema,
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let done = match Options::parse().command {
        Command::Check(args) => check::run(&args, &mut out),
        Command::Schema => out.write_all(schema::text().as_bytes()).map(|()| Outcome::Fine),
    };
    done.and_then(|outcome| out.flush().map(|()| outcome.into())).unwrap_or_else(|error| {
        // Who reads us may have seen enough, as in `weir schema | head`.
        if error.kind() != io::ErrorKind::BrokenPipe {
            eprintln!("weir: {error}");
        }
        Outcome::Failure.into()
    })
}
