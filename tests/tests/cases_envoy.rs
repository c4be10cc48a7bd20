//! Runs every case under `tests/cases`, and those of the examples, in the real Envoy with WebAssembly modules. Each case
//! is a test of its own.
//!
//! One Envoy serves all cases of a module that call nobody, and one each set of callouts; configurations that must be
//! refused are updates of a running one.

mod cases;

use std::process::ExitCode;
use weir_tests::case::Driver;

fn main() -> ExitCode {
    cases::run_in(Driver::Envoy)
}
