//! Files as the commands read them.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// What a file is called in messages.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "(standard input)".into() } else { path.display().to_string() }
}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// Why it cannot be read, or that it is not UTF-8.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let bytes = if is_stdin(path) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    let bytes = bytes.map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| format!("not UTF-8: {}", error.utf8_error()))
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
