//! Requests by chance, that often have what a match asks for.

use weir_tests::client::Request;

use super::CHOICE;
use super::dice::Dice;
use super::matches::{Match, any_text};

/// A request with the number of the match that it is for.
pub(crate) struct Sent {
    pub(crate) number: usize,
    pub(crate) request: Request,
}

/// What nobody asks for: headers, parameters and values.
const PATHS: [&str; 8] = ["/", "/a", "/A/b", "/api/v1", "/API/v1/", "/a%20b", "/x.jpg", "/users/42"];
const BYTES: [&[u8]; 5] = [b"\xff", b"v1\xff", b"\xc3", b"a\xe9c", b"\t v1 \t"];

/// How much of what the match asks for a request has: each part with this chance.
const KEPT: usize = 85;

pub(crate) fn random(dice: &mut Dice, number: usize, entries: &Match) -> Sent {
    let entry = dice.one(entries);
    let path = match entry.uri {
        Some(test) if dice.percent(KEPT) => test.sample(dice),
        _ => (*dice.one(&PATHS)).to_owned(),
    };
    let path = if entry.ignore_uri_case && dice.percent(50) { other_case(dice, &path) } else { path };
    let mut parameters: Vec<String> = Vec::new();
    for (name, test) in &entry.query_params {
        if dice.percent(KEPT) {
            let value = encoded(&test.sample(dice));
            parameters.push(format!("{name}={value}"));
        }
    }
    while dice.percent(25) {
        let at = dice.below(parameters.len() + 1);
        let noise = noise(dice);
        parameters.insert(at, noise);
    }
    let mut request = Request::get(&with_query(dice, &encoded(&path), &parameters));
    if let Some(test) = entry.method.filter(|_| dice.percent(KEPT)) {
        request.method = some_method(&test.sample(dice));
    }
    if let Some(test) = entry.authority.filter(|_| dice.percent(KEPT)) {
        let host = test.sample(dice);
        request = line(request, "host", host.as_bytes());
    }
    if dice.percent(30) {
        request = request.header("x-forwarded-proto", dice.one(&["http", "https"]));
    }
    Sent { number, request: headers(dice, request.header(CHOICE, number.to_string()), entry) }
}

fn headers(dice: &mut Dice, mut request: Request, entry: &super::matches::Entry) -> Request {
    for (name, test) in &entry.headers {
        if dice.percent(30) {
            request = any_line(dice, request, name);
        }
        if dice.percent(KEPT) {
            let value = test.sample(dice);
            request = line(request, name, value.as_bytes());
        }
        if dice.percent(15) {
            request = any_line(dice, request, name);
        }
    }
    for (name, test) in &entry.without_headers {
        let lines = dice.one(&[0, 0, 0, 1, 2]);
        for _ in 0..*lines {
            request = any_line(dice, request, name);
        }
        if dice.percent(100 - KEPT) {
            let value = test.sample(dice);
            request = line(request, name, value.as_bytes());
        }
    }
    request
}

fn any_line(dice: &mut Dice, request: Request, name: &str) -> Request {
    if dice.percent(12) {
        return line(request, name, dice.one(&BYTES));
    }
    let value = any_text(dice);
    line(request, name, value.as_bytes())
}

/// Adds a line. A request has one host, in which not every byte may stand; and one line of cookies
/// (RFC 6265, section 5.4), since of several, Weir joins what Envoy's routes test one by one.
fn line(mut request: Request, name: &str, value: &[u8]) -> Request {
    if name == "cookie" {
        request.headers.retain(|(known, _)| known != name);
    }
    if name != "host" && name != ":authority" {
        return request.header(name, value);
    }
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b".-:".contains(b);
    let host: Vec<u8> = value.iter().copied().filter(allowed).collect();
    if host.iter().any(u8::is_ascii_alphanumeric) {
        request.host = String::from_utf8(host).unwrap();
    }
    request
}

/// A parameter that nobody asks for, or a second one of a name that somebody does.
fn noise(dice: &mut Dice) -> String {
    let name = *dice.one(&["q", "q", "debug", "Q", "%71", "", "ab", "x.y", "z"]);
    let value = encoded(&any_text(dice));
    match dice.below(4) {
        0 => name.to_owned(),
        1 => format!("{name}="),
        _ => format!("{name}={value}"),
    }
}

fn with_query(dice: &mut Dice, path: &str, parameters: &[String]) -> String {
    match parameters {
        [] if dice.percent(90) => path.to_owned(),
        _ => format!("{path}?{}", parameters.join(*dice.one(&["&", "&", "&", "&&"]))),
    }
}

/// What cannot be in a request line, as browsers send it; what can stays, so that a `%` may come out encoded
/// or not.
fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$'()*+,;=:@/%".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Methods that Envoy's parser knows; others would never reach a route.
fn some_method(method: &str) -> String {
    let known = ["GET", "POST", "DELETE", "PUT"];
    known.iter().find(|known| known.starts_with(&method[..3])).unwrap_or(&"PATCH").to_string()
}

fn other_case(dice: &mut Dice, text: &str) -> String {
    let change =
        |c: char| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
    text.chars().map(|c| if dice.percent(50) { change(c) } else { c }).collect()
}
