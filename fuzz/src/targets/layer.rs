//! Layers of images: archives in gzip.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use weir_cli::fuzzed::layer as extract;

pub(crate) const PIECES: &[&str] = &[
    "plugin.wasm",
    "a/plugin.wasm",
    "ustar\0",
    "ustar  \0",
    "././@LongLink",
    "00000000004\0",
    "77777777777\0",
    "20 path=plugin.wasm\n",
    "\0asm",
    "x",
    "g",
    "L",
    "K",
    "S",
    "\u{80}",
];

/// The bytes are a layer, and an archive that is packed into one. A module is a part of the archive.
pub(crate) fn layer(data: &[u8]) {
    let _ = extract(data);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(data).expect("memory takes it");
    let packed = encoder.finish().expect("memory takes it");
    if let Some(module) = extract(&packed) {
        assert!(module.len() <= data.len());
        let start = &module[..module.len().min(16)];
        assert!(start.is_empty() || data.windows(start.len()).any(|part| part == start));
    }
}
