//! Something for each of some streams.

use hashbrown::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Something for each of some streams, by context.
pub(crate) type Streams<T> = HashMap<u32, T, BuildHasherDefault<ContextHasher>>;

/// No streams.
pub(crate) const fn none<T>() -> Streams<T> {
    HashMap::with_hasher(BuildHasherDefault::new())
}

/// Forgets the streams that are older than half of the oldest one's age, counted in contexts: a proxy
/// numbers them one after the other, and from the start again after 2^32. Returns how many there were.
pub(crate) fn forget_older_half<T>(streams: &mut Streams<T>, newest: u32) -> i64 {
    let before = streams.len();
    let oldest = streams.keys().map(|id| newest.wrapping_sub(*id)).max().unwrap_or_default();
    streams.retain(|id, _| newest.wrapping_sub(*id) <= oldest / 2);
    i64::try_from(before - streams.len()).unwrap_or(i64::MAX)
}

/// Spreads the numbers of contexts. They come from the proxy, one after the other, so nobody can choose
/// them to collide. (Fibonacci hashing: Knuth, The Art of Computer Programming, volume 3, section 6.4.)
#[derive(Default)]
pub(crate) struct ContextHasher(u64);

impl Hasher for ContextHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, id: u32) {
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
