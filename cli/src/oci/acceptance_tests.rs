//! The images that Istio's fetcher was given, by their numbers in the table, and what it said.

use super::super::layout::{CNCF_CONFIG, CNCF_LAYER, OCI_CONFIG, OCI_MANIFEST};
use super::*;
use crate::output::Refusal as _;
use serde_json::{Value, json};
use std::collections::HashMap;

const MODULE: &[u8] = b"\0asm\x01\0\0\0 and more";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const SOLO_CONFIG: &str = "application/vnd.module.wasm.config.v1+json";

/// A registry with one repository, in memory.
#[derive(Default)]
struct Store {
    blobs: HashMap<String, Vec<u8>>,
    manifests: HashMap<String, Answer>,
}

impl Source for Store {
    fn manifest(&mut self, digest: &str) -> anyhow::Result<Answer> {
        self.manifests.get(digest).cloned().with_context(|| format!("no manifest {digest}"))
    }

    fn blob(&mut self, descriptor: &Descriptor) -> anyhow::Result<Vec<u8>> {
        self.blobs.get(&descriptor.digest).cloned().with_context(|| format!("no blob {}", descriptor.digest))
    }
}

impl Store {
    fn put(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        self.blobs.insert(digest(bytes), bytes.to_vec());
        json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
    }

    fn push(&mut self, media_type: &str, manifest: &Value) -> Answer {
        let answer = Answer { media_type: media_type.to_owned(), bytes: manifest.to_string().into_bytes() };
        self.manifests.insert(digest(&answer.bytes), answer.clone());
        answer
    }

    /// An image with these layers.
    fn image(&mut self, media_type: &str, config: &str, layers: &[(&str, Vec<u8>)]) -> Answer {
        let layers: Vec<Value> = layers.iter().map(|(kind, bytes)| self.put(kind, bytes)).collect();
        let config = self.put(config, b"{}");
        let manifest =
            json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers});
        self.push(media_type, &manifest)
    }

    /// An index with these children: a manifest, and the system and machine that it is for.
    fn index(&mut self, children: &[(&Answer, Option<(&str, &str)>)]) -> Answer {
        let children: Vec<Value> = children
            .iter()
            .map(|(child, platform)| {
                let mut entry = json!({"mediaType": child.media_type, "digest": digest(&child.bytes),
                                       "size": child.bytes.len()});
                if let Some((os, architecture)) = platform {
                    entry["platform"] = json!({"os": os, "architecture": architecture});
                }
                entry
            })
            .collect();
        self.push(OCI_INDEX, &json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}))
    }

    fn compat(&mut self) -> Answer {
        self.image(OCI_MANIFEST, OCI_CONFIG, &[(OCI_LAYER, layer("plugin.wasm"))])
    }

    fn cncf(&mut self) -> Answer {
        self.image(OCI_MANIFEST, CNCF_CONFIG, &[(CNCF_LAYER, MODULE.to_vec())])
    }
}

/// A layer with the module under this name.
fn layer(path: &str) -> Vec<u8> {
    archive::gzip(&files(&[(path, MODULE)])).unwrap()
}

fn files(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        // As it is: the crate would drop the `./` that other tools write.
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

#[track_caller]
fn fine(store: &mut Store, image: Answer, pin: Option<&str>) {
    let accepted = accept(image.clone(), pin, store).unwrap();
    assert_eq!(accepted.module, MODULE);
    if image.media_type != OCI_INDEX {
        assert_eq!(accepted.digest, digest(&image.bytes));
    }
}

#[track_caller]
fn refused(store: &mut Store, image: Answer, pin: Option<&str>, reason: &str) {
    let error = accept(image, pin, store).refusal();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn row_01_dockers_manifest_and_layer() {
    let mut store = Store::default();
    let image = store.image(DOCKER_MANIFEST, DOCKER_CONFIG, &[(DOCKER_LAYER, layer("plugin.wasm"))]);
    fine(&mut store, image, None);
}

#[test]
fn row_02_compat() {
    let mut store = Store::default();
    let blob = store.put(OCI_LAYER, &layer("plugin.wasm"));
    let config = store.put(OCI_CONFIG, b"{}");
    let annotations = json!({"module.wasm.image/variant": "compat"});
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config,
                          "layers": [blob], "annotations": annotations});
    let image = store.push(OCI_MANIFEST, &manifest);
    fine(&mut store, image, None);
}

#[test]
fn row_03_compat_without_a_media_type_of_its_own() {
    let mut store = Store::default();
    let blob = store.put(OCI_LAYER, &layer("plugin.wasm"));
    let config = store.put(OCI_CONFIG, b"{}");
    let image = store.push(OCI_MANIFEST, &json!({"schemaVersion": 2, "config": config, "layers": [blob]}));
    fine(&mut store, image, None);
}

#[test]
fn row_04_compat_with_an_empty_configuration() {
    let mut store = Store::default();
    let blob = store.put(OCI_LAYER, &layer("plugin.wasm"));
    let config = store.put("application/vnd.oci.empty.v1+json", b"{}");
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/wasm",
                          "config": config, "layers": [blob]});
    let image = store.push(OCI_MANIFEST, &manifest);
    fine(&mut store, image, None);
}

#[test]
fn row_05_compat_with_the_configuration_of_cncf() {
    let mut store = Store::default();
    let image = store.image(OCI_MANIFEST, CNCF_CONFIG, &[(OCI_LAYER, layer("plugin.wasm"))]);
    fine(&mut store, image, None);
}

#[test]
fn row_06_the_last_of_two_layers() {
    let mut store = Store::default();
    let layers = [(OCI_LAYER, layer("readme")), (OCI_LAYER, layer("plugin.wasm"))];
    let image = store.image(OCI_MANIFEST, OCI_CONFIG, &layers);
    fine(&mut store, image, None);
}

#[test]
fn row_07_not_in_the_last_layer() {
    let mut store = Store::default();
    let layers = [(OCI_LAYER, layer("plugin.wasm")), (OCI_LAYER, layer("readme"))];
    let image = store.image(OCI_MANIFEST, OCI_CONFIG, &layers);
    refused(&mut store, image, None, "plugin.wasm not found in the archive");
}

#[test]
fn row_08_in_a_folder_beside_other_files() {
    let mut store = Store::default();
    let archive = files(&[("./sub/runtime-config.json", b"{}"), ("./sub/plugin.wasm", MODULE)]);
    let layers = [(OCI_LAYER, archive::gzip(&archive).unwrap())];
    let image = store.image(OCI_MANIFEST, OCI_CONFIG, &layers);
    fine(&mut store, image, None);
}

#[test]
fn row_09_under_another_name() {
    let mut store = Store::default();
    let image = store.image(OCI_MANIFEST, OCI_CONFIG, &[(OCI_LAYER, layer("filter.wasm"))]);
    refused(&mut store, image, None, "plugin.wasm not found in the archive");
}

#[test]
fn row_10_not_compressed() {
    let mut store = Store::default();
    let layers = [("application/vnd.oci.image.layer.v1.tar", files(&[("plugin.wasm", MODULE)]))];
    let image = store.image(OCI_MANIFEST, OCI_CONFIG, &layers);
    refused(&mut store, image, None, "invalid media type application/vnd.oci.image.layer.v1.tar (");
}

#[test]
fn row_11_compressed_otherwise() {
    let mut store = Store::default();
    let layers = [("application/vnd.oci.image.layer.v1.tar+zstd", layer("plugin.wasm"))];
    let image = store.image(OCI_MANIFEST, OCI_CONFIG, &layers);
    refused(&mut store, image, None, "invalid media type application/vnd.oci.image.layer.v1.tar+zstd");
}

#[test]
fn row_12_dockers_manifest_with_the_layer_of_oci() {
    let mut store = Store::default();
    let image = store.image(DOCKER_MANIFEST, DOCKER_CONFIG, &[(OCI_LAYER, layer("plugin.wasm"))]);
    refused(&mut store, image, None, "invalid media type");
}

#[test]
fn row_13_two_layers_of_solo() {
    let mut store = Store::default();
    let layers = [(SOLO_CONFIG, b"{\"type\":\"envoy_proxy\"}".to_vec()), (SOLO_LAYER, MODULE.to_vec())];
    let image = store.image(OCI_MANIFEST, SOLO_CONFIG, &layers);
    fine(&mut store, image, None);
}

#[test]
fn row_14_only_the_module_layer_of_solo() {
    let mut store = Store::default();
    let image = store.image(OCI_MANIFEST, SOLO_CONFIG, &[(SOLO_LAYER, MODULE.to_vec())]);
    refused(&mut store, image, None, "number of layers must be 2");
}

#[test]
fn row_15_the_module_layer_of_solo_and_any_other() {
    let mut store = Store::default();
    let layers = [(SOLO_LAYER, MODULE.to_vec()), ("text/markdown", b"# read me".to_vec())];
    let image = store.image(OCI_MANIFEST, SOLO_CONFIG, &layers);
    fine(&mut store, image, None);
}

#[test]
fn row_16_three_layers_of_solo() {
    let mut store = Store::default();
    let layers = [(SOLO_CONFIG, b"1".to_vec()), (SOLO_LAYER, MODULE.to_vec()), ("text/plain", b"2".to_vec())];
    let image = store.image(OCI_MANIFEST, SOLO_CONFIG, &layers);
    refused(&mut store, image, None, "number of layers must be 2 but got 3");
}

#[test]
fn row_17_cncf() {
    let mut store = Store::default();
    let image = store.cncf();
    refused(&mut store, image, None, "invalid media type application/wasm");
}

#[test]
fn row_18_compat_behind_cncf() {
    let mut store = Store::default();
    let layers = [(CNCF_LAYER, MODULE.to_vec()), (OCI_LAYER, layer("plugin.wasm"))];
    let image = store.image(OCI_MANIFEST, CNCF_CONFIG, &layers);
    fine(&mut store, image, None);
}

#[test]
fn row_19_compat_behind_solo() {
    let mut store = Store::default();
    let layers = [(SOLO_LAYER, MODULE.to_vec()), (OCI_LAYER, layer("plugin.wasm"))];
    let image = store.image(OCI_MANIFEST, SOLO_CONFIG, &layers);
    fine(&mut store, image, None);
}

#[test]
fn row_20_cncf_and_solo_over_one_blob() {
    let mut store = Store::default();
    let layers = [(CNCF_LAYER, MODULE.to_vec()), (SOLO_LAYER, MODULE.to_vec())];
    let image = store.image(OCI_MANIFEST, CNCF_CONFIG, &layers);
    refused(&mut store, image, None, "could not find the layer of type");
}

#[test]
fn row_21_gzip_without_an_archive() {
    let mut store = Store::default();
    let image = store.image(OCI_MANIFEST, OCI_CONFIG, &[(OCI_LAYER, archive::gzip(MODULE).unwrap())]);
    refused(&mut store, image, None, "the layer is not a gzip-compressed tar archive");
}

#[test]
fn row_22_an_index_by_tag_but_not_by_its_digest() {
    let mut store = Store::default();
    let child = store.compat();
    let index = store.index(&[(&child, Some(("linux", "amd64")))]);
    fine(&mut store, index.clone(), None);
    fine(&mut store, index.clone(), Some(&digest(&child.bytes)));
    let pin = digest(&index.bytes);
    refused(&mut store, index, Some(&pin), "which does not match");
}

#[test]
fn row_23_an_index_for_another_platform() {
    let mut store = Store::default();
    let child = store.compat();
    let index = store.index(&[(&child, Some(("wasip1", "wasm")))]);
    refused(&mut store, index, None, "no child with platform linux/amd64");
}

#[test]
fn row_24_an_index_without_a_platform() {
    let mut store = Store::default();
    let child = store.compat();
    let index = store.index(&[(&child, None)]);
    fine(&mut store, index, None);
}

#[test]
fn row_25_an_index_for_both_worlds_by_tag() {
    let mut store = Store::default();
    let (compat, cncf) = (store.compat(), store.cncf());
    let index = store.index(&[(&cncf, Some(("wasip1", "wasm"))), (&compat, Some(("linux", "amd64")))]);
    let accepted = accept(index, None, &mut store).unwrap();
    assert_eq!(accepted.digest, digest(&compat.bytes));
}

#[test]
fn last_row_the_manifests_digest_pins_and_the_modules_does_not() {
    let mut store = Store::default();
    let image = store.compat();
    fine(&mut store, image.clone(), Some(&digest(&image.bytes)));
    refused(&mut store, image, Some(&digest(MODULE)), "which does not match");
}

#[test]
fn what_is_no_module_is_refused() {
    for bytes in [&b"\0asm\x01\0\0"[..], b"not a module"] {
        let mut store = Store::default();
        let archive = files(&[("plugin.wasm", bytes)]);
        let layers = [(OCI_LAYER, archive::gzip(&archive).unwrap())];
        let image = store.image(OCI_MANIFEST, OCI_CONFIG, &layers);
        refused(&mut store, image, None, "no WebAssembly module");
    }
}

#[test]
fn broken_manifests_are_errors() {
    let mut store = Store::default();
    for media_type in [OCI_MANIFEST, OCI_INDEX] {
        for bytes in ["", "{", "[]", "{\"schemaVersion\": 2}"] {
            let answer = Answer { media_type: media_type.to_owned(), bytes: bytes.into() };
            refused(&mut store, answer, None, "not a readable");
        }
    }
    let image = store.image(OCI_MANIFEST, OCI_CONFIG, &[]);
    refused(&mut store, image, None, "number of layers must be greater than zero");
}
