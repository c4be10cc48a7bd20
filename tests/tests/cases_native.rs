//! Runs every case under `tests/cases` in the real Envoy with the native module. Each case is a test of its own; those
//! that it cannot run say why (`except`).

mod cases;

use std::process::ExitCode;
use weir_tests::case::Driver;

fn main() -> ExitCode {
    cases::run_in(Driver::Native)
}
