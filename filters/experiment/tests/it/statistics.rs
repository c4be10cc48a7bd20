//! Statistical tests of whole decisions, from configuration to variant, over a million units.
//!
//! The inputs are fixed, so the results are too: a failure is a defect, never bad luck. The gate for a single test
//! is p > 1e-6. Native only: `decide.rs` proves that WebAssembly decides the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![cfg(not(target_arch = "wasm32"))]

#[path = "../../../../crates/allocation/tests/it/statistics/chi_squared.rs"]
mod chi_squared;

use crate::support::Lab;
use chi_squared::{survival, uniformity_p_value};
use weir_allocation::sdk::{Assigner, Assignment};

const GATE: f64 = 1e-6;
const UNITS: u32 = 1_000_000;

/// A well-mixed number from a counter, for ids that look random. (The finaliser of SplitMix64, S. Vigna.)
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A section of experiments, each given as the rest of its object.
fn lab(experiments: &[String]) -> Lab {
    Lab::new(&format!(r#"{{"unit": "header:x-user-id", "list": [{}]}}"#, experiments.join(","))).unwrap()
}

/// An experiment of `n` equal variants.
fn equal(key: &str, n: usize, more: &str) -> String {
    let variants: Vec<String> = (0..n).map(|i| format!(r#"{{"key": "v{i}", "weight": 1}}"#)).collect();
    format!(r#"{{"key": "{key}", "variants": [{}]{more}}}"#, variants.join(","))
}

fn assigner(lab: &Lab, key: &str) -> Assigner {
    lab.plan.experiment(key).unwrap().assigner().unwrap().clone()
}

fn variant(assigner: &Assigner, unit: &str) -> Option<usize> {
    match assigner.assign(unit.as_bytes()) {
        Assignment::Variant(variant) => Some(variant),
        Assignment::NotCovered => None,
    }
}

fn user(number: u32) -> String {
    format!("user-{number}")
}

/// Pearson's test of independence for a table of counts.
fn independence_p_value(table: &[Vec<u64>]) -> f64 {
    let rows: Vec<f64> = table.iter().map(|row| row.iter().sum::<u64>() as f64).collect();
    let columns: Vec<f64> =
        (0..table[0].len()).map(|c| table.iter().map(|row| row[c]).sum::<u64>() as f64).collect();
    let total: f64 = rows.iter().sum();
    let mut statistic = 0.0;
    for (row, sum) in table.iter().zip(&rows) {
        for (count, column) in row.iter().zip(&columns) {
            let expected = sum * column / total;
            statistic += (*count as f64 - expected).powi(2) / expected;
        }
    }
    survival(statistic, (rows.len() - 1) * (columns.len() - 1))
}

fn assert_uniform(id: impl Fn(u32) -> String) {
    let assigner = assigner(&lab(&[equal("uniformity", 100, "")]), "uniformity");
    let mut cells = vec![0_u64; 100];
    for number in 0..UNITS {
        cells[variant(&assigner, &id(number)).unwrap()] += 1;
    }
    let p = uniformity_p_value(&cells);
    println!("{}: p = {p:.4}", id(0));
    assert!(p > GATE && p < 1.0 - GATE, "p = {p}");
}

#[test]
fn five_shapes_of_ids_are_uniform() {
    const HOSTS: [&str; 4] = ["example.com", "example.org", "mail.example.net", "example.co.uk"];
    let uuid = |number: u32| {
        let (high, low) = (mix(u64::from(number) * 2), mix(u64::from(number) * 2 + 1));
        let (a, b, c) = (high >> 32, (high >> 16) & 0xFFFF, high & 0xFFF);
        format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:012x}", 0x8000 | (low >> 50), low & 0xFFFF_FFFF_FFFF)
    };
    assert_uniform(user);
    assert_uniform(|number| (10_000_000 + number).to_string());
    assert_uniform(uuid);
    assert_uniform(|number| format!("first.last{}@{}", number / 4, HOSTS[number as usize % 4]));
    assert_uniform(|number| format!("{:016x}{:016x}", mix(u64::from(number)), mix(u64::from(number) + 1)));
}

/// Which variant of each experiment a hundred thousand users have.
fn assignments(assigners: &[Assigner], units: u32) -> Vec<Vec<usize>> {
    assigners.iter().map(|a| (0..units).filter_map(|unit| variant(a, &user(unit))).collect()).collect()
}

#[test]
fn experiments_with_adjacent_keys_are_independent() {
    let keys: Vec<String> = (1..=20).map(|i| format!("experiment-{i}")).collect();
    let all: Vec<String> = keys.iter().map(|key| equal(key, 3, "")).collect();
    let lab = lab(&all);
    let assigners: Vec<Assigner> = keys.iter().map(|key| assigner(&lab, key)).collect();
    let given = assignments(&assigners, 100_000);
    let mut p_values = Vec::new();
    for first in 0..20 {
        for second in 0..first {
            let mut table = vec![vec![0; 3]; 3];
            for (a, b) in given[first].iter().zip(&given[second]) {
                table[*a][*b] += 1;
            }
            p_values.push(independence_p_value(&table));
        }
    }
    let least = p_values.iter().copied().fold(1.0, f64::min);
    println!("{} pairs: least p = {least:.5}", p_values.len());
    // Of 190 independent pairs one in a hundred runs has a p below 5e-5.
    assert!(least > 1e-5, "least p = {least}");
    assert!(kolmogorov_smirnov(&mut p_values) > 1e-4);
}

/// The p-value of Kolmogorov and Smirnov's test that the values are uniform from 0 to 1, by the asymptotic series.
/// (N. Smirnov, "Table for estimating the goodness of fit of empirical distributions", 1948.)
fn kolmogorov_smirnov(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let distance = |(i, value): (usize, &f64)| (value - i as f64 / n).max((i + 1) as f64 / n - value);
    let largest = values.iter().enumerate().map(distance).fold(0.0, f64::max);
    let x = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * largest;
    let term = |k: i32| (if k % 2 == 1 { 2.0 } else { -2.0 }) * (-2.0 * f64::from(k * k) * x * x).exp();
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[test]
fn a_layer_says_nothing_about_the_variant() {
    let place =
        |start: f64, end: f64| format!(r#", "layer": {{"name": "page", "ranges": [[{start}, {end}]]}}"#);
    let parts: Vec<String> = (0..4)
        .map(|i| equal(&format!("part-{i}"), 4, &place(f64::from(i) / 4.0, f64::from(i + 1) / 4.0)))
        .collect();
    let lab = lab(&parts);
    // The whole decision: every user is in exactly one of the four.
    let mut table = vec![vec![0; 4]; 4];
    for number in 0..100_000 {
        let decided = lab.decide(&[("x-user-id", &user(number))]);
        let [(name, value)] = decided.headers.as_slice() else { panic!("{decided:?}") };
        let row: usize = name.trim_start_matches("x-weir-experiment-part-").parse().unwrap();
        let column: usize = value.trim_start_matches('v').parse().unwrap();
        table[row][column] += 1;
    }
    let p = independence_p_value(&table);
    println!("layer against variant: p = {p:.4}");
    assert!(p > GATE, "{p} {table:?}");
    // The layer's hash against one experiment's, for all units and not only for those in its range.
    let other = assigner(&self::lab(&[equal("page", 4, "")]), "page");
    let mut table = vec![vec![0; 4]; 4];
    for number in 0..UNITS {
        let place = weir_allocation::Salt::new("page/layer").bucket(user(number).as_bytes()).index();
        table[place as usize / 250_000][variant(&other, &user(number)).unwrap()] += 1;
    }
    let p = independence_p_value(&table);
    assert!(p > GATE, "an experiment with the layer's name: {p}");
}

#[test]
fn coverage_says_nothing_about_the_variant() {
    for coverage in ["1%", "10%", "37%", "50%", "99%"] {
        let assigner = assigner(&lab(&[equal("ramp", 4, &format!(r#", "coverage": "{coverage}""#))]), "ramp");
        let mut cells = vec![0_u64; 4];
        let mut outside = 0_u64;
        for number in 0..UNITS {
            match variant(&assigner, &user(number)) {
                Some(variant) => cells[variant] += 1,
                None => outside += 1,
            }
        }
        let share: f64 = coverage.trim_end_matches('%').parse::<f64>().unwrap() / 100.0;
        let expected = share * f64::from(UNITS);
        let deviation = (f64::from(UNITS) * share * (1.0 - share)).sqrt();
        let covered = (u64::from(UNITS) - outside) as f64;
        assert!((covered - expected).abs() < 5.0 * deviation, "{coverage}: {covered}");
        let p = uniformity_p_value(&cells);
        println!("coverage {coverage}: p = {p:.4}");
        assert!(p > GATE && p < 1.0 - GATE, "{coverage}: p = {p}");
    }
}

/// A thousand experiments without a difference between their variants: the measure of a unit is its own affair,
/// so that differences must look like chance, neither too large nor too small.
#[test]
fn a_a_tests_over_a_thousand_salts_find_nothing() {
    const SALTS: usize = 1000;
    const USERS: u32 = 2000;
    let users: Vec<String> = (0..USERS).map(user).collect();
    // Whether the unit buys: three in ten do, by their number and not by any hash of ours.
    let buys: Vec<bool> = (0..USERS).map(|number| mix(u64::from(number)) % 10 < 3).collect();
    let seeds: Vec<String> = (0..SALTS).map(|i| equal(&format!("salt-{i}"), 2, "")).collect();
    let lab = lab(&seeds);
    let mut p_values: Vec<f64> = lab
        .plan
        .experiments()
        .iter()
        .map(|experiment| {
            let assigner = experiment.assigner().unwrap();
            let mut table = vec![vec![0; 2]; 2];
            for (user, buys) in users.iter().zip(&buys) {
                table[variant(assigner, user).unwrap()][usize::from(*buys)] += 1;
            }
            independence_p_value(&table)
        })
        .collect();
    let below = p_values.iter().filter(|p| **p < 0.05).count();
    let p = kolmogorov_smirnov(&mut p_values);
    println!("{below} of {SALTS} below 0.05; Kolmogorov-Smirnov p = {p:.4}");
    // 1000 × 5 %: 50 ± 4 standard deviations of 6.9.
    assert!((23..=77).contains(&below), "{below}");
    assert!(p > 1e-4, "{p}");
}
