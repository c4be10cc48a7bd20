//! Knows whether a module in `dist/` is what a build would make of the sources at hand, without building it:
//! linking and shrinking all modules takes minutes even where nothing changed.
//!
//! Beside the modules lies `dist/.stamps/NAME`: a fingerprint of everything that a module is made of (sources,
//! manifests, lock file, compiler, optimiser, this program's own sources, the flags of the caller) and of the files
//! that were made. A module whose fingerprints are both unchanged is left alone.

use crate::task::Failure;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What modules are made of, below the root of the repository.
const SOURCES: [&str; 6] = ["Cargo.toml", "Cargo.lock", "crates", "filters", "schema", "xtask"];
/// Environment variables that change what the compiler makes.
const FLAGS: [&str; 3] = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS"];

/// A fingerprint of what all modules are made of.
///
/// # Errors
/// A source cannot be read, or there is no compiler.
pub fn of_sources(root: &Path) -> Result<u64, Failure> {
    let mut hasher = DefaultHasher::new();
    let mut files = BTreeSet::new();
    for source in SOURCES {
        collect(&root.join(source), &mut files)?;
    }
    for file in files {
        file.strip_prefix(root)?.hash(&mut hasher);
        std::fs::read(&file)?.hash(&mut hasher);
    }
    version_of("rustc", &["-vV"]).ok_or("there is no rustc")?.hash(&mut hasher);
    version_of("wasm-opt", &["--version"]).hash(&mut hasher);
    for flag in FLAGS {
        std::env::var_os(flag).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// A fingerprint of a folder of sources.
///
/// # Errors
/// A source cannot be read.
pub fn of_folder(folder: &Path) -> Result<u64, Failure> {
    let (mut hasher, mut files) = (DefaultHasher::new(), BTreeSet::new());
    collect(folder, &mut files)?;
    for file in files {
        file.strip_prefix(folder)?.hash(&mut hasher);
        std::fs::read(&file)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Every file of a folder that can be part of a module. Tests are left out: they change often, and no module has
/// them.
fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        files.insert(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.file_name() != Some(OsStr::new("tests")) {
            collect(&path, files)?;
        }
    }
    Ok(())
}

/// What a program says of its version; nothing where it is not installed.
fn version_of(program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    Some(Command::new(program).args(arguments).output().ok()?.stdout)
}

/// The stamp of one module: where it lies, and what it must say.
pub struct Stamp {
    file: PathBuf,
    sources: u64,
    made: Vec<PathBuf>,
}

impl Stamp {
    /// Of a module that is built with `features` into the files `made`.
    pub fn new(dist: &Path, name: &str, features: &str, sources: u64, made: Vec<PathBuf>) -> Self {
        let mut hasher = DefaultHasher::new();
        (sources, features).hash(&mut hasher);
        Self { file: dist.join(".stamps").join(name), sources: hasher.finish(), made }
    }

    /// Whether the files are what a build would make.
    pub fn holds(&self) -> bool {
        self.text().is_some_and(|text| std::fs::read_to_string(&self.file).is_ok_and(|found| found == text))
    }

    /// Notes that the files were just made.
    ///
    /// # Errors
    /// A file is missing, or the stamp cannot be written.
    pub fn set(&self) -> Result<(), Failure> {
        let text = self.text().ok_or("a module that was just built is missing")?;
        std::fs::create_dir_all(self.file.parent().ok_or("a stamp lies in a folder")?)?;
        Ok(std::fs::write(&self.file, text)?)
    }

    fn text(&self) -> Option<String> {
        let mut hasher = DefaultHasher::new();
        for file in &self.made {
            std::fs::read(file).ok()?.hash(&mut hasher);
        }
        Some(format!("{:016x} {:016x}\n", self.sources, hasher.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_until_sources_features_or_files_change() {
        let dist = std::env::temp_dir().join(format!("weir-stamp-{}", std::process::id()));
        std::fs::create_dir_all(&dist).unwrap();
        let made = dist.join("x.wasm");
        let stamp = |features, sources| Stamp::new(&dist, "x", features, sources, vec![made.clone()]);
        assert!(!stamp("a", 1).holds(), "nothing was built");
        assert!(stamp("a", 1).set().is_err(), "a stamp of nothing");
        std::fs::write(&made, "module").unwrap();
        stamp("a", 1).set().unwrap();
        assert!(stamp("a", 1).holds());
        assert!(!stamp("a", 2).holds(), "the sources changed");
        assert!(!stamp("a,b", 1).holds(), "the features changed");
        std::fs::write(&made, "another").unwrap();
        assert!(!stamp("a", 1).holds(), "the file changed");
        std::fs::remove_dir_all(&dist).unwrap();
    }

    #[test]
    fn every_source_counts_and_no_test() {
        let root = std::env::temp_dir().join(format!("weir-sources-{}", std::process::id()));
        for folder in ["crates/a/src", "crates/a/tests", "filters", "schema", "xtask"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["Cargo.toml", "Cargo.lock", "crates/a/src/lib.rs"] {
            std::fs::write(root.join(file), "").unwrap();
        }
        let before = of_sources(&root).unwrap();
        std::fs::write(root.join("crates/a/tests/it.rs"), "fn it() {}").unwrap();
        assert_eq!(of_sources(&root).unwrap(), before);
        std::fs::write(root.join("crates/a/src/lib.rs"), "// changed").unwrap();
        assert_ne!(of_sources(&root).unwrap(), before);
        std::fs::remove_dir_all(&root).unwrap();
    }
}
