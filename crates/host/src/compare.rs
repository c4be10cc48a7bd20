//! Comparing bytes.
//!
//! WebAssembly has no instruction for it. The C library's `memcmp`, which `==` of slices calls, goes byte by byte: 17
//! instructions for each, so that to see that a token is the one that was verified cost more than all else that a filter
//! did with it. Modules that link this crate have this one instead.

use std::cmp::Ordering;

/// The order of two texts of the same length, by words of eight bytes.
fn order(a: &[u8], b: &[u8]) -> Ordering {
    let (words, rest) = a.as_chunks::<8>();
    let (other_words, other_rest) = b.as_chunks::<8>();
    for (word, other) in words.iter().zip(other_words) {
        // The first byte is the highest: what is the greater number is the greater text.
        let (word, other) = (u64::from_le_bytes(*word), u64::from_le_bytes(*other));
        if word != other {
            return word.swap_bytes().cmp(&other.swap_bytes());
        }
    }
    for (byte, other) in rest.iter().zip(other_rest) {
        if byte != other {
            return byte.cmp(other);
        }
    }
    Ordering::Equal
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
