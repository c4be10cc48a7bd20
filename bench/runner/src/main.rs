//! Measures the CPU time per request that filters add in Envoy, side by side in one process.
//! `docs/performance.md` says what is measured and how to read it.

#![forbid(unsafe_code)]

mod client;
mod cpu;
mod delays;
mod failure;
mod growth;
#[cfg(target_os = "linux")]
mod latency;
mod measure;
mod report;
mod statistics;
mod variants;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use failure::Failure;

/// How often each delay is measured, in batches of 16.
const DELAY_BATCHES: usize = 25;

/// CPU time per request that filters add in Envoy.
#[derive(Parser)]
#[command(name = "weir-bench")]
struct Arguments {
    /// Print JSON in place of the table.
    #[arg(long)]
    json: bool,
    /// How often Envoy is started again. Standard errors are taken over these, so there are at least two.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..))]
    restarts: u32,
    /// How often each filter is measured, in one Envoy, between two measurements of the baseline.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(10..))]
    rounds: u32,
    /// Measure in place of this how exactly injected delays are kept, and the CPU time of a filter that is quiet.
    #[arg(long)]
    delays: bool,
    /// Measure in place of this the latency of answers at these rates, in requests per second, through Envoy with and
    /// without filters.
    #[arg(long, value_name = "RATE", num_args = 0.., default_missing_values = ["1000", "5000"], value_delimiter = ',')]
    latency: Option<Vec<f64>>,
    /// For `--latency`: how often each listener gets half a second of load, in each of the settings.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..))]
    slices: u32,
    /// For `--latency` and `--growth`: the file for a plot, SVG.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Measure in place of this what a request costs with long configurations, in fuel.
    #[arg(long)]
    growth: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(output) => {
            println!("{output}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<String, Failure> {
    if arguments.growth {
        let report = growth::measure()?;
        if let Some(file) = &arguments.plot {
            write(file, &growth::plot(&report))?;
        }
        return Ok(if arguments.json { format!("{:#}", report.json()) } else { report.table() });
    }
    if weir_tests::envoy::runtime_name()? != "process" {
        return Err("the benchmark reads the CPU clock of Envoy's process: set ENVOY_RUNTIME=process".into());
    }
    if arguments.delays {
        let report = delays::measure(DELAY_BATCHES)?;
        return Ok(if arguments.json { format!("{:#}", report.json()) } else { report.table() });
    }
    if let Some(rates) = &arguments.latency {
        return latencies(rates, arguments);
    }
    let variants = variants::all()?;
    let mut runs = Vec::new();
    for number in 1..=arguments.restarts {
        eprintln!("Envoy {number} of {}", arguments.restarts);
        runs.push(in_thread(|| measure::one_envoy(&variants, arguments.rounds, u64::from(number)))?);
    }
    let names: Vec<_> = variants.iter().map(|variant| (variant.name, variant.nearest)).collect();
    let report = report::Report::new(&names, &runs);
    Ok(if arguments.json { format!("{:#}", report.json()) } else { report.table() })
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    Ok(std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?)
}

#[cfg(target_os = "linux")]
fn latencies(rates: &[f64], arguments: &Arguments) -> Result<String, Failure> {
    let report = in_thread(|| latency::measure(rates, arguments.slices))?;
    if let Some(file) = &arguments.plot {
        write(file, &latency::plot(&report))?;
    }
    Ok(if arguments.json { format!("{:#}", report.json()) } else { report.table() })
}

#[cfg(not(target_os = "linux"))]
fn latencies(_: &[f64], _: &Arguments) -> Result<String, Failure> {
    Err("latencies are measured on Linux only".into())
}

/// Runs something in a thread of its own. A measurement gives its thread one CPU, and the next Envoy must not
/// inherit that.
fn in_thread<T: Send>(work: impl FnOnce() -> Result<T, Failure> + Send) -> Result<T, Failure> {
    std::thread::scope(|scope| {
        scope.spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
