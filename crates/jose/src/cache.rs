//! The cache of verified tokens: bounded, never beyond their lifetime, and resistant to floods.
//!
//! Set-associative: a token's hash names one set of [`WAYS`] slots, so lookup, insertion and eviction
//! look at four slots, whatever the size. Eviction is CLOCK (second chance): a slot that was hit since
//! it was last challenged survives, so a stream of new tokens cannot push out one in use. Where a
//! token would push something out, it must have been verified once before already; the first time only
//! its fingerprint is noted. A token that comes once then costs a hash and one write, and no copy.

use std::cell::Cell;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::times::Validity;

/// Slots of a set.
const WAYS: usize = 4;

/// The most slots that one insertion visits to free bytes, so that it costs the same for every size.
const SWEEP: usize = 8;

/// Verified tokens with their results.
///
/// Tokens are compared in full: a hash collision costs a comparison, never an identity. The hash is
/// seeded at random, so that nobody outside can choose tokens which share a set.
///
/// ```
/// use weir_jose::{Cache, Validity};
///
/// // 64 tokens and 64 KiB at most. The seed is random, and unknown to clients.
/// let mut cache = Cache::new(64, 1 << 16, 0x5eed);
/// let (validity, now) = (Validity { from: 100.0, until: 200.0 }, 150.0);
/// assert!(cache.insert(b"header.claims.signature", "ann", 3, validity, now));
/// assert_eq!(cache.get(b"header.claims.signature", now), Some(&"ann"));
/// assert_eq!(cache.get(b"header.claims.forged", now), None);
/// assert_eq!(cache.get(b"header.claims.signature", 200.0), None, "expired");
/// assert!(cache.len() == 1 && cache.bytes() <= 1 << 16);
///
/// // New keys: what the old ones verified is forgotten.
/// cache.clear();
/// assert!(cache.is_empty());
/// ```
#[derive(Debug)]
pub struct Cache<V> {
    slots: Vec<Option<Entry<V>>>,
    /// Fingerprints of tokens that were not admitted, at the place that their hash names.
    noted: Vec<u32>,
    seed: u64,
    max_bytes: usize,
    bytes: usize,
    /// The next slot that [`Cache::free`] visits.
    hand: usize,
    /// How many entries there have ever been.
    insertions: u64,
}

#[derive(Debug)]
struct Entry<V> {
    hash: u64,
    validity: Validity,
    /// Hit since it was last challenged.
    hot: Cell<bool>,
    /// How many entries came before it.
    born: u64,
    token: Box<[u8]>,
    /// What the entry counts against the cache's bytes.
    weight: usize,
    value: V,
}

impl<V> Cache<V> {
    /// A cache of at most `entries` tokens (rounded up to a power of two, at least 4) and about
    /// `max_bytes` in tokens and values. `seed` must be random, and unknown to clients. With no bytes
    /// nothing is ever cached.
    pub fn new(entries: usize, max_bytes: usize, seed: u64) -> Self {
        let entries = entries.max(WAYS).checked_next_power_of_two().unwrap_or(WAYS);
        let mut slots = Vec::new();
        slots.resize_with(entries, || None);
        Self { slots, noted: vec![0; entries * 4], seed, max_bytes, bytes: 0, hand: 0, insertions: 0 }
    }

    /// What was learned from this token, if it is remembered and valid at `now` (seconds since 1970).
    #[inline]
    pub fn get(&self, token: &[u8], now: f64) -> Option<&V> {
        let hash = self.hash(token);
        let set = self.slots.get(self.set(hash)..)?.get(..WAYS)?;
        for entry in set.iter().flatten() {
            if entry.hash == hash && *entry.token == *token {
                // Out of its time it stays: a clock that was set wrong may be set right again.
                if !entry.validity.contains(now) {
                    return None;
                }
                entry.hot.set(true);
                return Some(&entry.value);
            }
        }
        None
    }

    /// Remembers a token that has been verified, if there is room or if it comes again. `weight` is
    /// what the value takes besides the token, in bytes. Returns whether it is remembered.
    pub fn insert(&mut self, token: &[u8], value: V, weight: usize, validity: Validity, now: f64) -> bool {
        let weight = token.len() + weight + size_of::<Entry<V>>();
        if weight > self.max_bytes || !validity.contains(now) {
            return false;
        }
        let hash = self.hash(token);
        let Some(place) = self.place(hash, token, weight, now) else { return false };
        self.remove(place);
        if let Some(slot) = self.slots.get_mut(place) {
            self.bytes += weight;
            self.insertions += 1;
            *slot = Some(Entry {
                hash,
                validity,
                hot: Cell::new(false),
                born: self.insertions,
                token: token.into(),
                weight,
                value,
            });
        }
        true
    }

    /// Forgets everything, as after a change of keys.
    pub fn clear(&mut self) {
        self.slots.iter_mut().for_each(|slot| *slot = None);
        self.noted.fill(0);
        self.bytes = 0;
    }

    /// How many tokens are remembered.
    pub fn len(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Bytes in use, as counted by the weights. Never more than the bound.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Of the end of the token alone: that is of its signature, which differs where anything differs, and which nobody
    /// outside can choose. Other spellings of one token (percent-encoded) share its set, and push out no more than that.
    ///
    /// One multiplication of 64 by 64 bits, folded, as in wyhash (<https://github.com/wangyi-fudan/wyhash>).
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "both halves of the product are folded into one")]
    fn hash(&self, token: &[u8]) -> u64 {
        const ODD: u64 = 0xa076_1d64_78bd_642f;
        let Some(end) = token.last_chunk::<16>() else { return xxh3_64_with_seed(token, self.seed) };
        let [first, last] =
            [end.first_chunk(), end.last_chunk()].map(|word| word.map_or(0, |w| u64::from_le_bytes(*w)));
        let product = u128::from(first ^ self.seed) * u128::from(last ^ ODD ^ self.seed.rotate_left(32));
        (product >> 64) as u64 ^ product as u64
    }

    /// Where the set of a hash begins.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the low bits choose the set")]
    fn set(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1) & !(WAYS - 1)
    }

    /// The slot for a new entry, with bytes free for it, or `None` if it is not to be admitted.
    fn place(&mut self, hash: u64, token: &[u8], weight: usize, now: f64) -> Option<usize> {
        let first = self.set(hash);
        let set = self.slots.get(first..)?.get(..WAYS)?;
        let is_same = |slot: &Option<Entry<V>>| {
            slot.as_ref().is_some_and(|entry| entry.hash == hash && *entry.token == *token)
        };
        let is_free =
            |slot: &Option<Entry<V>>| slot.as_ref().is_none_or(|entry| !entry.validity.contains(now));
        let free =
            set.iter().position(is_same).or_else(|| set.iter().position(is_free)).map(|way| first + way);
        if let Some(place) = free {
            // The content is unusable: the same token, or one out of its time.
            self.remove(place);
            if self.bytes + weight <= self.max_bytes {
                return free;
            }
        }
        if !self.comes_again(hash) {
            return None;
        }
        let place = free.or_else(|| self.challenge(first))?;
        self.remove(place);
        self.free(weight, now).then_some(place)
    }

    /// Notes a hash; true if it was the last one noted at its place.
    fn comes_again(&mut self, hash: u64) -> bool {
        let mask = self.noted.len() - 1;
        let fingerprint = (hash >> 32) as u32 | 1;
        #[allow(clippy::cast_possible_truncation, reason = "the low bits choose the place")]
        let place = hash as usize & mask;
        let Some(noted) = self.noted.get_mut(place) else { return false };
        std::mem::replace(noted, fingerprint) == fingerprint
    }

    /// The oldest slot of a full set among those not hit since their last challenge: the oldest, so that
    /// newcomers do not push out each other. If all have been hit, they are challenged now, and none
    /// is given up.
    fn challenge(&self, first: usize) -> Option<usize> {
        let set = self.slots.get(first..)?.get(..WAYS)?;
        let entries = set.iter().enumerate().filter_map(|(way, slot)| Some((way, slot.as_ref()?)));
        let cold = entries.filter(|(_, entry)| !entry.hot.get()).min_by_key(|(_, entry)| entry.born);
        if cold.is_none() {
            set.iter().flatten().for_each(|entry| entry.hot.set(false));
        }
        cold.map(|(way, _)| first + way)
    }

    /// Makes `weight` bytes free by giving up what is out of its time or cold, a few slots at most.
    fn free(&mut self, weight: usize, now: f64) -> bool {
        for _ in 0..SWEEP {
            if self.bytes + weight <= self.max_bytes {
                return true;
            }
            let at = self.hand;
            self.hand = (at + 1) & (self.slots.len() - 1);
            let spared = self.slots.get(at).and_then(Option::as_ref).is_some_and(|entry| {
                // Second chance: what is hot now must be hit again before the hand comes round.
                entry.validity.contains(now) && entry.hot.replace(false)
            });
            if !spared {
                self.remove(at);
            }
        }
        self.bytes + weight <= self.max_bytes
    }

    fn remove(&mut self, at: usize) {
        if let Some(entry) = self.slots.get_mut(at).and_then(Option::take) {
            self.bytes -= entry.weight;
        }
    }
}

#[cfg(test)]
mod tests;
