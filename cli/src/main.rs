//! The program `weir`. Its code is in the library beside it, which the fuzz targets use too.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    weir_cli::main()
}
