//! Points in time for options and reports.

use anyhow::{Context as _, anyhow};
use std::time::{SystemTime, UNIX_EPOCH};
use weir_core::timestamp;

/// Now, in seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A time such as `2026-03-01T00:00:00Z`, or how long ago: `14d`, `36h`, `90m`.
///
/// # Errors
/// It is neither.
pub(crate) fn read(text: &str, now: u64) -> anyhow::Result<u64> {
    let unit = |last: char| match last {
        'd' => Some(86_400),
        'h' => Some(3600),
        'm' => Some(60),
        's' => Some(1),
        _ => None,
    };
    if let Some(unit) = text.chars().last().and_then(unit)
        && let Ok(number) = text[..text.len() - 1].parse::<u64>()
    {
        let long = number.checked_mul(unit).filter(|long| *long <= now);
        return long.map(|long| now - long).with_context(|| format!("{text:?} is before 1970"));
    }
    timestamp::parse(text).map(|nanos| nanos / 1_000_000_000).map_err(|_| {
        anyhow!("invalid time {text:?}: expected one such as 2026-03-01T00:00:00Z, or 14d for 14 days ago")
    })
}

/// `2026-03-01T00:00:00Z`
pub(crate) fn rfc3339(seconds: u64) -> String {
    let (date, clock) = (date(seconds), seconds % 86_400);
    format!("{date}T{:02}:{:02}:{:02}Z", clock / 3600, clock / 60 % 60, clock % 60)
}

/// `2026-03-01` (Howard Hinnant, `civil_from_days`).
pub(crate) fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (month, day) =
        (if shifted < 10 { shifted + 3 } else { shifted - 9 }, of_year - (153 * shifted + 2) / 5 + 1);
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_alike() {
        for text in
            ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-03-01T12:34:56Z", "2100-12-31T00:00:01Z"]
        {
            assert_eq!(rfc3339(read(text, 0).unwrap()), text);
        }
        assert_eq!(read("14d", 86_400 * 20).unwrap(), 86_400 * 6);
        assert_eq!(read("90m", 86_400).unwrap(), 86_400 - 5400);
        for text in ["", "d", "x", "-3d", "99999999999999999999d", "14d ", "3ä"] {
            assert!(read(text, 1 << 40).is_err(), "{text}");
        }
    }
}
