//! `weir push`: modules into a registry, in the layout that proxies take.

use super::connection::Connection;
use super::image::{self, Image};
use super::module::Module;
use super::registry::{Operation, Registry};
use super::sign::{self, Bill, Private};
use super::{acceptance, has_tag, reference, size};
use crate::output::{Failure, Format, Outcome};
use anyhow::{Context as _, anyhow, bail, ensure};
use oci_spec::distribution::Reference;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Pushes modules to an OCI registry, in the layout that Istio and Envoy Gateway accept.
///
/// Prints the fields for manifests: `url`, and `sha256`, which pins the pushed image.
///
/// The image is a single manifest with `plugin.wasm` in its last layer, the only layout that both accept by
/// tag and by digest. The same module, source and revision always give the same digest.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A file is pushed to REF. All modules of a folder are pushed below REF, with their names and versions: dist/ to \
ghcr.io/acme/weir is ghcr.io/acme/weir/ab-routing:0.1.0 and so on. A tag in REF is used in place of the \
version.

Credentials are those of `docker login` and `podman login`: the file REGISTRY_AUTH_FILE, or config.json in \
DOCKER_CONFIG or ~/.docker, with the credential helpers that it names.

A signature is stored beside the image in both layouts of cosign: as a bundle that refers to the image, and under \
the tag sha256-DIGEST.sig. `weir inspect --verify` and `cosign verify` verify it; there is no entry in a \
transparency log.

Examples:
  weir push dist/ ghcr.io/acme/weir
  weir push dist/ab_routing.wasm ghcr.io/acme/ab-routing:canary
  weir push --plain-http --revision '' dist/weir.wasm localhost:5000/weir:dev
  weir push --output json dist/ ghcr.io/acme/weir
  weir push --sign cosign.key --sbom weir.wasm.cdx.json dist/weir.wasm ghcr.io/acme/weir:1

Exit codes: 0 everything was pushed; 2 wrong usage, a file that cannot be read, or an error of the \
registry.")]
pub(crate) struct Args {
    /// A module, or a folder with modules.
    #[arg(value_name = "DIST")]
    dist: PathBuf,
    /// The image: HOST/PATH:TAG, optionally with `oci://` in front.
    #[arg(value_name = "REF")]
    reference: String,
    /// URL of the sources, for the image's annotations; empty for none. Default: git's remote `origin`.
    #[arg(long, value_name = "URL")]
    source: Option<String>,
    /// Revision of the sources, for the image's annotations; empty for none. Default: git's HEAD.
    #[arg(long, value_name = "ID")]
    revision: Option<String>,
    /// Push a second image, TAG-cncf, in the layout of the CNCF, for tools such as wkg. Proxies do not accept
    /// it.
    #[arg(long)]
    cncf: bool,
    /// Sign the image, as cosign does. The file has a private key: PEM, PKCS #8, ECDSA with P-256, or a key of `cosign
    /// generate-key-pair`, whose password is in COSIGN_PASSWORD.
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Attach a list of what is in the module (SBOM), in CycloneDX or SPDX as JSON. With --sign it is signed, too.
    #[arg(long, value_name = "FILE")]
    sbom: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    format: Format,
}

/// An image that was pushed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pushed {
    file: String,
    /// For the field `url` of a WasmPlugin.
    url: String,
    /// For the field `sha256`, beside it.
    sha256: String,
    /// The same in one address.
    pinned: String,
    /// The module's size in bytes.
    size: usize,
    /// The image in the CNCF's layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    cncf: Option<String>,
    /// Whether it was signed.
    signed: bool,
}

/// A module, and where it shall go.
struct Job {
    file: PathBuf,
    bytes: Vec<u8>,
    module: Module,
    target: Reference,
}

/// Pushes everything; nothing is sent before all files are read.
///
/// # Errors
/// Files that are no modules, and what the registry says.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let jobs = jobs(args)?;
    let Some(first) = jobs.first() else {
        return Err(anyhow!("{}: no module (*.wasm) found", args.dist.display()).into());
    };
    let beside = Beside {
        key: args.sign.as_deref().map(Private::open).transpose()?,
        bill: args.sbom.as_deref().map(Bill::open).transpose()?,
    };
    let registry = Registry::open(&first.target, &args.connection)?;
    let origin = Origin::of(args);
    let mut pushed = Vec::new();
    for job in &jobs {
        let done = push(job, &origin, args.cncf, &beside, &registry)?;
        if !args.format.is_json() {
            write_text(&done, out)?;
        }
        pushed.push(done);
    }
    if args.format.is_json() {
        crate::output::json(out, &pushed)?;
    }
    Ok(Outcome::Fine)
}

fn write_text(pushed: &Pushed, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "# {}, {}", pushed.file, size(pushed.size as u64))?;
    writeln!(out, "url: {}", pushed.url)?;
    writeln!(out, "sha256: {}", pushed.sha256)?;
    if let Some(cncf) = &pushed.cncf {
        writeln!(out, "# in the CNCF's layout, not for proxies: {cncf}")?;
    }
    if pushed.signed {
        writeln!(out, "# signed")?;
    }
    // Whoever reads along sees each when it is there.
    out.flush()
}

/// What is put beside each image.
struct Beside {
    key: Option<Private>,
    bill: Option<Bill>,
}

fn push(
    job: &Job,
    origin: &Origin,
    cncf: bool,
    beside: &Beside,
    registry: &Registry,
) -> anyhow::Result<Pushed> {
    let Job { file, bytes, module, target } = job;
    let notes = image::notes(module, origin.source.as_deref(), origin.revision.as_deref());
    let image = Image::compat(bytes, notes.clone())?;
    registry.log_in(target, Operation::Push)?;
    registry.push(target, &image)?;
    sign::attach(registry, target, &image, beside.key.as_ref(), beside.bill.as_ref())?;
    let cncf = if cncf {
        let tag = format!("{}-cncf", target.tag().unwrap_or("latest"));
        let name = Reference::with_tag(target.registry().to_owned(), target.repository().to_owned(), tag);
        registry.push(&name, &Image::cncf(bytes, notes))?;
        Some(name.to_string())
    } else {
        None
    };
    let digest = image.digest();
    Ok(Pushed {
        file: file.display().to_string(),
        url: format!("oci://{target}"),
        pinned: format!("oci://{}/{}@{digest}", target.registry(), target.repository()),
        sha256: digest.trim_start_matches("sha256:").to_owned(),
        size: bytes.len(),
        cncf,
        signed: beside.key.is_some(),
    })
}

fn jobs(args: &Args) -> anyhow::Result<Vec<Job>> {
    if args.reference.contains('@') {
        bail!("{}: a digest comes out of a push, it cannot be pushed to", args.reference);
    }
    if !args.dist.is_dir() {
        let (bytes, module) = read(&args.dist)?;
        let target = one(&args.reference, &module, &args.dist)?;
        return Ok(vec![Job { file: args.dist.clone(), bytes, module, target }]);
    }
    let listed = std::fs::read_dir(&args.dist).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let listed = listed.with_context(|| args.dist.display().to_string())?;
    let mut files: Vec<PathBuf> = listed.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.is_file() && file.extension().is_some_and(|extension| extension == "wasm"));
    files.sort();
    let job = |file: PathBuf| {
        let (bytes, module) = read(&file)?;
        let target = below(&args.reference, &module, &file)?;
        Ok(Job { file, bytes, module, target })
    };
    files.into_iter().map(job).collect()
}

/// Where a single module goes: as was said, with its version for a tag where none was said.
fn one(name: &str, module: &Module, file: &Path) -> anyhow::Result<Reference> {
    if has_tag(name) {
        return reference(name);
    }
    match &module.identity {
        Some(identity) => reference(&format!("{name}:{}", identity.version)),
        None => bail!("{} has no version: {name} needs a tag, as in {name}:v1", file.display()),
    }
}

/// Where a module of a folder goes: by its own name below what was said.
fn below(name: &str, module: &Module, file: &Path) -> anyhow::Result<Reference> {
    let identity = module.identity.as_ref();
    let identity = identity
        .with_context(|| format!("{} is not a module of Weir: push it separately", file.display()))?;
    let (base, tag) = match name.rsplit_once(':').filter(|_| has_tag(name)) {
        Some((base, tag)) => (base, tag),
        None => (name, identity.version.as_str()),
    };
    // Names of images have no underscores in most people's eyes; the module's file has to.
    let leaf = identity.name.replace('_', "-");
    reference(&format!("{}/{leaf}:{tag}", base.trim_end_matches('/')))
}

/// A module that a proxy would load.
fn read(file: &Path) -> anyhow::Result<(Vec<u8>, Module)> {
    let name = || file.display().to_string();
    let bytes = std::fs::read(file).with_context(name)?;
    acceptance::check_module(&bytes).with_context(name)?;
    let module = Module::read(&bytes).with_context(name)?;
    ensure!(module.abi.is_some(), "{}: no proxy-wasm module: it exports no proxy_abi_version_…", name());
    Ok((bytes, module))
}

/// Where the sources are.
struct Origin {
    source: Option<String>,
    revision: Option<String>,
}

impl Origin {
    fn of(args: &Args) -> Self {
        let folder = if args.dist.is_dir() { Some(args.dist.as_path()) } else { args.dist.parent() };
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let said = |given: &Option<String>, command: &[&str]| match given {
            Some(text) => Some(text.clone()),
            None => git(folder, command),
        };
        let source = said(&args.source, &["config", "--get", "remote.origin.url"]);
        let revision = said(&args.revision, &["rev-parse", "HEAD"]);
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        // A path of this machine helps nobody, and a password in an address is nobody's business.
        let source = some(source).map(|url| without_credentials(&url)).filter(|url| !url.starts_with('/'));
        Self { source, revision: some(revision) }
    }
}

/// What git says; nothing where there is no git, or no repository.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// `https://user:password@host/path` without the user.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            format!("{scheme}://{}/{path}", host.rsplit('@').next().unwrap_or(host))
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::module::Identity;
    use super::*;
    use crate::output::Refusal as _;

    fn module(name: &str) -> Module {
        let identity = Identity {
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            filters: Vec::new(),
            abi: "0.2.1".to_owned(),
            language: "v1".to_owned(),
        };
        Module { identity: Some(identity), ..Module::default() }
    }

    #[test]
    fn modules_of_a_folder_have_names_of_their_own() {
        let below = |name: &str| below(name, &module("ab_routing"), Path::new("f")).unwrap().to_string();
        assert_eq!(below("r:5000/acme/weir"), "r:5000/acme/weir/ab-routing:1.2.3");
        assert_eq!(below("oci://r.io/acme/:v7"), "r.io/acme/ab-routing:v7");
    }

    #[test]
    fn a_single_module_goes_where_it_was_told() {
        let one = |name: &str, module: &Module| one(name, module, Path::new("f"));
        assert_eq!(one("r:5000/a", &module("weir")).unwrap().to_string(), "r:5000/a:1.2.3");
        assert_eq!(one("r.io/a:t", &Module::default()).unwrap().to_string(), "r.io/a:t");
        assert!(one("r.io/a", &Module::default()).refusal().contains("needs a tag"));
    }

    #[test]
    fn passwords_of_remotes_are_left_out() {
        assert_eq!(without_credentials("https://me:secret@host.example/a.git"), "https://host.example/a.git");
        assert_eq!(without_credentials("git@host.example:a.git"), "git@host.example:a.git");
    }
}
