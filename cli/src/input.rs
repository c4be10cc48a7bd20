//! Files as the commands read them.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// What a file is called in messages.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "(standard input)".into() } else { path.display().to_string() }
}

/// No file that is written for a proxy is longer, and devices have no end.
const MAX_BYTES: u64 = 64 << 20;

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// Why it cannot be read, that it is longer than 64 MiB, or that it is not UTF-8, and what it is then.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let bytes =
        if is_stdin(path) { bounded(io::stdin().lock()) } else { fs::File::open(path).and_then(bounded) };
    let bytes = bytes.map_err(|error| match error.kind() {
        io::ErrorKind::IsADirectory => "is a directory: name its files, such as DIRECTORY/*.yaml".to_owned(),
        _ => error.to_string(),
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("is longer than {} MiB", MAX_BYTES >> 20));
    }
    if let Some(what) = known(&bytes) {
        return Err(what.to_owned());
    }
    String::from_utf8(bytes).map_err(|error| format!("not UTF-8: {}", error.utf8_error()))
}

/// What bytes are that are no text in UTF-8, where their first ones say it.
fn known(bytes: &[u8]) -> Option<&'static str> {
    const FORMS: [(&[u8], &str); 6] = [
        (b"\0asm", "a WebAssembly module, not a configuration: `weir inspect` shows what is in it"),
        (b"\xff\xfe", "text in UTF-16: save it as UTF-8"),
        (b"\xfe\xff", "text in UTF-16: save it as UTF-8"),
        (b"\x1f\x8b", "compressed with gzip: unpack it first"),
        (b"PK\x03\x04", "a ZIP archive: unpack it first"),
        (b"\x7fELF", "a program, not a configuration"),
    ];
    FORMS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what)
}

/// All of it, or one byte more than is taken.
fn bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
