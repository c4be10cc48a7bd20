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
        // What is printed goes into the configuration as it is.
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
    let run = weir(&[
        "plan",
        &file,
        "--experiment",
        "checkout",
        "--weights",
        "control=80,b=0,c=0,d=20",
        "--add",
        "d",
    ]);
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
        (&file, "chekout", "a=1", "unknown experiment chekout, did you mean `experiment checkout`?"),
        (&file, "checkout", "control", "VARIANT=WEIGHT"),
        (&file, "checkout", "control=x", "VARIANT=WEIGHT"),
        (&file, "checkout", "control=-1,b=1,c=1", "negative"),
        (&file, "checkout", "control=0,b=0,c=0", "0"),
        (&file, "checkout", "control=80", "no weight for b, c; write b=0 to move all of its units"),
        (&file, "checkout", "control=80,b=1,c=1,b=2", "b has two weights"),
        (&unleash, "checkout", "control=1,b=1,c=1", "hash of its own"),
    ] {
        let run = weir(&["plan", file, "--experiment", key, "--weights", weights]);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(message), "{message}: {run:?}");
    }
    let run = weir(&[
        "plan",
        &file,
        "--experiment",
        "checkout",
        "--weights",
        "control=1,b=1,c=1",
        "--coverage",
        "120%",
    ]);
    assert!(run.code == 2 && run.err.contains("percentage"), "{run:?}");
}

#[test]
fn a_variant_without_units_may_be_left_out() {
    let folder = Folder::new();
    let file = folder
        .write("a.yaml", &experiment("status: running", &THREE.replace("c, weight: 10", "c, weight: 0")));
    let run = weir(&["plan", &file, "--experiment", "checkout", "--weights", "control=60,b=40"]);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn unknown_variants_need_to_be_added() {
    let folder = Folder::new();
    let file = folder.write("a.yaml", &experiment("status: running", THREE));
    let run = weir(&["plan", &file, "--experiment", "checkout", "--weights", "contrl=80,b=20"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.err.contains("unknown variant \"contrl\", did you mean `control`? To add it: --add contrl"),
        "{run:?}"
    );
    let run = weir(&["plan", &file, "--experiment", "checkout", "--weights", "control=1", "--add", "b"]);
    assert!(run.code == 2 && run.err.contains("--add b: the variant already exists"), "{run:?}");
}

#[test]
fn coverage_alone_keeps_the_weights() {
    let folder = Folder::new();
    let file = folder.write("a.yaml", &experiment("coverage: 50%", THREE));
    let json =
        weir(&["plan", &file, "--experiment", "checkout", "--coverage", "100%", "--output", "json"]).json();
    let shares: Vec<f64> =
        json["variants"].as_array().unwrap().iter().map(|it| it["share"].as_f64().unwrap()).collect();
    assert_eq!(shares, [0.8, 0.1, 0.1]);
    assert!(weir(&["plan", &file, "--experiment", "checkout"]).code == 2);
}

#[test]
fn the_file_is_edited_in_place_and_comments_stay() {
    let folder = Folder::new();
    let text = "# Our experiments.
experiments:
  unit: header:x-user-id  # who
  list:
  - key: other
    variants: [{key: a, weight: 1}, {key: b, weight: 1}]
  - key: checkout
    coverage: 60%  # since Monday
    variants:
    # The old page.
    - key: control
      weight: 80  # nearly all
      headers: {x-page: old}
    - {key: b, weight: 20}  # the new page
    # The end.
routing:
  rules:
  - name: canary
    split:
      stickyBy: header:x-user-id
      targets:
      - {name: stable, weight: 90}  # stays
      - name: next
        weight: 10
        setHeaders: {x-weir-route: v2}
";
    let file = folder.write("a.yaml", text);
    let before = folder.write("before.yaml", text);
    let arguments = ["--weights", "control=50,b=25,c=25", "--add", "c", "--coverage", "80%"];
    let run = weir(
        &[&["plan", &file, "--experiment", "checkout", "--write", "--output", "json"], &arguments[..]]
            .concat(),
    );
    assert_eq!(run.code, 0, "{run:?}");
    let planned = run.json();
    let now = std::fs::read_to_string(&file).unwrap();
    for comment in [
        "# Our experiments.",
        "# who",
        "# since Monday",
        "# The old page.",
        "# nearly all",
        "# the new page",
        "# The end.",
    ] {
        assert!(now.contains(comment), "{comment}: {now}");
    }
    assert!(
        now.contains("coverage: 100%  # since Monday") && now.contains("headers: {x-page: old}"),
        "{now}"
    );
    let diff = weir(&["diff", &before, &file, "--output", "json"]).json();
    let change =
        diff["changes"].as_array().unwrap().iter().find(|it| it["name"] == "experiment checkout").unwrap();
    assert!((change["moved"].as_f64().unwrap() - planned["moved"].as_f64().unwrap()).abs() < 1e-9, "{diff}");
    // Again, from ranges.
    let again = ["plan", &file, "--experiment", "checkout", "--weights", "control=1,b=1,c=2", "--write"];
    assert_eq!(weir(&again).code, 0);
    let run = weir(&["plan", &file, "--split", "canary", "--weights", "stable=75,next=25", "--write"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.out.starts_with("# split canary: 15 % of all units move, the least possible is 15 %\n"),
        "{run:?}"
    );
    let now = std::fs::read_to_string(&file).unwrap();
    assert!(now.contains("weight: 75}  # stays") && now.contains("        weight: 25\n"), "{now}");
    assert_eq!(weir(&["check", &file]).code, 0, "{now}");
}
