//! What a file is that has no configuration.

use crate::yaml::Node;

/// What the documents are, and where a configuration would be; nothing for what says nothing of itself.
pub(super) fn described(documents: &[Node]) -> Option<String> {
    let mut kinds: Vec<&str> = Vec::new();
    for kind in documents.iter().filter_map(|document| document.get("kind")?.text()) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let first = *kinds.first()?;
    let more = match kinds.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let advice = match first {
        "VirtualService"
        | "DestinationRule"
        | "Gateway"
        | "RequestAuthentication"
        | "AuthorizationPolicy" => {
            "it stays with Istio; a configuration is in a WasmPlugin or TrafficExtension"
        }
        "HTTPRoute" | "GRPCRoute" | "GatewayClass" => {
            "it stays with the Gateway API; a configuration is in a WasmPlugin, TrafficExtension or EnvoyExtensionPolicy"
        }
        "Kustomization" | "Component" => {
            "check what kustomize makes of it: kubectl kustomize FOLDER | weir check -"
        }
        "WasmPlugin" | "TrafficExtension" | "EnvoyExtensionPolicy" => {
            "`--all-plugins` checks the plugins of others too"
        }
        _ => return Some(format!("it is of kind {first:?}{more}")),
    };
    Some(format!("it is of kind {first:?}{more}: {advice}"))
}
