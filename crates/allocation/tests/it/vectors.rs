//! The published vectors of `weir-1`, which an independent implementation made (tests/vectors/weir-1).
//!
//! The same tests run natively and, as WebAssembly, under Node.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;
use weir_allocation::Salt;

const VECTORS: &str = include_str!("../../../../tests/vectors/weir-1/vectors.tsv");

struct Vector {
    salt: String,
    unit: Vec<u8>,
    hash: u64,
    bucket: u32,
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "odd number of hex digits: {text}");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn parse(line: &str) -> Vector {
    let columns: Vec<_> = line.split('\t').collect();
    let [salt, unit, hash, bucket] = columns[..] else { panic!("four columns expected: {line}") };
    Vector {
        salt: String::from_utf8(unhex(salt)).unwrap(),
        unit: unhex(unit),
        hash: u64::from_str_radix(hash, 16).unwrap(),
        bucket: bucket.parse().unwrap(),
    }
}

fn vectors() -> Vec<Vector> {
    VECTORS.lines().filter(|line| !line.starts_with('#')).map(parse).collect()
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn hash_and_bucket_match_every_vector() {
    for Vector { salt, unit, hash, bucket } in vectors() {
        let prepared = Salt::new(&salt);
        assert_eq!(prepared.hash(&unit), hash, "hash of salt {salt:?}, unit {unit:02x?}");
        assert_eq!(prepared.bucket(&unit).index(), bucket, "bucket of salt {salt:?}, unit {unit:02x?}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn vectors_cover_what_they_promise() {
    let vectors = vectors();
    let any = |check: fn(&Vector) -> bool| vectors.iter().any(check);
    assert!(vectors.len() >= 500, "{} vectors", vectors.len());
    assert!(any(|vector| vector.salt.is_empty() && vector.unit.is_empty()));
    assert!(any(|vector| !vector.salt.is_ascii()));
    assert!(any(|vector| str::from_utf8(&vector.unit).is_ok_and(|unit| !unit.is_ascii())));
    assert!(any(|vector| str::from_utf8(&vector.unit).is_err()));
    assert!(any(|vector| vector.unit.len() >= 10_000));
    // Both sides of the point where the stack buffer ends (240 bytes of input) and where XXH3 goes long.
    for length in 239..=242 {
        let input = |vector: &Vector| 8 + vector.salt.len() + vector.unit.len();
        assert!(vectors.iter().any(|vector| input(vector) == length), "no input of {length} bytes");
    }
}
