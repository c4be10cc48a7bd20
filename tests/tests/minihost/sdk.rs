//! What modules have of the SDK: its types and the ABI's version, but none of its hostcalls, each of which panics on a
//! status that it does not expect (`crates/host/src/proxy/abi.rs`).

use std::path::PathBuf;
use weir_tests::paths;

/// All built modules, by their files.
fn modules() -> Vec<PathBuf> {
    let folders = [paths::root().join("dist"), paths::root().join("dist/examples")];
    let files =
        folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("make wasm builds the modules"));
    let files = files.map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "wasm")).collect()
}

#[test]
fn no_hostcall_of_the_sdk_is_in_a_module() {
    // The text of its panics, see `hostcalls.rs` of proxy-wasm 0.2.5.
    const PANIC: &[u8] = b"unexpected status";
    const ABI: &[u8] = b"proxy_abi_version_0_2_1";
    let modules = modules();
    assert!(modules.len() >= 8, "{modules:?}");
    for path in modules {
        let module = std::fs::read(&path).unwrap();
        let has = |text: &[u8]| module.windows(text.len()).any(|window| window == text);
        assert!(has(ABI), "{} is no proxy-wasm module", path.display());
        assert!(!has(PANIC), "{} calls a hostcall of the SDK", path.display());
    }
}
