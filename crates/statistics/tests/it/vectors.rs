//! Agreement with published tools to 1e-9; see `tests/vectors/README.md`.

use serde_json::Value;
use std::sync::OnceLock;
use weir_statistics::lift::{Estimate, Interval};
use weir_statistics::multiple::holm;
use weir_statistics::power::{Baseline, Design, Effect, Looks};
use weir_statistics::sample::{RatioSums, Sample};
use weir_statistics::srm::{Sequential, chi_squared, critical};

fn section(name: &str) -> &'static [Value] {
    static VECTORS: OnceLock<Value> = OnceLock::new();
    let text = include_str!("../vectors/vectors.json");
    let all = VECTORS.get_or_init(|| serde_json::from_str(text).unwrap());
    let section = all[name].as_array().unwrap();
    assert!(section.len() >= 3, "{name}");
    section
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn counts(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).collect()
}

/// Equal to 1e-9: as a part of the number where it is above 1, absolutely below.
#[track_caller]
fn agree(ours: f64, theirs: &Value, what: &Value) {
    let theirs = number(theirs);
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{ours} is not {theirs}: {what}");
}

/// Equal to a part of a millionth even where it is tiny: p-values are compared with limits such as 0.0001.
#[track_caller]
fn agree_relatively(ours: f64, theirs: &Value, what: &Value) {
    let theirs = number(theirs);
    assert!((ours - theirs).abs() <= 1e-7 * theirs.abs() + 1e-300, "{ours} is not {theirs}: {what}");
}

#[test]
fn pearsons_test_is_that_of_scipy() {
    for case in section("pearson") {
        let test = chi_squared(&counts(&case["counts"]), &numbers(&case["weights"])).unwrap();
        agree(test.statistic, &case["statistic"], case);
        agree(test.p_value, &case["p"], case);
        agree_relatively(test.p_value, &case["p"], case);
    }
    for case in section("critical") {
        let found = critical(case["arms"].as_u64().unwrap() as usize, number(&case["p"])).unwrap();
        agree(found, &case["critical"], case);
    }
}

#[test]
fn the_sequential_test_is_that_of_ssrm_test() {
    for case in section("sequential").iter().chain(section("sequential_exact")) {
        let weights = numbers(&case["weights"]);
        let mut test = Sequential::new(&weights, number(&case["concentration"])).unwrap();
        let days = case["cumulative"].as_array().unwrap();
        for (place, day) in days.iter().enumerate() {
            let p = test.observe(&counts(day)).unwrap();
            agree(p, &case["p"][place], case);
            agree_relatively(p, &case["p"][place], case);
            if let Some(logs) = case["logs"].as_array() {
                agree(test.log_bayes_factor(), &logs[place], case);
            }
        }
    }
}

/// Everything that GrowthBook says of two samples.
fn lifts(control: &Sample, treatment: &Sample, case: &Value) {
    for kind in ["absolute", "relative"] {
        for alpha in [0.05, 0.01] {
            let expected = &case[format!("{kind} {alpha}")];
            let estimate = match kind {
                "absolute" => Estimate::difference(control, treatment),
                _ => Estimate::relative(control, treatment),
            };
            let estimate = estimate.unwrap();
            agree(estimate.value, &expected["value"], case);
            agree(estimate.standard_error, &expected["standard_error"], case);
            agree(estimate.degrees_of_freedom, &expected["freedom"], case);
            ends(estimate.confidence_interval(alpha).unwrap(), &expected["interval"], case);
            agree(estimate.p_value(), &expected["p"], case);
            agree_relatively(estimate.p_value(), &expected["p_exact"], case);
            for sequence in expected["sequences"].as_array().unwrap() {
                let tuning = number(&sequence["tuning"]);
                ends(estimate.confidence_sequence(alpha, tuning).unwrap(), &sequence["interval"], case);
                let p = estimate.sequential_p_value(alpha, tuning).unwrap();
                agree(p, &sequence["p"], case);
                let Interval { low, high } = estimate.confidence_sequence(alpha, tuning).unwrap();
                assert_eq!(p <= alpha, low > 0.0 || high < 0.0, "one answer: {case}");
            }
        }
    }
}

fn ends(ours: Interval, theirs: &Value, what: &Value) {
    agree(ours.low, &theirs[0], what);
    agree(ours.high, &theirs[1], what);
}

#[test]
fn proportions_are_those_of_growthbook() {
    for case in section("proportions") {
        let sample = |arm: &Value| Sample::proportion(arm[0].as_u64().unwrap(), arm[1].as_u64().unwrap());
        lifts(&sample(&case["control"]).unwrap(), &sample(&case["treatment"]).unwrap(), case);
    }
}

#[test]
fn means_are_those_of_growthbook_and_scipy() {
    for case in section("means") {
        let sample =
            |arm: &Value| Sample::sums(arm[0].as_u64().unwrap(), number(&arm[1]), number(&arm[2])).unwrap();
        let (control, treatment) = (sample(&case["control"]), sample(&case["treatment"]));
        lifts(&control, &treatment, case);
        agree(Estimate::difference(&control, &treatment).unwrap().p_value(), &case["welch"], case);
    }
}

#[test]
fn ratios_are_those_of_growthbook() {
    for case in section("ratios") {
        let sample = |arm: &Value| {
            let sums = numbers(&arm["sums"]);
            let ratio = Sample::ratio(&RatioSums {
                units: sums[0] as u64,
                numerator: sums[1],
                numerator_squares: sums[2],
                denominator: sums[3],
                denominator_squares: sums[4],
                products: sums[5],
            });
            let ratio = ratio.unwrap();
            if let Some(parts) = arm["parts"].as_array() {
                let parts: Vec<(f64, f64)> = numbers(&parts[0]).into_iter().zip(numbers(&parts[1])).collect();
                let same = Sample::ratio_of_batches(&parts).unwrap();
                agree(same.mean(), &ratio.mean().into(), case);
                agree(same.variance(), &ratio.variance().into(), case);
            }
            ratio
        };
        lifts(&sample(&case["control"]), &sample(&case["treatment"]), case);
    }
}

/// Two samples whose difference has a chosen standard error and chosen degrees of freedom.
fn estimate(value: f64, degrees_of_freedom: f64) -> Estimate {
    Estimate { value, standard_error: 1.0, degrees_of_freedom, observations: 10.0, few_batches: false }
}

#[test]
fn students_t_is_that_of_scipy() {
    for case in section("tails") {
        let (freedom, p, t) = (number(&case["freedom"]), number(&case["p"]), number(&case["t"]));
        let found = estimate(t, freedom).p_value() / 2.0;
        agree_relatively(found, &p.into(), case);
        let high = estimate(0.0, freedom).confidence_interval(2.0 * p).unwrap().high;
        agree(high, &t.into(), case);
    }
}

#[test]
fn holm_is_that_of_statsmodels() {
    for case in section("holm") {
        let found = holm(&numbers(&case["p"])).unwrap();
        for (ours, theirs) in found.iter().zip(case["adjusted"].as_array().unwrap()) {
            agree(*ours, theirs, case);
        }
    }
}

#[test]
fn power_is_that_of_statsmodels() {
    for case in section("power") {
        let (mean, deviation) = (number(&case["mean"]), number(&case["deviation"]));
        let design = Design {
            baseline: Baseline::Mean { mean, deviation },
            effect: Effect::Absolute(number(&case["difference"])),
            weights: numbers(&case["weights"]),
            alpha: number(&case["alpha"]),
            power: 0.8,
        };
        let units = case["units"].as_u64().unwrap();
        agree(design.power_with(units, Looks::Once).unwrap(), &case["power"], case);
        let needed = design.units(Looks::Once).unwrap();
        assert!(design.power_with(needed, Looks::Once).unwrap() >= 0.8);
        assert!(design.power_with(needed - 1, Looks::Once).unwrap() < 0.8);
    }
}
