//! The files that answers make.

use super::answers::{Answers, Split, Where};
use super::configuration::{KEYS, KEYS_VARIABLE, block};
use crate::output::Failure;
use crate::render;
use anyhow::{Context as _, bail};
use clap::{FromArgMatches as _, Subcommand as _};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use weir_workbench::yaml::write;

/// The file with the configuration.
const CONFIGURATION: &str = "weir.yaml";

/// Names and texts, the configuration first.
///
/// # Errors
/// What should not happen: `weir render` refuses it.
pub(super) fn all(answers: &Answers) -> Result<Vec<(&'static str, String)>, Failure> {
    let configuration = block(answers);
    let text = write::write(&configuration);
    let mut files = vec![(CONFIGURATION, text.clone())];
    match answers.place {
        Where::Envoy => {
            let key_server =
                answers.tokens.as_ref().map(|it| format!("{KEYS}=https://{}:{}", it.host, it.port));
            let mut arguments = vec!["envoy", "--upstream", "stable=127.0.0.1:9001"];
            if answers.split == Split::Canary {
                arguments.extend(["--upstream", "canary=127.0.0.1:9002"]);
            }
            if let Some(server) = &key_server {
                arguments.extend(["--upstream", server]);
            }
            files.push(("envoy.yaml", rendered(&arguments, &text)?));
        }
        Where::Istio => {
            let arguments = ["istio", "--namespace", "istio-ingress", "--label", "istio=ingressgateway"];
            files.push(("weir-plugin.yaml", rendered(&arguments, &text)?));
            if answers.split == Split::Canary {
                files.push(("routes.yaml", ISTIO_ROUTES.to_owned()));
            }
        }
        Where::EnvoyGateway => {
            let policy = write::write(&write::Block::of(&policy(answers, &configuration.to_json())));
            files.push(("weir-policy.yaml", format!("{POLICY_COMMENT}{policy}")));
            if answers.split == Split::Canary {
                files.push(("routes.yaml", GATEWAY_ROUTES.to_owned()));
            }
        }
    }
    Ok(files)
}

/// What `weir render` prints for a configuration.
fn rendered(arguments: &[&str], configuration: &str) -> Result<String, Failure> {
    let folder = tempfile::tempdir().map_err(anyhow::Error::from)?;
    let file = folder.path().join(CONFIGURATION);
    std::fs::write(&file, configuration).map_err(anyhow::Error::from)?;
    let command = render::Command::augment_subcommands(clap::Command::new("render"));
    let words = ["render"].into_iter().chain(arguments.iter().copied()).map(std::ffi::OsStr::new);
    let matches =
        command.try_get_matches_from(words.chain([file.as_os_str()])).map_err(anyhow::Error::from)?;
    let command = render::Command::from_arg_matches(&matches).map_err(anyhow::Error::from)?;
    let mut out = Vec::new();
    render::run(&command, &mut out)?;
    let text = String::from_utf8(out).map_err(anyhow::Error::from)?;
    Ok(text.replace(&file.display().to_string(), CONFIGURATION))
}

/// Writes the files. Whether one exists is found before any is written.
///
/// # Errors
/// One exists, or cannot be written.
pub(super) fn write(folder: &Path, files: &[(&str, String)]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let existing =
        files.iter().map(|(name, _)| folder.join(name)).find(|path| path.symlink_metadata().is_ok());
    if let Some(path) = existing {
        bail!("{} exists, and is not overwritten: choose another folder with --to", path.display());
    }
    for (name, text) in files {
        let path = folder.join(name);
        let written = OpenOptions::new().write(true).create_new(true).open(&path);
        written
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// A file as people name it.
pub(super) fn shown(folder: &Path, name: &str) -> String {
    if folder == Path::new(".") { name.to_owned() } else { folder.join(name).display().to_string() }
}

/// What to do next, for people.
pub(super) fn next(answers: &Answers, folder: &Path) -> String {
    let file = |name: &str| shown(folder, name);
    let configuration = file(CONFIGURATION);
    let apply = match answers.place {
        Where::Envoy => format!("envoy -c {}", file("envoy.yaml")),
        Where::Istio => format!(
            "weir push dist/ registry.example.com/weir, then put the image into {}",
            file("weir-plugin.yaml")
        ),
        Where::EnvoyGateway => format!(
            "weir push dist/ registry.example.com/weir, then put the image into {}",
            file("weir-policy.yaml")
        ),
    };
    let keys = match (&answers.tokens, answers.place) {
        (Some(issuer), Where::Envoy | Where::Istio) => {
            let cluster = if answers.place == Where::Istio {
                format!("outbound|{}||{}", issuer.port, issuer.host)
            } else {
                KEYS.to_owned()
            };
            format!(" --upstream '{cluster}=https://{}:{}'", issuer.host, issuer.port)
        }
        _ => String::new(),
    };
    let run = if configuration == CONFIGURATION && keys.is_empty() {
        "weir run".to_owned()
    } else {
        format!("weir run {configuration}{keys}")
    };
    format!("Next:\n  {run}    # in a real Envoy, with sample services\n  {apply}")
}

/// The policy of Envoy Gateway.
fn policy(answers: &Answers, configuration: &Value) -> Value {
    let mut wasm = json!({
        "name": "weir", "rootID": "weir",
        "code": {"type": "Image", "image": {
            "url": "registry.example.com/weir/weir:0.1.0",
            "sha256": "0".repeat(64)}},
        "failOpen": answers.tokens.is_none(),
        "config": configuration,
    });
    if answers.tokens.is_some()
        && let Value::Object(members) = &mut wasm
    {
        members.insert("env".to_owned(), json!({"hostKeys": [KEYS_VARIABLE]}));
    }
    json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyExtensionPolicy",
        "metadata": {"name": "weir", "namespace": "default"},
        "spec": {
            "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "web"}],
            "wasm": [wasm]},
    })
}

const POLICY_COMMENT: &str = "\
# Loads Weir for the routes of the HTTPRoute `web`: its name, the namespace and the image are yours to insert.
# `sha256` is the image's digest, as `weir push` prints it. `config` is weir.yaml.
";

const ISTIO_ROUTES: &str = "\
# The route of the canary comes first; it follows the header that Weir sets. Names and hosts are yours to insert.
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: default}
spec:
  hosts: [shop.example.com]
  gateways: [istio-ingress/public]
  http:
  - match: [{headers: {x-weir-route: {exact: canary}}}]
    route: [{destination: {host: web, subset: canary}}]
  - route: [{destination: {host: web, subset: stable}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: default}
spec:
  host: web
  subsets:
  - {name: stable, labels: {version: stable}}
  - {name: canary, labels: {version: canary}}
";

const GATEWAY_ROUTES: &str = "\
# The rule of the canary follows the header that Weir sets. Names and hosts are yours to insert.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: default}
spec:
  parentRefs: [{name: public}]
  hostnames: [shop.example.com]
  rules:
  - matches:
    - path: {type: PathPrefix, value: /}
      headers: [{name: x-weir-route, value: canary}]
    backendRefs: [{name: web-canary, port: 80}]
  - matches:
    - path: {type: PathPrefix, value: /}
    backendRefs: [{name: web, port: 80}]
";
