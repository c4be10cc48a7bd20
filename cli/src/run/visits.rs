//! The first minute: requests through Envoy as visitors send them, and what became of them.

use super::counters;
use super::http::{self, Received, Sent};
use super::requests::{self, Example};
use super::visitors::{Visitors, of_browser};
use crate::output::in_words;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use weir_pipeline::Document;
use weir_upstream::Seen;

/// As many rules as one reads get a request of their own.
const MAX_RULES: usize = 3;
/// At most so many visitors, who come twice. A target of 10 % is among them with a probability of 99.5 %.
const MAX_VISITORS: u32 = 50;
/// How long one request may take: longer than most delays that a configuration injects.
const PATIENCE: Duration = Duration::from_secs(5);
/// After this time nothing more is sent.
const TOTAL: Duration = Duration::from_secs(8);
/// How long counters of the native module take to arrive, with some room.
const ARRIVAL: Duration = Duration::from_millis(150);
/// Longer values are shown shortened: IDs and signatures.
const MAX_SHOWN: usize = 24;
/// As many counters as one reads.
const MAX_COUNTERS: usize = 6;

/// Where requests are sent, and where they are counted.
#[derive(Clone, Copy)]
pub(super) struct Proxy {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    status: u16,
    /// The sample service that answered; none where the proxy did.
    upstream: Option<String>,
    /// What the service received and the client had not sent.
    added: Vec<(String, String)>,
}

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    outcome: Outcome,
    request: String,
    /// Cookies that the response sets.
    cookies: Vec<(String, String)>,
}

/// All that happened.
#[derive(Debug, Default)]
pub(super) struct Visited {
    rows: Vec<Row>,
    /// Visitors that came twice, …
    visitors: u32,
    /// … and those of them that were handled differently the second time.
    strays: u32,
    /// Whether anything could tell a visitor from another.
    known: bool,
    counted: Vec<(String, u64)>,
    /// Why no more was sent.
    failure: Option<String>,
}

/// Sends requests until two visitors were handled differently, there were enough, or `told` says to stop.
pub(super) async fn make(document: &Document, proxy: Proxy, told: impl Fn() -> bool) -> Visited {
    let before = counters::read(proxy.admin).await;
    let mut visited = Visited::default();
    if let Err(why) = visited.send(document, proxy, &told).await {
        visited.failure = Some(in_words(&why));
    }
    tokio::time::sleep(ARRIVAL).await;
    match (before, counters::read(proxy.admin).await) {
        (Ok(before), Ok(after)) => visited.counted = counters::raised(&before, &after),
        (Err(why), _) | (_, Err(why)) => visited.failure = visited.failure.or(Some(in_words(&why))),
    }
    visited
}

impl Visited {
    async fn send(
        &mut self,
        document: &Document,
        proxy: Proxy,
        told: &impl Fn() -> bool,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        let over = || told() || start.elapsed() > TOTAL;
        self.send_visitors(document, proxy, &over).await?;
        for example in requests::of_rules(document).take(MAX_RULES) {
            let request = example.in_words();
            if over() || self.rows.iter().any(|row| row.request == request) {
                continue;
            }
            let (outcome, cookies) = visit(proxy.listen, &example, &[]).await?;
            self.rows.push(Row { outcome, request, cookies });
        }
        Ok(())
    }

    async fn send_visitors(
        &mut self,
        document: &Document,
        proxy: Proxy,
        over: &impl Fn() -> bool,
    ) -> anyhow::Result<()> {
        let visitors = Visitors::of(document);
        self.known = visitors.have_ids();
        let mut different: Vec<Outcome> = Vec::new();
        for number in 1..=MAX_VISITORS {
            if over() {
                break;
            }
            let example = visitors.request(number);
            let (first, cookies) = visit(proxy.listen, &example, &[]).await?;
            let shown = !different.contains(&first);
            self.known |= !cookies.is_empty();
            let request = named(&example, number, self.known && !visitors.have_ids());
            if !self.known {
                self.rows.push(Row { outcome: first, request, cookies });
                return Ok(());
            }
            let (second, more) = visit(proxy.listen, &example, &cookies).await?;
            self.visitors = number;
            self.strays += u32::from(first != second);
            if shown || first != second {
                let again = if cookies.is_empty() { "the same again" } else { "the same with this cookie" };
                different.push(first.clone());
                self.rows.push(Row { outcome: first, request, cookies });
                self.rows.push(Row { outcome: second, request: again.to_owned(), cookies: more });
            }
            if different.len() > 1 {
                break;
            }
        }
        Ok(())
    }

    /// Writes what happened, for people.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "Requests through Envoy, as visitors send them (--no-requests sends none):\n")?;
        let mut table = vec![["status", "upstream", "request", "set by Weir"].map(str::to_owned)];
        table.extend(self.rows.iter().map(Row::cells));
        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [a, b, c] = [0, 1, 2].map(width);
        for [status, upstream, request, set] in &table {
            let line = format!("{status:a$}  {upstream:b$}  {request:c$}  {set}");
            writeln!(out, "  {}", line.trim_end())?;
        }
        writeln!(out)?;
        match (self.known, self.visitors, self.strays) {
            (false, ..) | (_, 0, _) => {}
            (_, 1, 0) => writeln!(out, "Sticky: the visitor was handled the same way the second time.")?,
            (_, all, 0) => writeln!(
                out,
                "Sticky: {all} visitors came twice, and were handled the same way the second time."
            )?,
            (_, all, strays) => writeln!(
                out,
                "Not sticky: of {all} visitors {strays} were handled differently the second time."
            )?,
        }
        let (shown, more) = self.counted.split_at(self.counted.len().min(MAX_COUNTERS));
        for (index, (name, by)) in shown.iter().enumerate() {
            writeln!(out, "{} {name} +{by}", if index == 0 { "Counted:" } else { "        " })?;
        }
        if !more.is_empty() {
            writeln!(out, "         and {} more", more.len())?;
        }
        if let Some(why) = &self.failure {
            writeln!(out, "Not all could be sent: {why}")?;
        }
        writeln!(out)
    }
}

impl Row {
    fn cells(&self) -> [String; 4] {
        let added = self.outcome.added.iter().map(|(name, value)| format!("{name}: {}", shortened(value)));
        let cookies = self.cookies.iter().map(|(name, value)| format!("cookie {name}={}", shortened(value)));
        let set: Vec<String> = added.chain(cookies).collect();
        let upstream = self.outcome.upstream.clone().unwrap_or_else(|| "-".to_owned());
        [self.outcome.status.to_string(), upstream, self.request.clone(), set.join(", ")]
    }
}

/// A request, in a few words.
fn named(example: &Example, number: u32, is_new: bool) -> String {
    let words = example.in_words();
    if is_new && number > 1 { format!("{words}, visitor {number}") } else { words }
}

fn shortened(value: &str) -> String {
    if value.chars().count() <= MAX_SHOWN {
        return value.to_owned();
    }
    value.chars().take(12).chain(['…']).collect()
}

/// One request, and the cookies that its response sets.
async fn visit(
    listen: SocketAddr,
    example: &Example,
    cookies: &[(String, String)],
) -> anyhow::Result<(Outcome, Vec<(String, String)>)> {
    let mut sent = example.sent(listen, of_browser());
    let had =
        sent.headers.iter().position(|(name, _)| name == "cookie").map(|index| sent.headers.remove(index).1);
    let given = cookies.iter().map(|(name, value)| format!("{name}={value}"));
    let all: Vec<String> = had.into_iter().chain(given).collect();
    if !all.is_empty() {
        sent.headers.push(("cookie".to_owned(), all.join("; ")));
    }
    let received = http::send(listen, &sent, PATIENCE).await?;
    let set = received.headers.iter().filter(|(name, _)| name == "set-cookie");
    let set = set.filter_map(|(_, line)| line.split(';').next()?.split_once('='));
    let set = set.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
    Ok((Outcome::of(&sent, &received), set))
}

impl Outcome {
    fn of(sent: &Sent, received: &Received) -> Self {
        let seen = seen(received);
        Self {
            status: received.status,
            upstream: seen.as_ref().map(|seen| seen.name.clone()),
            added: seen.map(|seen| added(sent, &seen)).unwrap_or_default(),
        }
    }
}

/// What a sample service received; `None` where another one answered, or the proxy.
pub(crate) fn seen(received: &Received) -> Option<Seen> {
    received.header("x-upstream")?;
    serde_json::from_slice(&received.body).ok()
}

/// What the service received and was not sent, but for what Envoy adds to every request.
pub(crate) fn added(sent: &Sent, seen: &Seen) -> Vec<(String, String)> {
    let is_envoys = |name: &str| {
        name == "host"
            || name == "x-request-id"
            || name.starts_with("x-envoy-")
            || name.starts_with("x-forwarded-")
    };
    let was_sent = |header: &(String, String)| {
        sent.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case(&header.0) && *value == header.1)
    };
    let mut added: Vec<(String, String)> =
        seen.headers.iter().filter(|header| !is_envoys(&header.0) && !was_sent(header)).cloned().collect();
    for (what, before, now) in [("path", &sent.path, &seen.path), ("host", &sent.host, &seen.authority)] {
        if before != now {
            added.push((what.to_owned(), now.clone()));
        }
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(upstream: &str, added: &[(&str, &str)]) -> Outcome {
        Outcome {
            status: 200,
            upstream: Some(upstream.to_owned()),
            added: added.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    fn row(outcome: Outcome, request: &str, cookie: Option<&str>) -> Row {
        let cookies = cookie.iter().map(|value| ("id".to_owned(), (*value).to_owned())).collect();
        Row { outcome, request: request.to_owned(), cookies }
    }

    fn written(visited: &Visited) -> String {
        let mut out = Vec::new();
        visited.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_happened_is_a_table() {
        let canary = [("x-weir-route", "canary")];
        let visited = Visited {
            rows: vec![
                row(outcome("stable", &[]), "GET /", Some("0123456789abcdef0123456789abcdef0")),
                row(outcome("canary", &canary), "GET /, visitor 7", Some("1")),
                row(Outcome { status: 503, upstream: None, added: Vec::new() }, "GET /a", None),
            ],
            visitors: 7,
            known: true,
            counted: vec![("weir_a{b=\"c\"}".to_owned(), 2), ("requests to canary".to_owned(), 1)],
            ..Visited::default()
        };
        let expected = "\
Requests through Envoy, as visitors send them (--no-requests sends none):

  status  upstream  request           set by Weir
  200     stable    GET /             cookie id=0123456789ab…
  200     canary    GET /, visitor 7  x-weir-route: canary, cookie id=1
  503     -         GET /a

Sticky: 7 visitors came twice, and were handled the same way the second time.
Counted: weir_a{b=\"c\"} +2
         requests to canary +1

";
        assert_eq!(written(&visited), expected);
    }

    #[test]
    fn what_is_not_sticky_and_what_failed_is_said() {
        let counted = (0..9).map(|i| (format!("c{i}"), 1)).collect();
        let failure = Some("no response".to_owned());
        let visited = Visited { visitors: 3, strays: 1, known: true, counted, failure, ..Visited::default() };
        let text = written(&visited);
        assert!(text.contains("Not sticky: of 3 visitors 1 were handled differently"), "{text}");
        assert!(
            text.contains("         c5 +1\n         and 3 more\n")
                && text.contains("Not all could be sent: no response"),
            "{text}"
        );
        let alone =
            written(&Visited { rows: vec![row(outcome("v1", &[]), "GET /", None)], ..Visited::default() });
        assert!(!alone.contains("icky") && !alone.contains("Counted"), "{alone}");
    }

    #[test]
    fn what_weir_adds_is_told_from_what_was_sent_and_from_what_envoy_adds() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let sent = Sent {
            method: "GET".to_owned(),
            host: "h".to_owned(),
            path: "/a".to_owned(),
            headers: vec![pair(("X-Id", "1")), pair(("x-b", "2"))],
        };
        let headers = [
            ("host", "h"),
            ("x-id", "1"),
            ("x-b", "3"),
            ("x-request-id", "r"),
            ("x-forwarded-for", "f"),
            ("x-envoy-external-address", "f"),
            ("x-weir-route", "v2"),
        ];
        let seen = Seen {
            name: "v2".to_owned(),
            method: "GET".to_owned(),
            authority: "h".to_owned(),
            path: "/b".to_owned(),
            headers: headers.map(pair).to_vec(),
            body_bytes: 0,
            trailers: Vec::new(),
        };
        let expected = [("x-b", "3"), ("x-weir-route", "v2"), ("path", "/b")];
        assert_eq!(added(&sent, &seen), expected.map(pair));
    }

    #[tokio::test]
    async fn visitors_come_twice_until_two_are_handled_differently() {
        // In the place of Envoy: everybody is handled the same way, and there is no admin interface.
        let service = weir_upstream::Upstream::start("v1", ([127, 0, 0, 1], 0).into()).await.unwrap();
        let proxy = Proxy { listen: service.address(), admin: service.address() };
        let document = serde_json::json!({"experiments": {"unit": "header:x-id", "list": [{"key": "a"}]}});
        let document = weir_core::load::load_value(&document, &mut weir_core::Problems::default());
        let visited = make(&document, proxy, || false).await;
        assert_eq!(
            (visited.visitors, visited.strays, visited.rows.len()),
            (MAX_VISITORS, 0, 2),
            "{visited:?}"
        );
        assert_eq!(visited.rows[0].request, "GET / x-id: user-1");
        let told = make(&document, proxy, || true).await;
        assert!(told.rows.is_empty(), "{told:?}");
        drop(service);
        assert!(make(&document, proxy, || false).await.failure.is_some());
    }
}
