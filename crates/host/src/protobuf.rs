//! As much of Protocol Buffers' wire format as Envoy's foreign functions need.

/// A message whose fields 1, 2, 3 … are these bytes.
pub(crate) fn fields(all: &[&[u8]]) -> Vec<u8> {
    const LENGTH_DELIMITED: u8 = 2;
    let mut message = Vec::with_capacity(all.iter().map(|field| field.len() + 6).sum());
    for (number, field) in (1u8..).zip(all) {
        message.push(number << 3 | LENGTH_DELIMITED);
        let mut size = field.len();
        while size >= 0x80 {
            message.push(low_bits(size) | 0x80);
            size >>= 7;
        }
        message.push(low_bits(size));
        message.extend_from_slice(field);
    }
    message
}

/// Envoy's `DeclarePropertyArguments` of filter state that lasts as long as the client's request: the name, and
/// the field 5, `span`, with `DownstreamRequest`.
pub(crate) fn lasting_property(name: &[u8]) -> Vec<u8> {
    let mut message = fields(&[name]);
    message.extend([5 << 3, 1]);
    message
}

/// The seven low bits of a size: a byte of a varint.
fn low_bits(size: usize) -> u8 {
    let [low, ..] = size.to_le_bytes();
    low & 0x7f
}

/// Field 1, a bool; false where it is absent. It is looked for at the start only: that is where every
/// writer puts it.
pub(crate) fn first_bool(message: &[u8]) -> bool {
    message.starts_with(&[1 << 3, 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_numbered_and_have_their_length() {
        assert_eq!(fields(&[b"ab", b""]), [0x0a, 2, b'a', b'b', 0x12, 0]);
        let long = fields(&[&[7; 300]]);
        assert_eq!((&long[..3], long.len()), (&[0x0a, 0xac, 0x02][..], 303));
    }

    #[test]
    fn state_lasts_by_its_span() {
        assert_eq!(lasting_property(b"ab"), [0x0a, 2, b'a', b'b', 0x28, 1]);
    }

    #[test]
    fn only_true_is_true() {
        assert!(first_bool(&[8, 1]));
        assert!(first_bool(&[8, 1, 0x12, 0]));
        for other in [&[][..], &[8, 0], &[0x12, 1, b'x'], &[8]] {
            assert!(!first_bool(other), "{other:?}");
        }
    }
}
