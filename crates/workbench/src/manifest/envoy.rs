//! Envoy's own configuration, in whatever it is wrapped: a bootstrap, a listener, an ECDS resource, an
//! EnvoyFilter's patch.

use super::plugin::Plugin;
use crate::envelope::Around;
use crate::yaml::{Broken, Content, Mark, Node, Source, Style};
use base64::Engine as _;
use std::rc::Rc;

/// Keys at the top of bootstraps, discovery responses and single resources. No Weir configuration has
/// them.
const TOP: [&str; 16] = [
    "@type",
    "static_resources",
    "staticResources",
    "dynamic_resources",
    "dynamicResources",
    "admin",
    "node",
    "bootstrap_extensions",
    "resources",
    "filter_chains",
    "filterChains",
    "http_filters",
    "httpFilters",
    "typed_config",
    "typedConfig",
    "load_assignment",
];

pub(super) fn is_configuration(document: &Node) -> bool {
    TOP.iter().any(|key| document.get(key).is_some())
}

/// The plugins anywhere in a tree: WebAssembly and dynamic modules.
pub(super) fn plugins(tree: &Node, source: &Source<'_>, title: &str) -> Vec<Plugin> {
    let mut found = Vec::new();
    walk(tree, source, title, false, &mut found);
    found
}

fn walk(node: &Node, source: &Source<'_>, title: &str, forwarded: bool, found: &mut Vec<Plugin>) {
    let inner = match is_filter(node) {
        true => config_of(node),
        false => node.get("config").filter(|inner| vm_of(inner).is_some()),
    };
    let here = match inner {
        Some(inner) => Some((inner, Around::Wasm(Rc::new(node.clone())))),
        None if vm_of(node).is_some() => Some((node, Around::Plugin(Rc::new(node.clone())))),
        None => typed_struct(node),
    };
    if let Some((message, around)) = here {
        found.push(Plugin { believes_forwarded: forwarded, around, ..plugin(message, source, title) });
        return;
    }
    if let Some(module) = node.get_any(&["dynamic_module_config", "dynamicModuleConfig"])
        && node.get_any(&["filter_name", "filterName", "filter_config", "filterConfig"]).is_some()
    {
        found.push(Plugin { believes_forwarded: forwarded, ..native(node, module, source, title) });
        return;
    }
    let forwarded = believes_forwarded(node).unwrap_or(forwarded);
    for part in node.items().iter().chain(node.members().iter().map(|member| &member.value)) {
        walk(part, source, title, forwarded, found);
    }
}

/// The filter in a TypedStruct, which has the type beside the message.
fn typed_struct(node: &Node) -> Option<(&Node, Around)> {
    let value = node.get("value").filter(|_| names_filter(node, &["type_url", "typeUrl"]))?;
    Some((config_of(value)?, Around::Wasm(Rc::new(value.clone()))))
}

/// The `PluginConfig` in the filter's message; also under a misspelt name, which Envoy refuses.
fn config_of(filter: &Node) -> Option<&Node> {
    let under_any_name =
        || filter.members().iter().map(|member| &member.value).find(|it| vm_of(it).is_some());
    filter.get("config").or_else(under_any_name)
}

fn vm_of(node: &Node) -> Option<&Node> {
    node.get_any(&["vm_config", "vmConfig"])
}

/// Whether a message says that it is the Wasm filter's.
fn is_filter(node: &Node) -> bool {
    names_filter(node, &["@type"])
}

fn names_filter(node: &Node, keys: &[&str]) -> bool {
    let name = node.get_any(keys).and_then(Node::text);
    name.is_some_and(|name| name.ends_with("/envoy.extensions.filters.http.wasm.v3.Wasm"))
}

/// Whether a connection manager takes the client's address from `x-forwarded-for`; `None` for anything else,
/// and where an extension finds the address.
fn believes_forwarded(node: &Node) -> Option<bool> {
    node.get_any(&["http_filters", "httpFilters"])?;
    node.get_any(&["stat_prefix", "statPrefix"])?;
    if node.get_any(&["original_ip_detection_extensions", "originalIpDetectionExtensions"]).is_some() {
        return None;
    }
    let own = node.get_any(&["use_remote_address", "useRemoteAddress"]);
    Some(!own.is_some_and(|own| matches!(own.content, Content::Bool(true))))
}

/// A message `envoy.extensions.wasm.v3.PluginConfig`: nothing else has a `vm_config`.
fn plugin(node: &Node, source: &Source<'_>, title: &str) -> Plugin {
    let own = ["name", "root_id", "rootId"].iter().filter_map(|key| node.get(key)?.text());
    let mut references: Vec<String> = own.map(str::to_owned).collect();
    if let Some(code) = vm_of(node).and_then(|vm| vm.get("code")) {
        code_references(code, &mut references);
    }
    let name = node.get("name").and_then(Node::text);
    let mut plugin = Plugin {
        name: name.map_or_else(|| title.to_owned(), |name| format!("{title}, plugin {name}")),
        references,
        at: node.at,
        configuration: None,
        broken: Vec::new(),
        believes_forwarded: false,
        around: Around::Nothing,
        native: false,
    };
    if let Some(any) = node.get("configuration") {
        plugin.at = any.at;
        unpack(any, source, &mut plugin);
    }
    plugin
}

/// A message `envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter`.
fn native(node: &Node, module: &Node, source: &Source<'_>, title: &str) -> Plugin {
    let name = node.get_any(&["filter_name", "filterName"]).and_then(Node::text);
    let mut references: Vec<String> = name.into_iter().map(str::to_owned).collect();
    references.extend(module.get("name").and_then(Node::text).map(str::to_owned));
    code_references(module, &mut references);
    let mut plugin = Plugin {
        name: name.map_or_else(|| title.to_owned(), |name| format!("{title}, plugin {name}")),
        references,
        at: node.at,
        configuration: None,
        broken: Vec::new(),
        believes_forwarded: false,
        around: Around::Nothing,
        native: true,
    };
    if let Some(any) = node.get_any(&["filter_config", "filterConfig"]) {
        plugin.at = any.at;
        unpack(any, source, &mut plugin);
    }
    plugin
}

/// Where the code comes from: file names and addresses.
fn code_references(code: &Node, references: &mut Vec<String>) {
    for member in code.members() {
        match (member.key.as_str(), member.value.text()) {
            ("filename" | "uri", Some(text)) => references.push(text.to_owned()),
            _ => code_references(&member.value, references),
        }
    }
}

/// Takes the configuration out of its `google.protobuf.Any`.
fn unpack(any: &Node, source: &Source<'_>, plugin: &mut Plugin) {
    let kind = any.get("@type").and_then(Node::text).and_then(|name| name.rsplit('/').next());
    let Some(value) = any.get("value") else {
        plugin.broken.extend(kind.is_none().then(|| untyped(any.at)));
        return;
    };
    plugin.at = value.at;
    match (kind, &value.content) {
        (Some("google.protobuf.Struct"), _) => plugin.configuration = Some(value.clone()),
        (Some("google.protobuf.StringValue"), Content::Text(text, style)) => {
            json_text(source, value.at, text, *style, plugin);
        }
        (Some("google.protobuf.BytesValue"), Content::Text(text, _)) => match decoded(text) {
            // The text is nowhere in the file, so all its positions are the value's.
            Some(text) => json_text(source, value.at, &text, Style::Folded, plugin),
            None => plugin.broken.push(Broken::new(
                value.at,
                "a google.protobuf.BytesValue holds base64 of JSON in UTF-8; this is not valid base64 of UTF-8",
            )),
        },
        (Some("google.protobuf.StringValue" | "google.protobuf.BytesValue"), _) => {
            let message = "`value` must be a text here; for plain YAML take google.protobuf.Struct";
            plugin.broken.push(Broken::new(value.at, message));
        }
        (Some(other), _) => {
            let message = format!(
                "`{other}` cannot carry a configuration: take google.protobuf.Struct or google.protobuf.StringValue"
            );
            plugin.broken.push(Broken::new(any.at, message));
        }
        (None, _) => plugin.broken.push(untyped(any.at)),
    }
}

fn untyped(at: Mark) -> Broken {
    Broken::new(at, "the configuration needs an `@type`, such as type.googleapis.com/google.protobuf.Struct")
}

fn decoded(text: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?;
    String::from_utf8(bytes).ok()
}

/// The module gets a text as it is, and reads only JSON.
fn json_text(source: &Source<'_>, at: Mark, text: &str, style: Style, plugin: &mut Plugin) {
    if text.trim().is_empty() {
        return;
    }
    let (documents, broken) = source.read_inside(at, text, style);
    let is_json = serde_json::from_str::<serde_json::Value>(text).map(drop);
    match is_json {
        Err(error) if broken.is_empty() => plugin.broken.push(Broken::new(
            at,
            format!(
                "this text is not JSON ({error}), and modules read no other; for YAML take google.protobuf.Struct"
            ),
        )),
        _ => plugin.broken.extend(broken),
    }
    plugin.configuration = documents.into_iter().next();
}
