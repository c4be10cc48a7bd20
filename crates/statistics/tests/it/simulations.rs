//! What chance does to thousands of made-up experiments: the rates of errors are as promised. Seeds are fixed, so
//! each test has the same result each time; bounds are as wide as chance with another seed.

use weir_statistics::lift::{Estimate, TUNING};
use weir_statistics::multiple::holm;
use weir_statistics::power::{Baseline, Design, Effect, Looks};
use weir_statistics::sample::Sample;
use weir_statistics::simulate::{binomial, normal};
use weir_statistics::srm::{CONCENTRATION, Sequential, chi_squared};

const DAYS: usize = 28;
const ALPHA: f64 = 0.05;

fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut rng = fastrand::Rng::with_seed(seed);
    move || rng.u64(..)
}

fn part(count: usize, of: usize) -> f64 {
    count as f64 / of as f64
}

/// The conversions and units of two arms at the end of each day.
fn days(
    random: &mut impl FnMut() -> u64,
    a_day: [u64; 2],
    rates: [f64; 2],
    days: usize,
) -> Vec<[(u64, u64); 2]> {
    let mut arms = [(0, 0); 2];
    let day = |_| {
        for ((arm, units), rate) in arms.iter_mut().zip(a_day).zip(rates) {
            arm.0 += binomial(random, units, rate);
            arm.1 += units;
        }
        arms
    };
    (0..days).map(day).collect()
}

fn samples(arms: &[(u64, u64); 2]) -> [Sample; 2] {
    arms.map(|(converted, units)| Sample::proportion(converted, units).unwrap())
}

fn difference(arms: &[(u64, u64); 2]) -> Estimate {
    let [control, treatment] = samples(arms);
    Estimate::difference(&control, &treatment).unwrap()
}

fn significant(estimate: &Estimate) -> bool {
    estimate.sequential_p_value(ALPHA, TUNING).unwrap() <= ALPHA
}

#[test]
fn equal_arms_looked_at_daily_are_hardly_ever_significant() {
    const EXPERIMENTS: usize = 1000;
    let mut random = random(1);
    let (mut ever, mut naive, mut at_the_end) = (0, 0, 0);
    for _ in 0..EXPERIMENTS {
        let looks = days(&mut random, [2000, 2000], [0.05, 0.05], DAYS);
        let looks: Vec<Estimate> = looks.iter().map(difference).collect();
        ever += usize::from(looks.iter().any(significant));
        naive += usize::from(looks.iter().any(|look| look.p_value() <= ALPHA));
        at_the_end += usize::from(looks.last().unwrap().p_value() <= ALPHA);
    }
    println!("ever {ever}, by the fixed interval {naive}, at the end {at_the_end}, of {EXPERIMENTS}");
    assert!(part(ever, EXPERIMENTS) <= ALPHA);
    assert!(part(naive, EXPERIMENTS) > 0.15, "looking daily at a fixed interval is what does not work");
    assert!((0.035..=0.065).contains(&part(at_the_end, EXPERIMENTS)));
}

#[test]
fn right_splits_looked_at_daily_are_hardly_ever_mismatches() {
    const EXPERIMENTS: usize = 4000;
    let mut random = random(2);
    let (mut ever, mut naive) = (0, 0);
    for _ in 0..EXPERIMENTS {
        let mut test = Sequential::new(&[1.0, 1.0], CONCENTRATION).unwrap();
        let (mut counts, mut once) = ([0, 0], 1.0_f64);
        for _ in 0..DAYS {
            let first = binomial(&mut random, 5000, 0.5);
            counts = [counts[0] + first, counts[1] + 5000 - first];
            test.observe(&counts).unwrap();
            once = once.min(chi_squared(&counts, &[1.0, 1.0]).unwrap().p_value);
        }
        ever += usize::from(test.p_value() <= 0.001);
        naive += usize::from(once <= 0.001);
    }
    println!("sequential {ever}, by Pearson's test {naive}, of {EXPERIMENTS}");
    assert!(part(ever, EXPERIMENTS) <= 0.001);
    assert!(part(naive, EXPERIMENTS) > 0.004, "looking daily at Pearson's test is what does not work");
}

/// The part of experiments whose mismatch is found by the end of each day.
fn found_by(seed: u64, share: f64, a_day: u64, last: usize) -> Vec<f64> {
    const EXPERIMENTS: usize = 300;
    let mut random = random(seed);
    let mut found = vec![0; last];
    for _ in 0..EXPERIMENTS {
        let mut test = Sequential::new(&[1.0, 1.0], CONCENTRATION).unwrap();
        let mut counts = [0, 0];
        for day in &mut found {
            let first = binomial(&mut random, a_day, share);
            counts = [counts[0] + first, counts[1] + a_day - first];
            *day += usize::from(test.observe(&counts).unwrap() <= 0.001);
        }
    }
    found.into_iter().map(|day| part(day, EXPERIMENTS)).collect()
}

#[test]
fn a_mismatch_of_one_percent_is_found_by_the_third_day() {
    // One percent more units in one arm than the other should have had: 50.5 to 49.5, of 100,000 a day.
    let slow = found_by(3, 0.505, 100_000, 5);
    println!("50.5 %: found by day 1, 2 … {slow:?}");
    assert!(slow[2] > 0.85 && slow[4] > 0.99, "{slow:?}");
    let fast = found_by(4, 0.51, 100_000, 1);
    println!("51 %: {fast:?}");
    assert!(fast[0] > 0.94, "{fast:?}");
}

/// Requests of one arm by part of all units: errors and requests. A unit has eight requests, which fail all alike.
fn clustered(random: &mut impl FnMut() -> u64, units: u64) -> Vec<(f64, f64)> {
    let mut parts = vec![(0.0, 0.0); 20];
    for _ in 0..units {
        let part = (random() % 20) as usize;
        // One unit in ten is on a bad network: half of its requests fail.
        let rate = if random().is_multiple_of(10) { 0.5 } else { 0.01 };
        parts[part].0 += binomial(random, 8, rate) as f64;
        parts[part].1 += 8.0;
    }
    parts
}

fn total(parts: &[(f64, f64)]) -> (u64, u64) {
    let sum = |of: fn(&(f64, f64)) -> f64| parts.iter().map(of).sum::<f64>() as u64;
    (sum(|part| part.0), sum(|part| part.1))
}

#[test]
fn batch_means_are_honest_where_requests_resemble_each_other() {
    const EXPERIMENTS: usize = 3000;
    let mut random = random(5);
    let (mut batches, mut naive, mut sequence) = (0, 0, 0);
    for _ in 0..EXPERIMENTS {
        let arms = [clustered(&mut random, 400), clustered(&mut random, 400)];
        let [control, treatment] = arms.each_ref().map(|parts| Sample::ratio_of_batches(parts).unwrap());
        let estimate = Estimate::difference(&control, &treatment).unwrap();
        batches += usize::from(estimate.p_value() <= ALPHA);
        sequence += usize::from(significant(&estimate.of_batches(800.0).unwrap()));
        let requests = arms.each_ref().map(|parts| total(parts));
        naive += usize::from(difference(&requests).p_value() <= ALPHA);
    }
    println!("batches {batches}, taken for independent {naive}, sequence {sequence}, of {EXPERIMENTS}");
    assert!((0.04..=0.06).contains(&part(batches, EXPERIMENTS)), "{batches}");
    assert!(part(naive, EXPERIMENTS) > 0.15, "{naive}");
    assert!(part(sequence, EXPERIMENTS) < 0.02);
}

/// How often a design finds its effect: with a fixed interval at the end, with the sequence at the end, and with the
/// sequence at any look of twenty.
fn found(design: &Design, looks: Looks, rates: [f64; 2], seed: u64) -> [f64; 3] {
    const EXPERIMENTS: usize = 1500;
    let mut random = random(seed);
    let units = design.units(looks).unwrap() as f64;
    let sum: f64 = design.weights.iter().sum();
    let a_day = [0, 1].map(|arm| (units * design.weights[arm] / sum / 20.0).round() as u64);
    let mut found = [0; 3];
    for _ in 0..EXPERIMENTS {
        let looks = days(&mut random, a_day, rates, 20);
        let last = difference(looks.last().unwrap());
        found[0] += usize::from(last.p_value() <= design.alpha);
        found[1] += usize::from(significant(&last));
        found[2] += usize::from(looks.iter().any(|look| significant(&difference(look))));
    }
    found.map(|count| part(count, EXPERIMENTS))
}

#[test]
fn power_is_as_designed() {
    for (seed, weights, rate, lift, power) in
        [(6, [1.0, 1.0], 0.05, 0.2, 0.8), (7, [3.0, 1.0], 0.2, -0.1, 0.9), (8, [1.0, 1.0], 0.5, 0.06, 0.6)]
    {
        let design = Design {
            baseline: Baseline::Rate(rate),
            effect: Effect::Relative(lift),
            weights: weights.to_vec(),
            alpha: ALPHA,
            power,
        };
        let rates = [rate, rate * (1.0 + lift)];
        let [once, ..] = found(&design, Looks::Once, rates, seed);
        let [_, last, ever] = found(&design, Looks::Anytime(TUNING), rates, seed + 10);
        println!("{design:?}: once {once}, by the sequence at the end {last}, at any look {ever}");
        assert!((once - power).abs() <= 0.03);
        assert!((last - power).abs() <= 0.03);
        assert!(ever >= last);
    }
}

#[test]
fn power_of_means_and_of_several_arms_is_as_designed() {
    const EXPERIMENTS: usize = 1500;
    let design = Design {
        baseline: Baseline::Mean { mean: 20.0, deviation: 15.0 },
        effect: Effect::Absolute(0.8),
        weights: vec![2.0, 1.0, 1.0],
        alpha: ALPHA,
        power: 0.8,
    };
    let units = design.units(Looks::Once).unwrap() as f64;
    let mut random = random(20);
    // One treatment has the effect, the other one has none.
    let (mut found, mut wrong) = (0, 0);
    for _ in 0..EXPERIMENTS {
        let mut arm = |share: f64, mean: f64| {
            let n = (units * share).round();
            let mean = mean + 15.0 * normal(&mut random) / n.sqrt();
            let variance = 225.0 * (1.0 + normal(&mut random) * (2.0 / (n - 1.0)).sqrt());
            Sample::sums(n as u64, n * mean, variance * (n - 1.0) + n * mean * mean).unwrap()
        };
        let (control, good, same) = (arm(0.5, 20.0), arm(0.25, 20.8), arm(0.25, 20.0));
        let p = [good, same].map(|arm| Estimate::difference(&control, &arm).unwrap().p_value());
        // The design is for the first step of Holm; a second comparison at 5 % would find more.
        found += usize::from(p[0] <= ALPHA / 2.0);
        wrong += usize::from(holm(&p).unwrap()[1] <= ALPHA);
    }
    println!("found {found}, wrong {wrong}, of {EXPERIMENTS}");
    assert!((part(found, EXPERIMENTS) - 0.8).abs() <= 0.03);
    assert!(part(wrong, EXPERIMENTS) <= 0.065);
}

#[test]
fn sequences_hold_the_true_lift_at_all_times() {
    const EXPERIMENTS: usize = 600;
    let mut random = random(30);
    let mut missed = 0;
    for _ in 0..EXPERIMENTS {
        let looks = days(&mut random, [1000, 1000], [0.1, 0.11], DAYS);
        missed += usize::from(looks.iter().any(|look| {
            let [control, treatment] = samples(look);
            let lift =
                Estimate::relative(&control, &treatment).unwrap().confidence_sequence(ALPHA, TUNING).unwrap();
            !(lift.low..=lift.high).contains(&0.1)
        }));
    }
    println!("missed {missed} of {EXPERIMENTS}");
    assert!(part(missed, EXPERIMENTS) <= ALPHA);
}
