//! What people are shown: examples, the commands of pages, the archive of a release, monitoring.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use weir_tests::{paths, program};

use super::{Helm, all_take, built, of_kind, resources, shipped, without_labels, words};

fn examples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(paths::root().join("charts/weir/examples")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The lines of a file's comment that are commands, as the words of a shell.
fn commands(text: &str) -> Vec<Vec<String>> {
    let lines = text.replace("\\\n", " ");
    let helms =
        lines.lines().map(|line| line.trim_start_matches(['#', ' '])).filter(|it| it.starts_with("helm "));
    helms
        .map(|line| {
            let line = line.split(" | ").next().unwrap().split(" #").next().unwrap();
            line.split_whitespace().map(|word| word.trim_matches('\'').to_owned()).collect()
        })
        .collect()
}

#[test]
fn each_example_is_linted_and_installed_as_it_says() {
    let helm = Helm::new();
    let examples = examples();
    assert_eq!(examples.len(), 3);
    for example in &examples {
        let lint =
            [words(&["lint", "--strict", "charts/weir", "--values"]), vec![example.display().to_string()]];
        let output = helm.run(&lint.concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let commands = commands(&std::fs::read_to_string(example).unwrap());
        assert_eq!(commands.len(), 1, "{}", example.display());
        all_take(&[installed(&helm, &commands[0])]);
    }
}

/// What `helm install` or `upgrade` would send, after its NOTES have been seen.
fn installed(helm: &Helm, command: &[String]) -> Vec<Value> {
    let (_, arguments) = command.split_first().unwrap();
    let (action, rest) = arguments.split_first().unwrap();
    let rest: Vec<String> =
        rest.iter().filter(|it| !["--install", "--reuse-values"].contains(&it.as_str())).cloned().collect();
    assert!(["install", "upgrade", "template"].contains(&action.as_str()), "{command:?}");
    let dry = [words(&["install", "--dry-run=client"]), rest.clone()].concat();
    let output = helm.run(&dry);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let (_, notes) = text.split_once("NOTES:").expect("notes");
    assert!(notes.contains("weir check -") && notes.contains("weir_config_hash"), "{notes}");
    let pinned = rest.iter().any(|it| it.contains("digest") || it.contains("--values"));
    assert_eq!(notes.contains("NOT PINNED"), !pinned, "{notes}");
    resources(&helm.run(&[words(&["template"]), rest].concat())).unwrap()
}

#[test]
fn monitoring_is_that_of_the_repository() {
    let helm = Helm::new();
    let plugin = built::folder("ab-routing");
    let configuration = &of_kind(&plugin, "WasmPlugin")["spec"]["pluginConfig"];
    let on = json!({"enabled": true, "namespace": "monitoring", "labels": {"release": "prometheus"}});
    let mut values = json!({"image": {"repository": "ghcr.io/acme/weir/weir", "digest": format!("sha256:{}", "1".repeat(64))}, "allPods": true,
        "config": configuration, "podMonitor": on, "prometheusRule": on, "dashboard": {"enabled": true}});
    let rules = |arguments: &[&str]| -> Value {
        let output = Command::new(program::path()).arg("render").args(arguments).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let shop = json!({"experiments": {"unit": "header:x-user-id", "assignmentCookie": {"name": "seen"},
        "secret": {"value": "for-tests-only-a-secret"},
        "list": [{"key": "a", "variants": [{"key": "x", "weight": 1}, {"key": "y", "weight": 1}]}]}});
    let more = helm.file("rules.yaml", &program::render(&["rules"], &shop.to_string()));
    let made = helm
        .rendered("release", "weir", &values, &["--set-file", &format!("prometheusRule.rulesFile={more}")])
        .unwrap();
    let rule = of_kind(&made, "PrometheusRule");
    assert_eq!(rule["metadata"]["namespace"], "monitoring");
    assert_eq!(rule["metadata"]["labels"]["release"], "prometheus");
    let groups = |rule: &Value| rule["spec"]["groups"].as_array().unwrap().clone();
    let mut expected = groups(&rules(&["alerts", "--json", "--kubernetes", "weir"]));
    let of_shop: Value =
        serde_json::from_str(&program::render(&["rules", "--json"], &shop.to_string())).unwrap();
    assert!(!of_shop["groups"].as_array().unwrap().is_empty());
    expected.extend(of_shop["groups"].as_array().unwrap().clone());
    assert_eq!(groups(rule), expected);
    let monitors = shipped("monitoring/kubernetes/pod-monitor.yaml");
    let monitor = |made: &[Value], name: &str| {
        let expected = monitors.iter().find(|it| it["metadata"]["name"] == name).unwrap();
        let mut monitor = without_labels(of_kind(made, "PodMonitor"));
        assert_eq!(monitor["metadata"].as_object_mut().unwrap().remove("namespace").unwrap(), "monitoring");
        assert_eq!(monitor, *expected);
    };
    monitor(&made, "weir-istio");
    let dashboard = of_kind(&made, "ConfigMap");
    let text = dashboard["data"]["weir.json"].as_str().unwrap();
    assert_eq!(dashboard["metadata"]["labels"]["grafana_dashboard"], "1");
    let shown = std::fs::read_to_string(paths::root().join("monitoring/grafana/weir.json")).unwrap();
    assert_eq!(text, shown);
    assert_eq!(made.len(), 4);
    all_take(&[made]);
    values["allPods"] = json!(false);
    values["platform"] = json!("envoy-gateway");
    values["targetRefs"] = json!([{"kind": "Gateway", "name": "shop"}]);
    values["podMonitor"]["interval"] = json!("15s");
    let made = helm.template("release", "weir", &values);
    monitor(&made, "weir-envoy-gateway");
    all_take(&[made]);
}

/// The chart as a release has it: an archive, from which Helm renders the same.
#[test]
fn the_archive_of_a_release_is_the_chart() {
    let helm = Helm::new();
    let script = paths::root().join("scripts/release");
    let made = |name: &str| -> PathBuf {
        let folder = helm.home.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let output = Command::new(&script).arg("chart").arg(&folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let archive = folder.join(format!("weir-{}.tgz", env!("CARGO_PKG_VERSION")));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        archive
    };
    let (one, other) = (made("one"), made("other"));
    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(other).unwrap());
    let example = Path::new("charts/weir/examples/istio.yaml").display().to_string();
    let template = |chart: &Path| {
        let arguments = [
            words(&["template", "weir"]),
            vec![chart.display().to_string()],
            words(&["--values"]),
            vec![example.clone()],
        ];
        resources(&helm.run(&arguments.concat())).unwrap()
    };
    assert_eq!(template(&one), template(Path::new("charts/weir")));
}

/// Every command of the pages that begins with `helm`, in their order.
#[test]
fn the_pages_commands_work() {
    let helm = Helm::new();
    let mut seen = 0;
    for page in ["docs/install-istio.md", "docs/install-envoy-gateway.md", "charts/weir/README.md"] {
        let text = std::fs::read_to_string(paths::root().join(page)).unwrap();
        let digest = format!("sha256:{}", "1".repeat(64));
        let blocks: Vec<&str> =
            text.split("```").skip(1).step_by(2).filter(|it| it.starts_with("sh\n")).collect();
        let folder = helm.home.path().join("page");
        std::fs::create_dir_all(&folder).unwrap();
        let mut release = Vec::new();
        for command in blocks.iter().flat_map(|block| commands(block)) {
            let command: Vec<String> = command
                .into_iter()
                .map(|word| {
                    // What readers have: their digest, and the configuration that `weir check` has taken.
                    let word = word.replace("sha256:…", &digest);
                    match word.split_once('=') {
                        Some(("configFile", _)) => {
                            let plugin = built::folder("ab-routing");
                            let configuration = &of_kind(&plugin, "WasmPlugin")["spec"]["pluginConfig"];
                            format!("configFile={}", helm.file("weir.yaml", &configuration.to_string()))
                        }
                        _ => word,
                    }
                })
                .collect();
            seen += 1;
            match command[1].as_str() {
                "install" | "template" => {
                    release = command.iter().skip(2).cloned().collect();
                    all_take(&[installed(&helm, &command)]);
                }
                // Values of the release, and those of the command.
                "upgrade" => {
                    let own = command.iter().skip_while(|word| *word != "--reuse-values").skip(1).cloned();
                    let all = [words(&["helm", "upgrade"]), release.clone(), own.collect()].concat();
                    all_take(&[installed(&helm, &all)]);
                }
                // They need the release in a cluster; that there is such a command is seen.
                "get" | "uninstall" | "rollback" => {
                    let output = helm.run(&words(&[&command[1], "--help"]));
                    assert!(output.status.success());
                    assert!(release.is_empty() || command.contains(&release[0]), "{command:?}");
                }
                _ => panic!("{page}: {command:?}"),
            }
        }
        assert!(!release.is_empty(), "{page} has no way with Helm");
    }
    assert!(seen >= 6, "{seen}");
}
