//! Signatures and lists of parts beside an image in its registry.

use super::key::{Private, Public};
use super::{bundle, simple};
use crate::oci::image::{Blob, Image};
use crate::oci::layout::{Descriptor, EMPTY_CONFIG, Manifest, OCI_MANIFEST};
use crate::oci::registry::Registry;
use anyhow::{Context as _, anyhow, bail};
use oci_spec::distribution::Reference;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The most that is read of one bundle or signature. A signed list of parts is the longest.
const MAX_BUNDLE: u64 = 8 << 20;
/// How many bundles and how many signatures of one image are read.
const MAX_READ: usize = 50;
/// Sigstore's annotations of a bundle, by which clients find the one they look for.
const CONTENT: &str = "dev.sigstore.bundle.content";
const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";

/// A list of what is in a module (SBOM).
pub(crate) struct Bill {
    bytes: Vec<u8>,
    json: Value,
    media_type: &'static str,
    predicate_type: &'static str,
}

impl Bill {
    /// Reads a list in one of the two formats that tools know, CycloneDX and SPDX, in JSON.
    ///
    /// # Errors
    /// It cannot be read, or is neither.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = || path.display().to_string();
        Self::read(std::fs::read(path).with_context(name)?).with_context(name)
    }

    fn read(bytes: Vec<u8>) -> anyhow::Result<Self> {
        let json: Value = serde_json::from_slice(&bytes).context("not JSON")?;
        let (media_type, predicate_type) = if json["bomFormat"] == "CycloneDX" {
            ("application/vnd.cyclonedx+json", "https://cyclonedx.org/bom")
        } else if json["spdxVersion"].is_string() {
            ("application/spdx+json", "https://spdx.dev/Document")
        } else {
            bail!("not an SBOM: expected CycloneDX or SPDX in JSON");
        };
        Ok(Self { bytes, json, media_type, predicate_type })
    }
}

/// Puts a signature, a list of parts, or both, beside an image that was pushed. With both, the list is signed too.
///
/// # Errors
/// What the registry says.
pub(crate) fn attach(
    registry: &Registry,
    reference: &Reference,
    image: &Image,
    key: Option<&Private>,
    bill: Option<&Bill>,
) -> anyhow::Result<()> {
    let subject = Descriptor::of(OCI_MANIFEST, &image.manifest);
    let refer = |layer: Blob, annotations| {
        let (artifact, listed) = referrer(&subject, layer, annotations);
        registry.push_referrer(reference, &artifact, listed, &subject.digest)
    };
    let state = |key, predicate_type: &str, predicate: &Value| {
        let made = bundle::make(key, &subject.digest, predicate_type, predicate);
        let annotations = [(CONTENT, "dsse-envelope"), (PREDICATE_TYPE, predicate_type)];
        let annotations = annotations.map(|(key, value)| (key.to_owned(), value.to_owned()));
        refer(Blob::new(bundle::MEDIA_TYPE, made), BTreeMap::from(annotations))
    };
    if let Some(bill) = bill {
        refer(Blob::new(bill.media_type, bill.bytes.clone()), BTreeMap::new())?;
    }
    let Some(key) = key else { return Ok(()) };
    if let Some(bill) = bill {
        state(key, bill.predicate_type, &bill.json)?;
    }
    state(key, bundle::SIGNED, &json!({}))?;
    sign_simply(registry, reference, &subject.digest, key)
}

/// An artifact that says something about an image, and how it is listed.
fn referrer(subject: &Descriptor, layer: Blob, annotations: BTreeMap<String, String>) -> (Image, Descriptor) {
    let config = Blob::new(EMPTY_CONFIG, b"{}".to_vec());
    let artifact_type = Some(layer.descriptor.media_type.clone());
    let manifest = Manifest {
        schema_version: 2,
        media_type: OCI_MANIFEST.to_owned(),
        artifact_type: artifact_type.clone(),
        config: config.descriptor.clone(),
        layers: vec![layer.descriptor.clone()],
        subject: Some(subject.clone()),
        annotations: annotations.clone(),
    };
    let manifest = json!(manifest).to_string().into_bytes();
    let listed = Descriptor { artifact_type, annotations, ..Descriptor::of(OCI_MANIFEST, &manifest) };
    (Image { manifest, config, layer }, listed)
}

/// Adds a signature to those in the layout of cosign 2.
fn sign_simply(
    registry: &Registry,
    reference: &Reference,
    digest: &str,
    key: &Private,
) -> anyhow::Result<()> {
    let tagged = tagged(reference, digest);
    let before = match registry.find_manifest(&tagged)? {
        Some(answer) => {
            let read = serde_json::from_slice::<Manifest>(&answer.bytes);
            Some(read.map_err(|_| anyhow!("{tagged} is not an image of signatures"))?)
        }
        None => None,
    };
    let name = format!("{}/{}", reference.registry(), reference.repository());
    match simple::image(simple::sign(key, &name, digest), before) {
        Some(image) => registry.push(&tagged, &image),
        None => Ok(()),
    }
}

fn tagged(reference: &Reference, digest: &str) -> Reference {
    let (registry, repository) = (reference.registry().to_owned(), reference.repository().to_owned());
    Reference::with_tag(registry, repository, simple::tag(digest))
}

/// What a key signed about the image with this digest, each as the type of its statement: nothing, if the image is
/// not signed with this key.
///
/// # Errors
/// What the registry says, and that there is more than is read, unless the image is seen to be signed before.
pub(crate) fn verify(
    registry: &Registry,
    reference: &Reference,
    digest: &str,
    key: &Public,
) -> anyhow::Result<Vec<String>> {
    let mut stated = Vec::new();
    let bundles = registry.referrers(reference, digest, bundle::MEDIA_TYPE)?;
    let mut unread = bundles.len() > MAX_READ;
    // The newest stand last, if the list has an order.
    for found in bundles.into_iter().rev().take(MAX_READ) {
        let there = reference.clone_with_digest(found.digest);
        let Some(answer) = registry.find_manifest(&there)? else { continue };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&answer.bytes) else { continue };
        let Some(layer) = manifest.layers.first() else { continue };
        if layer.size > MAX_BUNDLE {
            unread = true;
            continue;
        }
        let bytes = registry.pull_blob(&there, layer)?;
        stated.extend(bundle::verified(key, &bytes, digest));
    }
    let tagged = tagged(reference, digest);
    if let Some(answer) = registry.find_manifest(&tagged)? {
        let manifest = serde_json::from_slice::<Manifest>(&answer.bytes);
        let manifest = manifest.map_err(|_| anyhow!("{tagged} is not an image of signatures"))?;
        unread |= simple::layers(&manifest).count() > MAX_READ;
        for layer in simple::layers(&manifest).take(MAX_READ) {
            if layer.size > MAX_BUNDLE {
                unread = true;
                continue;
            }
            let payload = registry.pull_blob(&tagged, layer)?;
            if simple::verifies(key, layer, &payload, digest) {
                stated.push(bundle::SIGNED.to_owned());
            }
        }
    }
    stated.sort();
    stated.dedup();
    if unread && !stated.iter().any(|statement| statement == bundle::SIGNED) {
        bail!(
            "{reference}: more than {MAX_READ} signatures, or one of more than {} MiB: not all of them were read",
            MAX_BUNDLE >> 20
        );
    }
    Ok(stated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;

    #[test]
    fn lists_of_parts_are_known_by_their_format() {
        let kind = |text: &str| Bill::read(text.into()).map(|bill| bill.predicate_type);
        assert_eq!(kind(r#"{"bomFormat": "CycloneDX"}"#).unwrap(), "https://cyclonedx.org/bom");
        assert_eq!(kind(r#"{"spdxVersion": "SPDX-2.3"}"#).unwrap(), "https://spdx.dev/Document");
        assert!(kind("{}").refusal().contains("expected CycloneDX or SPDX"));
        assert!(kind("<bom/>").refusal().contains("not JSON"));
    }
}
