//! How a registry asks for credentials.

use weir_cli::fuzzed::realm;

pub(crate) const PIECES: &[&str] = &[
    "Bearer ",
    "basic",
    " ",
    ",",
    "=",
    "\"",
    "\\",
    "realm",
    "service=",
    "realm=\"https://a/b\"",
    "scope=x",
    "realm=https://t",
    "é",
    "\t",
    "\\\"",
    "BEARER realm=\"",
];

/// Nothing that follows takes away what stands first.
pub(crate) fn challenge(data: &[u8]) {
    let _ = realm(data);
    if let Some(realm) = realm(&[&b"Bearer realm=\"https://t\","[..], data].concat()) {
        assert_eq!(realm, "https://t");
    }
}
