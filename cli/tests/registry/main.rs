//! `weir push` and `pull` with a real registry. Not part of `cargo test` by itself: `make test-oci` runs
//! `oci_registry`, `make test-istio` runs `oci_istio`.

mod docker_registry;
mod oci_cosign;
mod oci_istio;
mod oci_registry;
mod oci_signed;
#[path = "../it/support/mod.rs"]
mod support;
