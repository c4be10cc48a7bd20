//! The images that `weir push` makes of a module.

use super::archive;
use super::layout::{
    CNCF_CONFIG, CNCF_LAYER, Descriptor, Manifest, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, digest,
};
use super::module::Module;
use serde_json::json;
use std::collections::BTreeMap;

/// The annotation that says which of the layouts for proxies an image has.
const VARIANT: &str = "module.wasm.image/variant";

/// An image, ready to be sent. The same module with the same annotations gives the same bytes.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Blob,
    pub(crate) layer: Blob,
}

/// A part of an image, and what the manifest says of it.
#[derive(Debug)]
pub(crate) struct Blob {
    pub(crate) descriptor: Descriptor,
    pub(crate) bytes: Vec<u8>,
}

impl Blob {
    pub(crate) fn new(media_type: &str, bytes: Vec<u8>) -> Self {
        Self { descriptor: Descriptor::of(media_type, &bytes), bytes }
    }
}

impl Image {
    /// The one layout that Istio and Envoy Gateway both take, by tag and by digest: a single manifest,
    /// `plugin.wasm` in its last layer.
    ///
    /// # Errors
    /// None that can come to pass: everything is in memory.
    pub(crate) fn compat(module: &[u8], mut notes: BTreeMap<String, String>) -> std::io::Result<Self> {
        let archive = archive::tar(module)?;
        // Proxies of any machine take an image that is not part of an index.
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(&archive)]},
        });
        notes.insert(VARIANT.to_owned(), "compat".to_owned());
        let config = Blob::new(OCI_CONFIG, config.to_string().into_bytes());
        Ok(Self::new(config, Blob::new(OCI_LAYER, archive::gzip(&archive)?), notes))
    }

    /// The layout of the CNCF's working group, for tools that know modules as artifacts: the layer is the
    /// module itself. No proxy takes it.
    pub(crate) fn cncf(module: &[u8], notes: BTreeMap<String, String>) -> Self {
        let layer = Blob::new(CNCF_LAYER, module.to_vec());
        let config = json!({
            "architecture": "wasm",
            "os": "wasip1",
            "layerDigests": [layer.descriptor.digest],
        });
        Self::new(Blob::new(CNCF_CONFIG, config.to_string().into_bytes()), layer, notes)
    }

    fn new(config: Blob, layer: Blob, annotations: BTreeMap<String, String>) -> Self {
        let manifest = Manifest {
            schema_version: 2,
            media_type: OCI_MANIFEST.to_owned(),
            artifact_type: None,
            config: config.descriptor.clone(),
            layers: vec![layer.descriptor.clone()],
            subject: None,
            annotations,
        };
        // Fields in the order of the structure, annotations by name: the same bytes each time.
        let manifest = serde_json::json!(manifest).to_string().into_bytes();
        Self { manifest, config, layer }
    }

    /// The digest by which manifests pin it.
    pub(crate) fn digest(&self) -> String {
        digest(&self.manifest)
    }
}

/// What annotations say of a module: what it says of itself, and where it came from.
pub(crate) fn notes(
    module: &Module,
    source: Option<&str>,
    revision: Option<&str>,
) -> BTreeMap<String, String> {
    let identity = module.identity.as_ref();
    let licence = identity.map(|_| env!("CARGO_PKG_LICENSE"));
    let pairs = [
        ("title", identity.map(|identity| identity.name.as_str())),
        ("version", identity.map(|identity| identity.version.as_str())),
        ("licenses", licence),
        ("source", source),
        ("revision", revision),
    ];
    let known = pairs.into_iter().filter_map(|(key, value)| Some((key, value?)));
    known.map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::acceptance::{self, Answer, Source};
    use super::*;

    struct Of(Image);

    impl Source for Of {
        fn manifest(&mut self, digest: &str) -> anyhow::Result<Answer> {
            anyhow::bail!("the image has no index, and therefore no {digest}")
        }

        fn blob(&mut self, descriptor: &Descriptor) -> anyhow::Result<Vec<u8>> {
            assert_eq!(*descriptor, self.0.layer.descriptor);
            Ok(self.0.layer.bytes.clone())
        }
    }

    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn what_is_pushed_is_what_proxies_take() {
        let image = Image::compat(MODULE, BTreeMap::new()).unwrap();
        let (pin, bytes) = (image.digest(), image.manifest.clone());
        let answer = Answer { media_type: OCI_MANIFEST.to_owned(), bytes };
        let accepted = acceptance::accept(answer, Some(&pin), &mut Of(image)).unwrap();
        assert_eq!(accepted.module, MODULE);
    }

    #[test]
    fn the_second_layout_is_for_others() {
        let image = Image::cncf(MODULE, BTreeMap::new());
        let answer = Answer { media_type: OCI_MANIFEST.to_owned(), bytes: image.manifest.clone() };
        assert!(acceptance::accept(answer, None, &mut Of(image)).is_err());
    }

    #[test]
    fn digests_depend_on_nothing_but_module_and_annotations() {
        let notes = |version: &str| BTreeMap::from([("v".to_owned(), version.to_owned())]);
        let digest = |module: &[u8], version| Image::compat(module, notes(version)).unwrap().digest();
        assert_eq!(digest(MODULE, "1"), digest(MODULE, "1"));
        assert_ne!(digest(MODULE, "1"), digest(MODULE, "2"));
        assert_ne!(digest(MODULE, "1"), digest(b"\0asm\x01\0\0\0\0", "1"));
    }
}
