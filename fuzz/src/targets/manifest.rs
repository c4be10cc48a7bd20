//! Manifests and Envoy's files, with configurations in them.

use weir_cli::fuzzed::{load, plugins};
use weir_core::escape::is_hidden;

pub(crate) const PIECES: &[&str] = &[
    "apiVersion: extensions.istio.io/v1alpha1\n",
    "kind: WasmPlugin\n",
    "kind: ConfigMap\n",
    "kind: List\n",
    "kind: EnvoyFilter\n",
    "kind: EnvoyExtensionPolicy\n",
    "metadata: {name: weir}\n",
    "spec:\n  pluginConfig:\n",
    "items:\n- ",
    "data:\n  envoy.yaml: |\n    ",
    "vm_config: {code: {local: {filename: /weir.wasm}}}\n",
    "configuration:\n",
    "\"@type\": type.googleapis.com/google.protobuf.StringValue\n",
    "\"@type\": type.googleapis.com/google.protobuf.Struct\n",
    "\"@type\": type.googleapis.com/google.protobuf.BytesValue\n",
    "value: |\n",
    "value: e30=\n",
    "routing: {rules: []}\n",
    "---\n",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "\"",
    "static_resources: {}\n",
    "http_filters: []\n",
    "stat_prefix: x\n",
    "use_remote_address: true\n",
    "\\u001b[2J",
    "é",
];

/// Everything that is found stands in the file, and what is wrong with it does nothing to a terminal.
pub(crate) fn manifest(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let lines = text.split(['\n', '\r']).count();
    for ((line, column), _) in plugins(text) {
        assert!((1..=lines + 1).contains(&line) && column > 0, "{line}:{column}");
    }
    if let Some(message) = load(text) {
        assert!(!message.contains(is_hidden), "{message:?}");
    }
}
