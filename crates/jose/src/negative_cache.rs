//! Tokens with a wrong signature, remembered for a short time: repeating a forgery costs only a hash.
//!
//! A table of its own, so that forgeries take nothing from tokens that are good. An entry holds no longer than
//! the keys that the token was verified with, and a minute at most.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::refusal::Refusal;

/// How long a token is remembered, in seconds.
const LIFETIME: f64 = 60.0;

/// Fingerprints of tokens that no key has signed: a negative cache.
///
/// ```
/// use weir_jose::{NegativeCache, Refusal};
///
/// let mut denied = NegativeCache::new(100, 0x5eed);
/// let (keys, now) = (1, 1_000.0); // the first keys, since when a counter of theirs is 1
/// denied.insert(b"header.claims.forged", keys, Refusal::BadSignature, now);
/// assert_eq!(denied.get(b"header.claims.forged", keys, now + 59.0), Some(Refusal::BadSignature));
/// assert_eq!(denied.get(b"header.claims.forged", keys, now + 60.0), None, "after a minute");
/// assert_eq!(denied.get(b"header.claims.forged", keys + 1, now), None, "newer keys may verify it");
/// ```
#[derive(Debug)]
pub struct NegativeCache {
    slots: Box<[Slot]>,
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Of the token; 64 bits of a hash whose seed nobody outside knows.
    hash: u64,
    /// Which keys there were.
    generation: u32,
    refusal: Option<Refusal>,
    since: f64,
}

impl NegativeCache {
    /// Room for at least `entries` tokens (rounded up to a power of two). A further one takes the place of another.
    /// `seed` must be random, and unknown to clients.
    pub fn new(entries: usize, seed: u64) -> Self {
        let empty = Slot { hash: 0, generation: 0, refusal: None, since: 0.0 };
        let entries = entries.checked_next_power_of_two().unwrap_or(1);
        Self { slots: vec![empty; entries].into(), seed }
    }

    /// Why these keys did not verify this token, if they were tried less than a minute ago; `now` in seconds since
    /// 1970.
    pub fn get(&self, token: &[u8], generation: u32, now: f64) -> Option<Refusal> {
        let hash = self.hash(token);
        let slot = self.slots.get(self.place(hash))?;
        let fresh = (0.0..LIFETIME).contains(&(now - slot.since));
        if fresh && slot.hash == hash && slot.generation == generation { slot.refusal } else { None }
    }

    /// Remembers that these keys did not verify this token.
    pub fn insert(&mut self, token: &[u8], generation: u32, refusal: Refusal, now: f64) {
        let hash = self.hash(token);
        let place = self.place(hash);
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = Slot { hash, generation, refusal: Some(refusal), since: now };
        }
    }

    fn hash(&self, token: &[u8]) -> u64 {
        xxh3_64_with_seed(token, self.seed)
    }

    #[allow(clippy::cast_possible_truncation, reason = "the low bits choose the slot")]
    fn place(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn an_entry_holds_for_its_keys_and_a_minute() {
        let mut denied = NegativeCache::new(100, 7);
        assert_eq!(denied.get(b"a.b.c", 1, 1000.0), None);
        denied.insert(b"a.b.c", 1, Refusal::BadSignature, 1000.0);
        assert_eq!(denied.get(b"a.b.c", 1, 1000.0), Some(Refusal::BadSignature));
        assert_eq!(denied.get(b"a.b.c", 1, 1059.9), Some(Refusal::BadSignature));
        assert_eq!(denied.get(b"a.b.c", 1, 1060.0), None, "its time is over");
        assert_eq!(denied.get(b"a.b.c", 1, 999.0), None, "the clock was set back");
        assert_eq!(denied.get(b"a.b.c", 1, f64::NAN), None);
        assert_eq!(denied.get(b"a.b.c", 2, 1000.0), None, "other keys may verify it");
        assert_eq!(denied.get(b"a.b.d", 1, 1000.0), None);
    }

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn a_flood_takes_the_places_of_other_forgeries_only() {
        let mut denied = NegativeCache::new(64, 7);
        for number in 0..100_000u32 {
            denied.insert(&number.to_le_bytes(), 0, Refusal::BadSignature, 0.0);
        }
        assert_eq!(denied.slots.len(), 64);
        let known = (0..100_000u32).filter(|n| denied.get(&n.to_le_bytes(), 0, 0.0).is_some()).count();
        assert!((1..=64).contains(&known), "{known}");
    }
}
