//! All cases as the tests of one program.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use weir_tests::case::{self, Driver};
use weir_tests::driver::envoy;

/// Runs all cases that a driver with an Envoy can run, or those that the arguments name.
pub(super) fn run_in(driver: Driver) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(envoy::AT_A_TIME);
    match trials(driver) {
        // `run` drops the trials and with them the last handle of Envoy.
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn trials(driver: Driver) -> Result<Vec<Trial>, String> {
    let files = case::load_shipped()
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let tests = envoy::tests(&files, driver)?;
    Ok(tests.into_iter().map(|(name, run)| Trial::test(name, move || run().map_err(Failed::from))).collect())
}
