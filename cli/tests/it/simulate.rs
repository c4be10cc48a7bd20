//! `weir simulate`.

use crate::support::{Folder, weir};

const SPLIT: &str = "routing:
  rules:
  - name: canary
    split:
      stickyBy: header:x-user-id
      targets:
      - {name: stable, weight: 90}
      - {name: canary, weight: 10, setHeaders: {x-weir-route: canary}}
";

#[test]
fn shares_are_as_configured_for_every_shape() {
    let folder = Folder::new();
    let file = folder.write("split.yaml", SPLIT);
    for shape in ["sequential", "numeric", "uuid", "email", "hex"] {
        let run = weir(&[
            "simulate", &file, "--split", "canary", "-n", "200000", "--ids", shape, "--output", "json",
        ]);
        assert_eq!(run.code, 0, "{run:?}");
        let json = run.json();
        assert_eq!(json["units"], 200_000);
        let variants = json["variants"].as_array().unwrap();
        let units: u64 = variants.iter().map(|row| row["units"].as_u64().unwrap()).sum();
        assert_eq!((units, json["none"]["units"].as_u64()), (200_000, Some(0)));
        assert!(variants.iter().all(|row| row["within"] == true), "{run:?}");
        assert_eq!(variants[1]["expected"], 0.1);
        assert_eq!(json["test"]["degrees_of_freedom"], 1);
        assert!(json["test"]["p_value"].as_f64().unwrap() > 1e-6);
    }
}

#[test]
fn ids_of_a_file_that_are_all_alike_are_not_as_expected() {
    let folder = Folder::new();
    let file = folder.write("split.yaml", SPLIT);
    let ids = folder.write("ids.txt", &"user-1\n\n".repeat(1000));
    let run = weir(&["simulate", &file, "--split", "canary", "--ids", &ids]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.starts_with("split canary: 1000 units"), "{run:?}");
    assert!(run.out.contains("outside") && run.out.contains("p = 0.0000"), "{run:?}");
    assert_eq!(run.err, "", "no bar where there is no terminal");
}

#[test]
fn pictures_are_drawn() {
    let folder = Folder::new();
    let file = folder.write("split.yaml", SPLIT);
    let (svg, png) = (folder.path("plot.svg"), folder.path("plot.png"));
    for plot in [&svg, &png] {
        let run = weir(&["simulate", &file, "--split", "canary", "-n", "1000", "--plot", plot]);
        assert_eq!(run.code, 0, "{run:?}");
    }
    let text = std::fs::read_to_string(svg).unwrap();
    assert!(text.starts_with("<svg") && text.contains("expected") && text.contains("canary"), "{text}");
    assert!(std::fs::read(png).unwrap().starts_with(b"\x89PNG"));
    let run = weir(&["simulate", &file, "--split", "canary", "-n", "10", "--plot", &folder.path("plot.gif")]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains(".svg or .png"), "{run:?}");
}

#[test]
fn what_cannot_be_simulated_is_said() {
    let folder = Folder::new();
    let file = folder.write("split.yaml", SPLIT);
    let wrong = folder.write("wrong.yaml", "routing:\n  rulez: []\n");
    let empty = folder.write("service.yaml", "apiVersion: v1\nkind: Service\n");
    for (arguments, message) in [
        (vec![file.as_str(), "--split", "canry"], "unknown split canry, did you mean `split canary`?"),
        (vec![&file, "--split", "canary", "--ids", "bogus"], "nor a file"),
        (vec![&file, "--split", "canary", "-n", "0"], "not in 1.."),
        (vec![&file], "required"),
        (vec![&wrong, "--split", "canary"], "wrong.yaml:2:3: routing"),
        (vec![&empty, "--split", "canary"], "no Weir configuration"),
        (vec!["/does/not/exist", "--split", "canary"], "/does/not/exist"),
    ] {
        let run = weir(&[vec!["simulate"], arguments].concat());
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(message), "{message}: {run:?}");
    }
}

const RAMP: &str = "experiments:
  unit: header:x-user-id
  list:
  - key: checkout
    ramp: {start: 2026-03-01T00:00:00Z, over: 10d}
    variants:
    - {key: a, weight: 50}
    - {key: b, weight: 50}
routing:
  rules:
  - name: canary
    split:
      stickyBy: header:x-user-id
      ramp: {start: 2026-03-01T00:00:00Z, over: 10d, steps: 5}
      targets:
      - {name: stable, weight: 60}
      - {name: canary, weight: 40, setHeaders: {x-weir-route: canary}}
";

/// The shares of each moment.
#[test]
fn ramps_are_simulated_at_any_time() {
    let folder = Folder::new();
    let file = folder.write("ramp.yaml", RAMP);
    let shares = |which: [&str; 2], time: &str| -> Vec<f64> {
        let [kind, name] = which;
        let args = ["simulate", &file, kind, name, "-n", "20000", "--at", time, "--output", "json"];
        let run = weir(&args);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
        let json = run.json();
        let variants = json["variants"].as_array().unwrap();
        assert!(variants.iter().all(|row| row["within"] == true), "{run:?}");
        variants.iter().map(|row| row["expected"].as_f64().unwrap()).collect()
    };
    for (day, covered, stable, canary) in [
        ("02-01", 0.0, 1.0, 0.0),
        ("03-01", 0.0, 1.0, 0.0),
        ("03-04", 0.15, 0.92, 0.08),
        ("03-10", 0.45, 0.68, 0.32),
        ("04-01", 0.5, 0.6, 0.4),
    ] {
        let time = format!("2026-{day}T00:00:00Z");
        assert_eq!(shares(["--experiment", "checkout"], &time), [covered, covered], "{day}");
        assert_eq!(shares(["--split", "canary"], &time), [stable, canary], "{day}");
    }
    let run = weir(&["simulate", &file, "--experiment", "checkout", "-n", "1000"]);
    assert!(run.err.contains("as they are now"), "{run:?}");
    let run = weir(&["simulate", &file, "--experiment", "checkout", "--at", "tomorrow"]);
    assert!(run.code == 2 && run.err.contains("--at: "), "{run:?}");
    // A plan would have to say when it holds.
    for which in [["--experiment", "checkout"], ["--split", "canary"]] {
        let run = weir(&["plan", &file, which[0], which[1], "--weights", "a=1,b=1"]);
        assert!(run.code == 2 && run.err.contains("remove the ramp first"), "{run:?}");
    }
    let without = RAMP.replace("    ramp: {start: 2026-03-01T00:00:00Z, over: 10d}\n", "");
    let run = weir(&["diff", &folder.write("without.yaml", &without), &file]);
    assert!(run.code == 1 && run.out.contains("ramp changed too"), "{run:?}");
}
