//! From a request to its answer.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};

use crate::plan::{Answer, Plans};
use crate::seen::Seen;

/// The most bytes that `x-answer-body-bytes` may ask for.
const MAX_BODY_LEN: usize = 64 << 20;

/// Each byte as the character with the same number (Latin-1).
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The body of an answer, with its trailers.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, Infallible>;

/// Reads a request to its end and answers it: as it was prepared, or as the steering headers say.
///
/// # Errors
/// The request's body breaks off.
pub(crate) async fn answer(
    name: &str,
    plans: &Plans,
    request: Request<Incoming>,
) -> hyper::Result<Response<AnswerBody>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?;
    let trailers = body.trailers().map(values).unwrap_or_default();
    let seen = seen(name, &head, body.to_bytes().len(), trailers);
    let id = head.headers.get("x-answer-id").and_then(|id| id.to_str().ok());
    let answer = match id.and_then(|id| plans.answer(id, &seen)) {
        Some(prepared) => prepared,
        None => steered(&seen, &head.headers),
    };
    tokio::time::sleep(answer.delay).await;
    Ok(response(answer))
}

fn seen(name: &str, head: &Parts, body_bytes: usize, trailers: Vec<(String, String)>) -> Seen {
    let authority = match head.uri.authority() {
        Some(authority) => authority.to_string(),
        None => latin1(head.headers.get(HOST).map_or(b"", HeaderValue::as_bytes)),
    };
    Seen {
        name: name.to_owned(),
        method: head.method.to_string(),
        authority,
        path: head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string),
        headers: values(&head.headers),
        body_bytes,
        trailers,
    }
}

fn values(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), latin1(value.as_bytes()))).collect()
}

/// The answer that describes the request, changed as the request's steering headers ask.
fn steered(seen: &Seen, headers: &HeaderMap) -> Answer {
    let mut answer = Answer {
        status: number(headers, "x-answer-status").and_then(|code| u16::try_from(code).ok()).unwrap_or(200),
        headers: vec![
            ("content-type".to_owned(), b"application/json".to_vec()),
            ("x-upstream".to_owned(), seen.name.clone().into_bytes()),
        ],
        body: serde_json::to_vec(seen).unwrap_or_default(),
        trailers: pairs(headers, "x-answer-trailer").collect(),
        delay: Duration::from_millis(number(headers, "x-answer-delay-ms").unwrap_or(0)),
    };
    answer.headers.extend(pairs(headers, "x-answer-header"));
    if let Some(size) = number(headers, "x-answer-body-bytes").and_then(|size| usize::try_from(size).ok()) {
        answer.body = vec![b'x'; size.min(MAX_BODY_LEN)];
    }
    answer
}

fn response(answer: Answer) -> Response<AnswerBody> {
    let body = Full::new(Bytes::from(answer.body));
    let mut response = Response::new(match header_map(&answer.trailers) {
        trailers if trailers.is_empty() => body.boxed_unsync(),
        trailers => body.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed_unsync(),
    });
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    *response.headers_mut() = header_map(&answer.headers);
    response
}

/// What of `pairs` can be headers.
fn header_map(pairs: &[(String, Vec<u8>)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    map
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// The values `name=value` of a steering header.
fn pairs(headers: &HeaderMap, steering: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
    headers.get_all(steering).iter().filter_map(|pair| {
        let pair = pair.as_bytes();
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at_checked(equals)?;
        Some((std::str::from_utf8(name).ok()?.to_owned(), value.get(1..)?.to_vec()))
    })
}

#[cfg(test)]
mod tests {
    use hyper::body::Body as _;

    use super::*;

    fn seen() -> Seen {
        Seen {
            name: "v1".into(),
            method: "GET".into(),
            authority: String::new(),
            path: "/".into(),
            headers: Vec::new(),
            body_bytes: 0,
            trailers: Vec::new(),
        }
    }

    #[test]
    fn prepared_answers_are_given_and_requests_noted() {
        let plans = Plans::default();
        let prepared = Answer { status: 204, ..Answer::default() };
        plans.prepare("7", prepared.clone());
        assert_eq!(plans.answer("7", &seen()), Some(prepared));
        assert_eq!(plans.answer("8", &seen()), None);
        assert_eq!(plans.take("7"), [seen()]);
        assert_eq!(plans.take("7"), []);
    }

    #[test]
    fn header_bytes_survive_json() {
        let all: Vec<u8> = (0..=255).collect();
        let headers = vec![("x".into(), latin1(&all)), ("x".into(), String::new())];
        let seen = Seen { headers, ..seen() };
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
        headers.append("x-answer-trailer", HeaderValue::from_static("grpc-status=0"));
        headers.append("x-answer-body-bytes", HeaderValue::from_static("7"));
        let response = response(steered(&seen(), &headers));
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()["set-cookie"], "a=b; Path=/");
        assert_eq!(response.headers()["x"].as_bytes(), b"\xff");
        assert_eq!(response.headers().len(), 4);
        assert_eq!(response.body().size_hint().lower(), 7);
    }

    #[test]
    fn nonsense_leaves_the_default() {
        let mut headers = HeaderMap::new();
        headers.insert("x-answer-status", HeaderValue::from_static("99999"));
        let answer = steered(&seen(), &headers);
        assert_eq!(answer.delay, Duration::ZERO);
        assert_eq!(response(answer).status(), StatusCode::OK);
    }
}
