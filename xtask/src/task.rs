//! What each task needs: the root of the repository, and how it says that it failed.

use std::path::{Path, PathBuf};

/// What went wrong, in words for a person.
pub type Failure = Box<dyn std::error::Error>;

/// The root of the repository.
pub fn root() -> Result<PathBuf, Failure> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has no folder")?.to_owned())
}
