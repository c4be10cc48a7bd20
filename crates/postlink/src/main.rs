//! `weir-postlink IN.wasm OUT.wasm`: the step after the linker; and the linker, where cargo runs it as one.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use weir_postlink::{Failure, Names, finish, is_wanted, run};

fn main() -> ExitCode {
    let done = if is_wanted() { run() } else { after_link() };
    done.unwrap_or_else(|failure| {
        eprintln!("weir-postlink: {failure}");
        ExitCode::FAILURE
    })
}

fn after_link() -> Result<ExitCode, Failure> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [from, to] = arguments.as_slice() else {
        return Err("usage: weir-postlink IN.wasm OUT.wasm".into());
    };
    let linked = std::fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
    std::fs::write(to, finish(&linked, Names::Dropped)?)
        .map_err(|error| format!("{}: {error}", to.display()))?;
    Ok(ExitCode::SUCCESS)
}
