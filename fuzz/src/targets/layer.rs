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

/// The bytes are a layer, an archive that is packed into one, and a plan of an archive without anything odd, in which
/// a simple reader finds the same.
pub(crate) fn layer(data: &[u8]) {
    let _ = extract(data);
    if let Some(module) = extract(&packed(data)) {
        assert!(module.len() <= data.len());
        let start = &module[..module.len().min(16)];
        assert!(start.is_empty() || data.windows(start.len()).any(|part| part == start));
    }
    let plain = archive(data);
    assert_eq!(extract(&packed(&plain)), model(&plain));
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// At most five entries: three bytes each are name, size and content.
fn archive(plan: &[u8]) -> Vec<u8> {
    const NAMES: [&str; 5] = ["plugin.wasm", "a/plugin.wasm", "other", "plugin.wasm/x", "a/./b"];
    let mut archive = tar::Builder::new(Vec::new());
    for entry in plan.chunks_exact(3).take(5) {
        let content = vec![entry[2]; usize::from(entry[1]) * 5];
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_path(NAMES[usize::from(entry[0]) % NAMES.len()]).expect("it is short");
        header.set_cksum();
        archive.append(&header, &content[..]).expect("memory takes it");
    }
    archive.into_inner().expect("memory takes it")
}

/// What a reader without any extension finds: entries one after the other.
fn model(mut tar: &[u8]) -> Option<Vec<u8>> {
    while let Some((header, rest)) = tar.split_at_checked(512) {
        if header.iter().all(|b| *b == 0) {
            return None;
        }
        let name = header[..100].split(|b| *b == 0).next()?;
        let size = usize::from_str_radix(str::from_utf8(&header[124..135]).ok()?, 8).ok()?;
        if name.rsplit(|b| *b == b'/').next()? == b"plugin.wasm" {
            return rest.get(..size).map(<[u8]>::to_vec);
        }
        tar = rest.get(size.next_multiple_of(512)..)?;
    }
    None
}
