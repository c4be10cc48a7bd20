//! `weir`: validates, explains and compares configurations before they are deployed.

#![forbid(unsafe_code)]

mod admission;
mod assign;
mod change;
mod check;
mod design;
mod destinations;
mod document;
mod environment;
#[doc(hidden)]
pub mod fuzzed;
mod http_client;
mod import;
mod init;
mod input;
mod kubernetes;
mod link;
mod oci;
mod output;
mod own_metrics;
mod reference;
mod render;
mod report;
mod rollout;
mod run;
mod schema;
mod shell;
mod simulate;
mod status;
mod subject;
mod trim;
mod ui;
mod upstream;

use clap::{CommandFactory as _, Parser, Subcommand};
use output::{Failure, Outcome};
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Checks, explains, simulates, plans and imports Weir configurations.
///
/// All decisions use the same code that runs in the proxy.
#[derive(Parser)]
#[command(name = "weir", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 success; 1 problems or differences were found; 2 wrong usage, or a file that cannot be \
read or written.")]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Args),
    Check(check::Args),
    Admission(admission::Args),
    Schema(schema::Args),
    Assign(assign::Args),
    Plan(change::plan::Args),
    Diff(change::diff::Args),
    Layers(change::layers::Args),
    Link(link::Args),
    Simulate(simulate::Args),
    Design(design::Args),
    Report(report::Args),
    #[command(subcommand)]
    Rollout(rollout::Command),
    Status(status::Args),
    Import(import::Args),
    #[command(subcommand)]
    Render(render::Command),
    Run(run::Args),
    Ui(ui::Args),
    Trim(trim::Args),
    Push(oci::push::Args),
    Pull(oci::pull::Args),
    Inspect(oci::inspect::Args),
    Completions(shell::CompletionsArgs),
    #[command(hide = true)]
    Man(shell::ManualArgs),
    /// Prints the options of all commands as Markdown tables.
    #[command(hide = true)]
    Reference,
    /// Prints the reference of Weir's own metrics as a Markdown page.
    #[command(hide = true)]
    MetricsReference,
}

/// Runs the command that the program's arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let mut out = output::Escaped::new(io::stdout().lock());
    let done = run(Options::parse().command, &mut out).and_then(|outcome| {
        out.flush()?;
        Ok(outcome)
    });
    let outcome = match done {
        Ok(outcome) => outcome,
        // The reader may have closed the pipe, as in `weir schema | head`.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Failure,
        Err(Failure::Output(error)) => failed(&error.to_string()),
        Err(Failure::Error(error)) => failed(&output::in_words(&error)),
    };
    outcome.into()
}

fn run(command: Command, out: &mut output::Escaped<impl io::Write>) -> Result<Outcome, Failure> {
    match command {
        Command::Init(args) => init::run(&args, out),
        Command::Check(args) => check::run(&args, out),
        Command::Admission(args) => admission::run(&args, out),
        Command::Schema(args) => {
            out.write_all(schema::chosen(&args).as_bytes())?;
            Ok(Outcome::Fine)
        }
        Command::Reference => {
            reference::write(&Options::command(), out)?;
            Ok(Outcome::Fine)
        }
        Command::MetricsReference => {
            out.write_all(own_metrics::page().as_bytes())?;
            Ok(Outcome::Fine)
        }
        Command::Assign(args) => assign::run(&args, out),
        Command::Plan(args) => change::plan::run(&args, out),
        Command::Diff(args) => change::diff::run(&args, out),
        Command::Layers(args) => change::layers::run(&args, out),
        Command::Link(args) => link::run(&args, out),
        Command::Simulate(args) => simulate::run(&args, out),
        Command::Design(args) => design::run(&args, out),
        Command::Report(args) => report::run(&args, out),
        Command::Rollout(command) => rollout::run(&command, out),
        Command::Status(args) => status::run(&args, out),
        Command::Import(args) => import::run(&args, out),
        Command::Render(command) => render::run(&command, out),
        Command::Run(args) => run::run(&args, out),
        Command::Ui(args) => ui::run(&args, out),
        Command::Trim(args) => trim::run(&args, out),
        Command::Push(args) => oci::push::run(&args, out),
        Command::Pull(args) => oci::pull::run(&args, out),
        Command::Inspect(args) => oci::inspect::run(&args, out),
        Command::Completions(args) => shell::completions(&args, Options::command(), out),
        Command::Man(args) => shell::manual(&args, Options::command()),
    }
}

fn failed(message: &str) -> Outcome {
    output::complain(message);
    Outcome::Failure
}
