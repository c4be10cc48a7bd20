//! `weir trim`.

use crate::support::{Folder, Run, weir, weir_with};
use serde_json::json;

const NAMES: [&str; 5] = [
    "proxy_on_request_headers",
    "proxy_on_response_headers",
    "proxy_on_response_body",
    "proxy_on_response_trailers",
    "proxy_on_log",
];

/// A module that exports its only function under all of these names, and says that it has all callbacks.
fn module(marker: &str) -> Vec<u8> {
    identified("weir", marker)
}

/// The same with what it is in a custom section of this name.
fn identified(name: &str, marker: &str) -> Vec<u8> {
    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        // All of them are shorter than 16 kB.
        let (low, high) = ((body.len() & 127) as u8 | 128, (body.len() >> 7) as u8);
        [&[id, low, high], body].concat()
    }
    let exports = NAMES.iter().flat_map(|name| [&[name.len() as u8], name.as_bytes(), &[0, 0]].concat());
    let exports: Vec<u8> = std::iter::once(NAMES.len() as u8).chain(exports).collect();
    let data = [marker.as_bytes(), &[7]].concat();
    let data = [&[1, 0, 0x41, 8, 0x0b, data.len() as u8], &*data].concat();
    let identity = r#"{"name": "weir", "version": "1", "filters": [], "abi": "0.2.1", "language": "v1"}"#;
    let identity = [&[name.len() as u8], name.as_bytes(), identity.as_bytes()].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[1, 0]),
        section(5, &[1, 0, 1]),
        section(7, &exports),
        section(10, &[1, 2, 0, 0x0b]),
        section(11, &data),
        section(0, &identity),
    ]
    .concat()
}

const MARKER: &str = "weir: exported callbacks";
const ROUTING: &str = "routing: {default: {cluster: v1}}\n";
const DEBUG: &str = "routing: {default: {cluster: v1}, response: {debugHeader: x-rule}}\n";
const RED: &str = "metrics: {red: {}}\n";

fn callbacks(file: &str) -> serde_json::Value {
    weir(&["inspect", "--output", "json", file]).json()["module"]["callbacks"].clone()
}

#[track_caller]
fn fails(run: &Run, reason: &str) {
    assert!(run.code == 2 && run.err.starts_with("weir: ") && run.err.contains(reason), "{reason}: {run:?}");
}

#[test]
fn what_no_configuration_needs_is_gone() {
    let folder = Folder::new();
    let whole = folder.write_bytes("weir.wasm", &module(MARKER));
    let (routing, red, trimmed) =
        (folder.write("routing.yaml", ROUTING), folder.write("red.yaml", RED), folder.path("trimmed.wasm"));
    let run = weir(&["trim", &whole, &routing, "--to", &trimmed]);
    let expected = format!(
        "{trimmed}: 180 B (before: 284 B)\nremoved: proxy_on_response_headers, proxy_on_response_body, \
         proxy_on_response_trailers, proxy_on_log\nneeded:  nothing\n"
    );
    assert_eq!((&*run.out, run.code), (&*expected, 0), "{run:?}");
    assert_eq!(callbacks(&trimmed), json!(["on_request_headers"]));

    // Of several configurations, and of several in a file, each has what it needs.
    let both = folder.write("both.yaml", &plugins(&[ROUTING, DEBUG]));
    for files in [&[&*routing, &red, &both][..], &[&both, &red]] {
        let options = ["trim", "--output", "json", "--to", &trimmed, &whole];
        let done = weir(&[&options, files].concat()).json();
        assert_eq!(done["removed"], json!(["proxy_on_response_body", "proxy_on_response_trailers"]));
        assert_eq!(done["kept"], json!(["proxy_on_response_headers", "proxy_on_log"]));
        assert_eq!(callbacks(&trimmed), json!(["on_request_headers", "on_response_headers", "on_log"]));
    }
    // A trimmed module may lose more, and gets nothing back; the file that is there stays as it was.
    let again = folder.path("again.wasm");
    assert_eq!(weir(&["trim", &trimmed, &red, "--to", &again]).code, 0);
    assert_eq!(callbacks(&again), json!(["on_request_headers", "on_log"]));
    fails(
        &weir(&["trim", &again, &both, "--to", &again]),
        "proxy_on_response_headers was trimmed off before",
    );
    assert_eq!(callbacks(&again), json!(["on_request_headers", "on_log"]));
}

/// A manifest with a plugin for each configuration.
fn plugins(configurations: &[&str]) -> String {
    let plugin = |(number, configuration): (usize, &&str)| {
        format!(
            "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {{name: weir-{number}}}\n\
             spec:\n  url: oci://ghcr.io/acme/weir:1\n  pluginConfig:\n    {}---\n",
            configuration
        )
    };
    configurations.iter().enumerate().map(plugin).collect()
}

#[test]
fn what_cannot_be_trimmed_is_left_alone() {
    let folder = Folder::new();
    let whole = folder.write_bytes("weir.wasm", &module(MARKER));
    let (routing, to) = (folder.write("routing.yaml", ROUTING), folder.path("trimmed.wasm"));
    for (name, bytes, reason) in [
        ("other.wasm", module("another module's data"), "it does not say which callbacks it has"),
        ("others.wasm", identified("other", MARKER), "not a module of Weir"),
        ("twice.wasm", module(&MARKER.repeat(2)), "it is no module that can be trimmed"),
        ("text.wasm", b"routing: {}".to_vec(), "not a WebAssembly module"),
    ] {
        let file = folder.write_bytes(name, &bytes);
        fails(&weir(&["trim", &file, &routing, "--to", &to]), reason);
    }
    fails(&weir(&["trim", &folder.path("absent.wasm"), &routing, "--to", &to]), "absent.wasm");
    fails(&weir_with(&["trim", &whole, "-", "--to", &to], "routing: {rulez: []}\n"), "rulez");
    fails(
        &weir_with(&["trim", &whole, "-", "--to", &to], "kind: Service\napiVersion: v1\n"),
        "no Weir configuration",
    );
    assert!(!std::path::Path::new(&to).exists());
    fails(&weir(&["trim", &whole, &routing, "--to", &folder.path("no/folder.wasm")]), "folder.wasm");
}
