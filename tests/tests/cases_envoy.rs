//! Runs every case under `tests/cases` in the real Envoy. Each case is a test of its own.
//!
//! One Envoy serves all cases; each configuration that must be refused gets a short-lived one.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use weir_tests::case::{self, Driver};
use weir_tests::driver::{self, envoy};
use weir_tests::paths;

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
    let files = case::load_all(&paths::cases())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let planned = driver::plan(&files, Driver::Envoy);
    let fleet = if arguments.list { None } else { envoy::Fleet::start(&planned)?.map(Arc::new) };
    let trials = planned.into_iter().map(|planned| {
        let (file, case, fleet) = (planned.file.clone(), planned.case.clone(), fleet.clone());
        Trial::test(planned.name, move || {
            let result = match fleet {
                _ if case.is_refusal() => envoy::run_refusal(&file, &case),
                Some(fleet) => fleet.run(&file, &case),
                None => Err("no Envoy was started".to_owned()),
            };
            result.map_err(Failed::from)
        })
    });
    // `run` drops the trials and with them the last handle of Envoy.
    Ok(libtest_mimic::run(arguments, trials.collect()).exit_code())
}
