//! The page on warnings: each code has a section with an example that has the warning, and one that has none.

use crate::support::{Folder, weir, weir_in, weir_with};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The codes that the program knows, from the rules of its SARIF.
fn codes() -> BTreeSet<String> {
    let run = weir_with(&["check", "--output", "sarif", "-"], "routing: {default: {setHeaders: {x-a: b}}}");
    let rules = run.json()["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().clone();
    let ids = rules.iter().map(|rule| rule["id"].as_str().unwrap().to_owned());
    ids.filter(|id| id.starts_with('W')).collect()
}

/// The codes of the warnings in a text. Problems are none.
fn warned(text: &str) -> BTreeSet<String> {
    let run = weir_with(&["check", "--allow-none", "-"], text);
    assert_eq!(run.code, 0, "{text}\n{run:?}");
    run.out.split("warning[").skip(1).map(|rest| rest.split(']').next().unwrap().to_owned()).collect()
}

#[test]
fn every_code_has_a_section_with_two_examples() {
    let page = read("docs/warnings.md");
    let mut found = BTreeSet::new();
    for section in page.split("\n## W").skip(1) {
        let code = format!("W{}", section.lines().next().unwrap());
        let blocks: Vec<&str> =
            section.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
        let [bad, good] = blocks.as_slice() else { panic!("{code}: {} examples", blocks.len()) };
        assert_eq!(warned(bad), BTreeSet::from([code.clone()]), "{bad}");
        assert_eq!(warned(good), BTreeSet::new(), "{good}");
        // W16 is about routes, which need no configuration beside them.
        if code != "W16" {
            assert_eq!(weir_with(&["check", "-"], good).code, 0, "{good}");
        }
        assert!(
            page.contains(&format!("| [{code}](#{}) |", code.to_lowercase())),
            "{code} is not in the table"
        );
        assert!(found.insert(code));
    }
    assert_eq!(found, codes());
}

#[test]
fn all_targets_of_waypoints_are_known() {
    let page = read("docs/warnings.md");
    let section = page.split("\n## W19\n").nth(1).unwrap();
    let example = section.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let service = "{kind: Service, name: web, group: \"\"}";
    for target in [
        service,
        "{kind: ServiceEntry, name: web, group: networking.istio.io}",
        "{kind: GatewayClass, name: istio-waypoint, group: gateway.networking.k8s.io}",
    ] {
        let text = example.replace(service, target);
        assert_eq!(warned(&text), BTreeSet::from(["W19".to_owned()]), "{text}");
    }
    let gateway = example.replace(service, "{kind: Gateway, name: web, group: gateway.networking.k8s.io}");
    assert_eq!(warned(&gateway), BTreeSet::new(), "of an ingress gateway's plugins most have this mode");
}

#[test]
fn warnings_are_silenced_by_comments() {
    let page = read("docs/warnings.md");
    let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(example.contains("weir: allow(W10)"), "{example}");
    assert_eq!(warned(example), BTreeSet::new());
    let without_reason = example.replace(" the weights are the traffic of two regions", "");
    assert_eq!(warned(&without_reason), ["W10", "W21"].map(str::to_owned).into());
    let elsewhere = example.replace("W10)", "W11)");
    assert_eq!(warned(&elsewhere), ["W10", "W21"].map(str::to_owned).into());
}

#[test]
fn sarif_is_valid_and_has_everything() {
    let folder = Folder::new();
    let bad = folder.write("a b.yaml", "routing:\n  default: {setHeaders: {x-a: b}}\n  rulez: []\n");
    let odd = folder.write(
        "odd.yaml",
        "experiments: {unit: header:x, list: [{key: a, variants: [{key: a, weight: 90}, {key: b, weight: 20}]}]}\n",
    );
    let run = weir(&["check", "--output", "sarif", &bad, &odd, &folder.path("absent.yaml")]);
    assert_eq!(run.code, 2);
    let log = run.json();
    let schema: Value = serde_json::from_str(&read("tests/vectors/sarif/sarif-2.1.0.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        schema.iter_errors(&log).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
    let mut invalid = log.clone();
    invalid["runs"][0]["results"][0]["level"] = "bad".into();
    assert!(!schema.is_valid(&invalid), "it takes anything");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let seen: Vec<(&str, &str, Option<u64>)> = results
        .iter()
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            (
                result["ruleId"].as_str().unwrap(),
                result["level"].as_str().unwrap(),
                place["region"]["startLine"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [("refused", "error", Some(3)), ("W10", "warning", Some(1)), ("refused", "error", None)]
    );
    let uri = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.ends_with("/a%20b.yaml"), "{uri}");
}

#[test]
fn github_gets_commands() {
    let text = "experiments: {unit: header:x, list: [{key: a, variants: [{key: a, weight: 90}, {key: b, weight: 20}]}]}";
    let run = weir_with(&["check", "--output", "github", "-"], text);
    let expected = "::warning file=(standard input),line=1,col=47,title=weir check W10::experiments.list[0].variants: the weights add up to \
                    110, not 100: the shares are a 81.8 %25, b 18.2 %25 (see docs/warnings.md#w10)\n";
    assert_eq!((run.out.as_str(), run.code), (expected, 0));
    let run = weir_with(&["check", "--output", "github", "-"], "routing: {rulez: []}");
    assert!(
        run.code == 1
            && run
                .out
                .starts_with("::error file=(standard input),line=1,col=11,title=weir check::routing.rulez: "),
        "{run:?}"
    );
}

/// The program's folder first on the path, as it is installed.
fn path_with_program() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_weir"));
    format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap())
}

/// A shell command in a folder: what it printed, and its exit code.
fn shell(folder: &Folder, command: &str, variables: &[(&str, &str)]) -> (String, i32) {
    let output = std::process::Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", command])
        .current_dir(folder.path(""))
        .env("PATH", path_with_program())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// The lines of a step of `action.yml`, without their indentation.
fn step(name: &str) -> String {
    let action = read("action.yml");
    let step = action.split(&format!("  - name: {name}\n")).nth(1).unwrap();
    let lines = step.split("    run: |\n").nth(1).unwrap().lines();
    lines
        .take_while(|line| line.is_empty() || line.starts_with("      "))
        .map(|line| format!("{}\n", line.trim_start_matches("      ")))
        .collect()
}

#[test]
fn the_action_checks_files() {
    let folder = Folder::new();
    folder.write("good.yaml", "routing: {default: {setHeaders: {x-a: b}}}\n");
    folder.write("odd.yaml", "routing: {default: {setHeaders: {x-a: b}}} # weir: allow(W01)\n");
    folder.write("service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n");
    let run = |files, deny, none, sarif| {
        let variables = [
            ("PROGRAM", "weir"),
            ("FILES", files),
            ("DENY_WARNINGS", deny),
            ("ALLOW_NONE", none),
            ("SARIF", sarif),
        ];
        shell(&folder, &step("Check"), &variables)
    };
    assert_eq!(run("good.yaml", "true", "false", ""), (String::new(), 0));
    assert_eq!(run("odd.yaml good.yaml", "false", "false", "").1, 0);
    let (out, code) = run("*.yaml", "true", "true", "weir.sarif");
    assert!(code == 1 && out.starts_with("::warning file=odd.yaml,line=1"), "{out}");
    let sarif: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path("weir.sarif")).unwrap()).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "W21");
    assert_eq!(run("service.yaml", "true", "false", "").1, 2);
    assert_eq!(run("service.yaml", "true", "true", "").1, 0);
    // What is installed is not built.
    assert_eq!(
        shell(&folder, &step("Build weir"), &[("PROGRAM", "weir"), ("SOURCES", "/nowhere")]),
        (String::new(), 0)
    );
}

/// As pre-commit runs them: the entry with the names of files after it.
#[test]
fn the_hooks_check_files() {
    let folder = Folder::new();
    folder.write("odd.yaml", "routing: {default: {setHeaders: {x-a: b}}} # weir: allow(W01)\n");
    folder.write("service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n");
    folder.write("bad.yaml", "routing: 1\n");
    folder.write("workflow.yaml", "on: push\njobs: {}\n");
    let hooks = read(".pre-commit-hooks.yaml");
    let entries: Vec<&str> = hooks.lines().filter_map(|line| line.trim().strip_prefix("entry: ")).collect();
    let [strict, lenient] = entries.as_slice() else { panic!("{entries:?}") };
    for (entry, files, expected) in [
        (strict, "service.yaml workflow.yaml", 0),
        (strict, "odd.yaml service.yaml", 1),
        (lenient, "odd.yaml service.yaml", 0),
        (lenient, "bad.yaml", 1),
    ] {
        assert_eq!(shell(&folder, &format!("{entry} {files}"), &[]).1, expected, "{entry} {files}");
    }
}

/// What is in the repository has no warnings, or says why not.
#[test]
fn shipped_manifests_are_free_of_warnings() {
    let mut files = Vec::new();
    let mut folders =
        vec![root().join("wasm-plugins"), root().join("envoy-configs"), root().join("examples")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.extension().and_then(|end| end.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some("yaml") => files.push(path.to_str().unwrap().to_owned()),
                _ => {}
            }
        }
    }
    assert!(files.len() > 40, "{files:?}");
    let arguments: Vec<&str> = ["check", "--deny", "warnings", "--allow-none"]
        .into_iter()
        .chain(files.iter().map(String::as_str))
        .collect();
    let run = weir_in(&arguments, &[]);
    assert_eq!(run.code, 0, "{}", run.out);
}
