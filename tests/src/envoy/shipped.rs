//! Whole configurations that users get, made fit for a test.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::cluster::local_port;

pub(super) fn with_other_ports(mut config: Value, upstreams: &[SocketAddr]) -> Value {
    config["admin"]["address"] = local_port(0);
    let resources = &mut config["static_resources"];
    let listeners = resources["listeners"].as_array_mut().into_iter().flatten();
    for (index, listener) in listeners.filter(|listener| has_port(listener)).enumerate() {
        listener["name"] = json!(format!("listener-{index}"));
        listener["address"] = local_port(0);
    }
    replace_ports(&mut resources["clusters"], upstreams);
    config
}

/// Whether clients can reach a listener; others are there for Envoy itself, by their names.
pub(super) fn has_port(listener: &Value) -> bool {
    listener.get("internal_listener").is_none()
}

/// Exchanges the ports 9001 and so on, wherever they stand.
fn replace_ports(value: &mut Value, upstreams: &[SocketAddr]) {
    let ports: Vec<_> = (9001..).zip(upstreams.iter().map(SocketAddr::port)).collect();
    each(value, &mut |value| {
        let Some(port) = value.get_mut("port_value") else { return };
        if let Some((_, to)) = ports.iter().find(|(from, _)| *port == json!(from)) {
            *port = json!(to);
        }
    });
}

/// Exchanges one port wherever it stands.
pub(super) fn replace_port(value: &mut Value, from: u16, to: u16) {
    each(value, &mut |value| match value.get_mut("port_value") {
        Some(port) if *port == json!(from) => *port = json!(to),
        _ => {}
    });
}

/// Exchanges each text that is `from`.
pub(super) fn replace_text(value: &mut Value, from: &str, to: &str) {
    each(value, &mut |value| {
        if *value == from {
            *value = json!(to);
        }
    });
}

/// Exchanges the module with all filters for the one that has just those that a plugin is configured for, where there is
/// one: an Envoy compiles it in half of the time.
pub(super) fn smallest_modules(config: &mut Value) {
    each(config, &mut |value| {
        let Some(module) = only_filter(&value["configuration"]["value"]) else { return };
        let file = value.pointer_mut("/vm_config/code/local/filename");
        let Some(Value::String(file)) = file else { return };
        if let Some(folder) = file.strip_suffix("weir.wasm") {
            *file = format!("{folder}{module}.wasm");
        }
    });
}

/// The smallest module for a configuration, by its name in `dist/`: that of the one filter in it, or the one with all.
pub fn smallest_module(configuration: &str) -> &'static str {
    only_filter(&json!(configuration)).unwrap_or("weir")
}

/// The module of the one section that a plugin's configuration has, which is a structure or the text of one.
fn only_filter(configuration: &Value) -> Option<&'static str> {
    let read: Value;
    let sections = match configuration {
        Value::String(text) => {
            read = serde_saphyr::from_str(text).ok()?;
            &read
        }
        structure => structure,
    };
    let mut names = sections.as_object()?.keys();
    let (Some(name), None) = (names.next(), names.next()) else { return None };
    Some(match name.as_str() {
        "experiments" => "experiment",
        // The other one has no faults of responses.
        "faults" => "fault_injection_response",
        "jwt" => "jwt_claims",
        "metrics" => "metrics",
        "routing" => "ab_routing",
        _ => return None,
    })
}

/// Calls `change` with a value and all that is in it, each once, the outer one first.
fn each(value: &mut Value, change: &mut impl FnMut(&mut Value)) {
    change(value);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| each(value, change)),
        Value::Object(object) => object.values_mut().for_each(|value| each(value, change)),
        _ => {}
    }
}

/// Envoy's reader of YAML knows whole numbers only; anything else in a `Struct` is a text to it (measured with 1.40).
pub(super) fn decimals_to_texts(value: &mut Value) {
    each(value, &mut |value| {
        if let Value::Number(number) = value
            && number.is_f64()
        {
            *value = json!(number.to_string());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_texts_as_in_envoys_yaml() {
        let mut config = json!({"a": [0, 0.5, "1.5"], "b": {"c": -2.25, "d": true}});
        decimals_to_texts(&mut config);
        assert_eq!(config, json!({"a": [0, "0.5", "1.5"], "b": {"c": "-2.25", "d": true}}));
    }

    #[test]
    fn a_plugin_of_one_filter_has_its_module() {
        let plugin = |file: &str, configuration: Value| json!({"vm_config": {"code": {"local": {"filename": file}}}, "configuration": {"value": configuration}});
        let both = json!({"routing": {}, "metrics": {}});
        let mut config = json!([
            plugin("dist/weir.wasm", json!({"routing": {}})),
            plugin("/d/weir.wasm", json!("faults: []")),
            plugin("dist/weir.wasm", both.clone()),
            plugin("dist/metrics.wasm", json!({"metrics": {}})),
        ]);
        smallest_modules(&mut config);
        let expected = json!([
            plugin("dist/ab_routing.wasm", json!({"routing": {}})),
            plugin("/d/fault_injection_response.wasm", json!("faults: []")),
            plugin("dist/weir.wasm", both),
            plugin("dist/metrics.wasm", json!({"metrics": {}})),
        ]);
        assert_eq!(config, expected);
    }

    #[test]
    fn ports_and_files_are_replaced_wherever_they_stand() {
        let mut config =
            json!({"a": [{"port_value": 9002}, {"port_value": 9004}], "port_value": 10001, "b": "x/y"});
        replace_ports(&mut config, &[([127, 0, 0, 1], 9002).into(), ([127, 0, 0, 1], 7).into()]);
        replace_port(&mut config, 10001, 8);
        replace_text(&mut config, "x/y", "z");
        let expected = json!({"a": [{"port_value": 7}, {"port_value": 9004}], "port_value": 8, "b": "z"});
        assert_eq!(config, expected);
    }
}
