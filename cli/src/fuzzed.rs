//! The readers of what files and registries hold, for the fuzz targets in `fuzz/`. Nothing else may use them.

use crate::oci::fuzzed as oci;
use crate::output::Escaped;
use serde_json::Value;
use std::io::Write as _;
use weir_workbench::manifest::{self, Whose};
use weir_workbench::variables::Variables;
use weir_workbench::yaml::{self, write};

/// A line and a column, both from 1.
pub type Position = (usize, usize);

/// The documents of a text of YAML, and where it is broken.
pub fn documents(text: &str) -> (Vec<Value>, Vec<Position>) {
    let (documents, broken) = yaml::read(text);
    let broken = broken.iter().map(|broken| (broken.at.line, broken.at.column));
    (documents.iter().map(|document| document.to_json()).collect(), broken.collect())
}

/// A value as YAML, in blocks.
pub fn written(value: &Value) -> String {
    write::write(&write::Block::of(value))
}

/// The configurations of all Wasm plugins in a file, and where each begins.
pub fn plugins(text: &str) -> Vec<(Position, Option<Value>)> {
    let found = manifest::find(text, Whose::All);
    let plugin = |plugin: manifest::Plugin| {
        let position = (plugin.at.line, plugin.at.column);
        (position, plugin.configuration.map(|node| node.to_json()))
    };
    found.ours.into_iter().chain(found.others).map(plugin).collect()
}

/// Loads the configuration in a file as commands do; the message where that fails.
pub fn load(text: &str) -> Option<String> {
    let loaded = crate::document::find("FILE", text, &Variables::default(), |_| true);
    loaded.err().map(|error| error.to_string())
}

/// The module in a layer.
pub fn layer(bytes: &[u8]) -> Option<Vec<u8>> {
    oci::extract(bytes).ok()
}

/// Whether a proxy takes an image whose manifest, index and layers all are these bytes.
pub fn accepts(bytes: &[u8]) -> bool {
    oci::accept(bytes).is_ok()
}

/// The address of the token server in a `WWW-Authenticate` header.
pub fn realm(value: &[u8]) -> Option<String> {
    oci::challenge(value)
}

/// The image that a text names, and whether it has a tag of its own.
pub fn image(text: &str) -> Option<(String, bool)> {
    oci::image(text)
}

/// Reads a WebAssembly module as far as it says what it is; the callbacks that it exports.
pub fn module(bytes: &[u8]) -> Option<Vec<String>> {
    oci::Module::read(bytes).ok().map(|module| module.callbacks)
}

/// Whether Docker's file of credentials can be read for a registry. A file that names a helper program is not
/// read: that would start it.
pub fn credentials(text: &[u8], registry: &str) -> bool {
    let Ok(file) = serde_json::from_slice::<Value>(text) else { return false };
    let asks = ["credHelpers", "credsStore"].iter().any(|name| file.get(name).is_some());
    !asks && oci::credentials(text, registry).is_ok()
}

/// How much the counters in a response of Prometheus went up.
pub fn increases(body: &[u8]) -> Vec<f64> {
    crate::report::fuzzed::increases(body)
}

/// What standard output makes of bytes that come in pieces of this size.
pub fn shown(bytes: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut escaped = Escaped::new(&mut out);
    for piece in bytes.chunks(size.max(1)) {
        // Writing to memory does not fail.
        let _ = escaped.write_all(piece);
    }
    drop(escaped);
    out
}
