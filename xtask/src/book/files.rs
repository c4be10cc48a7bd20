//! Files of the site.

use crate::task::Failure;
use std::path::Path;

/// Copies a file and makes the folder that it goes into.
pub fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::copy(from, to).map_err(|error| format!("{}: {error}", from.display()))?;
    Ok(())
}
