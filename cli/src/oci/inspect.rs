//! `weir inspect`: shows the content of an image or module, and whether proxies accept it.

use super::acceptance::{self, Accepted, Answer};
use super::connection::Connection;
use super::layout::{Descriptor, Index, Manifest, digest};
use super::module::{Identity, Module};
use super::registry::{Operation, Registry, Remote};
use super::sign::{self, Public};
use super::{reference, size};
use crate::output::{Failure, Format, Outcome, in_words};
use anyhow::{Context as _, anyhow};
use oci_spec::distribution::Reference;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use weir_core::escape::escape;

/// Shows the content of an image or module, and whether Istio and Envoy Gateway accept it.
///
/// The verdict follows the rules of Istio's own image fetcher; Envoy Gateway has the same code. It does not
/// include checks that need a proxy, such as compiling the module.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The name of an existing file is read as a file; everything else is an image. Credentials are those of `docker login` \
and `podman login`, as with `weir push`.

Examples:
  weir inspect dist/weir.wasm
  weir inspect oci://ghcr.io/acme/weir/weir:0.1.0
  weir inspect --output json ghcr.io/acme/weir/weir@sha256:…

  weir inspect --verify cosign.pub ghcr.io/acme/weir/weir:0.1.0

Exit codes: 0 proxies accept it, and it is signed with the key of --verify; 1 they do not, or it is not; 2 wrong \
usage, or it is not available.")]
pub(crate) struct Args {
    /// An image, HOST/PATH:TAG or HOST/PATH@DIGEST, or the file of a module.
    #[arg(value_name = "REF|FILE")]
    target: String,
    /// Verify that the image is signed: a file with the public key, PEM, ECDSA with P-256.
    #[arg(long, value_name = "KEY")]
    verify: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    format: Format,
}

/// Everything there is to say.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Image>,
    /// Absent where no module was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<Inside>,
    /// Absent unless it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<Signature>,
    accepted: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// What a key signed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signature {
    /// Whether the image is signed with the key.
    verified: bool,
    /// What else was stated of it with the key, as the types of in-toto's predicates: a list of parts, for example.
    statements: Vec<String>,
}

/// An image's parts.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    media_type: String,
    /// Of what the name means: a manifest or an index.
    digest: String,
    /// The digest to pin, where proxies take it: that of the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    layers: Vec<Descriptor>,
    /// An index' images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Descriptor>,
    annotations: BTreeMap<String, String>,
}

/// What a module says of itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inside {
    /// In bytes.
    size: usize,
    /// Of the module itself; not what manifests pin.
    digest: String,
    #[serde(flatten)]
    identity: Option<Identity>,
    exported_abi: Option<String>,
    callbacks: Vec<String>,
}

/// Inspects a file or an image and writes what was found.
///
/// # Errors
/// A file that cannot be read, what the registry says.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let path = Path::new(&args.target);
    let report = if path.is_file() {
        if args.verify.is_some() {
            return Err(anyhow!("{}: images are signed, files are not", args.target).into());
        }
        let bytes = std::fs::read(path).with_context(|| args.target.clone())?;
        Report::of_file(&args.target, &bytes)
    } else {
        of_image(args)?
    };
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        report.write_text(out)?;
    }
    let verified = report.signature.as_ref().is_none_or(|signature| signature.verified);
    Ok(if report.accepted && verified { Outcome::Fine } else { Outcome::Problems })
}

fn of_image(args: &Args) -> anyhow::Result<Report> {
    let reference =
        reference(&args.target).map_err(|problem| anyhow!("file not found, and {}", in_words(&problem)))?;
    let key = args.verify.as_deref().map(Public::open).transpose()?;
    let registry = Registry::open(&reference, &args.connection)?;
    registry.log_in(&reference, Operation::Pull)?;
    let answer = registry.pull_manifest(&reference)?;
    let mut image = Image::read(&answer);
    let signature = match &key {
        Some(key) => Some(Signature::verify(&registry, &reference, &image.digest, key)?),
        None => None,
    };
    let accepted = accept(&registry, &reference, answer);
    if let Ok(accepted) = &accepted {
        image.pin = Some(accepted.digest.clone());
    }
    let module = accepted.map(|accepted| accepted.module);
    Ok(Report { image: Some(image), signature, ..Report::new(&args.target, module) })
}

fn accept(registry: &Registry, reference: &Reference, answer: Answer) -> anyhow::Result<Accepted> {
    acceptance::accept(answer, reference.digest(), &mut Remote { registry, reference })
}

impl Signature {
    fn verify(
        registry: &Registry,
        reference: &Reference,
        digest: &str,
        key: &Public,
    ) -> anyhow::Result<Self> {
        let mut statements = sign::verify(registry, reference, digest, key)?;
        let verified = statements.iter().any(|statement| statement == sign::SIGNED);
        statements.retain(|statement| statement != sign::SIGNED);
        Ok(Self { verified, statements })
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let verdict = if self.verified { "signed with this key" } else { "not signed with this key" };
        writeln!(out, "signature {verdict}")?;
        self.statements.iter().try_for_each(|statement| writeln!(out, "statement {}", escape(statement)))
    }
}

impl Image {
    fn read(answer: &Answer) -> Self {
        let mut image =
            Self { media_type: answer.media_type.clone(), digest: digest(&answer.bytes), ..Self::default() };
        if let Ok(manifest) = serde_json::from_slice::<Manifest>(&answer.bytes) {
            image.layers = manifest.layers;
            image.annotations = manifest.annotations;
        } else if let Ok(index) = serde_json::from_slice::<Index>(&answer.bytes) {
            image.children = index.manifests;
        }
        image
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "image     {}", escape(&self.media_type))?;
        writeln!(out, "digest    {}", self.digest)?;
        if let Some(pin) = self.pin.as_ref().filter(|pin| **pin != self.digest) {
            writeln!(out, "pin       {pin}")?;
        }
        for layer in &self.layers {
            let (kind, digest) = (escape(&layer.media_type), escape(&layer.digest));
            writeln!(out, "layer     {kind} {digest} {}", size(layer.size))?;
        }
        for child in &self.children {
            let platform = child.platform.as_ref();
            let platform =
                platform.map_or_else(|| "any".to_owned(), |p| format!("{}/{}", p.os, p.architecture));
            writeln!(out, "child     {} {}", escape(&platform), escape(&child.digest))?;
        }
        for (key, value) in &self.annotations {
            writeln!(out, "note      {}: {}", escape(key), escape(value))?;
        }
        Ok(())
    }
}

impl Report {
    fn of_file(name: &str, bytes: &[u8]) -> Self {
        Self::new(name, acceptance::check_module(bytes).map(|()| bytes.to_vec()))
    }

    fn new(target: &str, module: anyhow::Result<Vec<u8>>) -> Self {
        let inside = module.and_then(|bytes| Inside::read(&bytes));
        let (module, mut problem) = match inside {
            Ok(module) => (Some(module), None),
            Err(problem) => (None, Some(in_words(&problem))),
        };
        // Istio and Envoy Gateway do not look at it; the proxy after them does.
        if module.as_ref().is_some_and(|module| module.exported_abi.is_none()) {
            problem = Some("it exports no proxy_abi_version_…: no proxy-wasm module".to_owned());
        }
        Self {
            target: target.to_owned(),
            image: None,
            module,
            signature: None,
            accepted: problem.is_none(),
            problem,
        }
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        if let Some(image) = &self.image {
            image.write_text(out)?;
        }
        if let Some(module) = &self.module {
            module.write_text(out)?;
        }
        if let Some(signature) = &self.signature {
            signature.write_text(out)?;
        }
        match (&self.problem, &self.image) {
            (Some(problem), _) => {
                writeln!(out, "verdict   Istio and Envoy Gateway do not take it: {}", escape(problem))
            }
            (None, Some(_)) => writeln!(out, "verdict   Istio and Envoy Gateway take it"),
            (None, None) => writeln!(out, "verdict   Istio and Envoy Gateway take it once it is pushed"),
        }
    }
}

impl Inside {
    fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let module = Module::read(bytes)?;
        Ok(Self {
            size: bytes.len(),
            digest: digest(bytes),
            identity: module.identity,
            exported_abi: module.abi,
            callbacks: module.callbacks,
        })
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "module    {}, {}", size(self.size as u64), self.digest)?;
        match &self.identity {
            Some(identity) => {
                writeln!(out, "name      {} {}", escape(&identity.name), escape(&identity.version))?;
                writeln!(out, "filters   {}", escape(&identity.filters.join(", ")))?;
                writeln!(out, "language  {}", escape(&identity.language))?;
            }
            None => writeln!(out, "name      not a module of Weir")?,
        }
        writeln!(out, "abi       {}", escape(self.exported_abi.as_deref().unwrap_or("none")))?;
        writeln!(out, "callbacks {}", escape(&self.callbacks.join(", ")))
    }
}
