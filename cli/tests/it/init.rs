//! `weir init`: whatever is answered, what it writes passes `weir check`.

use crate::support::{Folder, weir, weir_with};
use std::fs;

const UNITS: [&str; 4] = ["anonymous", "header:x-user-id", "cookie:uid", "claim:sub"];

#[test]
fn all_answers_make_files_that_pass() {
    let folder = Folder::new();
    let mut combinations = 0;
    for place in ["envoy", "istio", "envoy-gateway"] {
        for unit in UNITS {
            for split in ["canary", "experiment"] {
                for tokens in ["none", "https://id.example.com/realms/shop"] {
                    combinations += 1;
                    let to = folder.path(&format!("{combinations}"));
                    let answers = ["--where", place, "--unit", unit, "--split", split, "--tokens", tokens];
                    let run = weir(&[&["init", "--yes", "--to", &to][..], &answers].concat());
                    assert_eq!(run.code, 0, "{answers:?}: {run:?}");
                    let mut written: Vec<String> = fs::read_dir(&to)
                        .unwrap()
                        .map(|entry| entry.unwrap().path().display().to_string())
                        .collect();
                    written.sort();
                    let loading = match place {
                        "envoy" => "envoy.yaml",
                        "istio" => "weir-plugin.yaml",
                        _ => "weir-policy.yaml",
                    };
                    assert!(written.contains(&format!("{to}/{loading}")), "{written:?}");
                    let has_routes = written.contains(&format!("{to}/routes.yaml"));
                    assert_eq!(has_routes, split == "canary" && place != "envoy", "{written:?}");
                    for file in &written {
                        assert!(run.out.contains(&format!("wrote {file}\n")), "{run:?}");
                        assert!(fs::read_to_string(file).unwrap().starts_with('#'), "{file} has no comment");
                    }
                    // Names and images are to be inserted, so that there may be warnings.
                    let check = weir(&["check", &format!("{to}/weir.yaml"), &format!("{to}/{loading}")]);
                    assert_eq!(check.code, 0, "{answers:?}: {check:?}");
                    assert!(check.out.contains("2 configurations") || check.out.contains("ok"), "{check:?}");
                    let all = weir(
                        &[
                            &["check", "--allow-none"][..],
                            &written.iter().map(String::as_str).collect::<Vec<_>>(),
                        ]
                        .concat(),
                    );
                    assert_eq!(all.code, 0, "{answers:?}: {all:?}");
                }
            }
        }
    }
    assert_eq!(combinations, 48);
}

#[test]
fn what_exists_is_never_overwritten() {
    let folder = Folder::new();
    let (to, mine) = (folder.path(""), folder.write("envoy.yaml", "mine"));
    let run = weir(&["init", "--yes", "--to", &to]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("envoy.yaml exists, and is not overwritten"), "{run:?}");
    assert_eq!(fs::read_to_string(mine).unwrap(), "mine");
    assert!(!fs::exists(folder.path("weir.yaml")).unwrap(), "nothing else is written");
}

#[test]
fn answers_come_from_the_input_too() {
    let folder = Folder::new();
    let to = folder.path("new/folder");
    let run = weir_with(&["init", "--to", &to, "--split", "experiment"], "istio\ncookie:uid\n\n");
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("Where does Weir run?") && !run.out.contains("What is divided?"), "{run:?}");
    let text = fs::read_to_string(format!("{to}/weir.yaml")).unwrap();
    assert!(text.contains("unit: [\"cookie:uid\"]") && text.contains("experiments:"), "{text}");
    let again = weir_with(&["init", "--to", &folder.path("other")], "kong\n");
    assert_eq!(again.code, 2, "{again:?}");
    assert!(
        again.err.contains("\"kong\" is not an answer: expected one of envoy, istio, envoy-gateway"),
        "{again:?}"
    );
    assert!(!fs::exists(folder.path("other")).unwrap());
}
