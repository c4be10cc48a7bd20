//! Points in time as RFC 3339 writes them.

use std::fmt;

/// A text that is not a time, or one out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTime(Box<str>);

impl fmt::Display for InvalidTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a time such as 2026-03-01T00:00:00Z (RFC 3339, from 1970)", self.0)
    }
}

impl std::error::Error for InvalidTime {}

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// Reads `2026-03-01T00:00:00Z` or `2026-03-01T01:00:00.5+01:00` as nanoseconds since the Unix epoch.
///
/// ```
/// use weir_core::timestamp::{InvalidTime, parse};
///
/// // date -u -d 2026-03-01T00:00:00Z +%s
/// assert_eq!(parse("2026-03-01T00:00:00Z"), Ok(1_772_323_200_000_000_000));
/// assert_eq!(parse("2026-03-01T01:00:00+01:00"), parse("2026-03-01T00:00:00Z"));
/// // 2026 is not a leap year.
/// let invalid: InvalidTime = parse("2026-02-29T00:00:00Z").unwrap_err();
/// assert!(invalid.to_string().contains("2026-02-29T00:00:00Z"), "{invalid}");
/// ```
///
/// # Errors
/// When the text is no such time, lies before 1970 or after 2554 (where 64 bits of nanoseconds end).
pub fn parse(text: &str) -> Result<u64, InvalidTime> {
    read(text.as_bytes()).ok_or_else(|| InvalidTime(text.into()))
}

fn read(text: &[u8]) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let [y @ .., b'-', m1, m2, b'-', d1, d2] = date else { return None };
    let days = days(number(y)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?)?;
    let (b'T' | b't' | b' ', clock) = rest.split_first().map(|(t, clock)| (*t, clock))? else { return None };
    let (clock, rest) = clock.split_at_checked(8)?;
    let [h1, h2, b':', m1, m2, b':', s1, s2] = clock else { return None };
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?);
    // A leap second is written as the 60th; clocks that count from 1970 do not know it.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanos, zone) = fraction(rest)?;
    let local = (days * 24 + hour) * 3600 + minute * 60 + second.min(59);
    let seconds = local.checked_add_signed(-offset(zone)?)?;
    seconds.checked_mul(SECOND)?.checked_add(nanos)
}

/// The fraction of a second in nanoseconds, and what follows it.
fn fraction(text: &[u8]) -> Option<(u64, &[u8])> {
    let Some((b'.', rest)) = text.split_first() else { return Some((0, text)) };
    let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, zone) = rest.split_at_checked(len)?;
    if digits.is_empty() {
        return None;
    }
    let mut nanos = 0;
    for place in 0..9 {
        nanos = nanos * 10 + digits.get(place).map_or(0, |b| u64::from(b - b'0'));
    }
    Some((nanos, zone))
}

/// The offset from UTC in seconds.
fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = (hours * 3600 + minutes * 60) as i64;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// Days since the epoch, in the proleptic Gregorian calendar. (Howard Hinnant, `days_from_civil`.)
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=last).contains(&day) {
        return None;
    }
    // Years that begin in March have the odd day at their end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    (before + (153 * month + 2) / 5 + day - 1).checked_sub(719_468)
}

fn number(digits: &[u8]) -> Option<u64> {
    let digit = |n: u64, b: &u8| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0'));
    digits.iter().try_fold(0, digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:34:56Z", 951_827_696),
            ("2026-03-01T00:00:00Z", 1_772_323_200),
            ("2026-03-01T01:00:00+01:00", 1_772_323_200),
            ("2026-02-28t19:30:00-04:30", 1_772_323_200),
            ("2100-12-31 23:59:59z", 4_133_980_799),
            ("2016-12-31T23:59:60Z", 1_483_228_799),
        ] {
            assert_eq!(parse(text), Ok(seconds * SECOND), "{text}");
        }
        assert_eq!(parse("1970-01-01T00:00:01.25Z"), Ok(1_250_000_000));
        assert_eq!(parse("1970-01-01T00:00:00.1234567899Z"), Ok(123_456_789));
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = 0;
        for year in 1970..=2400 {
            for month in 1..=12 {
                for day in (1..=31).filter_map(|day| days(year, month, day)) {
                    assert_eq!(day, expected);
                    expected += 1;
                }
            }
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2026-03-01",
            "2026-03-01T00:00:00",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T00:60:00Z",
            "2026-03-01T00:00:00.Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2026-03-01T00:00:00+1:00",
            "2026-3-1T00:00:00Z",
            "2600-01-01T00:00:00Z",
            "2026-03-01T00:00:00Zx",
            "tomorrow",
            "２026-03-01T00:00:00Z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
