//! Builds the modules: one with all filters, one for each filter, and the example for authors of filters.
//! `dist/debug/` has the same modules with the names of their functions, for readable backtraces.

use crate::identity::{self, Identity};
use crate::stamp::{self, Stamp};
use crate::task::Failure;
use std::path::{Path, PathBuf};
use std::process::Command;
use weir_postlink::Names;

/// The target of modules.
pub(crate) const TARGET: &str = "wasm32-wasip1";

/// A module: its file name in `dist/`, and what it is built of.
struct Module {
    name: &'static str,
    of: Of,
    /// The largest size in kB that it may have: size is start-up time, 1.4 CPU-seconds a MB. A build
    /// without wasm-opt is about a tenth larger, and is not held to it.
    limit_kb: u64,
}

/// What a module is built of.
#[derive(Clone, Copy)]
enum Of {
    /// Weir's filters, chosen by these cargo features.
    Filters(&'static str),
    /// The package of this name in `examples/`.
    Example(&'static str),
}

const MODULES: [Module; 8] = [
    Module {
        name: "weir",
        of: Of::Filters("jwt-claims,experiment,ab-routing,fault-injection,response-faults,metrics"),
        limit_kb: 1300,
    },
    Module { name: "ab_routing", of: Of::Filters("ab-routing"), limit_kb: 456 },
    Module { name: "experiment", of: Of::Filters("experiment"), limit_kb: 581 },
    Module { name: "jwt_claims", of: Of::Filters("jwt-claims"), limit_kb: 886 },
    // Callbacks for responses cost every request, so a module without them is the usual one.
    Module { name: "fault_injection", of: Of::Filters("fault-injection"), limit_kb: 490 },
    Module {
        name: "fault_injection_response",
        of: Of::Filters("fault-injection,response-faults"),
        limit_kb: 497,
    },
    Module { name: "metrics", of: Of::Filters("metrics"), limit_kb: 490 },
    Module { name: "examples/hello_filter", of: Of::Example("hello-filter"), limit_kb: 130 },
];

/// Builds the named modules, or all of them, into `dist/`. A module that is there already, of the same sources,
/// stays as it is.
///
/// Linking takes one core, and so does most of what comes after it: while one module is finished, the next is
/// linked.
pub fn build(names: &[String]) -> Result<(), Failure> {
    if let Some(unknown) = names.iter().find(|n| !MODULES.iter().any(|m| m.name == **n)) {
        return Err(format!(
            "there is no module {unknown}; there are: {}",
            MODULES.map(|m| m.name).join(", ")
        )
        .into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has no folder")?;
    let dist = root.join("dist");
    std::fs::create_dir_all(dist.join("debug"))?;
    let language = identity::language(root)?;
    let sources = stamp::of_sources(root)?;
    let mut too_large = Vec::new();
    let size = |module: &Module, bytes: u64, how: &str| {
        println!("dist/{}.wasm  {} kB (at most {}){how}", module.name, bytes / 1000, module.limit_kb);
    };
    let mut outdated = Vec::new();
    for module in MODULES.iter().filter(|m| names.is_empty() || names.iter().any(|n| n == m.name)) {
        let stamp = stamp_of(module, root, sources)?;
        if stamp.holds() {
            size(module, std::fs::metadata(module.file(&dist))?.len(), ", unchanged");
        } else {
            outdated.push((module, stamp));
        }
    }
    let (linked, arriving) = std::sync::mpsc::sync_channel(1);
    std::thread::scope(|scope| {
        let order: Vec<_> = outdated.iter().map(|(module, _)| *module).collect();
        scope.spawn(move || {
            for module in order {
                let bytes = link(root, module).and_then(|file| Ok(std::fs::read(file)?));
                let failed = bytes.is_err();
                // A receiver that is gone has met a failure of its own.
                if linked.send(bytes.map_err(|failure| failure.to_string())).is_err() || failed {
                    return;
                }
            }
        });
        for (module, stamp) in &outdated {
            let (bytes, shrunk) = finish(module, &arriving.recv()??, &dist, &language)?;
            size(module, bytes, "");
            if shrunk && bytes / 1000 > module.limit_kb {
                // Without a stamp it is built, and refused, again.
                too_large.push(module.name);
            } else if stamp::of_sources(root)? == sources {
                // Sources that were edited meanwhile may be in it, or not.
                stamp.set()?;
            }
        }
        Ok::<_, Failure>(())
    })?;
    if too_large.is_empty() { Ok(()) } else { Err(format!("too large: {}", too_large.join(", ")).into()) }
}

impl Module {
    /// Where it is built to.
    fn file(&self, dist: &Path) -> PathBuf {
        dist.join(self.name).with_extension("wasm")
    }

    /// Where the same with the names of functions is built to.
    fn readable(&self, dist: &Path) -> PathBuf {
        self.file(&dist.join("debug"))
    }
}

/// What cargo is to build for the module with all filters.
pub(crate) fn arguments_of_all() -> Vec<&'static str> {
    let [all, ..] = &MODULES;
    all.of.arguments()
}

impl Of {
    /// What cargo is to build.
    fn arguments(self) -> Vec<&'static str> {
        match self {
            Self::Filters(features) => {
                vec!["--package", "weir-module", "--no-default-features", "--features", features]
            }
            Self::Example(package) => vec!["--package", package],
        }
    }

    /// What cargo calls it.
    fn artifact(self) -> String {
        match self {
            Self::Filters(_) => "weir".to_owned(),
            Self::Example(package) => package.replace('-', "_"),
        }
    }
}

/// Whether it is made of these sources already.
fn stamp_of(module: &Module, root: &Path, sources: u64) -> Result<Stamp, Failure> {
    let dist = root.join("dist");
    let made = vec![module.file(&dist), module.readable(&dist)];
    Ok(match module.of {
        Of::Filters(features) => Stamp::new(&dist, module.name, features, sources, made),
        Of::Example(package) => {
            let own = stamp::of_folder(&root.join("examples").join(package))?;
            Stamp::new(&dist, module.name, package, sources ^ own, made)
        }
    })
}

/// What comes after the linker: exports chosen, code shrunk, identity written. Returns the size in bytes, and
/// whether it was shrunk.
fn finish(module: &Module, linked: &[u8], dist: &Path, language: &str) -> Result<(u64, bool), Failure> {
    let file = module.file(dist);
    let fresh = file.with_extension("fresh.wasm");
    std::fs::create_dir_all(file.parent().ok_or("a module lies in a folder")?)?;
    std::fs::write(&fresh, weir_postlink::finish(linked, Names::Dropped)?)?;
    let shrunk = shrink(&fresh)?;
    let identified = |bytes: Vec<u8>| match module.of {
        Of::Filters(features) => Identity { name: module.name, features, language }.written_into(&bytes),
        Of::Example(_) => Ok(bytes),
    };
    let finished = identified(std::fs::read(&fresh)?)?;
    std::fs::remove_file(&fresh)?;
    replace(&file, &finished)?;
    let readable = module.readable(dist);
    std::fs::create_dir_all(readable.parent().ok_or("a module lies in a folder")?)?;
    replace(&readable, &identified(weir_postlink::finish(linked, Names::Kept)?)?)?;
    Ok((finished.len() as u64, shrunk))
}

/// The same module from whatever folder it is built in: panic messages carry the paths of sources.
pub(crate) fn remapped(root: &Path) -> String {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let registry = cargo.join("registry").join("src");
    // One folder for each registry.
    let indexes = std::fs::read_dir(&registry).into_iter().flatten().flatten().map(|index| index.path());
    let mut indexes: Vec<PathBuf> = indexes.collect();
    indexes.sort();
    let from = indexes.iter().map(PathBuf::as_path).chain([root]);
    from.map(|from| format!("--remap-path-prefix={}/=", from.display())).collect::<Vec<_>>().join(" ")
}

/// Binaryen's optimiser takes 10 % off a module. False where it is not installed.
fn shrink(file: &Path) -> Result<bool, Failure> {
    // Every feature that rustc's output uses, and none that V8 does not take in this encoding.
    const FEATURES: [&str; 7] = [
        "--enable-bulk-memory",
        "--enable-sign-ext",
        "--enable-nontrapping-float-to-int",
        "--enable-mutable-globals",
        "--enable-reference-types",
        "--enable-multivalue",
        "--enable-simd",
    ];
    // Code that a compiler wrote for speed is rewritten for size: functions that differ in a constant become
    // one, control flow is laid out again, and constants that come again are kept. A request costs a fifth
    // less fuel in the mini host that way, not more.
    const PASSES: [&str; 7] = [
        "--merge-similar-functions",
        "--flatten",
        "--rereloop",
        "-Oz",
        "-Oz",
        "--const-hoisting",
        "--reorder-locals",
    ];
    match Command::new("wasm-opt").args(FEATURES).args(PASSES).arg("-o").args([file, file]).status() {
        Ok(status) if status.success() => Ok(true),
        Ok(status) => Err(format!("wasm-opt: {status}").into()),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => {
            eprintln!(
                "wasm-opt (binaryen) is not installed: the module stays a tenth larger than it could be"
            );
            Ok(false)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// A running proxy may be reading the old file, so that one is never written into.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, bytes)?;
    Ok(std::fs::rename(&fresh, file)?)
}

/// Runs cargo and the linker; returns the file that they made.
fn link(root: &Path, module: &Module) -> Result<PathBuf, Failure> {
    // The cargo that runs this task, so that one toolchain builds everything.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--release", "--target", TARGET])
        .args(module.of.arguments())
        .env("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", remapped(root))
        .env(weir_postlink::SETTING, std::env::current_exe()?)
        .env(weir_postlink::ROLE, "1")
        .status()?;
    if !status.success() {
        return Err(format!("cargo could not build {}: {status}", module.name).into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join(TARGET).join("release").join(module.of.artifact()).with_extension("wasm"))
}
