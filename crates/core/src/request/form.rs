//! Names and values of query parameters, which are encoded as forms are.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::header::equal;

/// Whether a query parameter, by its name as it was sent, is the one of this name.
#[inline]
pub fn is_named(sent: &[u8], name: &[u8]) -> bool {
    if is_encoded(sent) { decoded(sent).eq(name.iter().copied()) } else { equal(name, sent) }
}

pub(super) fn is_encoded(text: &[u8]) -> bool {
    text.iter().any(|b| matches!(b, b'%' | b'+'))
}

/// Percent-decoding as forms do it: `+` is a space, and a `%` that no two hex digits follow is kept as it is.
pub fn decoded(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (&first, tail) = rest.split_first()?;
        let hex = |b: &u8| char::from(*b).to_digit(16);
        if first == b'%'
            && let [high, low, behind @ ..] = tail
            && let (Some(high), Some(low)) = (hex(high), hex(low))
        {
            rest = behind;
            let [byte, ..] = (high << 4 | low).to_le_bytes();
            return Some(byte);
        }
        rest = tail;
        Some(if first == b'+' { b' ' } else { first })
    })
}
