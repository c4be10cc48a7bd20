//! Runs every case under `tests/cases`, and those of the examples, in the real Envoy. Each case is a test of its own.
//!
//! One Envoy serves all cases whose modules call nobody, and one each set of callouts; configurations that must be
//! refused are updates of a running one.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use weir_tests::case::{self, Driver};
use weir_tests::driver::{self, envoy, refusals::Refusals};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match run(&arguments) {
        Ok(exit_code) => exit_code,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let files = case::load_shipped()
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let planned = driver::plan(&files, Driver::Envoy);
    let fleet = Arc::new(envoy::Fleet::new(&planned)?);
    let refusals = Arc::new(Refusals::default());
    let trials = planned.into_iter().map(|planned| {
        let (file, case, fleet) = (planned.file.clone(), planned.case.clone(), Arc::clone(&fleet));
        let refusals = Arc::clone(&refusals);
        Trial::test(planned.name, move || {
            let result = match case.is_refusal() {
                true => refusals.run(&file, &case),
                false => fleet.run(&file, &case),
            };
            result.map_err(Failed::from)
        })
    });
    // `run` drops the trials and with them the last handle of Envoy.
    Ok(libtest_mimic::run(arguments, trials.collect()).exit_code())
}
