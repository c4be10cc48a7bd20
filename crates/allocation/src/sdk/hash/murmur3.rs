//! MurmurHash3 x86 with 32 bits, by Austin Appleby (public domain), over input that comes in parts.

const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;
const BLOCK: usize = 4;

/// The state after the input so far. Copying it saves hashing a prefix again for each unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Murmur3 {
    hash: u32,
    /// Bytes that do not fill a block yet, the first in the lowest byte.
    tail: u32,
    length: u32,
}

impl Murmur3 {
    pub(crate) const fn new(seed: u32) -> Self {
        Self { hash: seed, tail: 0, length: 0 }
    }

    /// Continues with more bytes.
    pub(crate) fn update(mut self, bytes: &[u8]) -> Self {
        let missing = (BLOCK - self.pending()) % BLOCK;
        let (head, aligned) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        for &byte in head {
            self.push(byte);
        }
        let (blocks, rest) = aligned.as_chunks::<BLOCK>();
        for &block in blocks {
            self.mix(u32::from_le_bytes(block));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the length counts modulo 2^32, as in the original"
        )]
        let length = (blocks.len() * BLOCK) as u32;
        self.length = self.length.wrapping_add(length);
        for &byte in rest {
            self.push(byte);
        }
        self
    }

    pub(crate) const fn finish(self) -> u32 {
        let mut hash = self.hash ^ scramble(self.tail) ^ self.length;
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^ (hash >> 16)
    }

    /// How many bytes wait in the tail.
    const fn pending(&self) -> usize {
        self.length as usize % BLOCK
    }

    const fn push(&mut self, byte: u8) {
        self.tail |= (byte as u32) << (8 * self.pending());
        self.length = self.length.wrapping_add(1);
        if self.pending() == 0 {
            self.mix(self.tail);
            self.tail = 0;
        }
    }

    const fn mix(&mut self, block: u32) {
        self.hash = (self.hash ^ scramble(block)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
}

/// Zero for zero, so that an empty tail changes nothing.
const fn scramble(block: u32) -> u32 {
    block.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn known_hashes() {
        for (seed, input, hash) in
            [(0, "", 0), (1, "", 0x514e_28b7), (0, "hello", 0x248b_fa47), (1, "hello", 0xbb4a_bcad)]
        {
            assert_eq!(Murmur3::new(seed).update(input.as_bytes()).finish(), hash, "{input}");
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn parts_do_not_matter() {
        let input: Vec<u8> = (0..23).collect();
        let whole = Murmur3::new(7).update(&input).finish();
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let parts = Murmur3::new(7).update(&input[..first]).update(&input[first..second]);
                assert_eq!(parts.update(&input[second..]).finish(), whole, "{first}, {second}");
            }
        }
    }
}
