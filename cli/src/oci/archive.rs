//! Layers: a module in a tar archive in gzip, with the same bytes for the same module on every machine.

use anyhow::{anyhow, bail};
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use std::io::{self, Read, Write as _};

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
pub(crate) fn extract(layer: &[u8]) -> anyhow::Result<Vec<u8>> {
    // Small layers can unpack to anything, so what is unpacked is bounded as well.
    let unpacked = MultiGzDecoder::new(layer).take(2 * LIMIT);
    let mut archive = tar::Archive::new(unpacked);
    // The name of the next entry, where it is in an entry of its own. The reader's own handling of such
    // entries would read them whole, however long they say to be.
    let mut long_name = None;
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let mut entry = entry.map_err(unreadable)?;
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() {
            long_name = Some(metadata(&mut entry)?);
            continue;
        }
        if kind.is_pax_local_extensions() {
            long_name = pax_path(&metadata(&mut entry)?).or(long_name);
            continue;
        }
        if kind.is_gnu_longlink() || kind.is_pax_global_extensions() {
            continue;
        }
        let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        if base(&name) != FILE.as_bytes() {
            continue;
        }
        let size = entry.size();
        if size > LIMIT {
            bail!(too_large(size));
        }
        let mut module = Vec::new();
        entry.take(LIMIT).read_to_end(&mut module).map_err(unreadable)?;
        if (module.len() as u64) < size {
            bail!("{FILE} is cut off: {} of {size} bytes", module.len());
        }
        return Ok(module);
    }
    bail!("{FILE} not found in the archive")
}

/// The most that a name or the attributes of an entry may have, as in Go's reader, which proxies use.
const MAX_METADATA: u64 = 1 << 20;

/// What an entry says of the next one.
fn metadata(entry: &mut tar::Entry<'_, impl Read>) -> anyhow::Result<Vec<u8>> {
    let size = entry.size();
    if size > MAX_METADATA {
        bail!("the layer has {size} bytes of names or attributes in one entry: 1 MiB at most");
    }
    let mut bytes = Vec::new();
    entry.take(MAX_METADATA).read_to_end(&mut bytes).map_err(unreadable)?;
    // Names of GNU's tar end with a zero.
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    Ok(bytes)
}

/// The attribute `path` of a pax header: lines of `LENGTH KEY=VALUE`.
fn pax_path(attributes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = attributes;
    while let Some(space) = rest.iter().position(|b| *b == b' ') {
        let length: usize = std::str::from_utf8(rest.get(..space)?).ok()?.parse().ok()?;
        let record = rest.get(space + 1..length)?.strip_suffix(b"\n")?;
        if let Some(path) = record.strip_prefix(b"path=") {
            return Some(path.to_vec());
        }
        rest = rest.get(length..)?;
    }
    None
}

/// What follows a path's last slash.
fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or(path)
}

/// That a module is larger than [`LIMIT`].
pub(crate) fn too_large(size: u64) -> String {
    format!("{size} bytes are too many: a module may have {} MiB", LIMIT >> 20)
}

fn unreadable(error: io::Error) -> anyhow::Error {
    anyhow!("the layer is not a gzip-compressed tar archive: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;

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
            // What is cut off after the module is not missed: proxies stop reading there too.
            let found = extract(&whole[..cut]);
            assert!(found.is_err() || (cut > whole.len() / 2 && found.unwrap() == module), "{cut}");
        }
        for junk in [&b"junk"[..], &gzip(b"\0asm\x01\0\0\0").unwrap(), &gzip(&[1; 2000]).unwrap()] {
            assert!(extract(junk).is_err());
        }
    }

    /// An entry, padded.
    fn entry(kind: tar::EntryType, name: &str, size: u64, content: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.set_path(name).unwrap();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        let padding = vec![0; content.len().next_multiple_of(512) - content.len()];
        [header.as_bytes(), content, &padding].concat()
    }

    fn entries(parts: &[Vec<u8>]) -> anyhow::Result<Vec<u8>> {
        extract(&gzip(&[&parts.concat()[..], &[0; 1024]].concat()).unwrap())
    }

    #[test]
    fn names_in_entries_of_their_own_are_read() {
        use tar::EntryType as Kind;
        let deep = format!("{}/{FILE}", "d".repeat(200));
        let file = |name| entry(Kind::Regular, name, 4, b"\0asm");
        let gnu = |name: &[u8]| entry(Kind::GNULongName, "././@LongLink", name.len() as u64, name);
        let pax = |text: &str| entry(Kind::XHeader, "pax", text.len() as u64, text.as_bytes());
        let record = |key: &str, value: &str| {
            let rest = format!(" {key}={value}\n");
            let length = (rest.len()..).find(|all| all.to_string().len() + rest.len() == *all).unwrap();
            format!("{length}{rest}")
        };
        let named = record("path", &deep);
        let other = record("path", "other");
        for parts in [
            vec![gnu(format!("{deep}\0").as_bytes()), file("cut")],
            vec![pax(&(record("mtime", "1.5") + &named)), file("cut")],
            vec![entry(Kind::XGlobalHeader, "g", 0, b""), file("a/plugin.wasm")],
            // A name is for the next entry only.
            vec![pax(&other), file(FILE), file(FILE)],
        ] {
            assert_eq!(entries(&parts).unwrap(), b"\0asm");
        }
        for parts in
            [vec![pax(&other), file(FILE)], vec![gnu(b"other"), file(FILE)], vec![gnu(deep.as_bytes())]]
        {
            assert!(entries(&parts).refusal().contains("not found"));
        }
        for odd in
            ["", "5", "x path=plugin.wasm\n", "99 path=plugin.wasm\n", "0 ", "3 a", "18446744073709551615 a"]
        {
            assert!(entries(&[pax(odd), file("b")]).is_err(), "{odd}");
        }
    }

    #[test]
    fn long_names_and_attributes_are_refused_unread() {
        use tar::EntryType as Kind;
        for kind in [Kind::GNULongName, Kind::XHeader] {
            let error = entries(&[entry(kind, "x", 400 << 20, b"")]).refusal();
            assert!(error.contains("419430400 bytes of names or attributes"), "{error}");
        }
    }

    #[test]
    fn a_file_that_says_to_be_huge_is_refused_unread() {
        let mut header = tar::Header::new_ustar();
        header.set_path(FILE).unwrap();
        header.set_size(LIMIT + 1);
        header.set_cksum();
        let error = extract(&gzip(header.as_bytes()).unwrap()).refusal();
        assert_eq!(error, "268435457 bytes are too many: a module may have 256 MiB");
    }
}
