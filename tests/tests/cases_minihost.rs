//! Runs every case under `tests/cases`, and those of the examples, in the mini host. Each case is a test of its own.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use weir_tests::case::{self, Driver};
use weir_tests::driver::{self, minihost};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let files = match case::load_shipped() {
        Ok(files) => files,
        Err(errors) => {
            errors.iter().for_each(|error| eprintln!("{error}"));
            return ExitCode::FAILURE;
        }
    };
    let modules = Arc::new(minihost::Modules::default());
    let trials = driver::plan(&files, Driver::Minihost).into_iter().map(|planned| {
        let modules = Arc::clone(&modules);
        let (file, case) = (planned.file.clone(), planned.case.clone());
        Trial::test(planned.name, move || minihost::run(&modules, &file, &case).map_err(Failed::from))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
