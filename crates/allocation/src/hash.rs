//! The native hash `weir-1`: specified in `docs/hash-weir-1.md`, proven by `tests/vectors/weir-1`.

use std::cell::RefCell;
use std::hint::cold_path;
use xxhash_rust::xxh3::xxh3_64;

use crate::BUCKETS;

/// More bytes than this are not kept from one unit to the next.
const MAX_KEPT: usize = 1024;

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
    /// The target of a weighted split; the key is the name of its rule.
    pub const SPLIT: &str = "split";
    /// Whether a sticky fault hits a unit; the key is the fault's name.
    pub const FAULT: &str = "fault";
    /// A unit's place among the sub-buckets by which metrics estimate their variance.
    pub const SUB_BUCKET: &str = "sub-bucket";
}

/// One of the [`BUCKETS`] equal parts of all units, from 0 to 999 999.
///
/// ```
/// use weir_allocation::Bucket;
///
/// assert_eq!(Bucket::from_hash(1 << 63).index(), 500_000, "half of all hashes are below");
/// assert_eq!(Bucket::new(999_999), Some(Bucket::from_hash(u64::MAX)));
/// assert_eq!(Bucket::new(1_000_000), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u32);

impl Bucket {
    /// The bucket with this index, or `None` from 1 000 000 up.
    pub const fn new(index: u32) -> Option<Self> {
        if index < BUCKETS { Some(Self(index)) } else { None }
    }

    /// Maps a 64-bit hash evenly to a bucket: `hash * 1_000_000 / 2^64`, rounded down (D. Lemire, Fast Random Integer
    /// Generation in an Interval, 2019, without its rejection: a bucket is off by less than 10^-13).
    pub const fn from_hash(hash: u64) -> Self {
        // In two halves, because WebAssembly has no product of 128 bits. What is lost of the lower one is
        // below the point. The result is below BUCKETS, so it fits in 32 bits.
        let (high, low) = (hash >> 32, hash & 0xffff_ffff);
        let buckets = BUCKETS as u64;
        Self(((high * buckets + ((low * buckets) >> 32)) >> 32) as u32)
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
///
/// ```
/// use weir_allocation::{Salt, purpose};
///
/// // The worked example of docs/hash-weir-1.md.
/// let salt = Salt::new("checkout-button");
/// assert_eq!(salt.hash(b"user-42"), 0xc142_a642_a149_fb08);
/// assert_eq!(salt.bucket(b"user-42").index(), 754_923);
///
/// // Whether the user takes part does not depend on the variant that they would get.
/// let coverage = Salt::derived("checkout-button", purpose::COVERAGE);
/// assert_eq!(coverage, Salt::new("checkout-button/coverage"));
/// assert_eq!(coverage.bucket(b"user-42").index(), 87_967);
/// ```
#[derive(Clone, Debug)]
pub struct Salt {
    /// `len(salt) as u32 LE ‖ salt`, which is the same for each unit, and after it what the last unit left:
    /// the input of a hash has to be in one piece, and this way only the unit is copied.
    input: RefCell<Vec<u8>>,
    /// The length of the part that is always the same.
    head: usize,
}

impl Salt {
    /// Prepares a salt. Its bytes are the text's UTF-8.
    pub fn new(salt: &str) -> Self {
        let input = [&length_prefix(salt.as_bytes()), salt.as_bytes()].concat();
        Self { head: input.len(), input: RefCell::new(input) }
    }

    /// Prepares the salt `key/purpose`, for a decision about `key` that is independent of its variant.
    ///
    /// [`purpose`] names the purposes in use. A key that itself ends in `/coverage` (or another purpose)
    /// shares its salt with the derived salt of the shorter key, so configurations should refuse such keys.
    pub fn derived(key: &str, purpose: &str) -> Self {
        let mut salt = String::from(key);
        salt.push('/');
        salt.push_str(purpose);
        Self::new(&salt)
    }

    /// The 64-bit `weir-1` hash of a unit: XXH3 of the salt and the unit, each with its length before it. A unit is any
    /// bytes, UTF-8 or not, empty or long.
    #[inline]
    pub fn hash(&self, unit: &[u8]) -> u64 {
        // Taken, not borrowed: there is no way in which this could fail.
        let mut input = self.input.take();
        input.truncate(self.head);
        input.extend_from_slice(&length_prefix(unit));
        input.extend_from_slice(unit);
        let hash = xxh3_64(&input);
        if input.len() > MAX_KEPT {
            cold_path();
            input.truncate(self.head);
            input.shrink_to_fit();
        }
        self.input.replace(input);
        hash
    }

    /// The bucket of a unit.
    #[inline]
    pub fn bucket(&self, unit: &[u8]) -> Bucket {
        Bucket::from_hash(self.hash(unit))
    }
}

impl PartialEq for Salt {
    fn eq(&self, other: &Self) -> bool {
        self.input.borrow().get(..self.head) == other.input.borrow().get(..other.head)
    }
}

impl Eq for Salt {}

/// The length of `bytes` as 32 bits, little-endian. Lengths from 4 GiB up, which no header has, saturate.
fn length_prefix(bytes: &[u8]) -> [u8; PREFIX] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
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
    fn what_was_hashed_before_does_not_matter() {
        let used = Salt::new("boundary");
        let unit: Vec<u8> = (0..3 * MAX_KEPT).map(|i| (i * 31 % 251) as u8).collect();
        // Up and down, so that longer units come before shorter ones.
        for length in (0..unit.len()).chain((0..unit.len()).rev()).step_by(7) {
            let unit = &unit[..length];
            assert_eq!(used.hash(unit), Salt::new("boundary").hash(unit), "unit of {length} bytes");
            assert!(used.input.borrow().len() <= MAX_KEPT);
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn halves_give_the_product_of_128_bits() {
        let mut hash = 1u64;
        for _ in 0..100_000 {
            // Knuth's linear congruential generator (MMIX).
            hash = hash.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let expected = ((u128::from(hash) * u128::from(BUCKETS)) >> 64) as u32;
            assert_eq!(Bucket::from_hash(hash).index(), expected);
        }
    }
}
