//! Cookies: one list, in however many lines it came.

use crate::support::Reader;
use weir_core::header::encode_pairs;

pub(crate) const PIECES: &[&str] =
    &["a=", "b=", "; ", ";", "=", "\"", "\"\"", " ", "\t", "\n", "a=\"x\"", "é", ","];

thread_local! {
    static READER: Reader = Reader::new(&["cookie:a", "cookie:b", "header:cookie"]);
}

/// The first cookie of a name that has a value counts.
pub(crate) fn cookies(data: &[u8]) {
    let lines: Vec<(&str, &[u8])> = data.split(|b| *b == b'\n').map(|line| ("cookie", line)).collect();
    let whole = lines.iter().map(|(_, line)| *line).collect::<Vec<_>>().join(&b"; "[..]);
    let found = READER.with(|reader| reader.read(&encode_pairs(&lines)));
    assert_eq!(found, [model(&whole, b"a"), model(&whole, b"b"), Some(whole)]);
}

fn model(whole: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    whole.split(|b| *b == b';').find_map(|part| {
        let equals = part.iter().position(|b| *b == b'=')?;
        let value = part[equals + 1..].trim_ascii();
        let quoted = value.len() > 1 && value.starts_with(b"\"") && value.ends_with(b"\"");
        let value = if quoted { &value[1..value.len() - 1] } else { value };
        (part[..equals].trim_ascii() == name).then(|| value.to_vec())
    })
}
