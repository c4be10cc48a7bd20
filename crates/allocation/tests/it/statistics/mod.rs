//! Statistical tests of the hash: uniformity, independence and A/A tests.
//!
//! The inputs are fixed, so the results are too: a failure is a defect, never bad luck. The gate for a single
//! test is p > 1e-6. Native only: the vectors prove that WebAssembly computes the same hashes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![cfg(not(target_arch = "wasm32"))]

mod chi_squared;

use chi_squared::{survival, uniformity_p_value};
use weir_allocation::{Allocation, Fraction, Salt, Weights, contiguous, purpose};

const GATE: f64 = 1e-6;
const UNITS: u32 = 1_000_000;

/// A well-mixed number from a counter, for ids that look random. (The finaliser of SplitMix64, S. Vigna.)
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Counts one million ids in 1000 cells and checks the gate.
fn assert_uniform(id: impl Fn(u32) -> String) {
    let salt = Salt::new("uniformity");
    let mut cells = vec![0_u64; 1000];
    for number in 0..UNITS {
        let bucket = salt.bucket(id(number).as_bytes());
        cells[bucket.index() as usize / 1000] += 1;
    }
    let p = uniformity_p_value(&cells);
    println!("{}: p = {p:.4}", id(0));
    assert!(p > GATE && p < 1.0 - GATE, "p = {p}");
}

#[test]
fn sequential_ids_are_uniform() {
    assert_uniform(|number| format!("user-{number}"));
}

#[test]
fn numeric_ids_are_uniform() {
    assert_uniform(|number| (10_000_000 + number).to_string());
}

#[test]
fn uuids_are_uniform() {
    assert_uniform(|number| {
        let (high, low) = (mix(u64::from(number) * 2), mix(u64::from(number) * 2 + 1));
        let (a, b, c) = (high >> 32, (high >> 16) & 0xFFFF, high & 0xFFF);
        format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:012x}", 0x8000 | (low >> 50), low & 0xFFFF_FFFF_FFFF)
    });
}

#[test]
fn e_mail_addresses_are_uniform() {
    const HOSTS: [&str; 4] = ["example.com", "example.org", "mail.example.net", "example.co.uk"];
    assert_uniform(|number| format!("first.last{}@{}", number / 4, HOSTS[number as usize % 4]));
}

#[test]
fn hex_ids_are_uniform() {
    assert_uniform(|number| format!("{:016x}", mix(u64::from(number))));
}

/// Which of the units are in the lower half of the buckets, as bits.
fn lower_half(salt: &Salt, units: &[String]) -> Vec<u64> {
    let is_lower = |unit: &String| u64::from(salt.bucket(unit.as_bytes()).index() < 500_000);
    units
        .chunks(64)
        .map(|chunk| chunk.iter().rev().fold(0, |bits, unit| bits << 1 | is_lower(unit)))
        .collect()
}

fn ones(bits: impl Iterator<Item = u64>) -> f64 {
    bits.map(|bits| f64::from(bits.count_ones())).sum()
}

/// The correlation of two yes/no assignments of `count` units: 0 where they are independent.
fn phi(a: &[u64], b: &[u64], count: f64) -> f64 {
    let (in_a, in_b) = (ones(a.iter().copied()), ones(b.iter().copied()));
    let both = ones(a.iter().zip(b).map(|(a, b)| a & b));
    (both * count - in_a * in_b) / (in_a * (count - in_a) * in_b * (count - in_b)).sqrt()
}

#[test]
fn adjacent_salts_are_independent() {
    let units: Vec<_> = (0..200_000).map(|number| format!("user-{number}")).collect();
    let count = units.len() as f64;
    let halves: Vec<_> =
        (0..20).map(|number| lower_half(&Salt::new(&format!("experiment_{number}")), &units)).collect();
    let mut worst: f64 = 0.0;
    for (position, a) in halves.iter().enumerate() {
        for b in &halves[position + 1..] {
            let phi = phi(a, b, count);
            worst = worst.max(phi.abs());
            // count * phi^2 is chi-squared with one degree of freedom for independent halves.
            let p = survival(count * phi * phi, 1);
            assert!(p > GATE, "phi = {phi}, p = {p}");
        }
    }
    println!("largest |phi| of 190 pairs: {worst:.5}");
}

#[test]
fn derived_salts_are_independent_of_the_variant() {
    let units: Vec<_> = (0..200_000).map(|number| format!("user-{number}")).collect();
    let count = units.len() as f64;
    let variant = lower_half(&Salt::new("checkout"), &units);
    let purposes = [purpose::COVERAGE, purpose::HOLDOUT, purpose::LAYER, purpose::FAULT, purpose::SUB_BUCKET];
    for purpose in purposes {
        let other = lower_half(&Salt::derived("checkout", purpose), &units);
        let phi = phi(&variant, &other, count);
        let p = survival(count * phi * phi, 1);
        assert!(p > GATE, "{purpose}: phi = {phi}, p = {p}");
    }
}

#[test]
fn coverage_does_not_bias_variants() {
    let salt = Salt::new("coverage-against-variant");
    let weights = Weights::from_relative(&[1.0, 1.0]).unwrap();
    let allocation = contiguous(&weights, Fraction::from_percent(30.0).unwrap()).unwrap();
    let mut counts = [0_u64; 2];
    for number in 0..UNITS {
        if let Some(variant) = allocation.pick(salt.bucket(format!("user-{number}").as_bytes())) {
            counts[variant] += 1;
        }
    }
    let covered = (counts[0] + counts[1]) as f64 / f64::from(UNITS);
    // Five standard deviations of a share of 30 % among a million.
    assert!((covered - 0.3).abs() < 5.0 * (0.3 * 0.7 / f64::from(UNITS)).sqrt(), "covered: {covered}");
    assert!(uniformity_p_value(&counts) > GATE, "{counts:?}");
}

/// The p-value of an A/A test's sample ratio, for one salt and weights of 1:1:1:1.
fn sample_ratio_p_value(salt: &Salt, allocation: &Allocation, units: &[String]) -> f64 {
    let mut counts = [0_u64; 4];
    for variant in units.iter().filter_map(|unit| allocation.pick(salt.bucket(unit.as_bytes()))) {
        counts[variant] += 1;
    }
    uniformity_p_value(&counts)
}

#[test]
fn p_values_of_a_a_tests_are_uniform() {
    const SALTS: u32 = 1000;
    let units: Vec<_> = (0..4_000).map(|number| format!("user-{number}")).collect();
    let allocation = contiguous(&Weights::from_relative(&[1.0; 4]).unwrap(), Fraction::ALL).unwrap();
    let mut p_values: Vec<_> = (0..SALTS)
        .map(|number| sample_ratio_p_value(&Salt::new(&format!("aa-{number}")), &allocation, &units))
        .collect();
    p_values.sort_by(f64::total_cmp);
    let distance = p_values
        .iter()
        .enumerate()
        .map(|(rank, p)| (p - (rank as f64 + 0.5) / f64::from(SALTS)).abs() + 0.5 / f64::from(SALTS))
        .fold(0.0, f64::max);
    // Kolmogorov and Smirnov: P(distance >= d) is below 2 exp(-2 n d^2), which is 1e-6 here.
    let critical = ((2.0 / GATE).ln() / (2.0 * f64::from(SALTS))).sqrt();
    println!("KS distance: {distance:.4}, critical: {critical:.4}");
    assert!(distance < critical, "distance {distance}");
}
