//! Units as text.

/// What stands for bytes that are not UTF-8: U+FFFD.
const REPLACEMENT: &str = "\u{fffd}";

/// A unit as text, in parts.
pub(crate) fn text(unit: &[u8]) -> impl Iterator<Item = &str> {
    unit.utf8_chunks().flat_map(|chunk| {
        let replacement = if chunk.invalid().is_empty() { "" } else { REPLACEMENT };
        [chunk.valid(), replacement]
    })
}

/// The UTF-16 code units of a unit, as JavaScript's `charCodeAt` gives them.
pub(crate) fn utf16(unit: &[u8]) -> impl Iterator<Item = u16> {
    text(unit).flat_map(str::encode_utf16)
}

/// The decimal digits of a number, without an allocation.
pub(crate) struct Decimal {
    digits: [u8; Self::DIGITS],
    start: usize,
}

impl Decimal {
    /// 4294967295 has ten digits.
    const DIGITS: usize = 10;

    pub(crate) fn new(mut number: u32) -> Self {
        let mut decimal = Self { digits: [b'0'; Self::DIGITS], start: Self::DIGITS };
        for digit in decimal.digits.iter_mut().rev() {
            // Below ten.
            *digit = b'0' + (number % 10) as u8;
            decimal.start -= 1;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        decimal
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn decimals_have_no_leading_zeros() {
        for number in [0, 7, 10, 4_294_967_295] {
            assert_eq!(Decimal::new(number).as_bytes(), number.to_string().as_bytes());
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn bytes_that_are_not_text_read_as_a_lossy_decoder_reads_them() {
        for bytes in [&b"a\xffb"[..], b"\xf0\x9f\x98", b"\xc3", "🚦é".as_bytes(), b"\xed\xa0\x80x"] {
            let lossy: Vec<u16> = String::from_utf8_lossy(bytes).encode_utf16().collect();
            assert_eq!(utf16(bytes).collect::<Vec<_>>(), lossy, "{bytes:x?}");
        }
    }
}
