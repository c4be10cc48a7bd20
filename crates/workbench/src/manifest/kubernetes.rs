//! Kubernetes resources: Istio's WasmPlugin, TrafficExtension and EnvoyFilter, Envoy Gateway's
//! EnvoyExtensionPolicy, ConfigMaps with Envoy files in them, and lists of all these.

use super::envoy;
use super::plugin::Plugin;
use crate::envelope::{self, Around};
use crate::yaml::{Broken, Content, Member, Node, Source};
use std::rc::Rc;

/// Whether a document is a resource. No Weir configuration has these keys. Where one is missing or misspelt, which an
/// API server refuses, the other says what is meant.
pub(super) fn is_resource(document: &Node) -> bool {
    let both = document.get("apiVersion").is_some() && document.get("kind").is_some();
    both || is_for_plugins(document)
}

/// Whether a resource is made for plugins, as far as its kind, or without a kind its version, says so.
fn is_for_plugins(document: &Node) -> bool {
    let text = |key| document.get(key).and_then(Node::text);
    match text("kind") {
        Some(kind) if envelope::knows_kind(kind) => true,
        _ => text("apiVersion").is_some_and(|version| envelope::kind_is_wrong(version, document.get("kind"))),
    }
}

/// The Wasm plugins of a resource.
pub(super) fn plugins(resource: &Node, source: &Source<'_>) -> Vec<Plugin> {
    let kind = resource.get("kind").and_then(Node::text).unwrap_or_default();
    let name = resource.path(&["metadata", "name"]).and_then(Node::text).unwrap_or_default();
    let title = format!("{kind} {name}");
    match kind {
        "WasmPlugin" => {
            let plugin = resource.get("spec").map(|spec| istio(spec, &title));
            within(resource, plugin.into_iter().collect())
        }
        "TrafficExtension" => {
            let plugin = resource.path(&["spec", "wasm"]).map(|wasm| istio(wasm, &title));
            within(resource, plugin.into_iter().collect())
        }
        "EnvoyExtensionPolicy" => within(resource, gateway(resource, &title)),
        "ConfigMap" => config_map(resource, source, &title),
        "EnvoyFilter" => envoy_filter(resource, source, &title),
        kind if kind.ends_with("List") => {
            let items = resource.get("items").map(Node::items).unwrap_or_default();
            items.iter().flat_map(|item| plugins(item, source)).collect()
        }
        _ => envoy::plugins(resource, source, &title),
    }
}

/// The resources that are made for plugins and have none where plugins are looked for, in a document.
pub(super) fn without_plugins<'d>(document: &'d Node, source: &Source<'_>) -> Vec<&'d Node> {
    let kind = document.get("kind").and_then(Node::text).unwrap_or_default();
    if kind.ends_with("List") {
        let items = document.get("items").map(Node::items).unwrap_or_default();
        return items.iter().flat_map(|item| without_plugins(item, source)).collect();
    }
    if is_for_plugins(document) && plugins(document, source).is_empty() {
        return vec![document];
    }
    Vec::new()
}

/// What is wrong with the syntax of the files in a ConfigMap.
pub(super) fn broken_files(document: &Node, source: &Source<'_>) -> Vec<Broken> {
    let is_config_map = document.get("kind").and_then(Node::text) == Some("ConfigMap");
    let files = document.get("data").filter(|_| is_config_map).map(Node::members).unwrap_or_default();
    let broken = |file: &Member| match &file.value.content {
        Content::Text(text, style)
            if [".yaml", ".yml", ".json"].iter().any(|end| file.key.ends_with(end)) =>
        {
            source.read_inside(file.value.at, text, *style).1
        }
        _ => Vec::new(),
    };
    files.iter().flat_map(broken).collect()
}

/// Plugins with the resource that they are in.
fn within(resource: &Node, mut plugins: Vec<Plugin>) -> Vec<Plugin> {
    if !plugins.is_empty() {
        let around = Rc::new(resource.clone());
        plugins.iter_mut().for_each(|plugin| plugin.around = Around::Resource(Rc::clone(&around)));
    }
    plugins
}

/// A `spec` of WasmPlugin, or `spec.wasm` of TrafficExtension: both have the same fields.
fn istio(spec: &Node, title: &str) -> Plugin {
    let references = ["url", "pluginName", "imageName"].iter().filter_map(|key| spec.get(key)?.text());
    inline(spec, "pluginConfig", title, references.map(str::to_owned).chain([title.to_owned()]).collect())
}

/// The list `spec.wasm` of EnvoyExtensionPolicy.
fn gateway(resource: &Node, title: &str) -> Vec<Plugin> {
    let wasm = resource.path(&["spec", "wasm"]).map(Node::items).unwrap_or_default();
    let plugin = |item: &Node| {
        let paths: [&[&str]; 4] =
            [&["code", "image", "url"], &["code", "http", "url"], &["name"], &["rootID"]];
        let references = paths.iter().filter_map(|path| item.path(path)?.text()).map(str::to_owned).collect();
        inline(item, "config", title, references)
    };
    wasm.iter().map(plugin).collect()
}

/// A plugin whose configuration is an object of the resource; the control plane makes JSON of it.
fn inline(parent: &Node, key: &str, title: &str, references: Vec<String>) -> Plugin {
    let configuration = parent.get(key).filter(|node| !matches!(node.content, Content::Null)).cloned();
    let at = configuration.as_ref().map_or(parent.at, |node| node.at);
    Plugin {
        name: title.to_owned(),
        references,
        at,
        configuration,
        broken: Vec::new(),
        believes_forwarded: false,
        around: Around::Nothing,
        native: false,
    }
}

/// Istio's patches of Envoy's configuration. One that is merged with what is there need not be complete.
fn envoy_filter(resource: &Node, source: &Source<'_>, title: &str) -> Vec<Plugin> {
    let patches = resource.path(&["spec", "configPatches"]).map(Node::items).unwrap_or_default();
    let of_patch = |patch: &Node| {
        let mut plugins = envoy::plugins(patch, source, title);
        if patch.path(&["patch", "operation"]).and_then(Node::text) == Some("MERGE") {
            plugins.iter_mut().for_each(|plugin| plugin.around = Around::Nothing);
        }
        plugins
    };
    patches.iter().flat_map(of_patch).collect()
}

/// Envoy files are often mounted from a ConfigMap, each a text.
fn config_map(resource: &Node, source: &Source<'_>, title: &str) -> Vec<Plugin> {
    let files = resource.get("data").map(Node::members).unwrap_or_default();
    let mut plugins = Vec::new();
    for file in files {
        let Content::Text(text, style) = &file.value.content else { continue };
        // Whatever else a ConfigMap has in it need not be YAML: see `broken_files`.
        let (documents, _) = source.read_inside(file.value.at, text, *style);
        let title = format!("{title}, {}", file.key);
        plugins.extend(documents.iter().flat_map(|document| envoy::plugins(document, source, &title)));
    }
    plugins
}
