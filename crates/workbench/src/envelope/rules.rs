//! The rules that definitions have in CEL, one function for each. A test of `definitions.rs` sees to it that these
//! are exactly the rules that the definitions have.

use super::uri;
use crate::yaml::{Content, Node};

/// A rule.
pub(super) struct Known {
    /// Its text, with single spaces.
    cel: &'static str,
    /// Whether a value keeps it. What has another type than it should is refused for that alone.
    pub(super) holds: fn(&Node) -> bool,
    /// What is said of a value that does not.
    pub(super) message: &'static str,
}

/// The rule with this text.
pub(super) fn find(cel: &str) -> Option<&'static Known> {
    RULES.iter().find(|known| known.cel == cel)
}

/// The texts of all.
#[cfg(test)]
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|known| known.cel)
}

const GATEWAY_API: &str = "gateway.networking.k8s.io";
const ROUTES: [&str; 5] = ["HTTPRoute", "GRPCRoute", "UDPRoute", "TCPRoute", "TLSRoute"];

static RULES: [Known; 24] = [
    // Istio.
    Known {
        cel: r#"!self.contains("*")"#,
        holds: |node| node.text().is_none_or(|text| !text.contains('*')),
        message: "a label's value is compared as it is: `*` is not allowed",
    },
    Known {
        cel: r#"self.all(key, !key.contains("*"))"#,
        holds: |node| node.members().iter().all(|member| !member.key.contains('*')),
        message: "a label's name is compared as it is: `*` is not allowed",
    },
    Known {
        cel: "self.all(key, key.size() != 0)",
        holds: |node| node.members().iter().all(|member| !member.key.is_empty()),
        message: "a label without a name",
    },
    Known {
        cel: "self.size() == 0",
        holds: |node| node.text().is_none_or(str::is_empty),
        message: "targets in another namespace are not supported: remove `namespace`",
    },
    Known { cel: URL_OF_PLUGIN, holds: address, message: ADDRESS },
    Known { cel: URL_OF_EXTENSION, holds: address, message: ADDRESS },
    Known {
        cel: r#"(has(self.valueFrom) ? self.valueFrom : "") != "HOST" || !has(self.value)"#,
        holds: |node| word(node, "valueFrom") != Some("HOST") || !has(node, "value"),
        message: "`valueFrom: HOST` takes the value from the proxy: remove `value`",
    },
    Known {
        cel: "(has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1",
        holds: one_target,
        message: ONE_TARGET,
    },
    Known {
        cel: "(has(self.selector) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1",
        holds: one_target,
        message: ONE_TARGET,
    },
    Known {
        cel: "has(self.wasm) != has(self.lua)",
        holds: |node| has(node, "wasm") != has(node, "lua"),
        message: "needs exactly one of `wasm`, `lua`",
    },
    // Envoy Gateway.
    Known {
        cel: "(has(self.targetRef) && !has(self.targetRefs)) || (!has(self.targetRef) && has(self.targetRefs)) || \
              (has(self.targetSelectors) && self.targetSelectors.size() > 0)",
        holds: |node| {
            has(node, "targetRef") != has(node, "targetRefs")
                || node.get("targetSelectors").is_some_and(|list| !list.items().is_empty())
        },
        message: "needs `targetRefs`, or `targetSelectors`: what the policy is for",
    },
    Known {
        cel: "has(self.targetRef) ? self.targetRef.group == 'gateway.networking.k8s.io' : true",
        holds: |node| member(node, "targetRef").is_none_or(is_gateway_api),
        message: "the `group` of `targetRef` must be gateway.networking.k8s.io",
    },
    Known {
        cel: "has(self.targetRef) ? self.targetRef.kind in ['Gateway', 'ListenerSet', 'HTTPRoute', 'GRPCRoute', \
              'UDPRoute', 'TCPRoute', 'TLSRoute'] : true",
        holds: |node| member(node, "targetRef").is_none_or(is_target),
        message: "the `kind` of `targetRef` must be Gateway, ListenerSet, or a route such as HTTPRoute",
    },
    Known {
        cel: "has(self.targetRefs) ? self.targetRefs.all(ref, ref.group == 'gateway.networking.k8s.io') : true",
        holds: |node| all(node, "targetRefs", is_gateway_api),
        message: "the `group` of each of `targetRefs` must be gateway.networking.k8s.io",
    },
    Known {
        cel: "has(self.targetRefs) ? self.targetRefs.all(ref, ref.kind in ['Gateway', 'ListenerSet', 'HTTPRoute', \
              'GRPCRoute', 'UDPRoute', 'TCPRoute', 'TLSRoute']) : true",
        holds: |node| all(node, "targetRefs", is_target),
        message: "the `kind` of each of `targetRefs` must be Gateway, ListenerSet, or a route such as HTTPRoute",
    },
    Known {
        cel: "!has(self.mergeType) || ((!has(self.targetRef) || self.targetRef.kind in ['HTTPRoute', 'GRPCRoute', \
              'UDPRoute', 'TCPRoute', 'TLSRoute']) && (!has(self.targetRefs) || self.targetRefs.all(ref, ref.kind in \
              ['HTTPRoute', 'GRPCRoute', 'UDPRoute', 'TCPRoute', 'TLSRoute'])) && (!has(self.targetSelectors) || \
              self.targetSelectors.all(sel, sel.kind in ['HTTPRoute', 'GRPCRoute', 'UDPRoute', 'TCPRoute', \
              'TLSRoute'])))",
        holds: |node| {
            !has(node, "mergeType")
                || member(node, "targetRef").is_none_or(is_route)
                    && all(node, "targetRefs", is_route)
                    && all(node, "targetSelectors", is_route)
        },
        message: "`mergeType` is for policies whose targets are routes",
    },
    Known {
        cel: "self != 'Replace'",
        holds: |node| node.text() != Some("Replace"),
        message: "`Replace` is not for this kind of policy",
    },
    Known {
        cel: "has(self.group) ? self.group == 'gateway.networking.k8s.io' : true",
        holds: |node| !has(node, "group") || is_gateway_api(node),
        message: "the `group` must be gateway.networking.k8s.io",
    },
    Known {
        cel: "self.from != 'Selector' || has(self.selector)",
        holds: |node| word(node, "from") != Some("Selector") || has(node, "selector"),
        message: "`from: Selector` needs a `selector`",
    },
    Known {
        cel: "self.type == 'HTTP' ? has(self.http) : !has(self.http)",
        holds: |node| word(node, "type").is_none_or(|kind| (kind == "HTTP") == has(node, "http")),
        message: "`type: HTTP` and the member `http` belong together",
    },
    Known {
        cel: "self.type == 'Image' ? has(self.image) : !has(self.image)",
        holds: |node| word(node, "type").is_none_or(|kind| (kind == "Image") == has(node, "image")),
        message: "`type: Image` and the member `image` belong together",
    },
    Known {
        cel: "self.kind == 'Secret'",
        // That is what it is if nothing is said.
        holds: |node| word(node, "kind").is_none_or(|kind| kind == "Secret"),
        message: "the `kind` must be Secret",
    },
    // An API server's own, of metadata.
    Known {
        cel: "names of labels",
        holds: |node| node.members().iter().all(|member| is_qualified(&member.key)),
        message: "a name of a label is invalid: expected letters, digits, `-`, `_` and `.` (at most 63), with a DNS name \
                  and `/` before it if need be",
    },
    Known {
        cel: "names of annotations",
        holds: |node| {
            let size = |text: Option<&str>| text.map_or(0, str::len);
            let total: usize =
                node.members().iter().map(|member| member.key.len() + size(member.value.text())).sum();
            let mut names = node.members().iter().map(|member| member.key.to_ascii_lowercase());
            names.all(|name| is_qualified(&name)) && total <= 256 << 10
        },
        message: "a name of an annotation is invalid, or all are longer than 256 KiB: expected letters, digits, `-`, `_` \
                  and `.` (at most 63), with a DNS name and `/` before it if need be",
    },
];

const URL_OF_PLUGIN: &str = r#"isURL(self) ? (url(self).getScheme() in ["", "http", "https", "oci", "file"]) : (isURL("http://" + self) && url("http://" + self).getScheme() in ["", "http", "https", "oci", "file"])"#;
const URL_OF_EXTENSION: &str = r#"isURL(self) ? (url(self).getScheme() in ["", "http", "https", "file", "oci"]) : (isURL("http://" + self) && url("http://" + self).getScheme() in ["", "http", "https", "file", "oci"])"#;
const ADDRESS: &str =
    "not an address of a module: write oci://REGISTRY/IMAGE@sha256:DIGEST, https://… or file://…";
const ONE_TARGET: &str = "`selector` and `targetRefs` exclude each other: `selector` is for sidecars and gateways by \
                          their pods' labels, `targetRefs` for waypoints and gateways of the Gateway API";

/// Whether something is given: an API server drops nulls before it looks.
fn has(node: &Node, key: &str) -> bool {
    member(node, key).is_some()
}

fn member<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|value| !matches!(value.content, Content::Null))
}

fn word<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    member(node, key)?.text()
}

fn all(node: &Node, key: &str, holds: fn(&Node) -> bool) -> bool {
    node.get(key).map(Node::items).unwrap_or_default().iter().all(holds)
}

fn address(node: &Node) -> bool {
    node.text().is_none_or(|text| uri::has_scheme(text, &["", "http", "https", "oci", "file"]))
}

fn one_target(node: &Node) -> bool {
    ["selector", "targetRef", "targetRefs"].into_iter().filter(|key| has(node, key)).count() <= 1
}

fn is_gateway_api(target: &Node) -> bool {
    word(target, "group").is_none_or(|group| group == GATEWAY_API)
}

fn is_route(target: &Node) -> bool {
    word(target, "kind").is_none_or(|kind| ROUTES.contains(&kind))
}

fn is_target(target: &Node) -> bool {
    is_route(target) || word(target, "kind").is_some_and(|kind| kind == "Gateway" || kind == "ListenerSet")
}

/// Kubernetes' qualified names: `example.com/name`.
fn is_qualified(key: &str) -> bool {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ends(label) && label.bytes().all(inner)
    };
    name.len() <= 63
        && ends(name)
        && name.bytes().all(inner)
        && prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(label))
}
