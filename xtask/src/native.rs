//! Builds the native module: all filters in a shared library that Envoy loads into its own process.

use crate::dist;
use crate::stamp::{self, Stamp};
use crate::task::{Failure, root};
use elf::ElfBytes;
use elf::abi::DT_NEEDED;
use elf::endian::AnyEndian;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Its file in `dist/`, as Envoy looks for it by the name `weir`.
const FILE: &str = "libweir.so";
/// Its profile in `Cargo.toml`.
const PROFILE: &str = "native";
/// The largest size in kB that it may have.
const LIMIT_KB: u64 = 6000;
/// A function that Envoy looks for first; without it this is no module.
const INIT: &[u8] = b"envoy_dynamic_module_on_program_init\0";

/// The libraries that Envoy itself needs: what other one a module needs may be in no image, and Envoy refuses it.
const LIBRARIES: [&str; 4] = ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];

/// Builds the module, unless it is there already, of the same sources: of this machine, or of another target, whose
/// linker and C compiler cargo's variables name (`CARGO_TARGET_…_LINKER`, `CC_…`).
pub(crate) fn build(target: Option<&str>) -> Result<(), Failure> {
    let root = root()?;
    let dist = root.join("dist");
    std::fs::create_dir_all(&dist)?;
    let name = target.map_or_else(|| FILE.to_owned(), |target| format!("libweir-{target}.so"));
    let (file, sources) = (dist.join(&name), stamp::of_sources(&root)?);
    let of = target.unwrap_or(std::env::consts::ARCH);
    let stamp = Stamp::new(&dist, &name, of, sources, vec![file.clone()]);
    let unchanged = stamp.holds();
    if !unchanged {
        let bytes = std::fs::read(compile(&root, target)?)?;
        if !bytes.windows(INIT.len()).any(|window| window == INIT) {
            return Err("the library lacks the functions that Envoy calls".into());
        }
        let needed = needed(&bytes)?;
        let missing: Vec<_> = needed.iter().filter(|name| !LIBRARIES.contains(&name.as_str())).collect();
        if cfg!(target_env = "gnu") && !missing.is_empty() {
            return Err(format!("the library needs {missing:?}, which images of Envoy do not have").into());
        }
        dist::replace(&file, &bytes)?;
        // Sources that were edited meanwhile may be in it, or not.
        if stamp::of_sources(&root)? == sources {
            stamp.set()?;
        }
    }
    let size = std::fs::metadata(&file)?.len() / 1000;
    let how = if unchanged { ", unchanged" } else { "" };
    println!("dist/{name}  {size} kB (at most {LIMIT_KB}){how}");
    if size > LIMIT_KB { Err(format!("too large: {name}").into()) } else { Ok(()) }
}

/// The names of the libraries that this one is linked to.
fn needed(library: &[u8]) -> Result<Vec<String>, Failure> {
    let file = ElfBytes::<AnyEndian>::minimal_parse(library)?;
    let (Some(table), Some((_, strings))) = (file.dynamic()?, file.dynamic_symbol_table()?) else {
        return Err("the library is not linked dynamically".into());
    };
    let entries = table.iter().filter(|entry| entry.d_tag == DT_NEEDED);
    let names = entries.map(|entry| strings.get(usize::try_from(entry.d_val()).unwrap_or(usize::MAX)));
    Ok(names.map(|name| name.map(str::to_owned)).collect::<Result<_, _>>()?)
}

/// Runs cargo; returns the file that it made.
fn compile(root: &Path, target: Option<&str>) -> Result<PathBuf, Failure> {
    // The cargo that runs this task, so that one toolchain builds everything.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--profile", PROFILE, "--package", "weir-native"])
        .args(target.into_iter().flat_map(|target| ["--target", target]))
        .env("RUSTFLAGS", dist::remapped(root))
        .status()?;
    if !status.success() {
        return Err(format!("cargo could not build the native module: {status}").into());
    }
    let made = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(made.join(target.unwrap_or_default()).join(PROFILE).join("libweir_native.so"))
}
