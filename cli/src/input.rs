//! Files as the commands read them.

use anyhow::Context as _;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::str::Utf8Error;

/// What a file is called in messages.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "(standard input)".into() } else { path.display().to_string() }
}

/// No file that is written for a proxy is longer, and devices have no end.
const MAX_BYTES: u64 = 64 << 20;

/// Why a file has no text.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The system does not let it be read.
    System(io::Error),
    /// It has more bytes than are read.
    TooLong,
    /// It is something else, which its first bytes say.
    Other(&'static str),
    /// It is not UTF-8.
    NotUtf8(Utf8Error),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) if error.kind() == io::ErrorKind::IsADirectory => {
                f.write_str("is a directory: name its files, such as DIRECTORY/*.yaml")
            }
            Self::System(error) => error.fmt(f),
            Self::TooLong => write!(f, "is longer than {} MiB", MAX_BYTES >> 20),
            Self::Other(what) => f.write_str(what),
            Self::NotUtf8(error) => write!(f, "not UTF-8: {error}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// Why it cannot be read, that it is longer than 64 MiB, or that it is not UTF-8, and what it is then.
pub(crate) fn read(path: &Path) -> Result<String, Unreadable> {
    let bytes =
        if is_stdin(path) { bounded(io::stdin().lock()) } else { fs::File::open(path).and_then(bounded) };
    let bytes = bytes.map_err(Unreadable::System)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unreadable::TooLong);
    }
    if let Some(what) = known(&bytes) {
        return Err(Unreadable::Other(what));
    }
    String::from_utf8(bytes).map_err(|error| Unreadable::NotUtf8(error.utf8_error()))
}

/// The same with the file's name, which errors begin with.
///
/// # Errors
/// As [`read`].
pub(crate) fn named(path: &Path) -> anyhow::Result<(String, String)> {
    let name = name(path);
    let text = read(path).with_context(|| name.clone())?;
    Ok((name, text))
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
