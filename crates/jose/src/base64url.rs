//! Base64url without padding, canonical, and nothing else (RFC 7515, section 2).
//!
//! Not `base64ct`, which jwt-compact uses: it takes the time of a secret for what is public here, about
//! four times as long, for every token that the cache has not seen.

/// The decoded bytes. `None` if there is padding, white space, another alphabet, an impossible length,
/// or if unused bits are set: every text stands for its own bytes, and those bytes for no other text.
///
/// ```
/// use weir_jose::decode_base64url;
///
/// assert_eq!(decode_base64url(b"eyJhbGciOiJIUzI1NiJ9").as_deref(), Some(&br#"{"alg":"HS256"}"#[..]));
/// assert_eq!(decode_base64url(b"-_8").as_deref(), Some(&[0xfb, 0xff][..]));
/// assert_eq!(decode_base64url(b"+/8"), None, "that is base64, not base64url");
/// assert_eq!(decode_base64url(b"-_8="), None, "no padding");
/// assert_eq!(decode_base64url(b"-_9"), None, "bits after the end: not canonical");
/// ```
// What uses vectors is compiled into nothing but what uses them too.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (blocks, rest) = text.as_chunks::<16>();
    if rest.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len().div_ceil(16) * 12);
    for characters in blocks {
        bytes.extend_from_slice(&block(*characters)?);
    }
    if !rest.is_empty() {
        // As if zeros followed: what they leave of the last character's bits must be none.
        let mut characters = [b'A'; 16];
        characters.iter_mut().zip(rest).for_each(|(to, character)| *to = *character);
        let len = bytes.len() + rest.len() * 3 / 4;
        bytes.extend_from_slice(&block(characters)?);
        if bytes.iter().skip(len).any(|unused| *unused != 0) {
            return None;
        }
        bytes.truncate(len);
    }
    Some(bytes)
}

/// The twelve bytes of sixteen characters. `None` if one is none.
///
/// The packing is that of "Faster Base64 Encoding and Decoding using AVX2 Instructions" by Wojciech Muła and
/// Daniel Lemire (2018). Characters are told by comparisons: a table would be cold in most requests.
#[cfg(target_arch = "wasm32")]
#[target_feature(enable = "simd128")]
#[inline]
fn block(characters: [u8; 16]) -> Option<[u8; 12]> {
    use std::arch::wasm32::*;
    let [a, b] = *characters.as_chunks::<8>().0 else { return None };
    let characters = u64x2(u64::from_le_bytes(a), u64::from_le_bytes(b));
    let among =
        |first: u8, count: u8| u8x16_le(u8x16_sub(characters, u8x16_splat(first)), u8x16_splat(count - 1));
    let (upper, lower, digit) = (among(b'A', 26), among(b'a', 26), among(b'0', 10));
    let (dash, line) = (among(b'-', 1), among(b'_', 1));
    let known = v128_or(v128_or(upper, lower), v128_or(digit, v128_or(dash, line)));
    if !u8x16_all_true(known) {
        return None;
    }
    // What makes a character its value.
    let less = |of: v128, first: u8, value: u8| v128_and(of, u8x16_splat(value.wrapping_sub(first)));
    let letters = v128_or(less(upper, b'A', 0), less(lower, b'a', 26));
    let others = v128_or(less(digit, b'0', 52), v128_or(less(dash, b'-', 62), less(line, b'_', 63)));
    let sextets = u8x16_add(characters, v128_or(letters, others));
    // Two sextets are twelve bits, two of these are three bytes, the highest one last.
    let highs = u16x8_shl(v128_and(sextets, u16x8_splat(0xff)), 6);
    let twelves = v128_or(highs, u16x8_shr(sextets, 8));
    let triples = i32x4_dot_i16x8(twelves, u32x4_splat(1 << 16 | 1 << 12));
    let packed = u8x16_shuffle::<2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 3, 3, 3, 3>(triples, triples);
    let mut bytes = [0; 12];
    *bytes.first_chunk_mut()? = u64x2_extract_lane::<0>(packed).to_le_bytes();
    *bytes.last_chunk_mut()? = u32x4_extract_lane::<2>(packed).to_le_bytes();
    Some(bytes)
}

/// The same for tools and tests on other machines.
#[cfg(not(target_arch = "wasm32"))]
fn block(characters: [u8; 16]) -> Option<[u8; 12]> {
    let mut bytes = [0; 12];
    for (characters, triple) in characters.as_chunks::<4>().0.iter().zip(bytes.as_chunks_mut::<3>().0) {
        let mut bits = 0;
        for character in characters {
            bits = bits << 6 | value(*character)?;
        }
        let [_, decoded @ ..] = u32::to_be_bytes(bits);
        *triple = decoded;
    }
    Some(bytes)
}

#[cfg(not(target_arch = "wasm32"))]
fn value(character: u8) -> Option<u32> {
    Some(u32::from(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    }))
}

/// The text of some bytes, for tests.
#[cfg(test)]
pub(crate) fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        text.extend(
            (0..=three.len()).map(|digit| char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63])),
        );
    }
    text
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
            assert_eq!(encode(bytes), text);
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

    /// RFC 4648 by the letter, bit by bit.
    fn slowly(text: &[u8]) -> Option<Vec<u8>> {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let (mut bits, mut bytes) = (String::new(), Vec::new());
        for character in text {
            let value = alphabet.bytes().position(|known| known == *character)?;
            bits.push_str(&format!("{value:06b}"));
        }
        while bits.len() >= 8 {
            bytes.push(u8::from_str_radix(&bits[..8], 2).unwrap());
            bits.drain(..8);
        }
        (bits.len() < 6 && !bits.contains('1')).then_some(bytes)
    }

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn blocks_are_decoded_like_single_characters() {
        // Every character at every place, of texts with and without whole blocks of sixteen.
        for size in [16, 17, 18, 19, 20, 32, 36, 47, 48, 50] {
            let text: Vec<u8> = (0..size).map(|at| b"_AZaz09-"[at * 7 % 8]).collect();
            assert_eq!(decode(&text), slowly(&text), "{size}");
            for at in 0..size {
                for character in 0..=255 {
                    let mut text = text.clone();
                    text[at] = character;
                    assert_eq!(decode(&text), slowly(&text), "{size} {at} {character}");
                }
            }
        }
    }
}
