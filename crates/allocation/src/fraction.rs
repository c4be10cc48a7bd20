//! Parts of a whole, exact to one millionth (0.0001 %).

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::BUCKETS;
use crate::number::Plain;

/// Decimals of a fraction of one that a share can hold.
const FRACTION_DECIMALS: usize = 6;
/// Decimals of a percentage that a share can hold.
const PERCENT_DECIMALS: usize = 4;

/// How far, in millionths, a float may be from a whole number of millionths and still mean it. Decimal text
/// that was read as `f64` is off by less than 1e-9.
const FLOAT_TOLERANCE: f64 = 1e-7;

/// A part of all units, from 0 to 100 %, in millionths. 0 % and 100 % are exact.
///
/// ```
/// use weir_allocation::Fraction;
///
/// let share: Fraction = "12.5%".parse()?;
/// assert_eq!(share.millionths(), 125_000);
/// assert_eq!(share, Fraction::from_fraction(0.125)?);
/// assert_eq!(share, Fraction::from_percent(12.5)?);
/// assert_eq!(share.rest().to_string(), "87.5%");
///
/// // A tenth of the units that a coverage of 12.5 % leaves.
/// assert_eq!("10%".parse::<Fraction>()?.of(share).to_string(), "1.25%");
///
/// // What cannot be exact is refused, never rounded.
/// assert_eq!(
///     "33.33333%".parse::<Fraction>().map_err(|error| error.to_string()),
///     Err("33.33333% is finer than the smallest step of 0.0001%".into())
/// );
/// # Ok::<(), weir_allocation::InvalidFraction>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fraction(u32);

impl Fraction {
    /// 0 %.
    pub const NONE: Self = Self(0);
    /// 100 %.
    pub const ALL: Self = Self(BUCKETS);

    /// A share of this many millionths.
    ///
    /// # Errors
    /// [`InvalidFraction::OutOfRange`] above 1 000 000.
    pub fn from_millionths(millionths: u32) -> Result<Self, InvalidFraction> {
        if millionths <= BUCKETS {
            Ok(Self(millionths))
        } else {
            Err(InvalidFraction::OutOfRange { value: format!("{millionths} millionths") })
        }
    }

    /// A share from a number between 0 and 1, as JSON gives it.
    ///
    /// # Errors
    /// Where the number is not finite, is outside 0 to 1, or needs more than six decimals.
    pub fn from_fraction(fraction: f64) -> Result<Self, InvalidFraction> {
        from_float(fraction, f64::from(BUCKETS), "")
    }

    /// A share from a number between 0 and 100, as JSON gives it.
    ///
    /// # Errors
    /// Where the number is not finite, is outside 0 to 100, or needs more than four decimals.
    pub fn from_percent(percent: f64) -> Result<Self, InvalidFraction> {
        from_float(percent, f64::from(BUCKETS / 100), "%")
    }

    /// The share in millionths, from 0 to 1 000 000.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// Whether this is 0 %.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether this is 100 %.
    pub const fn is_all(self) -> bool {
        self.0 == BUCKETS
    }

    /// This share of another share, rounded to the nearest millionth, halves up.
    ///
    /// Growing either share never shrinks the result, and 100 % of a share is the share itself.
    #[allow(clippy::cast_possible_truncation, reason = "at most BUCKETS")]
    pub const fn of(self, whole: Self) -> Self {
        let product = self.0 as u64 * whole.0 as u64;
        Self(((product + BUCKETS as u64 / 2) / BUCKETS as u64) as u32)
    }

    /// What is missing to 100 %.
    pub const fn rest(self) -> Self {
        Self(BUCKETS.saturating_sub(self.0))
    }

    /// For counts that are known to be at most [`BUCKETS`] by construction; anything above becomes 100 %.
    pub(crate) fn saturating(millionths: u32) -> Self {
        Self(millionths.min(BUCKETS))
    }
}

/// Reads `"12.5%"` as a percentage, and `"0.125"` without a sign as a fraction of one. Exact: no floating
/// point is involved. Digits are required, a sign or an exponent is not allowed.
impl FromStr for Fraction {
    type Err = InvalidFraction;

    fn from_str(text: &str) -> Result<Self, InvalidFraction> {
        match text.trim().strip_suffix('%') {
            Some(percent) => from_decimal(percent.trim_end(), PERCENT_DECIMALS, text),
            None => from_decimal(text.trim(), FRACTION_DECIMALS, text),
        }
    }
}

/// Writes a percentage with as many decimals as it needs: `12.5%`, `0.0001%`, `100%`.
impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, decimals) = (self.0 / 10_000, self.0 % 10_000);
        if decimals == 0 {
            return write!(f, "{percent}%");
        }
        let decimals = format!("{decimals:04}");
        write!(f, "{percent}.{}%", decimals.trim_end_matches('0'))
    }
}

fn from_float(number: f64, millionths_per_unit: f64, sign: &str) -> Result<Fraction, InvalidFraction> {
    let value = || format!("{}{sign}", Plain(number));
    let scaled = number * millionths_per_unit;
    if !scaled.is_finite() {
        return Err(InvalidFraction::NotANumber { value: value() });
    }
    let rounded = scaled.round();
    let too_precise = (scaled - rounded).abs() > FLOAT_TOLERANCE;
    if !(0.0..=f64::from(BUCKETS)).contains(&rounded) || (too_precise && scaled < 0.0) {
        return Err(InvalidFraction::OutOfRange { value: value() });
    }
    if too_precise {
        return Err(InvalidFraction::TooPrecise { value: value() });
    }
    #[allow(clippy::cast_possible_truncation, reason = "a whole number from 0 to BUCKETS, checked above")]
    let millionths = rounded as u32;
    Ok(Fraction(millionths))
}

/// Reads `digits[.digits]` as a number of units of `10^-decimals`.
fn from_decimal(number: &str, decimals: usize, text: &str) -> Result<Fraction, InvalidFraction> {
    let value = || text.to_owned();
    let not_a_number = || InvalidFraction::NotANumber { value: value() };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(not_a_number()),
        None => (number, ""),
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return Err(not_a_number());
    }
    let fraction = fraction.trim_end_matches('0');
    let missing_zeros =
        decimals.checked_sub(fraction.len()).ok_or_else(|| InvalidFraction::TooPrecise { value: value() })?;
    let zeros = std::iter::repeat_n(b'0', missing_zeros);
    let mut millionths: u32 = 0;
    for digit in whole.bytes().chain(fraction.bytes()).chain(zeros) {
        // Saturation keeps absurdly long numbers out of range.
        millionths = millionths.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
    }
    Fraction::from_millionths(millionths).map_err(|_| InvalidFraction::OutOfRange { value: value() })
}

/// Why a value is not a share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidFraction {
    /// Not a decimal number, or not a finite one.
    NotANumber {
        /// What was given.
        value: String,
    },
    /// Below 0 % or above 100 %.
    OutOfRange {
        /// What was given.
        value: String,
    },
    /// Not a whole number of millionths.
    TooPrecise {
        /// What was given.
        value: String,
    },
}

impl fmt::Display for InvalidFraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber { value } => write!(f, "{value:?} is not a decimal number such as 12.5"),
            Self::OutOfRange { value } => write!(f, "{value} is not between 0% and 100%"),
            Self::TooPrecise { value } => write!(f, "{value} is finer than the smallest step of 0.0001%"),
        }
    }
}

impl Error for InvalidFraction {}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    fn millionths(text: &str) -> Result<u32, InvalidFraction> {
        text.parse().map(Fraction::millionths)
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn text_is_read_exactly() {
        assert_eq!(millionths("0%"), Ok(0));
        assert_eq!(millionths("100%"), Ok(1_000_000));
        assert_eq!(millionths("12.5%"), Ok(125_000));
        assert_eq!(millionths("0.0001%"), Ok(1));
        assert_eq!(millionths(" 33.3333 % "), Ok(333_333));
        assert_eq!(millionths("99.999900%"), Ok(999_999));
        assert_eq!(millionths("1"), Ok(1_000_000));
        assert_eq!(millionths("0.000001"), Ok(1));
        assert_eq!(millionths("007%"), Ok(70_000));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn bad_text_is_refused_with_its_reason() {
        for text in ["", "%", ".", ".5", "5.", "-1%", "+1%", "1e1", "1,5%", "NaN", "1%%", "٣%"] {
            assert!(matches!(millionths(text), Err(InvalidFraction::NotANumber { .. })), "{text}");
        }
        for text in ["100.0001%", "101%", "1.000001", "99999999999999999999%"] {
            assert!(matches!(millionths(text), Err(InvalidFraction::OutOfRange { .. })), "{text}");
        }
        for text in ["0.00001%", "0.0000001", "33.33333%"] {
            assert!(matches!(millionths(text), Err(InvalidFraction::TooPrecise { .. })), "{text}");
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn every_share_survives_text_and_floats() {
        for millionths in (0..=BUCKETS).step_by(7).chain([BUCKETS]) {
            let share = Fraction::from_millionths(millionths).unwrap();
            assert_eq!(share.to_string().parse(), Ok(share));
            let percent: f64 = share.to_string().trim_end_matches('%').parse().unwrap();
            assert_eq!(Fraction::from_percent(percent), Ok(share));
            assert_eq!(Fraction::from_fraction(f64::from(millionths) / 1e6), Ok(share));
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn bad_floats_are_refused_with_their_reason() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert!(
                matches!(Fraction::from_percent(number), Err(InvalidFraction::NotANumber { .. })),
                "{number}"
            );
        }
        for number in [-0.0001, -1e-5, 100.0001, 1e9] {
            assert!(
                matches!(Fraction::from_percent(number), Err(InvalidFraction::OutOfRange { .. })),
                "{number}"
            );
        }
        for number in [0.00001, 33.33333, 1.0 / 3.0] {
            assert!(
                matches!(Fraction::from_percent(number), Err(InvalidFraction::TooPrecise { .. })),
                "{number}"
            );
        }
        assert_eq!(Fraction::from_percent(-0.0), Ok(Fraction::NONE));
        assert_eq!(
            Fraction::from_fraction(0.1 + 0.2),
            Ok(Fraction(300_000)),
            "a float's own noise is no digit"
        );
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn messages_name_the_value_and_the_rule() {
        assert_eq!(Fraction::from_percent(120.0).unwrap_err().to_string(), "120% is not between 0% and 100%");
        assert_eq!(
            millionths("0.00001%").unwrap_err().to_string(),
            "0.00001% is finer than the smallest step of 0.0001%"
        );
        assert_eq!(millionths("x").unwrap_err().to_string(), "\"x\" is not a decimal number such as 12.5");
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn a_share_of_a_share_is_exact_at_the_ends() {
        for millionths in [0, 1, 333_333, 999_999, BUCKETS] {
            let share = Fraction(millionths);
            assert_eq!(Fraction::ALL.of(share), share);
            assert_eq!(share.of(Fraction::ALL), share);
            assert_eq!(Fraction::NONE.of(share), Fraction::NONE);
            assert_eq!(share.rest().millionths(), BUCKETS - millionths);
        }
    }
}
