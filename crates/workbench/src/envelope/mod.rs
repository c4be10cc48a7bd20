//! What surrounds a configuration: the fields of Istio's, Envoy Gateway's and Envoy's own resources. A resource is
//! held to what an API server or Envoy would refuse, with the position of each problem.
//!
//! `crds.json` has the schemas of the CustomResourceDefinitions in `tests/vectors` without their descriptions;
//! `definitions.rs` writes it. Their rules in CEL are implemented in `rules.rs`, one by one. `object-meta.json` is
//! what an API server asks of every resource's metadata, and `wasm.json` the messages of Envoy's Wasm filter in the
//! same form: both are written by hand.

mod around;
#[cfg(test)]
mod definitions;
mod hold;
mod refused;
mod rules;
mod schema;
mod uri;

use crate::yaml::Node;
pub use around::Around;
use hold::Hold;
pub(crate) use refused::Refused;
use schema::{Definition, Schema};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use weir_core::At;

/// The kinds by name.
static KINDS: LazyLock<BTreeMap<String, Definition>> = LazyLock::new(|| read(include_str!("crds.json")));
static OBJECT_META: LazyLock<Schema> = LazyLock::new(|| read(include_str!("object-meta.json")));
/// Envoy's messages: `Wasm`, with a `PluginConfig` in it.
static WASM: LazyLock<Schema> = LazyLock::new(|| read(include_str!("wasm.json")));

/// A test reads each of the files.
fn read<T: serde::de::DeserializeOwned + Default>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_default()
}

/// Everything that is refused of what is around a configuration.
pub(crate) fn refused(around: &Around) -> Vec<Refused> {
    match around {
        Around::Nothing => Vec::new(),
        Around::Resource(node) => resource(node),
        Around::Wasm(node) => message(node, &WASM),
        Around::Plugin(node) => WASM.properties.get("config").map_or_else(Vec::new, |it| message(node, it)),
    }
}

fn message(node: &Node, schema: &Schema) -> Vec<Refused> {
    let mut hold = Hold::protobuf();
    hold.node(schema, node, &At::root(), node.at);
    hold.refused
}

/// Whether a kind of resource is one of those that are held to their definitions.
pub(crate) fn knows_kind(kind: &str) -> bool {
    KINDS.contains_key(kind)
}

/// Whether an API server refuses a resource of this version for its kind: of one group all kinds are known, and none
/// goes without.
pub(crate) fn kind_is_wrong(version: &str, kind: Option<&Node>) -> bool {
    /// Istio's, for extensions.
    const WHOLE_GROUP: &str = "extensions.istio.io/v1alpha1";
    let is_known = KINDS.values().any(|definition| definition.api_version == version);
    let unknown = |kind: &Node| kind.text().is_none_or(|kind| !knows_kind(kind));
    is_known && kind.is_none_or(|kind| version == WHOLE_GROUP && unknown(kind))
}

fn resource(node: &Node) -> Vec<Refused> {
    let kind = node.get("kind").and_then(Node::text).unwrap_or_default();
    let mut hold = Hold::default();
    let root = At::root();
    let version = node.get("apiVersion");
    let Some(definition) = KINDS.get(kind) else {
        if version.and_then(Node::text).is_some_and(|version| kind_is_wrong(version, node.get("kind"))) {
            let version = version.and_then(Node::text).unwrap_or_default();
            let of_version = KINDS.iter().filter(|(_, definition)| definition.api_version == version);
            let names: Vec<String> = of_version.map(|(name, _)| format!("`{name}`")).collect();
            let (mark, wrong) = match node.get("kind") {
                None => (node.at, "the kind of the resource is required".to_owned()),
                Some(kind) => {
                    let shown = kind.text().unwrap_or("this");
                    (node.mark_of("kind"), format!("{version} has no kind `{shown}`"))
                }
            };
            hold.refuse(mark, &root.field("kind"), format!("{wrong}: write {}", names.join(" or ")));
        }
        return hold.refused;
    };
    if version.is_none() {
        let message = format!("the version is required: write `apiVersion: {}`", definition.api_version);
        hold.refuse(node.at, &root.field("apiVersion"), message);
    }
    if let Some(version) = version.filter(|it| it.text() != Some(definition.api_version.as_str())) {
        let at = root.field("apiVersion");
        let mark = node.mark_of("apiVersion");
        let shown = version.text().unwrap_or("this");
        let message = format!("a {kind} has no version `{shown}`: write `{}`", definition.api_version);
        hold.refuse(mark, &at, message);
    }
    hold.node(&definition.schema, node, &root, node.at);
    match node.get("metadata").filter(|metadata| !metadata.is_null()) {
        Some(metadata) => {
            let at = root.field("metadata");
            hold.node(&OBJECT_META, metadata, &at, node.mark_of("metadata"));
            let named =
                |key| metadata.get(key).is_some_and(|name| !name.is_null() && name.text() != Some(""));
            if !named("name") && !named("generateName") && metadata.has_parts() {
                let message = "the name of the resource is required";
                hold.refuse(node.mark_of("metadata"), &at.field("name"), message);
            }
        }
        None => hold.refuse(node.at, &root.field("metadata"), "`metadata` with a `name` is required"),
    }
    hold.refused.sort_by_key(|refused| refused.mark);
    hold.refused
}
