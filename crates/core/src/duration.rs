//! Durations as Envoy and Istio write them.

use std::fmt;
use std::time::Duration;

/// A text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDuration(Box<str>);

impl fmt::Display for InvalidDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a duration such as 5s, 250ms, 1.5h or 30d", self.0)
    }
}

impl std::error::Error for InvalidDuration {}

/// Reads `5s`, `250ms`, `1.5h`, `1h30m`; the units are h, m, s, ms, us and ns, and for cookies d.
///
/// ```
/// use std::time::Duration;
/// use weir_core::duration::{InvalidDuration, parse};
///
/// assert_eq!(parse("1h30m"), Ok(Duration::from_secs(5_400)));
/// assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1_500)));
/// assert_eq!(parse("30d"), Ok(Duration::from_secs(30 * 86_400)));
/// let invalid: InvalidDuration = parse("5").unwrap_err();
/// assert!(invalid.to_string().contains("\"5\""), "{invalid}");
/// ```
///
/// # Errors
/// When the text is not one or more decimal numbers with a unit each, or is out of range.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let refuse = || InvalidDuration(text.into());
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(refuse)?;
        let (digits, behind) = rest.split_at(number);
        let unit = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit);
        let scale: u128 = match unit {
            "d" => 86_400_000_000_000,
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" => 1_000,
            "ns" => 1,
            _ => return Err(refuse()),
        };
        nanos += decimal(digits, scale).ok_or_else(refuse)?;
        rest = behind;
    }
    match u64::try_from(nanos) {
        Ok(nanos) if !text.is_empty() => Ok(Duration::from_nanos(nanos)),
        _ => Err(refuse()),
    }
}

/// `digits` × `scale`, in integers so that nothing is rounded; at most nine decimal places.
fn decimal(digits: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() > 12 || fraction.len() > 9 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u128>().ok() };
    let places = u32::try_from(fraction.len()).ok()?;
    Some(number(whole)? * scale + number(fraction)? * scale / 10u128.pow(places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_envoy_and_istio_write_them() {
        for (text, nanos) in [
            ("5s", 5_000_000_000),
            ("250ms", 250_000_000),
            ("1.5h", 5_400_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("0.000000001s", 1),
            ("0s", 0),
            ("365d", 31_536_000_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "5", "s", "-1s", "1.5.5s", "1w", "1 s", "9999999999999s", "999999999999d", "."] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
