//! What OpenTelemetry's own propagators read in the `baggage` that leaves the plugin: see
//! `tests/vectors/baggage/README.md`.

#![cfg(feature = "experiment")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use weir::{Pipeline, Workspace};
use weir_host::{FakeHost, Plugin};

const CONFIGURATION: &str = r#"{"experiments": {"output": {"baggage": true},
    "list": [{"key": "checkout", "variants": [{"key": "a"}]}]}}"#;

fn vectors(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/baggage").join(file)
}

fn read(file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(vectors(file)).unwrap()).unwrap()
}

/// What becomes of a header; each byte is the character with the same number.
fn kept(pipeline: &Pipeline, sent: &str) -> String {
    let bytes: Vec<u8> = sent.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let host = FakeHost::with_request(&[(":path", b"/"), ("baggage", &bytes)]);
    pipeline.on_request_headers(&host, &mut Workspace::default(), 0);
    let all = host.request.borrow();
    let lines: Vec<_> = all.iter().filter(|(name, _)| name == b"baggage").collect();
    assert_eq!(lines.len(), 1, "{sent}");
    lines[0].1.iter().copied().map(char::from).collect()
}

#[test]
fn no_reader_finds_a_variant_that_we_did_not_write() {
    let Ok(pipeline) = Pipeline::configure(&FakeHost::default(), CONFIGURATION.as_bytes()) else { panic!() };
    if let Some(file) = std::env::var_os("WEIR_WRITE_BAGGAGE") {
        let corpus = read("corpus.json");
        let all = corpus.as_array().unwrap().iter().map(|sent| kept(&pipeline, sent.as_str().unwrap()));
        std::fs::write(file, serde_json::to_vec(&all.collect::<Vec<_>>()).unwrap()).unwrap();
        return;
    }
    let vectors = read("vectors.json");
    let readers = vectors["readers"].as_object().unwrap();
    let (mut forged, mut all) = (vec![0; readers.len()], 0);
    for header in vectors["headers"].as_array().unwrap() {
        let sent = header["sent"].as_str().unwrap();
        assert_eq!(kept(&pipeline, sent), header["kept"].as_str().unwrap(), "{sent}");
        for (reader, forged) in readers.keys().zip(&mut forged) {
            let read = &header["read"][reader];
            let ours = |members: &Value| {
                let members = members.as_object().unwrap();
                let is_ours = |key: &str| key.trim().to_lowercase().starts_with("weir.");
                let found = members.iter().filter(|(key, _)| is_ours(key));
                found.map(|(key, value)| format!("{key}={}", value.as_str().unwrap())).collect::<Vec<_>>()
            };
            *forged += usize::from(!ours(&read["sent"]).is_empty());
            assert_eq!(ours(&read["kept"]), ["weir.checkout=a"], "{reader}: {sent}");
        }
        all += 1;
    }
    // Without forgeries that work this would prove nothing.
    assert!(all > 200 && forged.iter().all(|count| *count > 10), "{all} {forged:?}");
}
