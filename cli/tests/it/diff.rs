//! `weir diff`.

use crate::support::{Folder, weir};

fn split(rule: &str, seed: &str, weights: [u32; 3]) -> String {
    let [a, b, c] = weights;
    format!(
        "routing:
  rules:
  - name: {rule}
    split:
      seed: {seed}
      stickyBy: header:x-user-id
      targets:
      - {{name: a, weight: {a}}}
      - {{name: b, weight: {b}, setHeaders: {{x-weir-route: b}}}}
      - {{name: c, weight: {c}, setHeaders: {{x-weir-route: c}}}}
"
    )
}

#[test]
fn the_same_hash_is_compared_exactly() {
    let folder = Folder::new();
    let old = folder.write("old.yaml", &split("canary", "s", [80, 10, 10]));
    let new = folder.write("new.yaml", &split("canary", "s", [65, 25, 10]));
    let run = weir(&["diff", &old, &new]);
    assert_eq!((run.out.as_str(), run.code), ("split canary: 15 % of all units move\n  a -> b: 15 %\n", 1));
    let run = weir(&["diff", &old, &old]);
    assert_eq!((run.out.as_str(), run.code), ("split canary: nobody moves\n", 0));
}

#[test]
fn another_seed_is_simulated_and_said_so() {
    let folder = Folder::new();
    let old = folder.write("old.yaml", &split("canary", "s", [50, 50, 0]));
    let new = folder.write("new.yaml", &split("canary", "t", [50, 50, 0]));
    let json = weir(&["diff", &old, &new, "--ids", "20000", "--output", "json"]).json();
    let change = &json["changes"][0];
    assert_eq!((&change["method"], &change["ids"]), (&"simulated".into(), &20_000.into()));
    let moved = change["moved"].as_f64().unwrap();
    assert!((moved - 0.5).abs() < 4.0 * (0.25_f64 / 20_000.0).sqrt(), "{moved}");
    assert!(weir(&["diff", &old, &new]).out.contains("another hash, seed or scale: by 100000 made-up ids"));
}

#[test]
fn what_comes_goes_or_changes_otherwise_is_told() {
    let folder = Folder::new();
    let old = folder.write("old.yaml", &split("canary", "s", [80, 10, 10]));
    let renamed = folder.write("renamed.yaml", &split("other", "s", [80, 10, 10]));
    let run = weir(&["diff", &old, &renamed]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("split canary: is gone\n  a -> (none): 80 %"), "{run:?}");
    assert!(run.out.contains("split other: is new\n  (none) -> a: 80 %"), "{run:?}");
    let text = split("canary", "s", [80, 10, 10])
        .replace("    split:", "    condition: {\"header:x\": y}\n    split:");
    let targeted = folder.write("targeted.yaml", &text);
    let run = weir(&["diff", &old, &targeted]);
    assert_eq!(run.code, 1);
    assert_eq!(
        run.out,
        "split canary: nobody moves by the hash\n  condition changed too; that is not in the numbers\n"
    );
    let run = weir(&["diff", &old, "/does/not/exist"]);
    assert_eq!(run.code, 2, "{run:?}");
}

/// Two experiments: one whose coverage has a hash of its own, and one with a life.
fn experiments(coverage: &str, life: &str) -> String {
    format!(
        "experiments:
  unit: header:x-user-id
  list:
  - key: search
    hash: unleash
    coverage: {coverage}
    variants: [{{key: a, weight: 500}}, {{key: b, weight: 500}}]
  - key: checkout
    {life}
    variants: [{{key: control, weight: 50}}, {{key: b, weight: 50}}]
"
    )
}

#[test]
fn coverage_with_a_hash_of_its_own_is_exact_too() {
    let folder = Folder::new();
    let old = folder.write("old.yaml", &experiments("50%", "status: running"));
    let new = folder.write("new.yaml", &experiments("80%", "status: running"));
    let run = weir(&["diff", &old, &new]);
    let expected = "experiment search: 30 % of all units move\n  (none) -> a: 15 %\n  (none) -> b: 15 %\n\
                    experiment checkout: nobody moves\n";
    assert_eq!((run.out.as_str(), run.code), (expected, 1));
}

#[test]
fn a_draft_has_nobody_and_a_winner_everybody() {
    let folder = Folder::new();
    let running = folder.write("running.yaml", &experiments("50%", "status: running"));
    let draft = folder.write("draft.yaml", &experiments("50%", "status: draft"));
    let ended = folder.write("ended.yaml", &experiments("50%", "status: ended\n    winner: b"));
    let run = weir(&["diff", &draft, &running]);
    let expected =
        "experiment checkout: 100 % of all units move\n  (none) -> b: 50 %\n  (none) -> control: 50 %\n";
    assert!(run.out.ends_with(expected), "{run:?}");
    let run = weir(&["diff", &running, &ended]);
    let expected = "experiment checkout: 50 % of all units move\n  control -> b: 50 %\n";
    assert!(run.out.ends_with(expected), "{run:?}");
}
