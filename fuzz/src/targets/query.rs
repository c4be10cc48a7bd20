//! The path and the parameters in the query.

use crate::support::Reader;
use weir_core::header::encode_pairs;

pub(crate) const PIECES: &[&str] =
    &["?", "&", "=", "#", "+", "%", "%61", "%4", "%ff", "%2B", "a=", "b=1", "&&", "/p?", "%25", "%3D"];

thread_local! {
    static READER: Reader = Reader::new(&["query:a", "query:b", "path"]);
}

/// The first parameter of a name counts, decoded as a form is.
pub(crate) fn query(data: &[u8]) {
    let found = READER.with(|reader| reader.read(&encode_pairs(&[(":path", data)])));
    let whole = data.split(|b| *b == b'#').next().unwrap_or_default();
    let mark = whole.iter().position(|b| *b == b'?').unwrap_or(whole.len());
    let query = whole.get(mark + 1..);
    let parameter = |name: &[u8]| query.and_then(|query| model(query, name));
    assert_eq!(found, [parameter(b"a"), parameter(b"b"), Some(whole[..mark].to_vec())]);
}

fn model(query: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    query.split(|b| *b == b'&').find_map(|part| {
        let equals = part.iter().position(|b| *b == b'=').unwrap_or(part.len());
        let value = part.get(equals + 1..).unwrap_or_default();
        (decoded(&part[..equals]) == name).then(|| decoded(value))
    })
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let hex = text.get(at + 1..at + 3).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match (text[at], hex) {
            (b'%', Some(hex)) => {
                out.push(u8::from_str_radix(str::from_utf8(hex).unwrap(), 16).unwrap());
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    out
}
