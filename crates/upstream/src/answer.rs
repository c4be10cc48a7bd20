//! From a request to its answer.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

/// What the service received: the JSON body of its answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seen {
    /// The name of the service, e.g. `v1`.
    pub name: String,
    /// The request's method.
    pub method: String,
    /// The host that was asked for: HTTP/2's `:authority` or HTTP/1's `host`. Empty when there was none.
    pub authority: String,
    /// Path and query as they arrived.
    pub path: String,
    /// Headers in order of arrival, each byte of a value as the character with the same number.
    pub headers: Vec<(String, String)>,
    /// Length of the request's body.
    pub body_bytes: usize,
}

impl Seen {
    /// All values of a header, in order, as the bytes that arrived. The name is compared as it is: lower-case.
    pub fn header_bytes(&self, name: &str) -> Vec<Vec<u8>> {
        let values = self.headers.iter().filter(|(key, _)| key == name);
        values.map(|(_, value)| value.chars().map(|c| u32::from(c) as u8).collect()).collect()
    }
}

/// Each byte as the character with the same number (Latin-1).
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Reads a request to its end and answers it as its steering headers say.
///
/// # Errors
/// The request's body breaks off.
pub(crate) async fn answer(name: &str, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body_bytes = body.collect().await?.to_bytes().len();
    let authority = match head.uri.authority() {
        Some(authority) => authority.to_string(),
        None => latin1(head.headers.get(HOST).map_or(b"", HeaderValue::as_bytes)),
    };
    let seen = Seen {
        name: name.to_owned(),
        method: head.method.to_string(),
        authority,
        path: head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string),
        headers: head.headers.iter().map(|(k, v)| (k.to_string(), latin1(v.as_bytes()))).collect(),
        body_bytes,
    };
    tokio::time::sleep(delay(&head.headers)).await;
    let json = serde_json::to_vec(&seen).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(json)));
    *response.status_mut() = status(&head.headers);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    if let Ok(value) = HeaderValue::from_str(name) {
        headers.insert("x-upstream", value);
    }
    for (name, value) in added_headers(&head.headers) {
        headers.append(name, value);
    }
    Ok(response)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

fn delay(headers: &HeaderMap) -> Duration {
    Duration::from_millis(number(headers, "x-answer-delay-ms").unwrap_or(0))
}

fn status(headers: &HeaderMap) -> StatusCode {
    let asked = number(headers, "x-answer-status").and_then(|code| u16::try_from(code).ok());
    asked.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK)
}

fn added_headers(headers: &HeaderMap) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers.get_all("x-answer-header").iter().filter_map(|pair| {
        let pair = pair.as_bytes();
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at_checked(equals)?;
        let value = value.get(1..)?;
        Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_bytes_survive_json() {
        let all: Vec<u8> = (0..=255).collect();
        let seen = Seen {
            name: "v1".into(),
            method: "GET".into(),
            authority: String::new(),
            path: "/".into(),
            headers: vec![("x".into(), latin1(&all)), ("x".into(), String::new())],
            body_bytes: 0,
        };
        let json = serde_json::to_string(&seen).unwrap();
        let back: Seen = serde_json::from_str(&json).unwrap();
        assert_eq!(back.header_bytes("x"), [all, vec![]]);
    }

    #[test]
    fn steering_headers_are_read() {
        let mut headers = HeaderMap::new();
        headers.insert("x-answer-status", HeaderValue::from_static("404"));
        headers.append("x-answer-header", HeaderValue::from_static("set-cookie=a=b; Path=/"));
        headers.append("x-answer-header", HeaderValue::from_bytes(b"x=\xff").unwrap());
        headers.append("x-answer-header", HeaderValue::from_static("no equals sign"));
        assert_eq!(status(&headers), StatusCode::NOT_FOUND);
        let added: Vec<_> = added_headers(&headers).collect();
        assert_eq!(added.len(), 2);
        assert_eq!(added[0].1, "a=b; Path=/");
        assert_eq!(added[1].1.as_bytes(), b"\xff");
    }

    #[test]
    fn nonsense_leaves_the_default() {
        let mut headers = HeaderMap::new();
        headers.insert("x-answer-status", HeaderValue::from_static("99999"));
        assert_eq!(status(&headers), StatusCode::OK);
        assert_eq!(delay(&headers), Duration::ZERO);
    }
}
