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
