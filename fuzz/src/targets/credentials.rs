//! Docker's file of credentials.

pub(crate) const PIECES: &[&str] = &[
    "{\"auths\":{",
    "\"registry.example.com\":{",
    "\"https://registry.example.com/v1/\":{",
    "\"auth\":\"",
    "YTpi",
    "YTo=",
    "\"identitytoken\":\"t\"",
    "\"registrytoken\":\"t\"",
    "}",
    ",",
    "\\u0000",
    "null",
];

/// It is read, or refused.
pub(crate) fn credentials(data: &[u8]) {
    let _ = weir_cli::fuzzed::credentials(data, "registry.example.com");
}
