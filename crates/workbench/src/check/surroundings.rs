//! Warnings about what is around a configuration: the listener, the resource, the address of the module.

use super::report::{Finding, Warned};
use crate::manifest::Plugin;
use crate::yaml::{Content, Mark, Node};
use weir_core::At;

/// The sections of a configuration, and the module that has just its filter.
const FILTERS: [(&str, &str); 5] = [
    ("routing", "ab_routing"),
    ("experiments", "experiment"),
    ("jwt", "jwt_claims"),
    ("faults", "fault_injection"),
    ("metrics", "metrics"),
];

/// All warnings about what is around a plugin.
pub(super) fn of(plugin: &Plugin) -> Vec<Warned> {
    let mut found = Found(Vec::new());
    found.addresses(plugin);
    if let Some(message) = plugin.around.message() {
        found.envoy(plugin, message);
    } else if let Some(resource) = plugin.around.resource() {
        let kind = resource.get("kind").and_then(Node::text).unwrap_or_default();
        let spec = resource.get("spec");
        match (kind, spec) {
            ("WasmPlugin", Some(spec)) => {
                found.istio(plugin, resource, spec, spec, &At::root().field("spec"))
            }
            ("TrafficExtension", Some(spec)) => {
                if let Some(wasm) = spec.get("wasm") {
                    found.istio(plugin, resource, spec, wasm, &At::root().field("spec").field("wasm"));
                }
            }
            ("EnvoyExtensionPolicy", Some(spec)) => found.gateway(plugin, spec),
            _ => {}
        }
    }
    found.0
}

struct Found(Vec<Warned>);

impl Found {
    fn warn(&mut self, code: &'static str, at: Mark, path: &At, message: impl Into<String>) {
        let finding = Finding { at, path: Some(path.to_string()), message: message.into() };
        self.0.push(Warned { code, finding });
    }

    /// Istio's resources. In a TrafficExtension the module's fields are one level deeper.
    fn istio(&mut self, plugin: &Plugin, resource: &Node, spec: &Node, wasm: &Node, wasm_at: &At) {
        let spec_at = At::root().field("spec");
        let spec_mark = resource.mark_of("spec");
        let targets: Vec<&Node> =
            spec.get("targetRef").into_iter().chain(items(spec, "targetRefs")).collect();
        let matches: Vec<&Node> = items(spec, "match").collect();
        let mode = |entry: &Node| entry.get("mode").and_then(Node::text).unwrap_or("UNDEFINED").to_owned();
        if targets.is_empty() {
            const TWICE: &str = "without a mode a sidecar runs the plugin twice in each hop, at the caller and at the \
                                 callee: write `match: [{mode: CLIENT}]`, or SERVER";
            if matches.is_empty() {
                self.warn("W12", spec_mark, &spec_at.field("match"), TWICE);
            }
            for (index, entry) in matches.iter().enumerate().filter(|(_, entry)| mode(entry) == "UNDEFINED") {
                self.warn("W12", entry.at, &spec_at.field("match").index(index), TWICE);
            }
            let only_server = !matches.is_empty() && matches.iter().all(|entry| mode(entry) == "SERVER");
            if only_server && has(plugin, "routing") {
                let message = "a callee's sidecar has one route, which no header changes: decide at a gateway, at the \
                               callers (`mode: CLIENT`) or at a waypoint";
                self.warn("W20", spec.mark_of("match"), &spec_at.field("match"), message);
            }
        }
        let waypoint = |target: &&Node| {
            target
                .get("kind")
                .and_then(Node::text)
                .is_some_and(|kind| matches!(kind, "Service" | "ServiceEntry" | "GatewayClass"))
        };
        if targets.iter().any(waypoint) {
            for (index, entry) in matches.iter().enumerate() {
                if mode(entry) == "CLIENT" || entry.get("ports").is_some() {
                    let message = "a waypoint serves inbound requests on a port of its own, so that it does not run \
                                   this plugin: leave out `ports`, and write `mode: SERVER` or no `match`";
                    self.warn("W19", entry.at, &spec_at.field("match").index(index), message);
                }
            }
        }
        let phase = spec.get("phase").and_then(Node::text).unwrap_or("UNSPECIFIED");
        if has(plugin, "jwt") && !matches!(phase, "AUTHN" | "AUTHZ") {
            let mark = if spec.get("phase").is_some() { spec.mark_of("phase") } else { spec_mark };
            let message = "in this phase tokens are verified after Istio's authorization, which sees the headers that \
                           clients sent: write `phase: AUTHN`";
            self.warn("W18", mark, &spec_at.field("phase"), message);
        }
        if wasm.get("failStrategy").and_then(Node::text) == Some("FAIL_OPEN") {
            self.fails_open(
                plugin,
                wasm.mark_of("failStrategy"),
                &wasm_at.field("failStrategy"),
                "failStrategy: FAIL_RELOAD",
            );
        }
        if let Some(url) = wasm.get("url").and_then(Node::text) {
            let (mark, at) = (wasm.mark_of("url"), wasm_at.field("url"));
            let is_local = url.starts_with("file:") || url.starts_with('/');
            if !is_local && !is_pinned(url, wasm.get("sha256")) {
                self.unpinned(mark, &at, url);
            }
            self.module(plugin, url, mark, &at);
        }
        for (index, variable) in
            wasm.path(&["vmConfig", "env"]).map(Node::items).unwrap_or_default().iter().enumerate()
        {
            let name = variable.get("name").and_then(Node::text).unwrap_or_default();
            if variable.get("value").is_some()
                && plugin.configuration.as_ref().is_some_and(|it| is_secret(it, name))
            {
                let at = wasm_at.field("vmConfig").field("env").index(index).field("value");
                let message = "everyone with read access to this resource can read the secret: `valueFrom: HOST` takes it \
                               from the proxy's environment";
                self.warn("W22", variable.mark_of("value"), &at, message);
            }
        }
    }

    /// Envoy Gateway's policy: the entry of its list that has this plugin.
    fn gateway(&mut self, plugin: &Plugin, spec: &Node) {
        let entries = items(spec, "wasm").enumerate();
        let is_ours =
            |entry: &Node| entry.at == plugin.at || entry.get("config").is_some_and(|it| it.at == plugin.at);
        for (index, entry) in entries.filter(|(_, entry)| is_ours(entry)) {
            let at = At::root().field("spec").field("wasm").index(index);
            if entry.get("failOpen").is_some_and(|it| matches!(it.content, Content::Bool(true))) {
                self.fails_open(plugin, entry.mark_of("failOpen"), &at.field("failOpen"), "failOpen: false");
            }
            for source in ["image", "http"] {
                let Some(code) = entry.path(&["code", source]) else { continue };
                let Some(url) = code.get("url").and_then(Node::text) else { continue };
                let (mark, at) = (code.mark_of("url"), at.field("code").field(source).field("url"));
                if source == "image" && url.starts_with("oci://") {
                    let message = "Envoy Gateway documents images as REGISTRY/IMAGE, without `oci://`";
                    self.warn("W14", mark, &at, message);
                }
                if !is_pinned(url, code.get("sha256")) {
                    self.unpinned(mark, &at, url);
                }
                self.module(plugin, url, mark, &at);
            }
        }
    }

    fn envoy(&mut self, plugin: &Plugin, message: &Node) {
        let at = At::root().field("config");
        for (names, open) in [
            (["failure_policy", "failurePolicy"], ["FAIL_OPEN", "3"]),
            (["fail_open", "failOpen"], ["true"; 2]),
        ] {
            let Some(name) = names.into_iter().find(|name| message.get(name).is_some()) else { continue };
            if message.get(name).is_some_and(|it| open.contains(&it.to_json().to_string().trim_matches('"')))
            {
                self.fails_open(
                    plugin,
                    message.mark_of(name),
                    &at.field(name),
                    "failure_policy: FAIL_RELOAD",
                );
            }
        }
        for reference in &plugin.references {
            if reference.contains('/') {
                self.module(plugin, reference, message.at, &at);
            }
        }
    }

    fn fails_open(&mut self, plugin: &Plugin, mark: Mark, at: &At, better: &str) {
        if has(plugin, "jwt") {
            let message = format!(
                "while the plugin cannot run, requests pass without a valid token, with headers that clients sent: \
                 write `{better}`"
            );
            self.warn("W15", mark, at, message);
        }
    }

    fn unpinned(&mut self, mark: Mark, at: &At, url: &str) {
        let message = if url.starts_with("http") {
            "the module at this address can change at any time: pin it with `sha256`"
        } else {
            "a tag can be moved to another module at any time: pin the digest that `weir push` prints, as \
             IMAGE@sha256:… or in `sha256`"
        };
        self.warn("W13", mark, at, message);
    }

    /// Whether the module has the filters, by its name: as a build or `weir push` calls it.
    fn module(&mut self, plugin: &Plugin, url: &str, mark: Mark, at: &At) {
        let file = url.rsplit('/').next().unwrap_or_default();
        let stem = file.split(['@', ':']).next().unwrap_or_default();
        let stem = stem.strip_suffix(".wasm").unwrap_or(stem);
        let Some((own, _)) = FILTERS.iter().find(|(_, module)| *module == stem.replace('-', "_")) else {
            return;
        };
        let others: Vec<&str> =
            FILTERS.iter().map(|(section, _)| *section).filter(|it| it != own && has(plugin, it)).collect();
        if !others.is_empty() {
            let message = format!(
                "the module {stem} has the filter of `{own}` only, and this configuration has `{}`: take the module weir",
                others.join("`, `")
            );
            self.warn("W17", mark, at, message);
        }
    }

    /// W08: where an address decides about what is protected, behind a listener that takes the client's address
    /// from a header that clients can send.
    fn addresses(&mut self, plugin: &Plugin) {
        if let Some(configuration) = plugin.configuration.as_ref().filter(|_| plugin.believes_forwarded) {
            self.walk(configuration, &At::root(), false);
        }
    }

    fn walk(&mut self, node: &Node, at: &At, protects: bool) {
        for (index, item) in node.items().iter().enumerate() {
            self.walk(item, &at.index(index), protects);
        }
        for member in node.members() {
            let place = at.field(&member.key);
            if protects && member.key == "remoteIp" {
                let message = "this listener takes the client's address from x-forwarded-for, which every client can \
                               send: set `use_remote_address: true`, and `xff_num_trusted_hops` to the number of \
                               proxies in front of it";
                self.warn("W08", member.key_at, &place, message);
                continue;
            }
            let decides = matches!(member.key.as_str(), "trust" | "allow" | "killSwitch")
                || place.to_string() == "jwt.rules";
            self.walk(&member.value, &place, protects || decides);
        }
    }
}

fn items<'n>(node: &'n Node, key: &str) -> impl Iterator<Item = &'n Node> {
    node.get(key).map(Node::items).unwrap_or_default().iter()
}

/// Whether the configuration has this section.
fn has(plugin: &Plugin, section: &str) -> bool {
    plugin.configuration.as_ref().and_then(|it| it.get(section)).is_some_and(|it| !it.is_null())
}

fn is_pinned(url: &str, sha256: Option<&Node>) -> bool {
    url.contains("@sha256:") || sha256.and_then(Node::text).is_some_and(|digest| !digest.is_empty())
}

/// Whether the configuration takes a secret from the variable with this name.
fn is_secret(node: &Node, variable: &str) -> bool {
    let named = |node: &Node| node.get("env").and_then(Node::text) == Some(variable);
    let of_member = |member: &crate::yaml::Member| {
        let values = member.value.items().iter().chain([&member.value]);
        member.key == "secret" && values.into_iter().any(named) || is_secret(&member.value, variable)
    };
    node.members().iter().any(of_member) || node.items().iter().any(|item| is_secret(item, variable))
}
