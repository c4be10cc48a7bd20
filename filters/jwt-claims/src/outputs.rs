//! The claims that are forwarded to services: prepared once, when the token is verified, and then only
//! copied.

use crate::config::Format;
use crate::plan::{Counters, Provider};
use crate::verified::{Absent, HeaderRule, StateRule, Words};
use serde_json::Value;
use std::borrow::Cow;
use weir_core::claims::{Claim, ClaimSource, Claims};
use weir_core::ids::{Counter, State};
use weir_core::value::Kind;
use weir_core::{OwnedHeader, header};
use weir_jose::Payload;

/// Why a claim does not become a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfit {
    /// It would be read as something else, or as nothing at all.
    Unsafe,
    TooLong,
}

/// All headers of a token.
pub(crate) struct Headers {
    pub(crate) values: Vec<(OwnedHeader, Words)>,
    pub(crate) counts: Vec<Counter>,
    pub(crate) lacks_claim: bool,
}

/// Makes the headers of a token. `payload` is its middle section unchanged.
#[cold]
pub(crate) fn headers(provider: &Provider, claims: &Payload, section: &[u8], counters: &Counters) -> Headers {
    let most = provider.headers.len() + usize::from(provider.payload.is_some());
    let mut all = Headers { values: Vec::with_capacity(most), counts: Vec::new(), lacks_claim: false };
    if let Some((header, padded)) = provider.payload {
        let mut text = section.to_vec();
        while padded && !text.len().is_multiple_of(4) {
            text.push(b'=');
        }
        all.values.push((header, Words::new(&text, false)));
    }
    for rule in &provider.headers {
        match (rule.value(claims), &rule.absent) {
            (Some(Ok(text)), _) => {
                let lines = rule.format == Format::Repeat;
                all.values.push((rule.header, Words::new(text.as_bytes(), lines)));
            }
            (Some(Err(Unfit::Unsafe)), _) => all.counts.push(counters.unsafe_value),
            (Some(Err(Unfit::TooLong)), _) => all.counts.push(counters.too_long),
            (None, Absent::Omit) => {}
            (None, Absent::Value(text)) => all.values.push((rule.header, Words::new(text, false))),
            (None, Absent::Refuse) => all.lacks_claim = true,
        }
    }
    all
}

impl HeaderRule {
    /// The header's value; `None` when the token has no such claim, or `null`.
    fn value<'c>(&self, claims: &'c Payload) -> Option<Result<Cow<'c, str>, Unfit>> {
        let claim = claims.raw(&self.path).filter(|claim| *claim != "null")?;
        if self.format == Format::Repeat && claims.scalars(&self.path).is_some_and(|items| items.is_empty()) {
            return None;
        }
        let text = match self.format {
            Format::Json => claims.json(&self.path).map(|json| ascii(&json).into()),
            Format::Base64Json => claims.json(&self.path).map(|json| base64(json.as_bytes()).into()),
            Format::Text | Format::Csv | Format::Repeat => self.text(claim, claims),
        };
        let Some(text) = text else { return Some(Err(Unfit::Unsafe)) };
        Some(if text.len() > self.longest { Err(Unfit::TooLong) } else { Ok(text) })
    }

    /// A text that is safe as a header's value, or as its lines.
    fn text<'c>(&self, claim: &str, claims: &'c Payload) -> Option<Cow<'c, str>> {
        if !claim.starts_with('[') {
            let text = claims.scalar(&self.path)?;
            let fits = if self.format == Format::Text { is_safe(&text) } else { is_item(&text) };
            return fits.then_some(text);
        }
        if self.format == Format::Text {
            return None;
        }
        let items = claims.scalars(&self.path)?;
        let separator = if self.format == Format::Repeat { "\n" } else { "," };
        items.iter().all(|item| is_item(item)).then(|| items.join(separator).into())
    }
}

/// Whether a proxy sends it, and the upstream reads it, as it is: white space around a value is not part of
/// it (RFC 9110 section 5.5).
fn is_safe(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_space = |end: Option<&u8>| matches!(end, Some(b' ' | b'\t'));
    header::is_safe_value(bytes) && !is_space(bytes.first()) && !is_space(bytes.last())
}

/// Whether it stays one item for whoever reads the header as a list. Some upstreams read several lines as one
/// with commas (RFC 9110 section 5.3). What some issuers write as an array with one item, others write as a
/// string, so both are held to it.
fn is_item(text: &str) -> bool {
    !text.as_bytes().contains(&b',') && is_safe(text)
}

/// JSON in which everything but ASCII is escaped.
fn ascii(json: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\x7f' {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str("\\u");
            for shift in [12, 8, 4, 0] {
                let digit = DIGITS.get(usize::from(*unit >> shift & 15)).copied().unwrap_or(b'0');
                out.push(char::from(digit));
            }
        }
    }
    out
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let sextet = (word >> (18 - 6 * i) & 63) as usize;
            let letter = ALPHABET.get(sextet).copied().unwrap_or(b'=');
            out.push(char::from(if i > chunk.len() { b'=' } else { letter }));
        }
    }
    out
}

/// The filter state of a token. Access logs in text and terminals show it as it is, so a claim that would begin
/// another line, or command a terminal, is left out and counted.
#[cold]
pub(crate) fn states(
    provider: &Provider,
    claims: &Payload,
    counters: &Counters,
    counts: &mut Vec<Counter>,
) -> Box<[(State, Box<[u8]>)]> {
    let mut text = |rule: &StateRule| {
        let claim = claims.raw(&rule.path).filter(|claim| *claim != "null")?;
        let text = if claim.starts_with('"') {
            claims.scalar(&rule.path)?.into_owned()
        } else {
            let json = claims.json(&rule.path)?;
            if header::is_plain_text(&json) { json } else { ascii(&json) }
        };
        if !header::is_plain_text(&text) {
            counts.push(counters.unsafe_value);
            return None;
        }
        Some((rule.state, text.into_bytes().into_boxed_slice()))
    };
    provider.states.iter().filter_map(&mut text).collect()
}

/// The claims that attributes read.
#[cold]
pub(crate) fn claims(provider: &Provider, sources: &[ClaimSource], claims: &Payload) -> Claims {
    let one = |source: &ClaimSource| {
        let ours = source.provider.as_deref().is_none_or(|name| name == &*provider.name);
        let json = match claims.lookup(&source.path) {
            _ if !ours => return None,
            Some(json) => json,
            None if leads_into_a_scalar(&source.path, claims) => return Some(Claim::Unreadable),
            None => return None,
        };
        let text = match (&json, source.kind) {
            (Value::Array(items), Kind::List { separator }) => list(items, separator, &source.path, claims),
            _ => claims.scalar(&source.path).map(Cow::into_owned),
        };
        let text = text.or_else(|| claims.json(&source.path))?;
        Some(Claim::Read { text: text.into_bytes().into(), json })
    };
    Claims(sources.iter().map(one).collect())
}

/// Whether a path leads into something that has no such parts: a text, a number, or by a name into an array. An
/// object without the member, an array that is shorter, and `null` are merely without the claim.
fn leads_into_a_scalar(path: &[String], claims: &Payload) -> bool {
    let deepest = (1..path.len()).rev().find_map(|len| {
        let (there, rest) = path.split_at_checked(len)?;
        Some((claims.raw(there)?, rest.first()?))
    });
    deepest.is_some_and(|(value, next)| match value.as_bytes() {
        [b'{', ..] | b"null" => false,
        [b'[', ..] => !next.bytes().all(|b| b.is_ascii_digit()),
        _ => true,
    })
}

/// Items with a separator between them, those that are arrays or objects as JSON.
fn list(items: &[Value], separator: u8, path: &[String], claims: &Payload) -> Option<String> {
    let mut text = String::new();
    let mut path = path.to_vec();
    for i in 0..items.len() {
        path.push(i.to_string());
        let item = claims.scalar(&path).map(Cow::into_owned).or_else(|| claims.json(&path))?;
        path.pop();
        if i > 0 {
            text.push(char::from(separator));
        }
        text.push_str(&item);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn json_becomes_ascii() {
        assert_eq!(ascii("[\"a\u{e4}\u{1f600}\u{7f}\"]"), "[\"a\\u00e4\\ud83d\\ude00\\u007f\"]");
    }
}
