//! The bytes in which a proxy hands over headers.

use crate::support::Reader;
use weir_core::header::{Pair, Pairs};

pub(crate) const PIECES: &[&str] = &[
    "\0",
    "\u{1}\0\0\0",
    "\u{2}\0\0\0",
    ":path\0/p?a=1\0",
    "cookie\0a=b; c\0",
    "x-a\0v\0",
    "\u{5}\0\0\0\u{6}\0\0\0",
];

thread_local! {
    static READER: Reader =
        Reader::new(&["header:x-a", "header:cookie", "cookie:a", "query:a", "path", "host"]);
}

/// Only what is in the bytes is read, and both ways to walk them find the same.
pub(crate) fn pairs(data: &[u8]) {
    let all: Vec<Pair<'_>> = Pairs::new(data).collect();
    for pair in &all {
        assert_eq!(data.get(pair.value_offset..pair.value_offset + pair.value.len()), Some(pair.value));
    }
    let selected: Vec<Pair<'_>> = Pairs::new(data).with_name_lengths(u64::MAX).collect();
    // The zero byte behind the last value is looked at by one of them only.
    assert!(selected.len() <= all.len() + 1, "{all:?} {selected:?}");
    assert_eq!(selected.get(..all.len()), Some(&all[..]));
    for text in READER.with(|reader| reader.read(data)).into_iter().flatten() {
        assert!(text.len() <= 3 * data.len());
    }
}
