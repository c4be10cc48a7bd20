//! WebAssembly modules, as far as they say what they are.

pub(crate) const PIECES: &[&str] = &[
    "\0asm\u{1}\0\0\0",
    "\0",
    "\u{7}",
    "\u{4}weir{}",
    "{\"abi\":\"0.2.1\",\"filters\":[],\"language\":\"v1\",\"name\":\"n\",\"version\":\"1\"}",
    "proxy_abi_version_0_2_1",
    "proxy_on_log",
    "\u{1}\u{60}\0\0",
];

/// Callbacks are among the names in it.
pub(crate) fn module(data: &[u8]) {
    for callback in weir_cli::fuzzed::module(data).into_iter().flatten().take(20) {
        assert!(callback.is_empty() || data.windows(callback.len()).any(|part| part == callback.as_bytes()));
    }
}
