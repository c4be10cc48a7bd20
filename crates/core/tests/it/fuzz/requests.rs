//! Headers as the proxy passes them, with the cookies and parameters in them.

use super::{damaged, hold, of_pieces};
use crate::http_match_support::Services;
use proptest::collection::vec;
use proptest::prelude::*;
use weir_core::header::{Pairs, encode_pairs};
use weir_core::{AccessPlan, At, AttrId, AttributeMap, Compiler, Problems, Request, RequestView, Scratch};

/// An access plan that reads a part of every kind, and the attributes in it.
struct Reader {
    access_plan: AccessPlan,
    ids: Vec<AttrId>,
}

impl Reader {
    fn new(sources: &[&str]) -> Self {
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, Problems::default());
        let ids = sources.iter().map(|source| compiler.attribute(source, &At::root()).unwrap()).collect();
        Self { access_plan: compiler.finish().unwrap(), ids }
    }

    fn read(&self, raw: &[u8]) -> Vec<Option<Vec<u8>>> {
        let (mut scratch, host) = (Scratch::default(), Services::default());
        scratch.read(&self.access_plan, raw);
        let request = Request::new(&self.access_plan, raw, &scratch, &host);
        self.ids.iter().map(|id| request.text(*id).map(<[u8]>::to_vec)).collect()
    }
}

type Headers = Vec<(&'static str, Vec<u8>)>;

fn headers() -> impl Strategy<Value = Headers> {
    let name = prop::sample::select(&["x-a", "x-b", "cookie", "cookie", ":method", "other"][..]);
    let sense = of_pieces(&["a", "b", "c", "=", ";", "; ", " ", "\"", ",", "%20", "\t", "é"], 12);
    let value = prop_oneof![3 => sense, 1 => vec(any::<u8>(), 0..30)];
    let query =
        of_pieces(&["a", "b", "=", "=", "&", "&", "+", "%61", "%", "%4", "?", "#", "%ff", "/", "a=b"], 16);
    (vec((name, value), 0..6), query).prop_map(|(mut headers, query)| {
        headers.insert(headers.len() / 2, (":path", [b"/p?".to_vec(), query].concat()));
        headers
    })
}

/// The lines of a header, joined as HTTP says.
fn model_header(headers: &Headers, name: &str, separator: &[u8]) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = headers.iter().filter(|(n, _)| *n == name).map(|(_, v)| v.as_slice()).collect();
    (!lines.is_empty()).then(|| lines.join(separator))
}

/// The first cookie of a name that has a value.
fn model_cookie(headers: &Headers, name: &[u8]) -> Option<Vec<u8>> {
    let all = model_header(headers, "cookie", b"; ")?;
    all.split(|b| *b == b';').find_map(|part| {
        let equals = part.iter().position(|b| *b == b'=')?;
        let value = part[equals + 1..].trim_ascii();
        let quoted = value.len() > 1 && value.starts_with(b"\"") && value.ends_with(b"\"");
        let value = if quoted { &value[1..value.len() - 1] } else { value };
        (part[..equals].trim_ascii() == name).then(|| value.to_vec())
    })
}

/// The first parameter of a name, decoded as a form is.
fn model_query(headers: &Headers, name: &[u8]) -> Option<Vec<u8>> {
    let path = model_header(headers, ":path", b",")?;
    let path = path.split(|b| *b == b'#').next()?;
    let query = &path[path.iter().position(|b| *b == b'?')? + 1..];
    query.split(|b| *b == b'&').find_map(|part| {
        let equals = part.iter().position(|b| *b == b'=').unwrap_or(part.len());
        let value = part.get(equals + 1..).unwrap_or_default();
        (model_decoded(&part[..equals]) == name).then(|| model_decoded(value))
    })
}

fn model_decoded(text: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let hex = text.get(at + 1..at + 3).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match (text[at], hex) {
            (b'%', Some(hex)) => {
                out.push(u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap());
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    out
}

const SOURCES: [&str; 7] =
    ["header:x-a", "header:cookie", "cookie:a", "cookie:b", "query:a", "query:b", "path"];

#[test]
fn headers_cookies_and_parameters_are_what_the_model_says() {
    let reader = Reader::new(&SOURCES);
    hold(headers(), |headers| {
        let expected = [
            model_header(&headers, "x-a", b","),
            model_header(&headers, "cookie", b"; "),
            model_cookie(&headers, b"a"),
            model_cookie(&headers, b"b"),
            model_query(&headers, b"a"),
            model_query(&headers, b"b"),
            Some(b"/p".to_vec()),
        ];
        prop_assert_eq!(reader.read(&encode_pairs(&headers)), expected);
        Ok(())
    });
}

#[test]
fn damaged_buffers_give_only_what_is_in_them() {
    let reader = Reader::new(&SOURCES);
    let raw = prop_oneof![headers().prop_map(|h| encode_pairs(&h)), vec(any::<u8>(), 0..120)];
    hold(damaged(raw), |raw| {
        for pair in Pairs::new(&raw) {
            let end = pair.value_offset + pair.value.len();
            prop_assert_eq!(raw.get(pair.value_offset..end), Some(pair.value));
        }
        for text in reader.read(&raw).into_iter().flatten() {
            // Several lines are joined, so that a text may be longer than the buffer, but not by much.
            prop_assert!(text.len() <= 3 * raw.len());
        }
        Ok(())
    });
}

/// What one client may send at most does not take longer than it is long.
#[test]
fn ten_thousand_parameters_and_cookies_are_read() {
    let many = |separator: &str| (0..10_000).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(separator);
    let path = format!("/p?{}&a=1&a=2", many("&"));
    let cookies = format!("{}; a=3; a=4", many("; "));
    let raw = encode_pairs(&[(":path", path.as_bytes()), ("cookie", cookies.as_bytes())]);
    let read = Reader::new(&["query:a", "cookie:a", "query:missing"]).read(&raw);
    assert_eq!(read, [Some(b"1".to_vec()), Some(b"3".to_vec()), None]);
}
