//! Where things are in the repository.

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The case files.
pub fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

/// The examples for authors of filters, each a folder.
pub fn examples() -> PathBuf {
    root().join("examples")
}

/// A built module by the name that case files use: `ab_routing` is `dist/ab_routing.wasm`.
///
/// # Errors
/// The module has not been built.
pub fn module(name: &str) -> Result<PathBuf, String> {
    let path = root().join("dist").join(name).with_extension("wasm");
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("dist/{name}.wasm is missing: run `make wasm`"))
}

/// The native module.
///
/// # Errors
/// It has not been built.
pub fn native_module() -> Result<PathBuf, String> {
    let path = root().join("dist/libweir.so");
    if path.is_file() { Ok(path) } else { Err("dist/libweir.so is missing: run `make native`".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo test` alone leaves out what needs modules or Envoy. What the Makefile forgot would never run.
    #[test]
    fn every_test_that_cargo_leaves_out_is_in_the_makefile() {
        let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
        let (manifest, makefile) = (read("tests/Cargo.toml"), read("Makefile"));
        let named: Vec<&str> = makefile.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let left_out = manifest.split("[[test]]").skip(1).filter(|entry| entry.contains("test = false"));
        let names: Vec<&str> = left_out.map(|entry| entry.split('"').nth(1).unwrap()).collect();
        assert!(names.len() > 5, "{names:?}");
        for name in names {
            assert!(named.contains(&name), "{name} is in no target of the Makefile");
        }
    }
}
