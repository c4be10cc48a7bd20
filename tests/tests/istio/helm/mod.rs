//! The chart in `charts/weir`, rendered by real Helm: it makes the resources that kustomize builds, an API server and
//! `weir check` take them, and wrong values are refused in words.

mod kustomized;
mod notes;
mod pages;
mod values;
mod webhook;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use weir_tests::{paths, program};

use super::{admitted, built};

/// Helm, which writes into a folder of the test and knows no cluster.
struct Helm {
    home: TempDir,
}

impl Helm {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// Runs it at the root of the repository.
    fn run(&self, arguments: &[String]) -> Output {
        Command::new(std::env::var_os("WEIR_HELM").expect("run this with `make test-istio`"))
            .current_dir(paths::root())
            .args(arguments)
            .env("HELM_CACHE_HOME", self.home.path())
            .env("HELM_CONFIG_HOME", self.home.path())
            .env("HELM_DATA_HOME", self.home.path())
            .env("KUBECONFIG", self.home.path().join("none"))
            .output()
            .unwrap()
    }

    /// A file that arguments can name.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// What `helm template` says.
    fn rendered(
        &self,
        release: &str,
        namespace: &str,
        values: &Value,
        more: &[&str],
    ) -> Result<Vec<Value>, String> {
        let file = self.file("values.json", &values.to_string());
        let mut arguments =
            words(&["template", release, "charts/weir", "--namespace", namespace, "--values"]);
        arguments.push(file);
        arguments.extend(words(more));
        resources(&self.run(&arguments))
    }

    fn template(&self, release: &str, namespace: &str, values: &Value) -> Vec<Value> {
        self.rendered(release, namespace, values, &[]).unwrap_or_else(|error| panic!("{values}: {error}"))
    }
}

/// A program for scripts of a test, in place of one that needs a cluster.
fn stand_in(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/usr/bin/env bash\nset -euo pipefail\n{script}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The search path with a folder in front.
fn search_path(first: &Path) -> String {
    format!("{}:{}", first.display(), std::env::var("PATH").unwrap_or_default())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn resources(output: &Output) -> Result<Vec<Value>, String> {
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(std::str::from_utf8(&output.stdout).unwrap()).unwrap();
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

fn shipped(path: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&std::fs::read_to_string(paths::root().join(path)).unwrap()).unwrap()
}

/// The resource without the labels that say which release it is of.
fn without_labels(resource: &Value) -> Value {
    let mut resource = resource.clone();
    let labels = resource["metadata"].as_object_mut().unwrap().remove("labels").unwrap();
    for name in ["helm.sh/chart", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by"] {
        assert!(labels[name].is_string(), "{labels}");
    }
    resource
}

fn of_kind<'a>(all: &'a [Value], kind: &str) -> &'a Value {
    all.iter().find(|it| it["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

/// The API server's code and `weir check` have nothing against the resources.
fn all_take(rendered: &[Vec<Value>]) {
    let folder = tempfile::tempdir().unwrap();
    let flat: Vec<Value> = rendered.iter().flatten().cloned().collect();
    for (resource, refused) in flat.iter().zip(admitted::refused(&flat)) {
        assert_eq!(refused, Vec::<String>::new(), "{resource}");
    }
    let files: Vec<PathBuf> = rendered
        .iter()
        .enumerate()
        .map(|(index, all)| {
            let file = folder.path().join(format!("{index}.yaml"));
            let text: Vec<String> = all.iter().map(Value::to_string).collect();
            std::fs::write(&file, text.join("\n---\n")).unwrap();
            file
        })
        .collect();
    let output =
        Command::new(program::path()).args(["check", "--deny", "warnings"]).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
