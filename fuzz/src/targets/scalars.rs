//! Short texts with a form: durations, times, numbers, names of headers.

use weir_core::{duration, escape, header, timestamp, value};

pub(crate) const PIECES: &[&str] = &[
    "1h30m",
    "250ms",
    "1.5h",
    "999999999999d",
    "us",
    "ns",
    ".",
    "2026-03-01T00:00:00Z",
    "-02-29",
    "T23:59:60",
    "+01:00",
    "-00:30",
    "1e308",
    "inf",
    "nan",
    "0x",
    "_",
    "9007199254740993",
    "x-a",
    "://u:p@h",
    "\u{202e}",
    "\u{1b}[2J",
];

/// What is read is in range, and the same when it is written plainly.
pub(crate) fn scalars(data: &[u8]) {
    if let Some(number) = value::number(data) {
        assert!(number.is_finite());
        assert_eq!(value::number(format!("{number:e}").as_bytes()), Some(number));
    }
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(duration) = duration::parse(text) {
        // A whole number may have twelve digits at most.
        let nanos = duration.as_nanos();
        if nanos < 1_000_000_000_000 {
            assert_eq!(duration::parse(&format!("{nanos}ns")), Ok(duration));
        }
        assert_eq!(duration::parse(&format!("{text}0s")), Ok(duration));
    }
    if let Ok(nanos) = timestamp::parse(text) {
        let whole = timestamp::parse(&text.to_ascii_uppercase().replace(' ', "T"));
        assert_eq!(whole, Ok(nanos));
    }
    if let Ok(name) = header::name(text) {
        assert_eq!(header::name(&name), Ok(name.clone()));
        assert!(header::is_safe_value(name.as_bytes()));
    }
    let shown = escape::escape(text);
    assert!(!shown.chars().any(escape::is_hidden));
    assert_eq!(escape::escape(&shown), shown);
    let _ = escape::without_user_info(text);
}
