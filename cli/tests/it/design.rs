//! `weir design`.

use crate::support::weir;

const RATE: [&str; 6] = ["design", "--baseline", "5%", "--lift", "10%", "--units-per-day=10000"];

#[test]
fn the_numbers_are_those_of_the_textbook() {
    let run = weir(&[&RATE[..], &["--output", "json"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let plan = run.json();
    // (1.959964 + 0.841621)² (0.05 × 0.95 + 0.055 × 0.945) / 0.005² units in each of two arms.
    let units = plan["once"]["units"].as_f64().unwrap();
    assert!((units / 2.0 - 31_231.0).abs() < 10.0, "{plan}");
    assert_eq!(plan["once"]["days"], 7);
    let anytime = plan["anytime"]["units"].as_f64().unwrap();
    assert!((1.3..2.5).contains(&(anytime / units)), "{plan}");
    assert_eq!(plan["smallest"][0]["days"], 7);
    let found = plan["smallest"][0]["once"].as_f64().unwrap();
    assert!((0.0046..0.005).contains(&found), "70,000 units find a little less than half a point: {plan}");
    assert!(plan.get("simulation").is_none());
}

#[test]
fn weights_effects_and_means_are_taken() {
    let three = weir(&[&RATE[..], &["--weights", "50,25,25", "--output", "json"]].concat()).json();
    assert_eq!(three["shares"], serde_json::json!([0.5, 0.25, 0.25]));
    assert!(three["once"]["units"].as_u64().unwrap() > 100_000, "fewer in an arm, two comparisons: {three}");
    let difference =
        weir(&["design", "--baseline=5%", "--difference=0.5%", "--units-per-day=10000", "--output=json"])
            .json();
    assert_eq!(
        difference["once"]["units"],
        weir(&[&RATE[..], &["--output=json"]].concat()).json()["once"]["units"]
    );
    let mean = ["design", "--baseline=42.5", "--deviation=61", "--lift=-2%", "--units-per-day=30000"];
    let run = weir(&mean);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("a mean of 42.5, and 41.65 with the effect, a lift of -2 %"), "{run:?}");
}

#[test]
fn a_simulation_agrees_with_the_design() {
    for more in [&["--lift", "10%"][..], &["--lift", "10%", "--arms", "3", "--power", "90%"]] {
        let base =
            ["design", "--baseline", "20%", "--units-per-day", "2000", "--simulate", "600", "--output=json"];
        let run = weir(&[&base[..], more].concat());
        assert_eq!(run.code, 0, "{run:?}");
        let found = run.json()["simulation"].clone();
        assert!(found["agrees"] == true && found["false_anytime"].as_f64().unwrap() <= 0.05, "{found}");
        assert!(found["anytime"].as_f64() >= found["anytime_at_the_end"].as_f64(), "{found}");
        assert!(found["false_naive"].as_f64() > found["false_once"].as_f64(), "{found}");
    }
    let mean = [
        "design",
        "--baseline=42.5",
        "--deviation=61",
        "--lift=10%",
        "--units-per-day=500",
        "--simulate=400",
    ];
    let run = weir(&mean);
    assert!(run.code == 0 && run.out.contains("simulated, 400 experiments each"), "{run:?}");
}

#[test]
fn a_design_that_is_none_is_refused_by_its_option() {
    let day = "--units-per-day=100";
    for (arguments, message) in [
        (vec!["--baseline=0", "--lift=10%", day], "--baseline"),
        (vec!["--baseline=42.5", "--lift=10%", day], "a mean needs --deviation"),
        (vec!["--baseline=5%", "--lift=0", day], "--lift or --difference"),
        (vec!["--baseline=50%", "--lift=120%", day], "--lift or --difference"),
        (vec!["--baseline=5%", "--lift=10%", day, "--weights=1"], "fewer than two arms"),
        (vec!["--baseline=5%", "--lift=10%", day, "--weights=0,1"], "--weights"),
        (vec!["--baseline=5%", "--lift=10%", day, "--alpha=0"], "--alpha"),
        (vec!["--baseline=5%", "--lift=10%", day, "--power=100%"], "--power"),
        (vec!["--baseline=5%", "--lift=10%", day, "--tuning=0"], "--tuning"),
        (vec!["--baseline=5%", "--lift=10%", "--units-per-day=0"], "not in 1.."),
        (vec!["--baseline=x", "--lift=10%", day], "a percentage such as 5%"),
        (vec!["--baseline=5%", day], "required"),
        (vec!["--baseline=1", "--deviation=-1", "--lift=10%", day], "--deviation"),
    ] {
        let run = weir(&[vec!["design"], arguments].concat());
        assert_eq!(run.code, 2, "{message}: {run:?}");
        assert!(run.err.contains(message), "{message}: {run:?}");
    }
}
