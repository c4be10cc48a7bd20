//! `weir pull`: a module out of a registry.

use super::acceptance::{self, Answer};
use super::connection::Connection;
use super::layout::{CNCF_LAYER, Manifest, digest};
use super::registry::{Operation, Registry, Remote};
use super::{reference, size};
use crate::output::{Failure, Format, Outcome, in_words};
use anyhow::{Context as _, anyhow};
use oci_spec::distribution::Reference;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use weir_core::escape::escape;

/// Pulls a module from an OCI registry, as a proxy would, and writes it to a file.
///
/// Supports every layout that proxies accept, and that of the CNCF. All digests are verified.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Credentials are those of `docker login` and `podman login`, as with `weir push`.

Examples:
  weir pull ghcr.io/acme/weir/ab-routing:0.1.0
  weir pull --ca-file ca.pem registry.internal/weir@sha256:… weir.wasm

Exit codes: 0 the module was written; 2 wrong usage, an image that is not available, or a file that cannot be \
written.")]
pub(crate) struct Args {
    /// The image: HOST/PATH:TAG or HOST/PATH@DIGEST, optionally with `oci://` in front.
    #[arg(value_name = "REF")]
    reference: String,
    /// The file to write. Default: the last part of the image's name and `.wasm`.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    format: Format,
}

#[derive(Serialize)]
struct Pulled {
    file: String,
    /// The digest of the manifest, without `sha256:`, as manifests pin it.
    sha256: String,
    /// In bytes.
    size: usize,
}

/// Pulls the module; an old file is replaced only when the new one is whole.
///
/// # Errors
/// What the registry says, an image without a module, a file that cannot be written.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let reference = reference(&args.reference)?;
    let registry = Registry::open(&reference, &args.connection)?;
    registry.log_in(&reference, Operation::Pull)?;
    let (digest, module) = module(&registry, &reference)?;
    let leaf = reference.repository().rsplit('/').next().unwrap_or("plugin");
    let file = args.file.clone().unwrap_or_else(|| PathBuf::from(format!("{leaf}.wasm")));
    crate::output::replace(&file, &module).with_context(|| file.display().to_string())?;
    let pulled = Pulled {
        file: file.display().to_string(),
        sha256: digest.trim_start_matches("sha256:").to_owned(),
        size: module.len(),
    };
    if args.format.is_json() {
        crate::output::json(out, &pulled)?;
    } else {
        writeln!(out, "# {}, {}", pulled.file, size(pulled.size as u64))?;
        writeln!(out, "sha256: {}", pulled.sha256)?;
    }
    Ok(Outcome::Fine)
}

/// The image's digest and its module.
fn module(registry: &Registry, reference: &Reference) -> anyhow::Result<(String, Vec<u8>)> {
    let answer = registry.pull_manifest(reference)?;
    let mut remote = Remote { registry, reference };
    if let Some(layer) = bare_layer(&answer) {
        let module = registry.pull_blob(reference, &layer)?;
        acceptance::check_module(&module)?;
        return Ok((digest(&answer.bytes), module));
    }
    let accepted = acceptance::accept(answer, None, &mut remote);
    let accepted = accepted.map_err(|problem| anyhow!("{reference}: {}", escape(&in_words(&problem))))?;
    Ok((accepted.digest, accepted.module))
}

/// The only layer of an image in the CNCF's layout.
fn bare_layer(answer: &Answer) -> Option<super::layout::Descriptor> {
    let manifest: Manifest = serde_json::from_slice(&answer.bytes).ok()?;
    match manifest.layers.as_slice() {
        [only] if only.media_type == CNCF_LAYER => Some(only.clone()),
        _ => None,
    }
}
