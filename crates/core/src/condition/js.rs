//! JavaScript's conversions between types, as far as conditions meet them (ECMA-262, section 7.1).

use std::cmp::Ordering;
use std::fmt::{self, Write};

/// A number in the form in which JavaScript prints it (ECMA-262 `Number::toString`, radix 10), on
/// the stack.
pub(super) struct NumberText {
    bytes: [u8; Self::MAX_LEN],
    len: usize,
}

impl NumberText {
    /// Enough for a sign, 21 digits in front of the point, or `0.00000` and 17 digits, or 17
    /// digits with a point and an exponent.
    const MAX_LEN: usize = 32;

    /// The text of `number`.
    pub(super) fn new(number: f64) -> Self {
        let mut text = Self::empty();
        if number.is_nan() {
            text.push(b"NaN");
            return text;
        }
        if number < 0.0 {
            text.push(b"-");
        }
        if number.is_infinite() {
            text.push(b"Infinity");
        } else if number == 0.0 {
            text.push(b"0");
        } else {
            text.push_positive(number.abs());
        }
        text
    }

    /// The bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn empty() -> Self {
        Self { bytes: [0; Self::MAX_LEN], len: 0 }
    }

    /// The printer gives the shortest digits that read back as the same number, as JavaScript does; only the
    /// place of the point and the exponent differ.
    fn push_positive(&mut self, number: f64) {
        let mut printer = zmij::Buffer::new();
        let text = printer.format_finite(number);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let zeros = fraction.bytes().take_while(|b| *b == b'0').count();
        let number = |digits: usize| i32::try_from(digits).unwrap_or(i32::MAX);
        let before_point = if whole == "0" { -number(zeros) - 1 } else { number(whole.len()) - 1 };
        let exponent = exponent.parse::<i32>().unwrap_or(0) + before_point;
        let mut digits = Self::empty();
        digits.push(if whole == "0" { b"" } else { whole.as_bytes() });
        digits.push(fraction.as_bytes().get(if whole == "0" { zeros } else { 0 }..).unwrap_or_default());
        while digits.as_bytes().ends_with(b"0") {
            digits.len -= 1;
        }
        self.push_decimal(digits.as_bytes(), exponent);
    }

    /// `digits` are those of a number whose first digit stands for ten to the power `exponent`.
    fn push_decimal(&mut self, digits: &[u8], exponent: i32) {
        let (first, rest) = digits.split_at_checked(1).unwrap_or_default();
        match exponent {
            0..=20 => {
                let whole = exponent as usize + 1;
                match digits.split_at_checked(whole) {
                    Some((whole, [])) => self.push(whole),
                    Some((whole, fraction)) => [whole, b".", fraction].iter().for_each(|p| self.push(p)),
                    None => {
                        self.push(digits);
                        (digits.len()..whole).for_each(|_| self.push(b"0"));
                    }
                }
            }
            -6..=-1 => {
                self.push(b"0.");
                (exponent..-1).for_each(|_| self.push(b"0"));
                self.push(digits);
            }
            _ => {
                self.push(first);
                if !rest.is_empty() {
                    self.push(b".");
                    self.push(rest);
                }
                let _ = write!(self, "e{exponent:+}");
            }
        }
    }

    fn push(&mut self, part: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.len..self.len + part.len()) {
            place.copy_from_slice(part);
            self.len += part.len();
        }
    }
}

impl Write for NumberText {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.push(part.as_bytes());
        Ok(())
    }
}

/// What JavaScript's `text * 1` is (ECMA-262 `StringToNumber`): NaN for what is not a number, 0 for white
/// space.
pub(super) fn number_of(text: &[u8]) -> f64 {
    let Ok(text) = std::str::from_utf8(text) else { return f64::NAN };
    let text = text.trim_matches(is_space);
    let radix = |prefixes: [&str; 2], radix| {
        prefixes.iter().find_map(|p| text.strip_prefix(p)).map(|d| integer(d, radix))
    };
    if text.is_empty() {
        return 0.0;
    }
    if let Some(number) =
        radix(["0x", "0X"], 16).or_else(|| radix(["0b", "0B"], 2)).or_else(|| radix(["0o", "0O"], 8))
    {
        return number;
    }
    match text {
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ => {
            // Rust also reads `inf` and `nan`, which JavaScript does not.
            let numeric =
                text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
            if numeric { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
        }
    }
}

/// Digits without a sign. Beyond 128 bits each step rounds, so the last bits may differ from
/// JavaScript's there.
fn integer(digits: &str, radix: u32) -> f64 {
    if digits.is_empty() || !digits.bytes().all(|b| char::from(b).is_digit(radix)) {
        return f64::NAN;
    }
    match u128::from_str_radix(digits, radix) {
        Ok(exact) => exact as f64,
        Err(_) => digits
            .chars()
            .filter_map(|c| c.to_digit(radix))
            .fold(0.0, |n, d| n * f64::from(radix) + f64::from(d)),
    }
}

/// What JavaScript's `trim` and `\s` take for white space.
pub(super) fn is_space(c: char) -> bool {
    SPACES.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// White space and line ends (ECMA-262 sections 12.2 and 12.3), as ranges in order.
pub(super) const SPACES: [(char, char); 10] = [
    ('\t', '\r'),
    (' ', ' '),
    ('\u{a0}', '\u{a0}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{2000}', '\u{200a}'),
    ('\u{2028}', '\u{2029}'),
    ('\u{202f}', '\u{202f}'),
    ('\u{205f}', '\u{205f}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{feff}', '\u{feff}'),
];

/// Compares a text that comes in pieces with one that is known, in JavaScript's order: by UTF-16
/// code units.
pub(super) struct Comparison<'a> {
    known: std::slice::Iter<'a, u8>,
    order: Ordering,
}

impl<'a> Comparison<'a> {
    /// Starts a comparison with `known`.
    pub(super) fn with(known: &'a [u8]) -> Self {
        Self { known: known.iter(), order: Ordering::Equal }
    }

    /// The next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        for byte in piece {
            if self.order != Ordering::Equal {
                return;
            }
            self.order = match self.known.next() {
                Some(known) => utf16_rank(*byte).cmp(&utf16_rank(*known)),
                None => Ordering::Greater,
            };
        }
    }

    /// How the pieces together compare with the known text.
    pub(super) fn finish(self) -> Ordering {
        if self.known.len() > 0 { self.order.then(Ordering::Less) } else { self.order }
    }
}

/// Ranks the first byte in which two UTF-8 texts differ as UTF-16 would. The two orders disagree
/// only where a character above U+FFFF (a surrogate pair, from D800) meets one from U+E000 on.
fn utf16_rank(byte: u8) -> u8 {
    match byte {
        0xee | 0xef => byte + 0x10,
        _ => byte,
    }
}

/// Compares the lower-case form of `text` with `lowered`, which is in lower case already.
///
/// Allocates only where a capital sigma is in `text`: its lower case depends on what is around it. Text that
/// is not UTF-8 is never equal to anything.
pub(super) fn compare_lowered(text: &[u8], lowered: &str) -> Ordering {
    match std::str::from_utf8(text) {
        Err(_) => Ordering::Less,
        Ok(text) if text.chars().any(|c| c == 'Σ') => text.to_lowercase().as_str().cmp(lowered),
        Ok(text) => text.chars().flat_map(char::to_lowercase).cmp(lowered.chars()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[cfg_attr(not(target_arch = "wasm32"), test)]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn numbers_are_printed_as_javascript_does() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (100.0, "100"),
            (-1.5, "-1.5"),
            (1e20, "100000000000000000000"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000_001_234, "0.000001234"),
            (0.000_000_123_4, "1.234e-7"),
            (5e-324, "5e-324"),
            (-1.797_693_134_862_315_7e308, "-1.7976931348623157e+308"),
            (f64::INFINITY, "Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (number, text) in cases {
            assert_eq!(std::str::from_utf8(NumberText::new(number).as_bytes()), Ok(text));
        }
    }

    #[cfg_attr(not(target_arch = "wasm32"), test)]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn texts_become_numbers_as_in_javascript() {
        let cases = [
            ("", 0.0),
            (" \n\u{feff}\u{a0}", 0.0),
            (" +5 ", 5.0),
            ("5.", 5.0),
            (".5", 0.5),
            ("0x1F", 31.0),
            ("0b101", 5.0),
            ("0o17", 15.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e999", f64::INFINITY),
            ("0x20000000000001", 9_007_199_254_740_992.0),
        ];
        for (text, number) in cases {
            assert_eq!(number_of(text.as_bytes()), number, "{text:?}");
        }
        for text in
            ["-0x10", "0x", "0b2", "1_000", "inf", "nan", "infinity", ".", "1e", "1 2", "5px", "\u{85}1"]
        {
            assert!(number_of(text.as_bytes()).is_nan(), "{text:?}");
        }
        assert!(number_of(b"\xff").is_nan());
    }

    #[cfg_attr(not(target_arch = "wasm32"), test)]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn order_is_that_of_utf16_and_pieces_do_not_matter() {
        let texts = [
            "",
            "a",
            "ab",
            "é",
            "z\u{ffff}",
            "z\u{e000}",
            "z\u{1f600}",
            "z\u{10ffff}",
            "z\u{d7ff}",
            "\u{1f600}",
        ];
        for a in texts {
            for b in texts {
                let expected = a.encode_utf16().cmp(b.encode_utf16());
                let mut comparison = Comparison::with(b.as_bytes());
                a.as_bytes().chunks(1).for_each(|piece| comparison.push(piece));
                assert_eq!(comparison.finish(), expected, "{a:?} {b:?}");
            }
        }
    }

    #[cfg_attr(not(target_arch = "wasm32"), test)]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn lowering_knows_the_final_sigma() {
        assert_eq!(compare_lowered("ΟΔΟΣ".as_bytes(), "οδος"), Ordering::Equal);
        assert_eq!(compare_lowered("ÉCOLE".as_bytes(), "école"), Ordering::Equal);
        assert_ne!(compare_lowered(b"\xff", "\u{fffd}"), Ordering::Equal);
    }
}
