//! `weir plan`.

use crate::support::{Folder, weir};

fn experiment(more: &str, variants: &str) -> String {
    format!(
        "experiments:
  list:
  - key: checkout
    unit: header:x-user-id
    {more}
    variants:
{variants}
"
    )
}

const THREE: &str =
    "    - {key: control, weight: 80}\n    - {key: b, weight: 10}\n    - {key: c, weight: 10}";

#[test]
fn the_plan_moves_what_it_says_and_no_more() {
    let folder = Folder::new();
    for more in [
        "status: running",
        "coverage: 60%",
        "hash: growthbook-2",
        "hash: growthbook-1",
        "{hash: optimizely, seed: \"1\"}",
    ] {
        let weights = if more.contains("growthbook") {
            THREE.replace("80", "0.8").replace("10", "0.1")
        } else {
            THREE.into()
        };
        let more = more.trim_matches(['{', '}']).replace(", ", "\n    ");
        let old = folder.write("old.yaml", &experiment(&more, &weights));
        let arguments = ["plan", &old, "--experiment", "checkout", "--weights", "control=34,b=33,c=33"];
        let json = weir(&[&arguments[..], &["--output", "json"]].concat()).json();
        let (moved, minimum) = (json["moved"].as_f64().unwrap(), json["minimum"].as_f64().unwrap());
        assert!((moved - minimum).abs() < 1e-9, "{more}: {json}");
        let run = weir(&arguments);
        assert_eq!(run.code, 0, "{run:?}");
        // What is printed goes into the configuration as it stands.
        let variants = run.out.split_once("variants:\n").unwrap().1;
        let indented: String = variants.lines().map(|line| format!("    {line}\n")).collect();
        let life = more.replace("coverage: 60%", "status: running");
        let new = folder.write("new.yaml", &experiment(&life, indented.trim_end()));
        let diff = weir(&["diff", &old, &new, "--output", "json"]).json();
        let change = &diff["changes"][0];
        assert_eq!(change["method"], "exact", "{more}: {diff}");
        assert!((change["moved"].as_f64().unwrap() - minimum).abs() < 1e-9, "{more}: {diff}\n{json}");
        assert_eq!(change.get("also"), None, "{diff}");
    }
}

#[test]
fn shares_are_exact_and_nobody_moves_for_nothing() {
    let folder = Folder::new();
    let file = folder.write("a.yaml", &experiment("coverage: 50%", THREE));
    let run = weir(&["plan", &file, "--experiment", "checkout", "--weights", "control=8,b=1,c=1"]);
    assert!(
        run.out.starts_with("# experiment checkout: 0 % of all units move, the least possible is 0 %\n"),
        "{run:?}"
    );
    let arguments = ["--weights", "control=1,b=1,c=1", "--coverage", "100%", "--output", "json"];
    let json = weir(&[&["plan", &file, "--experiment", "checkout"], &arguments[..]].concat()).json();
    let shares: Vec<f64> =
        json["variants"].as_array().unwrap().iter().map(|it| it["share"].as_f64().unwrap()).collect();
    assert_eq!(shares, [0.333_334, 0.333_333, 0.333_333]);
}

#[test]
fn variants_come_and_go() {
    let folder = Folder::new();
    let file = folder.write("a.yaml", &experiment("status: running", THREE));
    let run = weir(&["plan", &file, "--experiment", "checkout", "--weights", "control=80,d=20"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("#   b -> d: 10 %\n#   c -> d: 10 %\n"), "{run:?}");
    assert!(run.out.contains("- key: b  # 10 % -> 0 %\n- key: c"), "{run:?}");
}

#[test]
fn what_cannot_be_planned_is_said() {
    let folder = Folder::new();
    let file = folder.write("a.yaml", &experiment("status: running", THREE));
    let unleash = experiment("{hash: unleash, coverage: 50%}", THREE)
        .replace("{hash: unleash, coverage: 50%}", "hash: unleash\n    coverage: 50%");
    let unleash = folder.write("unleash.yaml", &unleash);
    for (file, key, weights, message) in [
        (&file, "chekout", "a=1", "there is no experiment chekout; there is: experiment checkout"),
        (&file, "checkout", "control", "VARIANT=WEIGHT"),
        (&file, "checkout", "control=x", "VARIANT=WEIGHT"),
        (&file, "checkout", "control=-1", "negative"),
        (&file, "checkout", "control=0", "0"),
        (&unleash, "checkout", "control=1", "hash of its own"),
    ] {
        let run = weir(&["plan", file, "--experiment", key, "--weights", weights]);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(message), "{message}: {run:?}");
    }
    let run =
        weir(&["plan", &file, "--experiment", "checkout", "--weights", "control=1", "--coverage", "120%"]);
    assert!(run.code == 2 && run.err.contains("percentage"), "{run:?}");
}
