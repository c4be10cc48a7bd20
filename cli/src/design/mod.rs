//! `weir design`: how many units an experiment needs, and how many days that takes.

mod plan;
mod simulated;
mod simulation;

use crate::output::{Failure, Format, Outcome};
use anyhow::Context as _;
use plan::Plan;
pub(crate) use plan::digits;
use std::io::Write;
use weir_statistics::lift::TUNING;
use weir_statistics::power::{Baseline, Design, Effect};

/// Computes how many units an experiment needs to find an effect, and how many days that takes.
///
/// Twice: for results that are looked at once, at the end, and for a confidence sequence that may be looked at any
/// time, as `weir report` does. A unit is what the experiment assigns: a user, a browser; not a request. With several
/// treatments each is compared with the control, and alpha is divided among them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir design --baseline 5% --lift 10% --units-per-day 10000
  weir design --baseline 5% --difference 0.5% --units-per-day 10000 --weights 50,25,25 --simulate
  weir design --baseline 42.50 --deviation 61 --lift=-2% --units-per-day 30000 --output json

Exit codes: 0 it is designed; 1 a simulation does not agree with it; 2 wrong usage, or there is no such experiment.")]
pub(crate) struct Args {
    /// What the control has: a rate such as `5%` or `0.05`, or a mean for each unit where there is a `--deviation`.
    #[arg(long, value_name = "VALUE", value_parser = part)]
    baseline: f64,
    /// The standard deviation of the values of units. It makes the baseline a mean, such as revenue for each unit.
    #[arg(long, value_name = "VALUE", value_parser = part)]
    deviation: Option<f64>,
    #[command(flatten)]
    effect: EffectArgs,
    /// How many new units come into the experiment in a day, in all arms together.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    units_per_day: u64,
    /// How many arms there are, the control included, all with the same weight. Default: 2.
    #[arg(long, value_name = "N", conflicts_with = "weights", value_parser = clap::value_parser!(u64).range(2..=100))]
    arms: Option<u64>,
    /// The weights of the arms, the control first, relative to their sum.
    #[arg(long, value_name = "WEIGHT,...", value_delimiter = ',', value_parser = part)]
    weights: Vec<f64>,
    /// The probability of a significant result where there is no effect.
    #[arg(long, value_name = "PART", default_value = "5%", value_parser = part)]
    alpha: f64,
    /// The probability to find the effect where it is there.
    #[arg(long, value_name = "PART", default_value = "80%", value_parser = part)]
    power: f64,
    /// The number of units of two arms at which the confidence sequence is narrowest.
    #[arg(long, value_name = "N", default_value_t = TUNING)]
    tuning: f64,
    /// Check the result with so many simulated experiments; 1000 when no number is given.
    #[arg(long, value_name = "RUNS", num_args = 0..=1, default_missing_value = "1000")]
    #[arg(value_parser = clap::value_parser!(u64).range(100..=100_000))]
    simulate: Option<u64>,
    #[command(flatten)]
    format: Format,
}

/// The effect.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct EffectArgs {
    /// The smallest effect that must not be missed, as a part of the baseline: `10%` of a rate of 5 % is half a point.
    #[arg(long, value_name = "PART", value_parser = part, allow_hyphen_values = true)]
    lift: Option<f64>,
    /// The same in the unit of the baseline: `0.5%` is half a point of a rate.
    #[arg(long, value_name = "VALUE", value_parser = part, allow_hyphen_values = true)]
    difference: Option<f64>,
}

/// A number, or a percentage.
pub(crate) fn part(text: &str) -> anyhow::Result<f64> {
    let (digits, scale) = match text.strip_suffix('%') {
        Some(digits) => (digits.trim_end(), 100.0),
        None => (text, 1.0),
    };
    let number: Option<f64> = digits.parse().ok().filter(|number: &f64| number.is_finite());
    number.map(|number| number / scale).context("expected a number such as 0.05, or a percentage such as 5%")
}

/// Designs and writes.
///
/// # Errors
/// Numbers that no experiment has.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let baseline = match args.deviation {
        Some(deviation) => Baseline::Mean { mean: args.baseline, deviation },
        None => Baseline::Rate(args.baseline),
    };
    let effect = match (args.effect.lift, args.effect.difference) {
        (Some(lift), _) => Effect::Relative(lift),
        (None, difference) => Effect::Absolute(difference.unwrap_or_default()),
    };
    let equal = || vec![1.0; usize::try_from(args.arms.unwrap_or(2)).unwrap_or(2)];
    let weights = if args.weights.is_empty() { equal() } else { args.weights.clone() };
    let design = Design { baseline, effect, weights, alpha: args.alpha, power: args.power };
    let mut plan =
        Plan::new(&design, args.units_per_day, args.tuning).map_err(|it| plan::refusal(&design, it))?;
    if let Some(runs) = args.simulate {
        plan.simulation =
            Some(simulation::run(&design, &plan, runs).map_err(|it| plan::refusal(&design, it))?);
    }
    if args.format.is_json() {
        crate::output::json(out, &plan)?;
    } else {
        plan.write_text(out)?;
    }
    let agrees = plan.simulation.as_ref().is_none_or(|simulation| simulation.agrees);
    Ok(if agrees { Outcome::Fine } else { Outcome::Problems })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_parts() {
        assert_eq!(
            ["5%", "5 %", "0.05", "-2%", "42.5"].map(|text| part(text).unwrap()),
            [0.05, 0.05, 0.05, -0.02, 42.5]
        );
        for text in ["", "%", "x", "NaN", "inf%", "1e999"] {
            assert!(part(text).is_err(), "{text}");
        }
    }
}
