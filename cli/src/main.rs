//! The program `weir`. What it does is in the library beside it, which the fuzz targets use too.

use std::process::ExitCode;

fn main() -> ExitCode {
    weir_cli::main()
}
