//! Signatures of images, as cosign makes and verifies them, with a key of one's own.
//!
//! A signature is stored twice beside its image: as a Sigstore bundle that refers to the image (what cosign 3 makes
//! and looks for), and as the image `sha256-….sig` (what cosign 2, policy controllers and Flux look for). Both state
//! that the owner of the key signed this digest.

mod bundle;
mod key;
mod simple;
mod store;

pub(super) use bundle::SIGNED;
pub(super) use key::{Private, Public};
pub(super) use store::{Bill, attach, verify};

/// What is signed twice is the same bytes twice: the algorithm has no chance in it (RFC 6979), so that nothing piles
/// up when an image is pushed again.
#[cfg(test)]
mod tests {
    use super::key::tests::PKCS8;
    use super::*;

    #[test]
    fn the_same_is_signed_to_the_same_bytes() {
        let key = Private::read(PKCS8, None).unwrap();
        assert_eq!(key.sign(b"a"), key.sign(b"a"));
        assert_ne!(key.sign(b"a"), key.sign(b"b"));
    }
}
