//! Nothing to go on has an answer of its own, and never a NaN.

use weir_statistics::guardrail::{Verdict, Worse, judge};
use weir_statistics::lift::{Estimate, Interval, TUNING};
use weir_statistics::multiple::holm;
use weir_statistics::power::{Baseline, Design, Effect, Looks};
use weir_statistics::sample::{RatioSums, Sample};
use weir_statistics::simulate::binomial;
use weir_statistics::srm::{CONCENTRATION, Sequential, chi_squared, critical, four_sigma};
use weir_statistics::{Argument, Undefined};

#[test]
fn splits_without_units_or_arms() {
    let p = |counts: &[u64], weights: &[f64]| chi_squared(counts, weights).map(|test| test.p_value);
    assert_eq!(p(&[0, 0], &[0.5, 0.5]), Err(Undefined::NoUnits));
    assert_eq!(p(&[100], &[1.0]), Err(Undefined::OneArm));
    assert_eq!(p(&[100, 0], &[1.0, 0.0]), Err(Undefined::OneArm));
    assert_eq!(p(&[100, 1], &[1.0, 0.0]), Ok(0.0), "an arm of weight 0 must be empty");
    assert_eq!(p(&[100, 100, 1], &[1.0, 1.0, 0.0]), Ok(0.0));
    assert_eq!(p(&[1, 2, 3], &[1.0, 1.0]), Err(Undefined::Lengths));
    for weights in [[0.0, 0.0], [-1.0, 2.0], [f64::NAN, 1.0], [f64::INFINITY, 1.0], [f64::MAX, f64::MAX]] {
        assert_eq!(p(&[1, 1], &weights), Err(Undefined::OutOfRange(Argument::Weights)), "{weights:?}");
        assert_eq!(Sequential::new(&weights, CONCENTRATION), Err(Undefined::OutOfRange(Argument::Weights)));
    }
    assert_eq!(p(&[u64::MAX, u64::MAX], &[1.0, 1.0]), Ok(1.0));
    assert_eq!(critical(1, 0.05), Err(Undefined::OneArm));
    assert_eq!(critical(2, 0.0), Err(Undefined::OutOfRange(Argument::P)));
    assert_eq!((four_sigma(0.5, 0), four_sigma(f64::NAN, 10), four_sigma(0.0, 10)), (0.0, 0.0, 0.0));
}

#[test]
fn sequential_splits_without_units_or_arms() {
    assert_eq!(Sequential::new(&[1.0, 0.0], CONCENTRATION), Err(Undefined::OneArm));
    assert_eq!(Sequential::new(&[1.0, 1.0], f64::NAN), Err(Undefined::OutOfRange(Argument::Concentration)));
    let mut test = Sequential::new(&[1.0, 1.0, 0.0], CONCENTRATION).unwrap();
    assert_eq!(test.observe(&[0, 0, 0]), Ok(1.0));
    assert_eq!(test.observe(&[0, 0]), Err(Undefined::Lengths));
    assert!(test.observe(&[u64::MAX, u64::MAX, 0]).unwrap() == 1.0);
    assert_eq!(test.observe(&[1_000_000, 0, 0]), Ok(0.0), "underflow is 0");
    assert_eq!(test.observe(&[10, 10, 0]), Ok(0.0), "and the minimum stays");
    let mut test = Sequential::new(&[1.0, 1.0, 0.0], CONCENTRATION).unwrap();
    assert_eq!(test.observe(&[5, 5, 1]), Ok(0.0));
    assert_eq!(test.log_bayes_factor(), f64::INFINITY);
    let mut test = Sequential::new(&[1e-300, 1.0], 1e-6).unwrap();
    assert!(test.observe(&[3, 100]).unwrap() < 1e-100);
}

#[test]
fn arms_without_units_or_variance() {
    assert_eq!(Sample::proportion(0, 0), Err(Undefined::NoUnits));
    assert_eq!(Sample::proportion(2, 1), Err(Undefined::MoreThanUnits));
    assert_eq!(Sample::sums(0, 0.0, 0.0), Err(Undefined::NoUnits));
    assert_eq!(Sample::sums(1, 1.0, 1.0), Err(Undefined::OneObservation));
    assert_eq!(Sample::sums(10, 100.0, 1.0), Err(Undefined::Inconsistent));
    assert_eq!(Sample::sums(10, f64::NAN, 1.0), Err(Undefined::OutOfRange(Argument::Sum)));
    assert_eq!(Sample::sums(10, 1e300, f64::MAX).map(|_| ()), Err(Undefined::Inconsistent), "overflow");
    assert_eq!(Sample::sums(3, 0.3, 0.03).unwrap().variance(), 0.0, "0 up to rounding is 0");
    assert_eq!(Sample::batches(&[]), Err(Undefined::NoUnits));
    assert_eq!(Sample::batches(&[1.0]), Err(Undefined::OneObservation));
    assert_eq!(Sample::ratio_of_batches(&[(1.0, 0.0), (2.0, 0.0)]), Err(Undefined::NoUnits));
    assert_eq!(
        Sample::ratio_of_batches(&[(1.0, f64::NAN)]),
        Err(Undefined::OutOfRange(Argument::Denominator))
    );
    assert_eq!(Sample::ratio(&RatioSums { units: 5, ..RatioSums::default() }), Err(Undefined::NoUnits));

    let (some, none, one) =
        (Sample::proportion(5, 100), Sample::proportion(0, 100), Sample::proportion(1, 1));
    let (some, none, one) = (some.unwrap(), none.unwrap(), one.unwrap());
    assert_eq!(Estimate::difference(&none, &none), Err(Undefined::NoVariance));
    assert_eq!(Estimate::difference(&some, &one), Err(Undefined::OneObservation));
    assert_eq!(Estimate::relative(&none, &some), Err(Undefined::ZeroBaseline));
    assert!(Estimate::difference(&none, &some).unwrap().p_value() < 0.05, "one arm may be without any");
    let cautious = Sample::agresti_caffo(0, 100).unwrap();
    assert!(Estimate::difference(&cautious, &cautious).unwrap().standard_error > 0.0);
    assert_eq!(Sample::agresti_caffo(0, 0), Err(Undefined::NoUnits));
}

#[test]
fn pairs_without_windows_or_variance() {
    let same = [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0)];
    assert_eq!(Estimate::paired_ratios(&same, &same), Err(Undefined::NoVariance));
    assert_eq!(Estimate::paired_ratios(&same, &same[1..]), Err(Undefined::Lengths));
    assert_eq!(Estimate::paired_ratios(&same[..1], &same[..1]), Err(Undefined::OneObservation));
    assert_eq!(Estimate::paired_ratios(&[], &[]), Err(Undefined::NoUnits));
    // What moves both arms alike is in no standard error.
    let outage: Vec<(f64, f64)> =
        (0..20).map(|hour| (if hour == 7 { 500.0 } else { 10.0 }, 1000.0)).collect();
    let worse: Vec<(f64, f64)> =
        outage.iter().enumerate().map(|(hour, it)| (it.0 + 3.0 + (hour % 2) as f64, it.1)).collect();
    let paired = Estimate::paired_ratios(&outage, &worse).unwrap();
    assert!((paired.value - 0.0035).abs() < 1e-12 && paired.p_value() < 1e-6, "{paired:?}");
}

#[test]
fn intervals_out_of_range() {
    let estimate =
        Estimate::difference(&Sample::proportion(5, 100).unwrap(), &Sample::proportion(9, 100).unwrap());
    let estimate = estimate.unwrap();
    for alpha in [0.0, 1.0, -1.0, f64::NAN] {
        assert_eq!(estimate.confidence_interval(alpha), Err(Undefined::OutOfRange(Argument::Alpha)));
        assert_eq!(estimate.confidence_sequence(alpha, TUNING), Err(Undefined::OutOfRange(Argument::Alpha)));
    }
    for tuning in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(estimate.confidence_sequence(0.05, tuning), Err(Undefined::OutOfRange(Argument::Tuning)));
        assert_eq!(estimate.sequential_p_value(0.05, tuning), Err(Undefined::OutOfRange(Argument::Tuning)));
    }
    assert_eq!(estimate.of_batches(f64::NAN), Err(Undefined::OutOfRange(Argument::Observations)));
    let overwhelming = Estimate { value: 1e6, ..estimate };
    assert_eq!((overwhelming.p_value(), overwhelming.sequential_p_value(0.05, TUNING)), (0.0, Ok(0.0)));
    let batches = Estimate::difference(
        &Sample::batches(&[1.0, 2.0, 3.0]).unwrap(),
        &Sample::batches(&[2.0, 3.0, 5.0]).unwrap(),
    );
    let (batches, wide) = (batches.unwrap(), batches.unwrap().of_batches(5000.0).unwrap());
    let width = |it: Estimate| it.confidence_sequence(0.05, TUNING).map(|it| it.high - it.low).unwrap();
    assert!(width(wide) > width(Estimate { observations: 5000.0, ..batches }), "few batches are few");
}

#[test]
fn holm_of_nothing_and_of_nonsense() {
    assert_eq!(holm(&[]), Ok(Vec::new()));
    assert_eq!(holm(&[0.5, f64::NAN]), Err(Undefined::OutOfRange(Argument::PValue)));
    assert_eq!(holm(&[1.5]), Err(Undefined::OutOfRange(Argument::PValue)));
}

#[test]
fn guardrails_know_when_they_do_not_know() {
    let interval = |low, high| Interval { low, high };
    for (low, high, higher, lower) in [
        (0.02, 0.03, Verdict::Fails, Verdict::Holds),
        (0.0, 0.03, Verdict::Unknown, Verdict::Holds),
        (-0.005, 0.005, Verdict::Holds, Verdict::Holds),
        (-0.03, -0.02, Verdict::Holds, Verdict::Fails),
        (-1.0, 1.0, Verdict::Unknown, Verdict::Unknown),
    ] {
        assert_eq!(judge(interval(low, high), Worse::Higher, 0.01), Ok(higher), "{low} {high}");
        assert_eq!(judge(interval(low, high), Worse::Lower, 0.01), Ok(lower), "{low} {high}");
    }
    assert_eq!(
        judge(interval(0.0, 1.0), Worse::Higher, -0.1),
        Err(Undefined::OutOfRange(Argument::Tolerance))
    );
    assert_eq!(
        judge(interval(f64::NAN, 1.0), Worse::Higher, 0.1),
        Err(Undefined::OutOfRange(Argument::Interval))
    );
    assert_eq!(judge(interval(1.0, 0.0), Worse::Higher, 0.1), Err(Undefined::OutOfRange(Argument::Interval)));
}

#[test]
fn designs_out_of_range() {
    let design = |rate, effect, weights: &[f64]| Design {
        baseline: Baseline::Rate(rate),
        effect,
        weights: weights.to_vec(),
        alpha: 0.05,
        power: 0.8,
    };
    let units = |rate, effect, weights: &[f64]| design(rate, effect, weights).units(Looks::Once);
    let even = [1.0, 1.0];
    assert_eq!(units(0.05, Effect::Relative(0.0), &even), Err(Undefined::OutOfRange(Argument::Effect)));
    assert_eq!(units(0.05, Effect::Relative(f64::NAN), &even), Err(Undefined::OutOfRange(Argument::Effect)));
    assert_eq!(units(0.05, Effect::Absolute(0.96), &even), Err(Undefined::OutOfRange(Argument::Effect)));
    assert_eq!(
        units(0.05, Effect::Absolute(1e-12), &even),
        Err(Undefined::OutOfRange(Argument::Effect)),
        "too small"
    );
    assert_eq!(units(0.0, Effect::Absolute(0.1), &even), Err(Undefined::OutOfRange(Argument::Baseline)));
    assert_eq!(units(0.05, Effect::Relative(0.1), &[1.0]), Err(Undefined::OneArm));
    assert_eq!(units(0.05, Effect::Relative(0.1), &[]), Err(Undefined::OutOfRange(Argument::Weights)));
    assert_eq!(units(0.05, Effect::Relative(0.1), &[1.0, 0.0]), Err(Undefined::OneArm));
    assert_eq!(
        units(0.05, Effect::Relative(0.1), &[0.0, 1.0]),
        Err(Undefined::OutOfRange(Argument::Weights))
    );
    let good = design(0.05, Effect::Relative(0.1), &even);
    assert_eq!(good.power_with(0, Looks::Once), Err(Undefined::NoUnits));
    assert_eq!(good.units(Looks::Anytime(0.0)), Err(Undefined::OutOfRange(Argument::Tuning)));
    assert_eq!(
        Design { power: 1.0, ..good.clone() }.units(Looks::Once),
        Err(Undefined::OutOfRange(Argument::Power))
    );
    let high = design(0.9, Effect::Relative(0.1), &even);
    assert_eq!(high.smallest_effect(3, Looks::Once), Err(Undefined::OutOfRange(Argument::Units)));
    let flat = Design { baseline: Baseline::Mean { mean: 1.0, deviation: 0.0 }, ..good.clone() };
    assert_eq!(flat.units(Looks::Once), Err(Undefined::OutOfRange(Argument::Deviation)));
    // A treatment of weight 0 counts neither as an arm nor as a comparison.
    let with_empty = design(0.05, Effect::Relative(0.1), &[1.0, 1.0, 0.0]);
    assert_eq!(with_empty.units(Looks::Once), good.units(Looks::Once));
    // What is found with these units is what they were computed for.
    for looks in [Looks::Once, Looks::Anytime(TUNING)] {
        let found = good.smallest_effect(good.units(looks).unwrap(), looks).unwrap();
        assert!((found - 0.005).abs() < 1e-6, "{found}");
    }
}

#[test]
fn draws_at_the_ends() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut random = || rng.u64(..);
    for (probability, expected) in [(0.0, 0), (-1.0, 0), (f64::NAN, 0), (1.0, 1000), (2.0, 1000)] {
        assert_eq!(binomial(&mut random, 1000, probability), expected, "{probability}");
    }
    assert_eq!(binomial(&mut random, 0, 0.5), 0);
    let draws: Vec<u64> = (0..2000).map(|_| binomial(&mut random, 1000, 0.3)).collect();
    let mean = draws.iter().sum::<u64>() as f64 / 2000.0;
    let variance = draws.iter().map(|draw| (*draw as f64 - mean).powi(2)).sum::<f64>() / 1999.0;
    assert!((mean - 300.0).abs() < 1.3 && (variance - 210.0).abs() < 28.0, "{mean} {variance}");
}
