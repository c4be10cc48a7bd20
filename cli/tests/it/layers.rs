//! `weir layers`.

use crate::support::weir_with;

const CONFIG: &str = "
experiments:
  unit: header:x-user-id
  list:
  - {key: one, layer: {name: page, ranges: [[0.6, 0.8], [0, 0.25]]}, variants: [{key: a, weight: 1}]}
  - {key: two, layer: {name: page, ranges: [[0.25, 0.5]]}, variants: [{key: a, weight: 1}]}
  - {key: three, variants: [{key: a, weight: 1}]}
";

#[test]
fn free_ranges_are_what_no_experiment_has() {
    let run = weir_with(&["layers", "-"], CONFIG);
    let expected = "layer page: 30 % free
  one                 45 %  [[0.6, 0.8], [0, 0.25]]
  two                 25 %  [[0.25, 0.5]]
  (free)              30 %  [[0.5, 0.6], [0.8, 1]]
";
    assert_eq!((run.out.as_str(), run.code), (expected, 0), "{run:?}");
    let json = weir_with(&["layers", "-", "--output", "json"], CONFIG).json();
    assert_eq!(json["layers"][0]["free"], serde_json::json!([[0.5, 0.6], [0.8, 1.0]]));
    let run = weir_with(
        &["layers", "-"],
        &CONFIG
            .replace("layer: {name: page, ranges: [[0.6, 0.8], [0, 0.25]]}, ", "")
            .replace("layer: {name: page, ranges: [[0.25, 0.5]]}, ", ""),
    );
    assert_eq!(run.out, "no experiment is in a layer\n", "{run:?}");
}
