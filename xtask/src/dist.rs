//! Builds the modules: one with all filters, and one for each filter. `dist/debug/` has the same
//! modules with the names of their functions, for readable backtraces.

use crate::Failure;
use crate::identity::{self, Identity};
use crate::linker;
use crate::postlink::{self, Names};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip1";

/// A module: its file name in `dist/`, and the cargo features that choose its filters.
struct Module {
    name: &'static str,
    features: &'static str,
    /// The largest size in kB that it may have: size is start-up time, 1.4 CPU-seconds a MB. A build
    /// without wasm-opt is about a tenth larger, and is not held to it.
    limit_kb: u64,
}

const MODULES: [Module; 7] = [
    Module {
        name: "weir",
        features: "jwt-claims,experiment,ab-routing,fault-injection,response-faults,metrics",
        limit_kb: 1400,
    },
    Module { name: "ab_routing", features: "ab-routing", limit_kb: 450 },
    Module { name: "experiment", features: "experiment", limit_kb: 600 },
    Module { name: "jwt_claims", features: "jwt-claims", limit_kb: 900 },
    // Callbacks for responses cost every request, so a module without them is the usual one.
    Module { name: "fault_injection", features: "fault-injection", limit_kb: 450 },
    Module { name: "fault_injection_response", features: "fault-injection,response-faults", limit_kb: 460 },
    Module { name: "metrics", features: "metrics", limit_kb: 450 },
];

/// Builds the named modules, or all of them, into `dist/`.
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
    let chosen = MODULES.iter().filter(|m| names.is_empty() || names.iter().any(|n| n == m.name));
    let language = identity::language(root)?;
    let mut too_large = Vec::new();
    for module in chosen {
        let linked = std::fs::read(link(root, module)?)?;
        let file = PathBuf::from(module.name).with_extension("wasm");
        let fresh = dist.join(&file).with_extension("fresh.wasm");
        std::fs::write(&fresh, postlink::finish(&linked, Names::Dropped)?)?;
        let shrunk = shrink(&fresh)?;
        let identity = Identity { name: module.name, features: module.features, language: &language };
        let finished = identity.written_into(&std::fs::read(&fresh)?)?;
        std::fs::remove_file(&fresh)?;
        replace(&dist.join(&file), &finished)?;
        let readable = identity.written_into(&postlink::finish(&linked, Names::Kept)?)?;
        replace(&dist.join("debug").join(&file), &readable)?;
        let kb = finished.len() as u64 / 1000;
        println!("dist/{}.wasm  {kb} kB (at most {})", module.name, module.limit_kb);
        if shrunk && kb > module.limit_kb {
            too_large.push(module.name);
        }
    }
    if too_large.is_empty() { Ok(()) } else { Err(format!("too large: {}", too_large.join(", ")).into()) }
}

/// The same module from whatever folder it is built in: panic messages carry the paths of sources.
fn remapped(root: &Path) -> String {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let registry = cargo.join("registry").join("src");
    let index = std::fs::read_dir(&registry).ok().and_then(|mut found| found.next()?.ok());
    let crates = index.map_or(registry, |index| index.path());
    format!("--remap-path-prefix={}/= --remap-path-prefix={}/=", crates.display(), root.display())
}

/// Binaryen's optimiser takes a tenth off a module. False where it is not installed.
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
    // one, control flow is laid out anew, and constants that come again are kept. A request costs a fifth
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
fn replace(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fresh = file.with_extension("wasm.new");
    std::fs::write(&fresh, bytes)?;
    Ok(std::fs::rename(&fresh, file)?)
}

/// Runs cargo and the linker; returns the file that they made.
fn link(root: &Path, module: &Module) -> Result<PathBuf, Failure> {
    // The cargo that runs this task, so that one toolchain builds everything.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--release", "--target", TARGET, "--package", "weir-module"])
        .args(["--no-default-features", "--features", module.features])
        .env("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", remapped(root))
        .env(linker::SETTING, std::env::current_exe()?)
        .env(linker::ROLE, "1")
        .status()?;
    if !status.success() {
        return Err(format!("cargo could not build {}: {status}", module.name).into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join(TARGET).join("release").join("weir.wasm"))
}
