//! Signatures in the layout of cosign 2: an image whose layers are the signed texts ("simple signing").

use super::key::{Private, Public};
use crate::oci::image::{Blob, Image};
use crate::oci::layout::{Descriptor, Manifest, OCI_CONFIG, OCI_MANIFEST};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The media type of a signed text.
const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation of a layer that has its signature.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The tag of an image's signatures.
pub(super) fn tag(digest: &str) -> String {
    format!("{}.sig", digest.replace(':', "-"))
}

/// A signed text with its signature.
pub(super) struct Signed {
    pub(super) descriptor: Descriptor,
    pub(super) payload: Vec<u8>,
}

/// Signs that the image `name`, HOST/PATH, has this digest.
pub(super) fn sign(key: &Private, name: &str, digest: &str) -> Signed {
    let payload = json!({
        "critical": {
            "identity": {"docker-reference": name},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": null,
    });
    let payload = payload.to_string().into_bytes();
    let signature = BASE64.encode(key.sign(&payload));
    let mut descriptor = Descriptor::of(PAYLOAD, &payload);
    descriptor.annotations = BTreeMap::from([(SIGNATURE.to_owned(), signature)]);
    Signed { descriptor, payload }
}

/// The image of all signatures, with this one; `None` if it is there already.
pub(super) fn image(signed: Signed, before: Option<Manifest>) -> Option<Image> {
    let mut layers = before.map(|manifest| manifest.layers).unwrap_or_default();
    if layers.contains(&signed.descriptor) {
        return None;
    }
    layers.push(signed.descriptor.clone());
    let digests: Vec<&str> = layers.iter().map(|layer| layer.digest.as_str()).collect();
    let config = json!({
        "architecture": "",
        "os": "",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": digests},
    });
    let config = Blob::new(OCI_CONFIG, config.to_string().into_bytes());
    let manifest = Manifest {
        schema_version: 2,
        media_type: OCI_MANIFEST.to_owned(),
        artifact_type: None,
        config: config.descriptor.clone(),
        layers,
        subject: None,
        annotations: BTreeMap::new(),
    };
    let manifest = json!(manifest).to_string().into_bytes();
    Some(Image { manifest, config, layer: Blob { descriptor: signed.descriptor, bytes: signed.payload } })
}

/// The layers of a manifest that can be signatures, the newest first.
pub(super) fn layers(manifest: &Manifest) -> impl Iterator<Item = &Descriptor> {
    let signed =
        |layer: &&Descriptor| layer.media_type == PAYLOAD && layer.annotations.contains_key(SIGNATURE);
    manifest.layers.iter().filter(signed).rev()
}

/// Whether a layer is this key's signature of this digest.
pub(super) fn verifies(key: &Public, layer: &Descriptor, payload: &[u8], digest: &str) -> bool {
    let signature = layer.annotations.get(SIGNATURE).and_then(|text| BASE64.decode(text).ok());
    let Ok(text) = serde_json::from_slice::<Value>(payload) else { return false };
    signature.is_some_and(|signature| key.verifies(payload, &signature))
        && text["critical"]["image"]["docker-manifest-digest"] == *digest
}
