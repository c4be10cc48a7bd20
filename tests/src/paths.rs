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
