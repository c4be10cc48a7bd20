//! What an import costs: four times the flags are four times the work, also where a module refuses many of them.

use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};
use weir_definitions::{Imported, Options, Vendor, import};

/// Features of which every fourth has a pattern that no module takes.
fn payload(count: usize) -> Value {
    let feature = |index: usize| {
        let pattern = if index.is_multiple_of(4) { "(?=a)b" } else { "^a" };
        let rule = json!({"condition": {"plan": {"$regex": pattern}}, "variations": [false, true], "weights": [0.5, 0.5]});
        (format!("flag-{index}"), json!({"defaultValue": false, "rules": [rule]}))
    };
    json!({"features": (0..count).map(feature).collect::<Map<_, _>>()})
}

/// How long an import takes at best, and what came of it.
fn timed(payload: &Value) -> (Duration, Imported) {
    let once = || {
        let start = Instant::now();
        let imported = import(Vendor::Growthbook, payload, &Options::default()).unwrap();
        (start.elapsed(), imported)
    };
    (0..3).map(|_| once()).min_by_key(|(time, _)| *time).unwrap()
}

#[test]
fn refusals_do_not_validate_the_whole_again_each() {
    let (few, _) = timed(&payload(500));
    let (many, imported) = timed(&payload(2000));
    let report = &imported.report;
    eprintln!("500 flags took {few:?}, 2000 {many:?}");
    assert_eq!((report.imported.len(), report.left_out.len()), (1500, 500));
    assert!(
        report.left_out.iter().all(|it| it.message.contains("look-around")),
        "{:?}",
        report.left_out.first()
    );
    assert!(report.left_out.iter().all(|it| !it.at.is_empty()), "{:?}", report.left_out.first());
    // Validating once for each hundred refusals made it twelve times.
    assert!(many < few * 8, "500 flags took {few:?}, 2000 {many:?}");
}
