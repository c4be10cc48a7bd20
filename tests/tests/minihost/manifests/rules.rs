//! The rules of definitions that are there in CEL, written by hand. A rule that is new in a newer definition
//! is found by its message.

use serde_json::Value;

/// The rules that definitions share.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// The messages of all.
    pub(crate) known: &'static [&'static str],
    /// Holds a `spec` to them.
    pub(crate) check: fn(&Value, &mut Vec<String>),
}

/// Those of WasmPlugin and TrafficExtension.
pub(crate) const ISTIO: Rules = Rules { known: &OF_ISTIO, check: istio };

/// Those of EnvoyExtensionPolicy.
pub(crate) const ENVOY_GATEWAY: Rules = Rules { known: &OF_ENVOY_GATEWAY, check: envoy_gateway };

const OF_ISTIO: [&str; 8] = [
    "wildcard not allowed in label value match",
    "wildcard not allowed in label key match",
    "key must not be empty",
    "cross namespace referencing is not currently supported",
    "url must have schema one of [http, https, file, oci]",
    "value may only be set when valueFrom is INLINE",
    "only one of targetRefs or selector can be set",
    "exactly one of wasm or lua must be set",
];

const OF_ENVOY_GATEWAY: [&str; 12] = [
    "either targetRef or targetRefs must be used",
    "this policy can only have a targetRef.group of gateway.networking.k8s.io",
    "this policy can only have a targetRef.kind of Gateway/ListenerSet/HTTPRoute/GRPCRoute/TCPRoute/UDPRoute/TLSRoute",
    "this policy can only have a targetRefs[*].group of gateway.networking.k8s.io",
    "this policy can only have a targetRefs[*].kind of Gateway/ListenerSet/HTTPRoute/GRPCRoute/TCPRoute/UDPRoute/TLSRoute",
    "mergeType can only be used with xRoute targets",
    "group must be gateway.networking.k8s.io",
    "selector must be specified when from is Selector",
    "If type is HTTP, http field needs to be set.",
    "If type is Image, image field needs to be set.",
    "only support Secret kind.",
    "Replace is not a valid MergeType for EnvoyExtensionPolicy",
];

fn istio(spec: &Value, problems: &mut Vec<String>) {
    let mut must = |holds: bool, rule: usize| {
        if !holds {
            problems.push(OF_ISTIO[rule].to_owned());
        }
    };
    let labels = spec["selector"]["matchLabels"].as_object();
    for (key, value) in labels.into_iter().flatten() {
        must(!value.as_str().is_some_and(|value| value.contains('*')), 0);
        must(!key.contains('*'), 1);
        must(!key.is_empty(), 2);
    }
    let references = spec["targetRefs"].as_array();
    for reference in references.into_iter().flatten() {
        must(reference["namespace"].as_str().unwrap_or_default().is_empty(), 3);
    }
    let (wasm, lua) = (spec.get("wasm"), spec.get("lua"));
    let code = wasm.unwrap_or(spec);
    if let Some(url) = code["url"].as_str() {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        must(["", "http", "https", "oci", "file"].contains(&scheme), 4);
    }
    for variable in code["vmConfig"]["env"].as_array().into_iter().flatten() {
        must(variable["valueFrom"] != "HOST" || variable.get("value").is_none(), 5);
    }
    let targets = ["selector", "targetRef", "targetRefs"];
    must(targets.iter().filter(|name| spec.get(**name).is_some()).count() <= 1, 6);
    let is_extension = spec.get("url").is_none();
    must(!is_extension || wasm.is_some() != lua.is_some(), 7);
}

fn envoy_gateway(spec: &Value, problems: &mut Vec<String>) {
    let mut must = |holds: bool, rule: usize| {
        if !holds {
            problems.push(OF_ENVOY_GATEWAY[rule].to_owned());
        }
    };
    let list = |name: &str| spec[name].as_array().cloned().unwrap_or_default();
    let (one, many, selectors) = (spec.get("targetRef"), spec.get("targetRefs"), list("targetSelectors"));
    must(one.is_some() != many.is_some() || !selectors.is_empty(), 0);
    let routes = ["HTTPRoute", "GRPCRoute", "UDPRoute", "TCPRoute", "TLSRoute"];
    let is_route = |target: &Value| target["kind"].as_str().is_some_and(|kind| routes.contains(&kind));
    let is_kind =
        |target: &Value| is_route(target) || target["kind"] == "Gateway" || target["kind"] == "ListenerSet";
    let is_group = |target: &Value| target["group"] == "gateway.networking.k8s.io";
    must(one.is_none_or(is_group), 1);
    must(one.is_none_or(is_kind), 2);
    must(list("targetRefs").iter().all(is_group), 3);
    must(list("targetRefs").iter().all(is_kind), 4);
    let all_routes =
        one.is_none_or(is_route) && list("targetRefs").iter().all(is_route) && selectors.iter().all(is_route);
    must(spec.get("mergeType").is_none() || all_routes, 5);
    must(spec["mergeType"] != "Replace", 11);
    for selector in &selectors {
        must(selector.get("group").is_none() || is_group(selector), 6);
        let namespaces = &selector["namespaces"];
        must(namespaces["from"] != "Selector" || namespaces.get("selector").is_some(), 7);
    }
    for wasm in list("wasm") {
        let code = &wasm["code"];
        must((code["type"] == "HTTP") == code.get("http").is_some(), 8);
        must((code["type"] == "Image") == code.get("image").is_some(), 9);
        let secret = code["image"].get("pullSecretRef");
        // Its kind is Secret unless something else is said.
        must(secret.and_then(|secret| secret.get("kind")).is_none_or(|kind| kind == "Secret"), 10);
    }
}
