//! The request of the page's form, sent through Envoy.

use super::state::Shared;
use crate::run::http::{self, Sent};
use crate::run::{Counters, added, raised, read_counters, seen};
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longer than most delays that a configuration injects.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long counters of the native module take to arrive, with some room.
const ARRIVAL: Duration = Duration::from_millis(120);
/// How much of a response's body the page is given, in bytes.
const MAX_BODY: usize = 16 << 10;
/// Headers that say how a message is sent, which is this program's to say.
const FRAMING: [&str; 10] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "keep-alive",
    "proxy-connection",
    "expect",
];

/// The fields of the form. Bodies are not sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    method: String,
    host: String,
    path: String,
    /// `name: value`.
    headers: Vec<String>,
    /// `name=value`.
    cookies: Vec<String>,
}

/// What became of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    status: u16,
    milliseconds: u128,
    /// The sample service that answered; none where another service did, or the proxy.
    upstream: Option<String>,
    /// Headers that the sample service received and that were not sent, but for those that Envoy adds to every request.
    added: Vec<(String, String)>,
    /// The response's headers.
    headers: Vec<(String, String)>,
    /// The beginning of the response's body.
    body: String,
    /// By how much counters went up.
    counted: Vec<(String, u64)>,
}

impl Question {
    fn sent(self) -> anyhow::Result<Sent> {
        let mut headers = Vec::new();
        for line in &self.headers {
            let (name, value) = line
                .split_once(':')
                .with_context(|| format!("invalid header {line:?}: expected NAME: VALUE"))?;
            let name = name.trim().to_ascii_lowercase();
            if FRAMING.contains(&name.as_str()) {
                bail!("the header {name} cannot be sent from here");
            }
            headers.push((name, value.trim().to_owned()));
        }
        if !self.cookies.is_empty() {
            headers.push(("cookie".to_owned(), self.cookies.join("; ")));
        }
        Ok(Sent { method: self.method, host: self.host, path: self.path, headers })
    }
}

/// Sends it to the listener of our Envoy, and nowhere else.
///
/// # Errors
/// There is no Envoy, it does not answer, or the request is not one.
pub(super) async fn ask(question: Question, shared: &Shared) -> anyhow::Result<Answer> {
    let sent = question.sent()?;
    let _turn = shared.turn.acquire().await?;
    let [listen, admin] = shared.now().serving()?;
    // Without the admin interface nothing is counted, and all else is as it is.
    let before = read_counters(admin).await;
    let received = http::send(listen, &sent, PATIENCE).await?;
    tokio::time::sleep(ARRIVAL).await;
    let after = match before.is_ok() {
        true => read_counters(admin).await,
        false => Ok(Counters::new()),
    };
    let seen = seen(&received);
    let body = received.body.get(..MAX_BODY).unwrap_or(&received.body);
    Ok(Answer {
        status: received.status,
        milliseconds: received.took.as_millis(),
        upstream: seen.as_ref().map(|seen| seen.name.clone()),
        added: seen.map(|seen| added(&sent, &seen)).unwrap_or_default(),
        body: String::from_utf8_lossy(body).into_owned(),
        headers: received.headers,
        counted: raised(&before.unwrap_or_default(), &after.unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;

    fn question(headers: &[&str], cookies: &[&str]) -> Question {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Question {
            method: "GET".to_owned(),
            host: "shop".to_owned(),
            path: "/".to_owned(),
            headers: texts(headers),
            cookies: texts(cookies),
        }
    }

    #[test]
    fn lines_become_headers() {
        let sent = question(&["X-Id:  1 ", "x-url: http://a:1"], &["a=1", "b=2"]).sent().unwrap();
        let headers: Vec<(&str, &str)> = sent.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(headers, [("x-id", "1"), ("x-url", "http://a:1"), ("cookie", "a=1; b=2")]);
    }

    #[test]
    fn what_says_how_a_message_is_sent_is_refused() {
        for line in
            ["Host: other", "content-length: 5", "Transfer-Encoding: chunked", "connection: x-weir-route"]
        {
            assert!(question(&[line], &[]).sent().refusal().contains("cannot be sent"), "{line}");
        }
        assert!(question(&["nothing"], &[]).sent().refusal().contains("NAME: VALUE"));
    }

    #[tokio::test]
    async fn a_request_goes_to_the_listener_and_what_it_became_is_told() {
        let service = weir_upstream::Upstream::start("v1", ([127, 0, 0, 1], 0).into()).await.unwrap();
        let shared = Shared::new("a.yaml", String::new());
        let asked = ask(question(&[], &[]), &shared).await;
        assert_eq!(asked.refusal(), "Envoy is starting");
        shared.starting("http://h", [service.address(), service.address()]);
        shared.ready();
        let answer = ask(question(&["x-a: 1", "x-answer-status: 418"], &["id=1"]), &shared).await.unwrap();
        assert_eq!((answer.status, answer.upstream.as_deref()), (418, Some("v1")));
        assert!(answer.added.is_empty() && answer.body.contains("\"id=1\""), "{answer:?}");
        let long = ask(question(&["x-answer-body-bytes: 100000"], &[]), &shared).await.unwrap();
        assert_eq!((long.body.len(), long.upstream), (MAX_BODY, None));
    }
}
