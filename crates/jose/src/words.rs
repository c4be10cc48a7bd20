//! Bytes, eight at a time. In WebAssembly the standard library compares and searches them one by one.

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);

/// Eight bytes, the first one lowest.
#[derive(Clone, Copy)]
pub(crate) struct Word(u64);

/// The bytes of a word that were asked for. Those after the first one may be wrong.
#[derive(Clone, Copy)]
pub(crate) struct Hits(u64);

impl Word {
    pub(crate) fn of(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }

    /// Bytes less than `n`, which is at most 128.
    ///
    /// From "Bit Twiddling Hacks" by Sean Eron Anderson, "Determine if a word has a byte less than n". What is
    /// borrowed makes mistakes, but only above a byte that is less.
    pub(crate) fn below(self, n: u8) -> Hits {
        Hits(self.0.wrapping_sub(ONES * u64::from(n)) & !self.0 & HIGHS)
    }

    pub(crate) fn is(self, byte: u8) -> Hits {
        Self(self.0 ^ (ONES * u64::from(byte))).below(1)
    }
}

impl Hits {
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Where the first one is.
    pub(crate) fn first(self) -> Option<usize> {
        if self.0 == 0 { None } else { Some((self.0.trailing_zeros() / 8) as usize) }
    }
}

/// Where the first such byte is: `word` says it of eight bytes, `byte` of one.
pub(crate) fn position(
    bytes: &[u8],
    word: impl Fn(Word) -> Hits,
    byte: impl Fn(u8) -> bool,
) -> Option<usize> {
    let (words, end) = bytes.as_chunks::<8>();
    for (at, bytes) in words.iter().enumerate() {
        if let Some(first) = word(Word::of(*bytes)).first() {
            return Some(at * 8 + first);
        }
    }
    end.iter().position(|one| byte(*one)).map(|at| words.len() * 8 + at)
}

/// Whether all bytes are the same.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    let ((words, end), (others, other_end)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let same = |(a, b): (&[u8; 8], &[u8; 8])| u64::from_le_bytes(*a) == u64::from_le_bytes(*b);
    a.len() == b.len() && words.iter().zip(others).all(same) && end.iter().zip(other_end).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn the_first_byte_is_found_among_all_others() {
        for wanted in [0, 1, b'.', b'"', 0x7f, 0x80, 0xff] {
            for other in (0..=255).filter(|other| *other != wanted) {
                for size in 0..20 {
                    let mut bytes = vec![other; size];
                    let find = |bytes: &[u8]| position(bytes, |word| word.is(wanted), |byte| byte == wanted);
                    assert_eq!(find(&bytes), None);
                    for at in (0..size).rev() {
                        bytes[at] = wanted;
                        assert_eq!(find(&bytes), Some(at), "{wanted} among {other}, {size}");
                    }
                }
            }
        }
    }

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn the_first_smaller_byte_is_found() {
        for byte in 0..=255 {
            for behind in 0..=255 {
                let word = Word::of([b' ', byte, behind, 0x7f, 0x80, 0xff, b' ', b' ']);
                let first = if byte < 0x20 { Some(1) } else { (behind < 0x20).then_some(2) };
                assert_eq!(word.below(0x20).first(), first, "{byte} {behind}");
            }
        }
    }

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn only_the_same_bytes_are_equal() {
        for size in 0..20 {
            let bytes: Vec<u8> = (1..).take(size).collect();
            assert!(equal(&bytes, &bytes.clone()));
            assert!(!equal(&bytes, &[&bytes[..], &[0]].concat()));
            for at in 0..size {
                let mut other = bytes.clone();
                other[at] ^= 0x80;
                assert!(!equal(&bytes, &other));
            }
        }
    }
}
