//! Does chance do what was configured? Whole decisions, from configuration to delay.
//!
//! The seeds are fixed, so the results are too: a failure is a defect, never bad luck. Native only: `decide.rs`
//! proves that WebAssembly decides the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![cfg(not(target_arch = "wasm32"))]

use crate::support::Lab;

fn lab(section: &str) -> Lab {
    Lab::new(section).unwrap_or_else(|problems| panic!("{problems}"))
}

/// That a count is as chance has it, within four standard deviations.
fn assert_share(hit: u32, of: u32, share: f64, what: &str) {
    let (n, hit) = (f64::from(of), f64::from(hit));
    let sigma = (n * share * (1.0 - share)).sqrt();
    println!("{what}: {hit} of {n}, {:+.2} sigma", (hit - n * share) / sigma);
    assert!((hit - n * share).abs() <= 4.0 * sigma, "{what}: {hit} of {n} at {share}");
}

fn delay_of(percent: &str, sampling: &str) -> String {
    format!(r#"[{{"delay": {{"fixedDelay": "1s", "percent": {percent}}}{sampling}}}]"#)
}

const STICKY: &str = r#", "sampling": {"sticky": {"unit": "header:x-user-id"}}"#;

fn user(lab: &Lab, number: u32) -> crate::support::Decided {
    lab.decide(&[("x-user-id", &format!("user-{number}"))])
}

const SEEDS: [u64; 3] = [1, u64::MAX, 0x1234_5678_9abc_def0];

#[test]
fn shares_are_those_of_the_configuration() {
    let cases = [
        ("0.0001", 3_000_000, &[1][..]),
        ("0.1", 400_000, &SEEDS),
        ("1", 200_000, &SEEDS),
        ("50", 100_000, &SEEDS),
    ];
    for (percent, requests, seeds) in cases {
        for seed in seeds {
            let lab = lab(&delay_of(percent, ""));
            lab.host.random.set(Some(*seed));
            let hit = (0..requests).map(|_| u32::from(lab.decide(&[]).delay.is_some())).sum();
            assert_share(hit, requests, percent.parse::<f64>().unwrap() / 100.0, percent);
        }
    }
}

#[test]
fn shares_of_units_are_those_of_the_configuration() {
    for (percent, units) in [("0.1", 400_000), ("1", 200_000), ("50", 100_000)] {
        let lab = lab(&delay_of(percent, STICKY));
        let hit = (0..units).map(|number| u32::from(user(&lab, number).delay.is_some())).sum();
        assert_share(hit, units, percent.parse::<f64>().unwrap() / 100.0, percent);
        assert!(lab.asked().is_empty(), "units need no chance");
    }
}

#[test]
fn nobody_and_everybody_are_exact() {
    for sampling in ["", STICKY] {
        let (none, all) = (lab(&delay_of("0", sampling)), lab(&delay_of("100", sampling)));
        for number in 0..200_000 {
            assert!(user(&none, number).is_quiet());
            assert_eq!(user(&all, number).delay, Some(crate::support::SECOND));
        }
    }
}

#[test]
fn the_same_units_are_hit_everywhere_and_always() {
    let hits = |lab: &Lab| -> Vec<u32> { (0..10_000).filter(|n| user(lab, *n).delay.is_some()).collect() };
    let (one, other) = (lab(&delay_of("10", STICKY)), lab(&delay_of("10", STICKY)));
    other.host.random.set(Some(99));
    let hit = hits(&one);
    assert_eq!(hit, hits(&other), "another proxy");
    assert_eq!(hit, hits(&one), "another time");
    let more = hits(&lab(&delay_of("20", STICKY)));
    assert!(hit.iter().all(|n| more.contains(n)), "a higher percentage only adds units");
    let seeded = hits(&lab(&delay_of("10", &STICKY.replace("}}", r#", "seed": "drill-2"}}"#))));
    let both = seeded.iter().filter(|n| hit.binary_search(n).is_ok()).count();
    assert!((60..140).contains(&both), "another seed is independent: {both} of 10,000 at 1 %");
    let anonymous = one.decide(&[("x-user-id", "")]);
    assert!(anonymous.is_quiet() && one.decide(&[]).is_quiet(), "who has no unit is not hit");
}

/// Two kinds at 40 % and 30 %: how many have the delay, the abort, both.
fn two_kinds(rolls: &str, sampling: &str) -> [u32; 3] {
    let section = format!(
        r#"[{{"rolls": "{rolls}", "delay": {{"fixedDelay": "1s", "percent": 40}}, "abort": {{"httpStatus": 503, "percent": 30}}{sampling}}}]"#
    );
    let lab = lab(&section);
    let mut counts = [0; 3];
    for number in 0..200_000 {
        let decided = user(&lab, number);
        let (delay, abort) = (decided.delay.is_some(), decided.abort.is_some());
        for (count, hit) in counts.iter_mut().zip([delay, abort, delay && abort]) {
            *count += u32::from(hit);
        }
    }
    counts
}

#[test]
fn kinds_hang_together_as_configured() {
    for sampling in ["", STICKY] {
        for (rolls, together) in [("independent", 0.12), ("joint", 0.3), ("exclusive", 0.0)] {
            let [delays, aborts, both] = two_kinds(rolls, sampling);
            assert_share(delays, 200_000, 0.4, rolls);
            assert_share(aborts, 200_000, 0.3, rolls);
            assert_share(both, 200_000, together, rolls);
        }
        assert_eq!(two_kinds("exclusive", sampling)[2], 0);
        let [_, aborts, both] = two_kinds("joint", sampling);
        assert_eq!(aborts, both, "all that are aborted are delayed too");
    }
}

/// The standard normal distribution function by its series (G. Marsaglia: Evaluating the Normal Distribution, Journal
/// of Statistical Software 11, 2004).
fn normal_cdf(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut i) = (x, x, 1.0);
    while sum + term != sum {
        i += 2.0;
        term *= x * x / i;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The p-value of the Kolmogorov-Smirnov statistic (M. Stephens' form for finite samples, JRSS B 32, 1970).
fn kolmogorov_smirnov(samples: &mut [f64], cdf: impl Fn(f64) -> f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let n = samples.len() as f64;
    let distance = samples.iter().enumerate().fold(0.0_f64, |most, (i, x)| {
        let (expected, i) = (cdf(*x), i as f64);
        most.max(expected - i / n).max((i + 1.0) / n - expected)
    });
    let lambda = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    let term = |k: i32| f64::from(1 - 2 * ((k + 1) % 2)) * (-2.0 * f64::from(k * k) * lambda * lambda).exp();
    (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

/// 100,000 delays, in seconds.
fn delays(distribution: &str) -> Vec<f64> {
    let lab = lab(&format!(r#"[{{"delay": {{{distribution}, "percent": 100}}}}]"#));
    (0..100_000).map(|_| lab.decide(&[]).delay.unwrap() as f64 / 1e9).collect()
}

fn assert_distributed(distribution: &str, cdf: impl Fn(f64) -> f64) {
    let p = kolmogorov_smirnov(&mut delays(distribution), cdf);
    println!("{distribution}: p = {p:.4}");
    assert!(p > 0.001, "{distribution}: p = {p}");
}

#[test]
fn delays_have_their_distributions() {
    assert_distributed(r#""uniform": {"min": "100ms", "max": "300ms"}"#, |x| (x - 0.1) / 0.2);
    assert_distributed(r#""normal": {"mean": "2s", "stddev": "250ms"}"#, |x| normal_cdf((x - 2.0) / 0.25));
    assert_distributed(r#""lognormal": {"median": "100ms", "sigma": 0.8}"#, |x| {
        normal_cdf((x / 0.1).ln() / 0.8)
    });
    assert_distributed(r#""exponential": {"mean": "50ms"}"#, |x| 1.0 - (-x / 0.05).exp());
    assert_distributed(r#""pareto": {"min": "10ms", "alpha": 2.5}"#, |x| 1.0 - (0.01 / x).powf(2.5));
}

#[test]
fn the_quantiles_of_a_log_normal_are_those_that_were_given() {
    let mut drawn = delays(r#""lognormal": {"p50": "80ms", "p99": "1s"}"#);
    let p50 =
        kolmogorov_smirnov(&mut drawn, |x| normal_cdf((x / 0.08).ln() / (12.5_f64.ln() / 2.326_347_874)));
    assert!(p50 > 0.001, "{p50}");
    let above = |limit: f64| drawn.iter().map(|x| u32::from(*x > limit)).sum();
    assert_share(above(0.08), 100_000, 0.5, "p50");
    assert_share(above(1.0), 100_000, 0.01, "p99");
}

#[test]
fn the_test_itself_sees_a_wrong_distribution() {
    let p =
        kolmogorov_smirnov(&mut delays(r#""exponential": {"mean": "50ms"}"#), |x| 1.0 - (-x / 0.051).exp());
    assert!(p < 1e-6, "{p}");
}
