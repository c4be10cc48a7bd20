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
    assert_eq!((run.out.as_str(), run.code), ("split canary: no units move\n", 0));
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
    let run = weir(&["diff", &old, &new, "--ids", "20000"]);
    assert!(run.out.contains("another hash, seed or scale: by 20000 made-up ids"), "{run:?}");
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
        "split canary: no units move by the hash\n  condition changed too; that is not in the numbers\n"
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
                    experiment checkout: no units move\n";
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

/// Two experiments in a layer, and a holdout for both; `shop` follows a variant.
fn pools(holdout: &str, [first, second]: [&str; 2]) -> String {
    format!(
        "experiments:
  unit: header:x-user-id
  holdouts: [{{name: all, share: {holdout}}}]
  list:
  - key: checkout
    layer: {{name: cart, ranges: {first}}}
    holdout: all
    condition: {{\"header:x-country\": de}}
    variants: [{{key: control, weight: 50}}, {{key: b, weight: 50}}]
  - key: shipping
    layer: {{name: cart, ranges: {second}}}
    holdout: all
    variants: [{{key: control, weight: 50}}, {{key: free, weight: 50}}]
  - key: upsell
    prerequisites: [{{experiment: checkout, variants: b}}]
    variants: [{{key: only, weight: 1}}]
routing:
  rules:
  - name: shop
    variant: {{checkout: b}}
    split:
      stickyBy: header:x-user-id
      targets: [{{name: v1, weight: 1}}, {{name: v2, weight: 1, setHeaders: {{x-weir-route: v2}}}}]
"
    )
}

/// The part of so many units for which this holds, by the hash alone.
fn counted_of(ids: u32, holds: impl Fn(&[u8]) -> bool) -> f64 {
    let units = (1..=ids).filter(|number| holds(format!("user-{number}").as_bytes()));
    units.count() as f64 / f64::from(ids)
}

#[test]
fn holdouts_and_layers_are_in_the_numbers() {
    use weir_allocation::Salt;
    let folder = Folder::new();
    let halves = ["[[0, 0.5]]", "[[0.5, 1]]"];
    let old = folder.write("old.yaml", &pools("5%", halves));
    let (held, layer, variant) =
        (Salt::derived("all", "holdout"), Salt::derived("cart", "layer"), Salt::new("checkout"));
    let side = Salt::derived("shop", "split");
    let at = |salt: &Salt, unit: &[u8]| salt.bucket(unit).index();
    // Both count the same ids.
    let counted = |holds: &dyn Fn(&[u8]) -> bool| counted_of(100_000, holds);
    let moved = |new: &str| {
        let run = weir(&["diff", &old, new, "--output", "json", "--ids", "100000"]);
        assert_eq!(run.code, 1, "{run:?}");
        let changes = run.json()["changes"].as_array().unwrap().clone();
        changes.iter().map(|it| it["moved"].as_f64().unwrap()).collect::<Vec<f64>>()
    };
    let near = |a: f64, b: f64| assert!((a - b).abs() < 0.001, "{a} {b}");

    let more = moved(&folder.write("held.yaml", &pools("20%", halves)));
    let leaves = |unit: &[u8]| (50_000..200_000).contains(&at(&held, unit));
    let first = |unit: &[u8]| at(&layer, unit) < 500_000;
    near(more[0], counted(&|unit| leaves(unit) && first(unit)));
    near(more[1], counted(&|unit| leaves(unit) && !first(unit)));
    near(more[2], counted(&|unit| leaves(unit) && first(unit) && at(&variant, unit) >= 500_000));
    near(more[3], more[2]);

    let ranges = moved(&folder.write("ranges.yaml", &pools("5%", ["[[0, 0.4]]", "[[0.4, 1]]"])));
    let handed = |unit: &[u8]| (400_000..500_000).contains(&at(&layer, unit)) && at(&held, unit) >= 50_000;
    near(ranges[0], counted(&handed));
    near(ranges[1], ranges[0]);

    // Half of those that have `b` are on each side of the split, because its draw is its own.
    let run = weir(&[
        "diff",
        &folder.write("no.yaml", &pools("5%", halves).replace("checkout: b", "checkout: control")),
        &old,
        "--ids",
        "100000",
    ]);
    assert!(
        run.out.contains("split shop: about ")
            && run.out.contains("other experiments decide too: by 100000 made-up ids"),
        "{run:?}"
    );
    let sides = counted_of(300_000, |unit| {
        at(&held, unit) >= 50_000 && first(unit) && at(&variant, unit) >= 500_000 && at(&side, unit) < 500_000
    });
    near(sides, 0.95 * 0.5 * 0.5 * 0.5);
}

#[test]
fn the_draw_of_earlier_modules_is_named() {
    let folder = Folder::new();
    let text = split("canary", "s", [50, 50, 0]).replace("      seed: s\n", "");
    let file = folder.write("canary.yaml", &text);
    assert_eq!(weir(&["diff", &file, &file]).code, 0);
    let run = weir(&["diff", "--old-draws", &file, &file, "--ids", "10000"]);
    assert_eq!(run.code, 1, "{run:?}");
    let expected =
        "drawn with the salt \"canary/split\", before with \"canary\": `seed: canary` keeps the old draw";
    assert!(run.out.contains(expected), "{run:?}");
    let kept = folder.write("kept.yaml", &split("canary", "canary", [50, 50, 0]));
    assert_eq!(weir(&["diff", "--old-draws", &file, &kept]).code, 0);
}
