//! Ranges of characters as ranges of bytes.

/// The ranges of bytes that the characters of a range have in UTF-8, one after the other. Surrogates, which are
/// no characters, are left out.
pub(super) fn sequences(first: u32, last: u32, out: &mut Vec<Vec<(u8, u8)>>) {
    if first > last {
        return;
    }
    // What is of different lengths, and surrogates, come apart.
    for (before, behind) in [(0x7f, 0x80), (0x7ff, 0x800), (0xd7ff, 0xe000), (0xffff, 0x1_0000)] {
        if first < behind && last > before {
            sequences(first, before, out);
            return sequences(behind, last, out);
        }
    }
    let (Some(low), Some(high)) = (char::from_u32(first), char::from_u32(last)) else { return };
    let (mut a, mut b) = ([0; 4], [0; 4]);
    let (a, b) = (low.encode_utf8(&mut a).as_bytes(), high.encode_utf8(&mut b).as_bytes());
    // The last bytes must be all that there are, wherever an earlier one is a range.
    for continued in (1u32..).take(a.len().saturating_sub(1)) {
        let mask = (1 << (6 * continued)) - 1;
        if first & !mask != last & !mask {
            if first & mask != 0 {
                sequences(first, first | mask, out);
                return sequences((first | mask) + 1, last, out);
            }
            if last & mask != mask {
                sequences(first, (last & !mask) - 1, out);
                return sequences(last & !mask, last, out);
            }
        }
    }
    out.push(a.iter().copied().zip(b.iter().copied()).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_characters_of_the_range_are_taken() {
        for (first, last) in [
            (0, 0x10_ffff),
            (0x41, 0x41),
            (0x7f, 0x80),
            (0x2028, 0x2029),
            (0x0b, 0x2027),
            (0xd000, 0xe001),
            (0xfff0, 0x1_0010),
            (0xe9, 0x1_f600),
        ] {
            let mut all = Vec::new();
            sequences(first, last, &mut all);
            for c in (0..=0x10_ffff).step_by(7).chain([first, last, first.wrapping_sub(1), last + 1]) {
                let Some(c) = char::from_u32(c) else { continue };
                let mut buffer = [0; 4];
                let bytes = c.encode_utf8(&mut buffer).as_bytes();
                let takes = |sequence: &Vec<(u8, u8)>| {
                    sequence.len() == bytes.len()
                        && sequence.iter().zip(bytes).all(|((low, high), byte)| (low..=high).contains(&byte))
                };
                let taken = all.iter().filter(|sequence| takes(sequence)).count();
                assert_eq!(taken, usize::from((first..=last).contains(&(c as u32))), "{c:?}");
            }
        }
    }
}
