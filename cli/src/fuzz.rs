//! Readers of what registries and files of others hold, fed with chance: none may panic, and each must
//! agree with a plain model of itself. A short run is part of `cargo test`; `WEIR_FUZZ_SECONDS=600` lets each
//! target run for so long.

use crate::oci::fuzzed::{accept, challenge, extract};
use crate::report::fuzzed::increases;
use crate::yaml;
use fastrand::Rng;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// What each target tries in `cargo test`.
const CASES: u32 = 2_000;

/// Holds `test` to values by chance: some thousands, or as many as the time allows.
fn hold(test: impl Fn(&mut Rng)) {
    let seconds = std::env::var("WEIR_FUZZ_SECONDS").map_or(0, |text| text.parse().expect("a number"));
    let (start, mut cases) = (Instant::now(), 0);
    while cases < CASES || start.elapsed() < Duration::from_secs(seconds) {
        // A failure names the seed, so that it can be had again.
        let seed = fastrand::u64(..);
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&mut Rng::with_seed(seed))));
        assert!(done.is_ok(), "seed {seed}");
        cases += 1;
    }
    println!("{cases} values");
}

/// Bytes of which some were changed, taken out or doubled.
fn damage(bytes: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..random.usize(..4) {
        if bytes.is_empty() {
            return;
        }
        let at = random.usize(..bytes.len());
        match random.u8(..4) {
            0 => bytes[at] = random.u8(..),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, bytes[at]),
            _ => bytes.truncate(at),
        }
    }
}

fn of_pieces(pieces: &[&str], most: usize, random: &mut Rng) -> String {
    (0..random.usize(..most)).map(|_| pieces[random.usize(..pieces.len())]).collect()
}

/// What a reader without any extension finds: entries one after the other.
fn model(mut tar: &[u8]) -> Option<Vec<u8>> {
    while let Some((header, rest)) = tar.split_at_checked(512) {
        if header.iter().all(|b| *b == 0) {
            return None;
        }
        let name = header[..100].split(|b| *b == 0).next()?;
        let size = usize::from_str_radix(std::str::from_utf8(&header[124..135]).ok()?, 8).ok()?;
        if name.rsplit(|b| *b == b'/').next()? == b"plugin.wasm" {
            return rest.get(..size).map(<[u8]>::to_vec);
        }
        tar = rest.get(size.next_multiple_of(512)..)?;
    }
    None
}

fn archive(random: &mut Rng) -> Vec<u8> {
    const NAMES: [&str; 5] = ["plugin.wasm", "a/plugin.wasm", "other", "plugin.wasm/x", "a/./b"];
    let mut archive = tar::Builder::new(Vec::new());
    for _ in 0..random.usize(..5) {
        let content = vec![random.u8(..); random.usize(..1200)];
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_path(NAMES[random.usize(..NAMES.len())]).unwrap();
        header.set_cksum();
        archive.append(&header, &content[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn archives() {
    hold(|random| {
        let tar = archive(random);
        assert_eq!(extract(&packed(&tar)).ok(), model(&tar));
        let mut damaged = tar.clone();
        damage(&mut damaged, random);
        let _ = extract(&packed(&damaged));
        let mut damaged = packed(&tar);
        damage(&mut damaged, random);
        let _ = extract(&damaged);
    });
}

#[test]
fn manifests() {
    const PIECES: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "null",
        "1",
        "-1",
        "1e99",
        "\"schemaVersion\":2",
        "\"layers\":",
        "\"manifests\":",
        "\"config\":",
        "{\"digest\":\"sha256:00\",\"size\":9}",
        "\"mediaType\":\"application/wasm\"",
        "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}",
        "\"size\":18446744073709551615",
        "\\u0000",
        "\"digest\":\"../..\"",
        "\u{1f600}",
        "\u{0}",
        " ",
    ];
    let whole = serde_json::json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"digest": "sha256:00", "size": 0}, "layers": [{"mediaType": "application/wasm", "digest": "x", "size": 1}],
        "manifests": [{"digest": "y", "size": 2, "platform": {"os": "linux", "architecture": "amd64"}}]})
    .to_string();
    hold(|random| {
        let mut bytes = match random.bool() {
            true => whole.clone().into_bytes(),
            false => of_pieces(&PIECES, 30, random).into_bytes(),
        };
        damage(&mut bytes, random);
        assert!(accept(&bytes).is_err(), "there is no module in it");
    });
}

#[test]
fn challenges() {
    const PIECES: [&str; 16] = [
        "Bearer ",
        "basic",
        " ",
        ",",
        "=",
        "\"",
        "\\",
        "realm",
        "service=",
        "realm=\"https://a/b\"",
        "scope=x",
        "realm=https://t",
        "é",
        "\t",
        "\\\"",
        "BEARER realm=\"",
    ];
    hold(|random| {
        let text = of_pieces(&PIECES, 12, random);
        // Nothing that is written after it takes away what stands first.
        if let Some(realm) = challenge(format!("Bearer realm=\"https://t\",{text}")) {
            assert_eq!(realm, "https://t");
        }
        let _ = challenge(&text);
    });
}

/// What is read of a text is what another reader of YAML reads, where both take it.
#[test]
fn yaml() {
    const PIECES: [&str; 28] = [
        "a", "b: ", "\n", "  ", "- ", "? ", ": ", "&x ", "*x", "<<: ", "<<: *x", "{", "}", "[", "]", ", ",
        "\"", "'", "|\n", ">\n", "#", "!!str ", "---\n", "...\n", "1.5", "true", "\u{feff}", "\t",
    ];
    hold(|random| {
        let text = of_pieces(&PIECES, 24, random);
        let (documents, broken) = yaml::read(&text);
        let lines = text.split(['\n', '\r']).count();
        for broken in &broken {
            assert!((1..=lines + 1).contains(&broken.at.line) && broken.at.column > 0, "{text:?} {broken:?}");
        }
        for document in &documents {
            let json = document.to_json();
            if broken.is_empty() {
                // JSON is YAML: what was read, written as JSON, is read as the same.
                let (again, broken) = yaml::read(&json.to_string());
                assert_eq!((broken.len(), again.first().map(|it| it.to_json())), (0, Some(json)), "{text:?}");
            }
        }
    });
}

/// Whatever Prometheus says, counters go up by numbers.
#[test]
fn answers_of_prometheus() {
    hold(|random| {
        let mut values = |start: u64| {
            let value = |place: u64| {
                let number = [f64::from(random.u16(..)), random.f64() * 1e300, 0.0][random.usize(..3)];
                serde_json::json!([start + place * 10, number.to_string()])
            };
            (0..20).map(value).collect::<Vec<_>>()
        };
        let result = [
            serde_json::json!({"metric": {"variant": "a"}, "values": values(100)}),
            serde_json::json!({"metric": {"variant": "b"}, "values": values(93)}),
        ];
        let mut body =
            serde_json::json!({"status": "success", "data": {"result": result}}).to_string().into_bytes();
        assert_eq!(increases(&body).len(), 40);
        damage(&mut body, random);
        assert!(increases(&body).iter().all(|it| it.is_finite() && *it >= 0.0));
    });
}
