//! Manifests and indexes of images.

pub(crate) const PIECES: &[&str] = &[
    "{\"schemaVersion\":2,",
    "\"layers\":[",
    "\"manifests\":[",
    "\"config\":",
    "{\"digest\":\"sha256:00\",\"size\":9}",
    "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"",
    "\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\"",
    "\"mediaType\":\"application/vnd.module.wasm.content.layer.v1+wasm\"",
    "\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json\"",
    "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}",
    "\"size\":18446744073709551615",
    "\"annotations\":{\"a\":\"b\"}",
    "null",
    "}",
    "]",
    ",",
    "\\u0000",
    "-1",
];

/// A manifest is not the module that it names.
pub(crate) fn image(data: &[u8]) {
    assert!(!weir_cli::fuzzed::accepts(data));
}
