//! Layers: a module in a tar archive in gzip, with the same bytes for the same module on every machine.

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use std::io::{self, Read, Write as _};
use std::path::Path;

/// The name that proxies look for in a layer.
pub(crate) const FILE: &str = "plugin.wasm";

/// The most that a module may have: 256 MiB. Istio's agent and Envoy Gateway cut off what is longer.
pub(crate) const LIMIT: u64 = 256 << 20;

/// An archive with nothing but the module, without time, owner or anything else that differs from
/// machine to machine.
///
/// # Errors
/// None that can come to pass: it is written to memory.
pub(crate) fn tar(module: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_path(FILE)?;
    header.set_size(module.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append(&header, module)?;
    archive.into_inner()
}

/// The bytes in gzip, without a name, a time or a system.
///
/// # Errors
/// None that can come to pass: it is written to memory.
pub(crate) fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    const UNKNOWN_SYSTEM: u8 = 255;
    let builder = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    let mut encoder = builder.write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// The first file of a layer whose base name is `plugin.wasm`, whatever folder it is in.
///
/// # Errors
/// What is wrong with the layer: no gzip, no archive, cut off, no such file, or longer than [`LIMIT`].
pub(crate) fn extract(layer: &[u8]) -> Result<Vec<u8>, String> {
    // Small layers can unpack to anything, so what is unpacked is bounded as well.
    let unpacked = MultiGzDecoder::new(layer).take(2 * LIMIT);
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path_bytes();
        let path = String::from_utf8_lossy(&path);
        if Path::new(&*path).file_name().is_none_or(|name| name != FILE) {
            continue;
        }
        let size = entry.size();
        if size > LIMIT {
            return Err(too_large(size));
        }
        let mut module = Vec::new();
        entry.take(LIMIT).read_to_end(&mut module).map_err(unreadable)?;
        if (module.len() as u64) < size {
            return Err(format!("{FILE} is cut off: {} of {size} bytes", module.len()));
        }
        return Ok(module);
    }
    Err(format!("{FILE} not found in the archive"))
}

/// That a module is larger than [`LIMIT`].
pub(crate) fn too_large(size: u64) -> String {
    format!("{size} bytes are too many: a module may have {} MiB", LIMIT >> 20)
}

fn unreadable(error: io::Error) -> String {
    format!("the layer is no tar archive in gzip: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(module: &[u8]) -> Vec<u8> {
        gzip(&tar(module).unwrap()).unwrap()
    }

    #[test]
    fn what_was_packed_comes_out_again() {
        for module in [&b""[..], b"\0asm", &[7; 100_000]] {
            assert_eq!(extract(&layer(module)).unwrap(), module);
        }
    }

    #[test]
    fn the_same_module_gives_the_same_bytes() {
        // Written down, because bytes that only agree within one run would not show a clock. They change
        // with the compressor's version; the archive inside never may.
        let archive = super::super::layout::digest(&tar(b"\0asm\x01\0\0\0").unwrap());
        assert_eq!(archive, "sha256:487e0615af4a71ed30a860a7e9b5e98b81b1f5f7f080b17c2d65979d594675de");
        assert_eq!(layer(b"\0asm"), layer(b"\0asm"));
        assert_eq!(layer(b"\0asm")[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    }

    #[test]
    fn broken_layers_are_errors() {
        let module = [7; 100_000];
        let whole = layer(&module);
        for cut in 0..whole.len() {
            // What is cut off behind the module is not missed: proxies stop reading there too.
            let found = extract(&whole[..cut]);
            assert!(found.is_err() || (cut > whole.len() / 2 && found.unwrap() == module), "{cut}");
        }
        for junk in [&b"junk"[..], &gzip(b"\0asm\x01\0\0\0").unwrap(), &gzip(&[1; 2000]).unwrap()] {
            assert!(extract(junk).is_err());
        }
    }

    #[test]
    fn a_file_that_says_to_be_huge_is_refused_unread() {
        let mut header = tar::Header::new_ustar();
        header.set_path(FILE).unwrap();
        header.set_size(LIMIT + 1);
        header.set_cksum();
        let error = extract(&gzip(header.as_bytes()).unwrap()).unwrap_err();
        assert_eq!(error, "268435457 bytes are too many: a module may have 256 MiB");
    }
}
