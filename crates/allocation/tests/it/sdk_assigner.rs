//! Guarantees of assigners beyond the vectors: rejections, unusual units, and `weir-1` behind the same
//! interface.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "sdk")]

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;
use weir_allocation::sdk::{Algorithm, Assigner, Assignment, Definition, DefinitionPart, Layout, Span};
use weir_allocation::{Fraction, Salt, Weights, contiguous};

const HALVES: Layout<'static> = Layout::Weights(&[50.0, 50.0]);

/// All units, halves, and a seed where the algorithm wants one.
fn halves(algorithm: Algorithm) -> Definition<'static> {
    let seed = match algorithm {
        Algorithm::Split => Some("-1712740282"),
        Algorithm::Flagsmith => Some("12345,"),
        Algorithm::EnvoyXxh64 => None,
        _ => Some("checkout.8f2a9c"),
    };
    Definition { key: "checkout", seed, coverage_seed: None, coverage: 1.0, layout: HALVES }
}

fn places(algorithm: Algorithm, definition: &Definition<'_>) -> Vec<DefinitionPart> {
    match Assigner::new(algorithm, definition) {
        Ok(_) => Vec::new(),
        Err(refused) => refused.0.iter().map(|refusal| refusal.place).collect(),
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn names_are_unique_and_found() {
    for &algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
    }
    assert_eq!(Algorithm::from_name("murmur3"), None);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn weir_1_is_its_salt_and_its_allocation() {
    let definition = Definition { seed: None, coverage: 0.5, ..halves(Algorithm::Weir1) };
    let assigner = Assigner::new(Algorithm::Weir1, &definition).unwrap();
    let weights = Weights::from_relative(&[50.0, 50.0]).unwrap();
    let allocation = contiguous(&weights, Fraction::from_percent(50.0).unwrap()).unwrap();
    let salt = Salt::new("checkout");
    for number in 0..1000 {
        let unit = format!("user-{number}");
        let bucket = salt.bucket(unit.as_bytes());
        let explained = assigner.explain(unit.as_bytes());
        assert_eq!(assigner.assign(unit.as_bytes()), Assignment::from(allocation.pick(bucket)));
        assert_eq!(explained.draw.unwrap().value, u64::from(bucket.index()));
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn ranges_of_weir_1_are_whole_millionths() {
    let ranges = [vec![Span::new(0.0, 0.25)], vec![Span::new(0.25, 0.500_000_1)]];
    let definition = Definition { layout: Layout::Ranges(&ranges), ..halves(Algorithm::Weir1) };
    assert_eq!(places(Algorithm::Weir1, &definition), [DefinitionPart::Range { variant: 1, index: 0 }]);
    let ranges = [vec![Span::new(0.0, 0.25), Span::new(0.5, 1.0)], vec![Span::new(0.25, 0.5)]];
    let definition = Definition { layout: Layout::Ranges(&ranges), ..definition };
    let assigner = Assigner::new(Algorithm::Weir1, &definition).unwrap();
    assert_eq!(assigner.segments().len(), 3);
    assert_eq!(assigner.share_of(0), 0.75);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn every_algorithm_splits_in_halves() {
    const UNITS: u32 = 20_000;
    for &algorithm in Algorithm::ALL {
        let assigner = Assigner::new(algorithm, &halves(algorithm)).unwrap();
        let first = (0..UNITS)
            .filter(|number| assigner.assign(format!("user-{number}").as_bytes()) == Assignment::Variant(0))
            .count();
        let share = first as f64 / f64::from(UNITS);
        // Five standard deviations of 20 000 coins.
        assert!((share - 0.5).abs() < 0.018, "{}: {share}", algorithm.name());
        assert!((assigner.share_of(0) - 0.5).abs() < 0.002, "{}", algorithm.name());
        assert_eq!(assigner.variants(), 2);
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn units_that_are_not_utf_8_count_as_a_lossy_decoder_reads_them() {
    let as_they_are = [Algorithm::Weir1, Algorithm::EnvoyXxh64];
    for &algorithm in Algorithm::ALL {
        let assigner = Assigner::new(algorithm, &halves(algorithm)).unwrap();
        let mut same = true;
        for number in 0..200_u8 {
            let unit = [b'u', number, 0xff, 0xf0, 0x9f, b'x', 0xc3];
            same &= assigner.explain(&unit) == assigner.explain(String::from_utf8_lossy(&unit).as_bytes());
        }
        assert_eq!(same, !as_they_are.contains(&algorithm), "{}", algorithm.name());
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn only_launchdarkly_gives_a_missing_unit_a_variant() {
    for &algorithm in Algorithm::ALL {
        let assigner = Assigner::new(algorithm, &halves(algorithm)).unwrap();
        let expected = match algorithm {
            Algorithm::LaunchDarkly => Assignment::Variant(0),
            _ => Assignment::NotCovered,
        };
        assert_eq!(assigner.assign_missing(), expected, "{}", algorithm.name());
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn what_no_algorithm_accepts() {
    for &algorithm in Algorithm::ALL {
        let refused = |definition: Definition<'_>| places(algorithm, &definition);
        let whole = halves(algorithm);
        let ranges = [vec![Span::new(0.0, 0.6)], vec![Span::new(0.5, 1.0), Span::new(0.3, 0.2)]];
        assert_eq!(refused(Definition { coverage: 1.5, ..whole }), [DefinitionPart::Coverage]);
        assert_eq!(refused(Definition { coverage: f64::NAN, ..whole }), [DefinitionPart::Coverage]);
        assert_eq!(refused(Definition { layout: Layout::Weights(&[]), ..whole }), [DefinitionPart::Layout]);
        assert_eq!(
            refused(Definition { layout: Layout::Weights(&[0.0, 0.0]), ..whole }),
            [DefinitionPart::Layout]
        );
        let bad = Layout::Weights(&[1.0, -1.0, f64::NAN]);
        assert_eq!(
            refused(Definition { layout: bad, ..whole }),
            [DefinitionPart::Weight(1), DefinitionPart::Weight(2)]
        );
        assert!(!refused(Definition { layout: Layout::Ranges(&ranges), ..whole }).is_empty());
        let half = Definition { coverage: 0.5, layout: Layout::Ranges(&ranges[..1]), ..whole };
        assert_eq!(refused(half), [DefinitionPart::Coverage]);
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn seeds_are_asked_for_where_the_key_is_none() {
    let needs_seed = [
        Algorithm::Optimizely,
        Algorithm::LaunchDarkly,
        Algorithm::Statsig,
        Algorithm::StatsigGate,
        Algorithm::PlanOut,
        Algorithm::Split,
        Algorithm::Flagsmith,
    ];
    for &algorithm in Algorithm::ALL {
        let expected: &[DefinitionPart] =
            if needs_seed.contains(&algorithm) { &[DefinitionPart::Seed] } else { &[] };
        assert_eq!(
            places(algorithm, &Definition { seed: None, ..halves(algorithm) }),
            expected,
            "{}",
            algorithm.name()
        );
    }
    let seeded = Definition { seed: Some("x"), ..halves(Algorithm::EnvoyXxh64) };
    assert_eq!(places(Algorithm::EnvoyXxh64, &seeded), [DefinitionPart::Seed]);
    assert_eq!(places(Algorithm::Split, &seeded), [DefinitionPart::Seed]);
    assert_eq!(places(Algorithm::Flagsmith, &seeded), [DefinitionPart::Seed]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn coverage_is_refused_where_the_vendor_has_none() {
    for &algorithm in Algorithm::ALL {
        let half = Definition { coverage: 0.5, ..halves(algorithm) };
        let expected: &[DefinitionPart] = match algorithm {
            Algorithm::Weir1 | Algorithm::GrowthBook1 | Algorithm::GrowthBook2 => &[],
            Algorithm::Unleash | Algorithm::Optimizely | Algorithm::StatsigGate => &[],
            // These hash coverage with a seed of its own.
            Algorithm::Statsig | Algorithm::Split | Algorithm::Flagsmith => &[DefinitionPart::CoverageSeed],
            _ => &[DefinitionPart::Coverage],
        };
        assert_eq!(places(algorithm, &half), expected, "{}", algorithm.name());
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn steps_that_the_vendor_does_not_have_are_refused() {
    let thirds = Layout::Weights(&[1.0, 1.0, 1.0]);
    let tenths = Layout::Weights(&[99.9, 0.1]);
    for (algorithm, layout, expected) in [
        (Algorithm::Optimizely, thirds, 3),
        (Algorithm::LaunchDarkly, thirds, 3),
        (Algorithm::ConfigCat, tenths, 2),
        (Algorithm::Split, tenths, 2),
        (Algorithm::Unleash, tenths, 2),
        (Algorithm::Flagd2, tenths, 2),
        (Algorithm::Statsig, tenths, 0),
        (Algorithm::StatsigGate, tenths, 0),
        (Algorithm::StatsigGate, thirds, 3),
        (Algorithm::PlanOut, thirds, 0),
        (Algorithm::GrowthBook1, thirds, 0),
    ] {
        let definition = Definition { layout, ..halves(algorithm) };
        assert_eq!(places(algorithm, &definition).len(), expected, "{}", algorithm.name());
    }
    let percent = Definition { coverage: 0.505, ..halves(Algorithm::Unleash) };
    assert_eq!(places(Algorithm::Unleash, &percent), [DefinitionPart::Coverage]);
}

/// Whether two ways to write halves are the same assignment.
fn same(algorithm: Algorithm, one: &[f64], other: &[f64]) -> bool {
    let assigner = |weights| {
        Assigner::new(algorithm, &Definition { layout: Layout::Weights(weights), ..halves(algorithm) })
            .unwrap()
    };
    let (one, other) = (assigner(one), assigner(other));
    (0..500).all(|number| {
        let unit = format!("user-{number}");
        one.assign(unit.as_bytes()) == other.assign(unit.as_bytes())
    })
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_sum_of_weights_is_the_divisor_for_unleash_and_envoy_alone() {
    for &algorithm in Algorithm::ALL {
        let sum_counts = [Algorithm::Unleash, Algorithm::EnvoyXxh64].contains(&algorithm);
        assert_eq!(same(algorithm, &[9.0, 1.0], &[90.0, 10.0]), !sum_counts, "{}", algorithm.name());
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn raising_the_coverage_reassigns_nobody() {
    for &algorithm in Algorithm::ALL {
        let definition = Definition { coverage_seed: coverage_seed(algorithm), ..halves(algorithm) };
        let narrow = Assigner::new(algorithm, &Definition { coverage: 0.2, ..definition });
        let wide = Assigner::new(algorithm, &Definition { coverage: 0.6, ..definition });
        let (Ok(narrow), Ok(wide)) = (narrow, wide) else { continue };
        assert!((narrow.share_of(0) - 0.1).abs() < 0.001);
        for number in 0..2000 {
            let unit = format!("user-{number}");
            let before = narrow.assign(unit.as_bytes());
            if before != Assignment::NotCovered {
                assert_eq!(wide.assign(unit.as_bytes()), before, "{}", algorithm.name());
            }
        }
    }
}

fn coverage_seed(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Split => Some("7"),
        Algorithm::Flagsmith => Some("77,"),
        Algorithm::Statsig | Algorithm::Unleash => Some("layer"),
        _ => None,
    }
}
