//! Names of images.

use weir_cli::fuzzed::image;

pub(crate) const PIECES: &[&str] = &[
    "oci://",
    "registry.example.com",
    ":5000",
    "/",
    "a/b",
    ":v1",
    "@sha256:",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "localhost",
    "..",
    "_",
    "-",
    "[::1]",
    "é",
];

/// A name that is written as it was read is the same name.
pub(crate) fn reference(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Some((name, _)) = image(text) {
        assert_eq!(image(&name).map(|(name, _)| name), Some(name));
    }
}
