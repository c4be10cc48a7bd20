//! Which images Istio's agent and Envoy Gateway take modules from.
//!
//! The rules are those of Istio's image fetcher as it was seen to behave (release 1.31, with
//! go-containerregistry 0.21.6, against a registry); Envoy Gateway has the same code. The tests are the
//! images that were tried, with what it said of each.

use super::archive;
use super::layout::{
    DOCKER_INDEX, DOCKER_LAYER, DOCKER_MANIFEST, Descriptor, Index, Manifest, OCI_INDEX, OCI_LAYER,
    SOLO_LAYER, digest,
};
use crate::output::in_words;
use anyhow::{Context as _, anyhow, bail};
use serde::de::DeserializeOwned;

/// Where the parts of an image come from.
pub(crate) trait Source {
    /// The manifest with this digest, and the media type that the registry gives it.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn manifest(&mut self, digest: &str) -> anyhow::Result<Answer>;

    /// A blob of the image.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn blob(&mut self, descriptor: &Descriptor) -> anyhow::Result<Vec<u8>>;
}

/// A manifest or index as a registry gives it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The response's `Content-Type`; it decides what the bytes are taken for.
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// What a proxy gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The digest of the manifest, which manifests have to pin; of an index it is the child's.
    pub(crate) digest: String,
    pub(crate) module: Vec<u8>,
}

/// The module that a proxy takes from the image that a reference names.
///
/// `pin` is the digest that the reference or the field `sha256` asks for, `sha256:…`.
///
/// # Errors
/// Why no proxy takes it.
pub(crate) fn accept(
    answer: Answer,
    pin: Option<&str>,
    source: &mut impl Source,
) -> anyhow::Result<Accepted> {
    let image = resolve(answer, source)?;
    let digest = digest(&image.bytes);
    if let Some(pin) = pin.filter(|pin| *pin != digest) {
        bail!("module has the checksum {digest}, which does not match {pin}");
    }
    let manifest: Manifest = read(&image.bytes, "manifest")?;
    let module = extract(&manifest, source)?;
    check_module(&module)?;
    Ok(Accepted { digest, module })
}

/// Whether bytes are taken for a module. Proxies look at no more than this before they load it.
///
/// # Errors
/// Why they are not.
pub(crate) fn check_module(module: &[u8]) -> anyhow::Result<()> {
    if module.len() as u64 > archive::LIMIT {
        bail!(archive::too_large(module.len() as u64));
    }
    if module.len() < 8 || !module.starts_with(b"\0asm") {
        bail!("no WebAssembly module: the first bytes are not `\\0asm`");
    }
    Ok(())
}

/// The image itself: of an index, the child for linux/amd64, whatever machine the proxy runs on.
fn resolve(answer: Answer, source: &mut impl Source) -> anyhow::Result<Answer> {
    if ![OCI_INDEX, DOCKER_INDEX].contains(&answer.media_type.as_str()) {
        return Ok(answer);
    }
    let index: Index = read(&answer.bytes, "index")?;
    let fits = |child: &&Descriptor| {
        // A child without a platform is for any.
        child.platform.as_ref().is_none_or(|p| p.os == "linux" && p.architecture == "amd64")
    };
    let child = index.manifests.iter().find(fits);
    let child = child.context("no child with platform linux/amd64 in the index")?;
    source.manifest(&child.digest)
}

fn extract(manifest: &Manifest, source: &mut impl Source) -> anyhow::Result<Vec<u8>> {
    if manifest.media_type == DOCKER_MANIFEST {
        return last_layer(manifest, DOCKER_LAYER, source);
    }
    // Both reasons, as nobody knows which of the two layouts was meant.
    last_layer(manifest, OCI_LAYER, source).or_else(|compat| {
        let compat = in_words(&compat);
        bare_layer(manifest, source)
            .with_context(|| format!("not in the layout `compat`: {compat}; nor in the layout `oci`"))
    })
}

/// Layout "compat", and Docker's: `plugin.wasm` in the archive that is the last layer.
fn last_layer(manifest: &Manifest, expected: &str, source: &mut impl Source) -> anyhow::Result<Vec<u8>> {
    let layer = manifest.layers.last().context("number of layers must be greater than zero")?;
    let found = media_type(manifest, layer);
    if found != expected {
        bail!("invalid media type {found} (expected {expected})");
    }
    archive::extract(&source.blob(layer)?)
}

/// Layout "oci", of solo.io: two layers, of which one is the module itself.
fn bare_layer(manifest: &Manifest, source: &mut impl Source) -> anyhow::Result<Vec<u8>> {
    let number = manifest.layers.len();
    if number != 2 {
        bail!("number of layers must be 2 but got {number}");
    }
    let layer = manifest.layers.iter().find(|layer| media_type(manifest, layer) == SOLO_LAYER);
    source.blob(layer.with_context(|| format!("could not find the layer of type {SOLO_LAYER}"))?)
}

/// A layer's media type is looked up by its digest. Where two layers are the same blob, that is the first
/// one's.
fn media_type<'a>(manifest: &'a Manifest, layer: &Descriptor) -> &'a str {
    let first = manifest.layers.iter().find(|other| other.digest == layer.digest);
    first.map_or("", |first| first.media_type.as_str())
}

fn read<T: DeserializeOwned>(bytes: &[u8], what: &str) -> anyhow::Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        // The message can quote what it stumbled over.
        let why: String = error.to_string().chars().take(200).collect();
        anyhow!("not a readable {what}: {why}")
    })
}

#[cfg(test)]
#[path = "acceptance_tests.rs"]
mod tests;
