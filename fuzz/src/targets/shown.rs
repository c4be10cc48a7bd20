//! What commands write to a terminal.

use weir_core::escape::is_hidden;

pub(crate) const PIECES: &[&str] = &[
    "\u{1b}[2J",
    "\u{202e}",
    "\u{85}",
    "\u{9b}",
    "é",
    "你",
    "😀",
    "\n",
    "\t",
    "\r",
    "\u{feff}",
    "\\u001b",
    "\u{0}",
];

/// It does nothing to the terminal, and is the same in however many pieces it came.
pub(crate) fn shown(data: &[u8]) {
    let whole = weir_cli::fuzzed::shown(data, data.len());
    let text = str::from_utf8(&whole).expect("it is UTF-8");
    assert!(!text.contains(|c: char| is_hidden(c) && !matches!(c, '\n' | '\t')), "{text:?}");
    for size in 1..5 {
        assert_eq!(weir_cli::fuzzed::shown(data, size), whole, "in pieces of {size}");
    }
}
