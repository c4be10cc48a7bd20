//! Base64url without padding, canonical, and nothing else (RFC 7515, section 2).
//!
//! Not `base64ct`, which jwt-compact uses: it takes the time of a secret for what is public here, about
//! four times as long, for every token that the cache has not seen.

const INVALID: u8 = 0xff;

/// The value of each character, or [`INVALID`].
static VALUES: [u8; 256] = values();

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler: a wrong index would not build")]
const fn values() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut values = [INVALID; 256];
    let mut at = 0;
    while at < alphabet.len() {
        values[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    values
}

fn value(character: u8) -> u8 {
    VALUES.get(usize::from(character)).copied().unwrap_or(INVALID)
}

/// Three bytes out of the values of four characters.
fn triple(quad: [u8; 4]) -> [u8; 3] {
    let [a, b, c, d] = quad.map(u32::from);
    let [_, bytes @ ..] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
    bytes
}

/// The decoded bytes. `None` if there is padding, white space, another alphabet, an impossible length,
/// or if unused bits are set: every text stands for its own bytes, and those bytes for no other text.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (quads, rest) = text.as_chunks::<4>();
    let tail = match *rest {
        [] => 0,
        [_, _] => 1,
        [_, _, _] => 2,
        _ => return None,
    };
    let mut bytes = vec![0; quads.len() * 3 + tail];
    let (triples, last) = bytes.as_chunks_mut::<3>();
    let mut seen = 0;
    for (quad, out) in quads.iter().zip(triples) {
        let quad = quad.map(value);
        seen |= quad.iter().fold(0, |all, value| all | value);
        *out = triple(quad);
    }
    let mut quad = [0; 4];
    for (value_of, character) in quad.iter_mut().zip(rest) {
        *value_of = value(*character);
        seen |= *value_of;
    }
    let end = triple(quad);
    last.iter_mut().zip(end).for_each(|(out, byte)| *out = byte);
    let canonical = end.iter().skip(tail).all(|unused| *unused == 0);
    (canonical && seen < 64).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn the_vectors_of_rfc_4648_and_7515() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg", b"f"),
            ("Zm8", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYg", b"foob"),
            ("Zm9vYmE", b"fooba"),
            ("Zm9vYmFy", b"foobar"),
            ("A-z_4ME", &[3, 236, 255, 224, 193]),
            ("____", &[255, 255, 255]),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes), "{text}");
        }
    }

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn only_the_canonical_text_is_taken() {
        for text in [
            "Z",
            "Zg=",
            "Zg==",
            "Zh",
            "Zm9",
            "Zm+v",
            "Zm/v",
            "Zm9v ",
            " Zm9v",
            "Zm\n9v",
            "Zm9vZ",
            "Zm9v=",
            "Zm9vYh",
            "Zm9vYmF",
            "Z.9v",
            "Zm9\0",
            "\u{ff21}Zm9",
            "====",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
        for character in 0..=255_u8 {
            let known = character.is_ascii_alphanumeric() || character == b'-' || character == b'_';
            assert_eq!(decode(&[b'A', character, b'A', b'A']).is_some(), known, "{character}");
        }
    }
}
