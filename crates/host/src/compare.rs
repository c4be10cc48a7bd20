//! Comparing bytes.
//!
//! WebAssembly has no instruction for it. The C library's `memcmp`, which `==` of slices calls, goes byte by byte: 17
//! instructions for each, so that to see that a token is the one that was verified cost more than all else that a filter
//! did with it. Modules that link this crate have this one instead.

use std::cmp::Ordering;

/// The order of two texts of the same length, by words of eight bytes.
#[inline]
fn order(a: &[u8], b: &[u8]) -> Ordering {
    let (Some(end), Some(other_end)) = (a.last_chunk(), b.last_chunk()) else { return of_short(a, b) };
    let (words, other_words) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    for (word, other) in words.iter().zip(other_words) {
        let (word, other) = (u64::from_le_bytes(*word), u64::from_le_bytes(*other));
        if word != other {
            return of_words(word, other);
        }
    }
    // Some of these bytes have been seen, and were the same.
    of_words(u64::from_le_bytes(*end), u64::from_le_bytes(*other_end))
}

/// The order of less than eight bytes.
#[inline]
fn of_short(a: &[u8], b: &[u8]) -> Ordering {
    if let (Some(word), Some(other)) = (both_ends(a), both_ends(b)) {
        return of_words(word, other);
    }
    let differing = a.iter().zip(b).find(|(byte, other)| byte != other);
    differing.map_or(Ordering::Equal, |(byte, other)| byte.cmp(other))
}

/// The first and the last four bytes, which may be some of the same.
#[inline]
fn both_ends(text: &[u8]) -> Option<u64> {
    let (first, last) = (text.first_chunk()?, text.last_chunk()?);
    Some(u64::from(u32::from_le_bytes(*last)) << 32 | u64::from(u32::from_le_bytes(*first)))
}

/// The order of eight bytes, of which the lowest is the first.
#[inline]
fn of_words(word: u64, other: u64) -> Ordering {
    let differing = word ^ other;
    if differing == 0 {
        return Ordering::Equal;
    }
    let byte = |word: u64| word >> (differing.trailing_zeros() & !7) & 0xff;
    byte(word).cmp(&byte(other))
}

/// C's `memcmp`: the sign says which text is the greater one.
///
/// # Safety
/// Both have `len` bytes.
#[cfg(target_os = "wasi")]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
    if len == 0 {
        // C allows pointers to nothing here.
        return 0;
    }
    // SAFETY: the caller says that they have that many.
    let (a, b) = unsafe { (std::slice::from_raw_parts(a, len), std::slice::from_raw_parts(b, len)) };
    order(a, b) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_slices() {
        for len in 0..40 {
            let text: Vec<u8> = (0..len).map(|n: u8| n.wrapping_mul(37)).collect();
            assert_eq!(order(&text, &text.clone()), Ordering::Equal);
            for at in 0..text.len() {
                for other in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut changed = text.clone();
                    changed[at] = other;
                    // What comes after the first difference does not matter.
                    if let Some(last) = changed.get_mut(at + 1..).and_then(<[u8]>::last_mut) {
                        *last ^= 0xff;
                    }
                    assert_eq!(order(&text, &changed), text.cmp(&changed), "{text:?} {changed:?}");
                }
            }
        }
    }
}
