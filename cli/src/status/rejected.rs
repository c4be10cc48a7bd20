//! For which of its plugins Envoy rejected a listener. No input or output.
//!
//! Envoy says it in a sentence, without saying which filter it speaks of in a field: WebAssembly by the plugin's name,
//! dynamic modules without a name, settings that are invalid by the type of their message.

use serde_json::Value;

/// As many bytes of a plugin's name are in its metrics.
const MAX_NAME: usize = 64;

/// What runs a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Wasm,
    /// A dynamic module.
    Native,
}

impl Kind {
    /// The type of a filter's message.
    const TYPES: [(Self, &'static str); 2] = [
        (Self::Wasm, "envoy.extensions.filters.http.wasm.v3.Wasm"),
        (Self::Native, "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter"),
    ];

    /// What Envoy says of any filter of this kind: the beginnings of its errors, and the types of its messages.
    fn signs(self) -> &'static [&'static str] {
        match self {
            Self::Wasm => &["envoy.extensions.filters.http.wasm.v3.", "envoy.extensions.wasm.v3."],
            Self::Native => &[
                "Failed to create filter config: ",
                "Failed to load dynamic module",
                "envoy.extensions.filters.http.dynamic_modules.v3.",
                "envoy.extensions.dynamic_modules.v3.",
            ],
        }
    }
}

/// The plugins of a listener for which Envoy rejected it, by what it says.
pub(super) fn plugins(listener: &Value, details: &str) -> Vec<String> {
    let mut all = Vec::new();
    collect(listener, None, &mut all);
    let concerned = all.into_iter().filter(|plugin| plugin.is_in(details));
    concerned.map(|plugin| label(plugin.name)).collect()
}

/// A plugin's name as the label `plugin` of its metrics has it: as `metric` in filters/module/src/running.rs.
pub(super) fn label(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    name.bytes().take(MAX_NAME).map(|byte| if plain(byte) { char::from(byte) } else { '_' }).collect()
}

/// The name of the plugin in a filter's message.
pub(super) fn name(message: &Value) -> Option<&str> {
    message["config"]["name"].as_str().or_else(|| message["filter_name"].as_str())
}

struct Plugin<'l> {
    kind: Kind,
    name: &'l str,
    /// The name of the filter in the listener.
    filter: Option<&'l str>,
}

impl Plugin<'_> {
    /// Whether Envoy speaks of it.
    fn is_in(&self, details: &str) -> bool {
        let by_name = match self.kind {
            Kind::Wasm => has(details, &format!("Wasm plugin {}", self.name)),
            Kind::Native => false,
        };
        let by_filter = self.filter.is_some_and(|filter| details.contains(&format!("filter '{filter}'")));
        by_name || by_filter || self.kind.signs().iter().any(|sign| details.contains(sign))
    }
}

/// Whether a text has this, not as the beginning of a longer name.
fn has(text: &str, wanted: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.match_indices(wanted).any(|(at, _)| !text[at + wanted.len()..].starts_with(goes_on))
}

/// The plugins below a part of a configuration; `filter` is the name beside a message.
fn collect<'l>(part: &'l Value, filter: Option<&'l str>, found: &mut Vec<Plugin<'l>>) {
    match part {
        Value::Array(items) => items.iter().for_each(|item| collect(item, None, found)),
        Value::Object(members) => {
            let message = part["@type"].as_str().and_then(|name| name.rsplit('/').next());
            let kind = Kind::TYPES.into_iter().find(|(_, name)| Some(*name) == message);
            if let Some((kind, _)) = kind {
                let name = name(part).or(filter);
                found.extend(name.map(|name| Plugin { kind, name, filter }));
                return;
            }
            let own = part["name"].as_str();
            members.values().for_each(|member| collect(member, own, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A listener with two plugins in WebAssembly, a native one and a filter of Envoy.
    fn listener() -> Value {
        let wasm = |filter: &str, plugin: &str| {
            let kind = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
            json!({"name": filter, "typed_config": {"@type": kind, "config": {"name": plugin}}})
        };
        let native =
            "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter";
        json!({"name": "http", "filter_chains": [{"filters": [{"name": "hcm", "typed_config": {"http_filters": [
            wasm("first", "weir"), wasm("second", "weir-metrics"),
            {"name": "third", "typed_config": {"@type": native, "filter_name": "fast"}},
            {"name": "cors", "typed_config": {"@type": "x/envoy.extensions.filters.http.cors.v3.Cors"}},
        ]}}]}]})
    }

    #[test]
    fn names_are_those_of_metrics() {
        assert_eq!(label("shop.weir"), "shop_weir");
        assert_eq!(
            label("envoyextensionpolicy/shop/weir-1/wasm/0"),
            "envoyextensionpolicy_shop_weir-1_wasm_0"
        );
        assert_eq!(label(&"a".repeat(200)).len(), MAX_NAME);
    }

    #[test]
    fn a_rejection_is_about_the_plugins_that_envoy_speaks_of() {
        for (details, expected) in [
            ("Unable to create Wasm plugin weir", &["weir"][..]),
            ("Unable to create Wasm plugin weir\n", &["weir"]),
            ("Unable to create Wasm plugin weir-metrics", &["weir-metrics"]),
            ("Unable to create Wasm plugin other", &[]),
            ("Failed to create filter config: Failed to initialize dynamic module", &["fast"]),
            ("Failed to load dynamic module: libweir.so: cannot open", &["fast"]),
            ("Failed to create downstream filter factory for filter 'second'", &["weir-metrics"]),
            (
                "Protobuf message (type envoy.extensions.filters.http.wasm.v3.Wasm reason INVALID_ARGUMENT) has unknown fields",
                &["weir", "weir-metrics"],
            ),
            ("Didn't find a registered implementation for 'cors' with type URL: 'x.Cors'", &[]),
            ("error adding listener: cannot bind '0.0.0.0:80': Address already in use", &[]),
        ] {
            assert_eq!(plugins(&listener(), details), expected, "{details}");
        }
        assert!(plugins(&Value::Null, "Unable to create Wasm plugin weir").is_empty());
    }
}
