//! Build steps that cargo itself does not have. `cargo xtask` lists them.

mod dist;
mod postlink;

use std::process::ExitCode;

const HELP: &str = "usage: cargo run -p xtask -- dist [MODULE...]   build the modules into dist/ and print their sizes";

/// What went wrong, in words for a person.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.split_first() {
        Some((task, modules)) if task == "dist" => dist::build(modules),
        _ => Err(HELP.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
