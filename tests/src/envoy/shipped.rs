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
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| replace_ports(value, upstreams)),
        Value::Object(object) => {
            let number =
                object.get("port_value").and_then(Value::as_u64).and_then(|port| port.checked_sub(9001));
            if let Some(upstream) = number.and_then(|n| upstreams.get(usize::try_from(n).ok()?)) {
                object.insert("port_value".to_owned(), json!(upstream.port()));
            }
            object.values_mut().for_each(|value| replace_ports(value, upstreams));
        }
        _ => {}
    }
}

/// Envoy's reader of YAML knows whole numbers only; anything else in a `Struct` is a text to it (measured with 1.40).
pub(super) fn decimals_to_texts(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => *value = json!(number.to_string()),
        Value::Array(list) => list.iter_mut().for_each(decimals_to_texts),
        Value::Object(object) => object.values_mut().for_each(decimals_to_texts),
        _ => {}
    }
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
}
