//! The native hash `weir-1`: specified in `docs/hash-weir-1.md`, proven by `tests/vectors/weir-1`.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::BUCKETS;

/// Bytes of stack for the hash input. XXH3 has its short code paths up to 240 bytes, and nearly every salt
/// and unit fit together; the streaming state (576 bytes to initialise) is only for what is longer.
///
/// Measured as WebAssembly, in units of wasmi's fuel (about one instruction each) for a salt of 15 bytes and a
/// unit of 7 / 36 / 200 bytes: 286 / 338 / 857 by the buffer, 729 / 781 / 1300 by streaming.
const SHORT_INPUT: usize = 240;

/// Length prefixes are 32 bits wide.
const PREFIX: usize = size_of::<u32>();

/// What derived salts are for: the parts that [`Salt::derived`] appends to a key.
///
/// Decisions that must be independent of each other need different salts. Whoever adds a purpose must choose
/// a text that no other purpose has.
pub mod purpose {
    /// Whether a unit takes part at all, where this must not depend on its variant's bucket.
    pub const COVERAGE: &str = "coverage";
    /// Whether a unit is held out.
    pub const HOLDOUT: &str = "holdout";
    /// A unit's place in a layer of mutually exclusive experiments; the key is the layer's name.
    pub const LAYER: &str = "layer";
    /// Whether a sticky fault hits a unit; the key is the fault's name.
    pub const FAULT: &str = "fault";
    /// A unit's place among the sub-buckets by which metrics estimate their variance.
    pub const SUB_BUCKET: &str = "sub-bucket";
}

/// One of the [`BUCKETS`] equal parts of all units, from 0 to 999 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u32);

impl Bucket {
    /// The bucket with this index, or `None` from 1 000 000 up.
    pub const fn new(index: u32) -> Option<Self> {
        if index < BUCKETS { Some(Self(index)) } else { None }
    }

    /// Maps a 64-bit hash evenly to a bucket: `hash * 1_000_000 / 2^64`, rounded down.
    pub const fn from_hash(hash: u64) -> Self {
        // The result is below BUCKETS, so it fits in 32 bits.
        Self(((hash as u128 * BUCKETS as u128) >> 64) as u32)
    }

    /// The bucket's index, from 0 to 999 999.
    pub const fn index(self) -> u32 {
        self.0
    }
}

/// A salt of the hash `weir-1`, prepared when the configuration is read.
///
/// Two salts give independent buckets for the same unit. The input is length-prefixed, so that salt `exp1`
/// with unit `23` and salt `exp12` with unit `3` are different inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salt {
    /// `len(salt) as u32 LE ‖ salt`: the part of the input that is the same for each unit.
    head: Box<[u8]>,
}

impl Salt {
    /// Prepares a salt. Its bytes are the text's UTF-8.
    pub fn new(salt: &str) -> Self {
        let mut head = Vec::with_capacity(PREFIX + salt.len());
        head.extend_from_slice(&length_prefix(salt.as_bytes()));
        head.extend_from_slice(salt.as_bytes());
        Self { head: head.into_boxed_slice() }
    }

    /// Prepares the salt `key/purpose`, for a decision about `key` that is independent of its variant.
    ///
    /// [`purpose`] names the purposes in use. A key that itself ends in `/coverage` (or another purpose)
    /// shares its salt with the derived salt of the shorter key, so configurations should refuse such keys.
    pub fn derived(key: &str, purpose: &str) -> Self {
        Self::new(&[key, "/", purpose].concat())
    }

    /// The 64-bit `weir-1` hash of a unit. A unit is any bytes, UTF-8 or not, empty or long.
    pub fn hash(&self, unit: &[u8]) -> u64 {
        let mut buffer = [0; SHORT_INPUT];
        let parts = [&*self.head, &length_prefix(unit), unit];
        match concat_into(&mut buffer, parts) {
            Some(input) => xxh3_64(input),
            None => hash_streaming(parts),
        }
    }

    /// The bucket of a unit.
    pub fn bucket(&self, unit: &[u8]) -> Bucket {
        Bucket::from_hash(self.hash(unit))
    }
}

/// The length of `bytes` as 32 bits, little-endian. Lengths from 4 GiB up, which no header has, saturate.
fn length_prefix(bytes: &[u8]) -> [u8; PREFIX] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// Writes the parts one after the other into `buffer` and returns what was written, or `None` where they
/// do not fit.
fn concat_into<'a>(buffer: &'a mut [u8], parts: [&[u8]; 3]) -> Option<&'a [u8]> {
    let mut length = 0;
    for part in parts {
        let end = length + part.len();
        buffer.get_mut(length..end)?.copy_from_slice(part);
        length = end;
    }
    buffer.get(..length)
}

/// Kept out of line so that the usual, short case does not pay for the streaming state's stack frame.
#[cold]
#[inline(never)]
fn hash_streaming(parts: [&[u8]; 3]) -> u64 {
    let mut hasher = Xxh3::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn hashes_map_to_the_first_and_the_last_bucket() {
        assert_eq!(Bucket::from_hash(0).index(), 0);
        assert_eq!(Bucket::from_hash(u64::MAX).index(), 999_999);
        assert_eq!(Bucket::from_hash(1 << 63).index(), 500_000);
        assert_eq!(Bucket::from_hash((1 << 63) - 1).index(), 499_999);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn buckets_beyond_the_last_do_not_exist() {
        assert_eq!(Bucket::new(999_999).map(Bucket::index), Some(999_999));
        assert_eq!(Bucket::new(1_000_000), None);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn the_boundary_between_salt_and_unit_counts() {
        assert_ne!(Salt::new("exp1").hash(b"23"), Salt::new("exp12").hash(b"3"));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn a_derived_salt_is_key_slash_purpose() {
        assert_eq!(Salt::derived("checkout", purpose::COVERAGE), Salt::new("checkout/coverage"));
        assert_ne!(Salt::derived("checkout", purpose::HOLDOUT), Salt::new("checkout"));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn streaming_and_stack_buffer_agree_at_every_length() {
        let salt = Salt::new("boundary");
        let unit: Vec<u8> = (0..600_u32).map(|i| (i * 31 % 251) as u8).collect();
        for length in 0..=unit.len() {
            let unit = &unit[..length];
            let streamed = hash_streaming([&salt.head, &length_prefix(unit), unit]);
            assert_eq!(salt.hash(unit), streamed, "unit of {length} bytes");
        }
    }
}
