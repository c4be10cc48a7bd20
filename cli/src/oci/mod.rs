//! `weir push`, `weir pull`, `weir inspect`: modules in OCI registries, from where proxies get them.

mod acceptance;
mod archive;
mod credentials;
mod image;
pub(crate) mod inspect;
mod layout;
mod module;
mod progress;
pub(crate) mod pull;
pub(crate) mod push;
mod registry;

use oci_client::Reference;

/// How manifests write that an address is an image.
const SCHEME: &str = "oci://";

/// An image's name, `HOST/PATH[:TAG][@DIGEST]`; `oci://` in front of it, as manifests have it, is no
/// matter.
///
/// # Errors
/// Why it is no name.
fn reference(text: &str) -> Result<Reference, String> {
    let name = text.strip_prefix(SCHEME).unwrap_or(text);
    name.parse().map_err(|error| format!("{text} is no name of an image: {error}"))
}

/// Whether a name has a tag of its own. A parsed reference without one has `latest`.
fn has_tag(text: &str) -> bool {
    let name = text.strip_prefix(SCHEME).unwrap_or(text);
    let last = name.split('@').next().and_then(|name| name.rsplit('/').next());
    last.is_some_and(|last| last.contains(':')) && name.contains('/')
}

/// `1.3 MB`, `453 kB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..1_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_as_manifests_write_them() {
        assert_eq!(reference("oci://r.example:5000/a/b:1").unwrap().to_string(), "r.example:5000/a/b:1");
        assert!(reference("oci://R/A B").unwrap_err().contains("is no name of an image"));
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
