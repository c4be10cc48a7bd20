//! Coverage that rises with time, through the whole decision.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use crate::support::{Lab, NOW};
use weir_allocation::sdk::Algorithm;
use weir_experiment::Config;

const HOUR: u64 = 3_600_000_000_000;
const RAMP: &str = r#", "ramp": {"start": "2026-03-01T00:00:00Z", "over": "10h", "steps": 5"#;

fn section(hash: &str, more: &str) -> String {
    let variants = r#"[{"key": "a", "weight": 50}, {"key": "b", "weight": 30}, {"key": "c", "weight": 20}]"#;
    format!(
        r#"{{"unit": "header:x-user-id", "list": [{{"key": "checkout", "hash": "{hash}", "seed": "7", "variants": {variants}{more}}}]}}"#
    )
}

fn given(lab: &Lab) -> Vec<Option<String>> {
    (0..500).map(|number| lab.user(&format!("user-{number}"), "checkout")).collect()
}

tests! {
    /// What `coverage` itself gives is the reference; algorithms without one refuse both.
    fn each_step_is_the_coverage_of_that_step_and_nobody_leaves() {
        let mut ramped = 0;
        for algorithm in Algorithm::ALL {
            let of = |more: &str| Lab::new(&section(algorithm.name(), more));
            let (lab, half) = (of(&format!("{RAMP}, \"from\": \"10%\"}}, \"coverage\": 0.6")), of(", \"coverage\": 0.5"));
            assert_eq!(lab.is_ok(), half.is_ok(), "{algorithm:?}");
            let Ok(lab) = lab else { continue };
            ramped += 1;
            let mut before: Vec<Option<String>> = Vec::new();
            for (hours, coverage) in [(0, 0.1), (1, 0.1), (2, 0.2), (4, 0.3), (6, 0.4), (8, 0.5), (9, 0.5), (10, 0.6), (1000, 0.6)] {
                lab.host.now.set(NOW + hours * HOUR);
                let now = given(&lab);
                let fixed = of(&format!(", \"coverage\": {coverage}")).unwrap();
                assert!(now == given(&fixed), "{algorithm:?} after {hours} h");
                for (before, now) in before.iter().zip(&now) {
                    assert!(before.is_none() || before == now, "{algorithm:?} after {hours} h");
                }
                before = now;
            }
            lab.host.now.set(NOW - 1000 * HOUR);
            assert!(given(&lab) == given(&of(", \"coverage\": 0.1").unwrap()), "{algorithm:?} before the start");
        }
        assert!(ramped >= 6, "{ramped}");
    }

    fn without_a_from_nobody_takes_part_before_the_first_step() {
        let lab = Lab::new(&section("weir-1", &format!("{RAMP}}}"))).unwrap();
        assert!(given(&lab).iter().all(Option::is_none));
        lab.host.now.set(NOW + 2 * HOUR - 1);
        assert!(given(&lab).iter().all(Option::is_none));
        lab.host.now.set(NOW + 2 * HOUR);
        assert!(given(&lab).iter().any(Option::is_some));
        lab.host.now.set(NOW + 10 * HOUR);
        assert!(given(&lab).iter().all(Option::is_some));
    }

    fn the_clock_is_read_once_and_only_for_a_ramp() {
        let lab = Lab::new(&section("weir-1", &format!("{RAMP}}}"))).unwrap();
        lab.host.asked();
        lab.user("ada", "checkout");
        assert_eq!(lab.host.asked(), ["now"]);
    }

    fn what_cannot_rise_is_refused() {
        let refused = |more: &str, path: &str, expected: &str| {
            let text = Lab::new(&section("weir-1", more)).err().unwrap_or_else(|| panic!("{more}")).to_string();
            assert!(text.contains(&format!("experiments.list[0].{path}")) && text.contains(expected), "{text}");
        };
        refused(r#", "ramp": {}"#, "ramp.start", "is not a time");
        refused(r#", "ramp": {}"#, "ramp.over", "is not a duration");
        refused(r#", "ramp": {"start": "2026-03-01T00:00:00Z", "over": "0s"}"#, "ramp.over", "longer");
        refused(&format!("{RAMP}, \"from\": \"60%\"}}, \"coverage\": 0.6"), "ramp.from", "is not below `coverage`");
        refused(&format!("{RAMP}}}, \"coverage\": 0"), "ramp.from", "is not below `coverage`");
        refused(&format!("{RAMP}, \"from\": \"0.0001%\"}}"), "ramp", "step 0: ");
        for steps in ["0", "101"] {
            let ramp = format!(r#", "ramp": {{"start": "2026-03-01T00:00:00Z", "over": "1h", "steps": {steps}}}"#);
            refused(&ramp, "ramp.steps", "expected 1 to 100");
        }
        let ranges = r#"{"unit": "path", "list": [{"key": "e", "variants": [{"key": "a", "ranges": [[0, 0.5]]}],
            "ramp": {"start": "2026-03-01T00:00:00Z", "over": "1h"}}]}"#;
        assert!(Lab::new(ranges).err().unwrap().to_string().contains("experiments.list[0].ramp: needs weights"));
        let no_unit = r#"{"list": [{"key": "e", "variants": [{"key": "a"}], "ramp": {"start": "2026-03-01T00:00:00Z", "over": "1h"}}]}"#;
        assert!(Lab::new(no_unit).err().unwrap().to_string().contains("experiments.list[0].unit"));
    }

    fn what_is_written_is_what_was_read() {
        let text = section("weir-1", &format!("{RAMP}, \"from\": 0.25}}"));
        let read = |text: &[u8]| -> Config { weir_core::load(text, &mut weir_core::Problems::default()) };
        let config = read(text.as_bytes());
        assert_eq!(read(&serde_json::to_vec(&config).unwrap()), config);
        assert_eq!(config.list[0].ramp.as_ref().unwrap().when.steps, Some(5));
    }
}
