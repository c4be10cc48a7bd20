//! `weir push`, `weir pull`, `weir inspect`: modules in OCI registries, from where proxies get them.

mod acceptance;
mod archive;
mod auth;
mod connection;
mod credentials;
mod http;
mod image;
pub(crate) mod inspect;
mod layout;
pub(crate) mod module;
mod progress;
pub(crate) mod pull;
pub(crate) mod push;
mod referrers;
mod registry;
mod sign;

use anyhow::{Context as _, ensure};
use oci_spec::distribution::Reference;

/// How manifests write that an address is an image.
const SCHEME: &str = "oci://";

/// An image's name, `HOST/PATH[:TAG][@DIGEST]`; `oci://` in front of it, as manifests have it, is no
/// matter.
///
/// # Errors
/// Why it is no name.
pub(crate) fn reference(text: &str) -> anyhow::Result<Reference> {
    let name = text.strip_prefix(SCHEME).unwrap_or(text);
    let invalid = || format!("{text} is not a valid image name");
    let reference: Reference = name.parse().with_context(invalid)?;
    // The library takes `Host/name` for a path below its default registry.
    let is_lower = !reference.repository().bytes().any(|b| b.is_ascii_uppercase());
    ensure!(is_lower, "{}: a repository's name is in lower case", invalid());
    Ok(reference)
}

/// Whether a name has a tag of its own. A parsed reference without one has `latest`.
fn has_tag(text: &str) -> bool {
    let name = text.strip_prefix(SCHEME).unwrap_or(text);
    let last = name.split('@').next().and_then(|name| name.rsplit('/').next());
    last.is_some_and(|last| last.contains(':')) && name.contains('/')
}

/// `1.3 MB`, `453 kB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..1_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;

    #[test]
    fn names_are_taken_as_manifests_write_them() {
        assert_eq!(reference("oci://r.example:5000/a/b:1").unwrap().to_string(), "r.example:5000/a/b:1");
        assert!(reference("oci://R/A B").refusal().contains("is not a valid image name"));
        assert!(reference("Acme/weir:1").refusal().contains("lower case"));
    }

    #[test]
    fn a_port_is_no_tag() {
        for text in ["r:5000/a", "oci://r:5000/a/b", "r/a@sha256:12", "a"] {
            assert!(!has_tag(text), "{text}");
        }
        for text in ["r:5000/a:1", "oci://r/a:1@sha256:12"] {
            assert!(has_tag(text), "{text}");
        }
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!([999, 452_722, 1_277_824].map(size), ["999 B", "452 kB", "1.2 MB"]);
    }
}

/// What fuzz targets feed.
pub(crate) mod fuzzed {
    use super::acceptance::{self, Answer, Source};
    pub(crate) use super::archive::extract;
    use super::auth::Challenge;
    pub(crate) use super::credentials::in_file as credentials;
    use super::layout::Descriptor;
    pub(crate) use super::module::Module;
    use anyhow::Context as _;

    /// A registry that has nothing but a manifest.
    struct Nothing<'a>(&'a [u8]);

    impl Source for Nothing<'_> {
        fn manifest(&mut self, _: &str) -> anyhow::Result<Answer> {
            Ok(Answer { media_type: super::layout::OCI_MANIFEST.to_owned(), bytes: self.0.to_vec() })
        }
        fn blob(&mut self, _: &Descriptor) -> anyhow::Result<Vec<u8>> {
            Ok(self.0.to_vec())
        }
    }

    /// Holds these bytes to the rules, as manifest, index and layer.
    pub(crate) fn accept(bytes: &[u8]) -> anyhow::Result<()> {
        let types = [super::layout::OCI_MANIFEST, super::layout::OCI_INDEX, super::layout::DOCKER_MANIFEST];
        let taken = types.map(|media_type| {
            let answer = Answer { media_type: media_type.to_owned(), bytes: bytes.to_vec() };
            acceptance::accept(answer, None, &mut Nothing(bytes)).map(drop)
        });
        taken.into_iter().find(Result::is_ok).context("not taken")?
    }

    /// The image that a text names, and whether it has a tag of its own.
    pub(crate) fn image(text: &str) -> Option<(String, bool)> {
        Some((super::reference(text).ok()?.to_string(), super::has_tag(text)))
    }

    /// The realm that a challenge names.
    pub(crate) fn challenge(value: &[u8]) -> Option<String> {
        let mut headers = http::HeaderMap::new();
        headers.insert(http::header::WWW_AUTHENTICATE, http::HeaderValue::from_bytes(value).ok()?);
        match Challenge::read(&headers)? {
            Challenge::Bearer { realm, .. } => Some(realm),
            Challenge::Basic => None,
        }
    }
}
