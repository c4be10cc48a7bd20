//! Prometheus' HTTP API, with a bound on everything that it sends and on every wait.

use super::counters::{Series, Span};
use crate::http_client::{self, Unread, encoded};
use crate::output::in_words;
use anyhow::{Context as _, anyhow, bail};
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Url};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(10);
/// Prometheus itself gives up a query after two minutes.
const TOTAL: Duration = Duration::from_secs(150);
/// The longest answer that is read.
const MAX_ANSWER: usize = 128 << 20;
/// The longest file with a token.
const MAX_TOKEN: usize = 16 << 10;
/// The most that is shown of what a server says.
const MAX_REASON: usize = 400;

/// The options that say where Prometheus is.
#[derive(Debug, clap::Args)]
pub(crate) struct Connection {
    /// Prometheus, or another server with its HTTP API (Thanos, Mimir, VictoriaMetrics), such as
    /// `http://localhost:9090`.
    #[arg(long, value_name = "URL")]
    prometheus: String,
    /// A file with a token for it, which is sent as `Authorization: Bearer`.
    #[arg(long, value_name = "FILE")]
    bearer_token_file: Option<PathBuf>,
    /// Trust the certificates in this PEM file, besides those that the system trusts.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl Connection {
    /// The same where a command has options of its own for it.
    pub(crate) fn new(
        prometheus: String,
        bearer_token_file: Option<PathBuf>,
        ca_file: Option<PathBuf>,
    ) -> Self {
        Self { prometheus, bearer_token_file, ca_file }
    }
}

/// A connection to one server.
pub(crate) struct Prometheus {
    client: Client,
    url: Url,
    authorization: Option<HeaderValue>,
    runtime: tokio::runtime::Runtime,
}

impl Prometheus {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// An address that is not one, files that cannot be used.
    pub(crate) fn open(connection: &Connection) -> anyhow::Result<Self> {
        Self::open_within(connection, TOTAL)
    }

    /// The same where each answer takes this long at most.
    ///
    /// # Errors
    /// As [`Prometheus::open`].
    pub(crate) fn open_within(connection: &Connection, total: Duration) -> anyhow::Result<Self> {
        let url = endpoint(&connection.prometheus)?;
        let authorization = connection.bearer_token_file.as_ref().map(|path| {
            let name = || format!("--bearer-token-file {}", path.display());
            bearer(&std::fs::read_to_string(path).with_context(name)?).with_context(name)
        });
        let file = connection.ca_file.as_deref();
        let authorities = http_client::authorities(file)
            .with_context(|| format!("--ca-file {}", file.unwrap_or("".as_ref()).display()))?;
        let client = http_client::client(authorities, |it| it.connect_timeout(CONNECT).timeout(total));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self { client: client?, url, authorization: authorization.transpose()?, runtime: runtime? })
    }

    /// The series that a query gives over a span of time.
    ///
    /// # Errors
    /// Why there is no answer, what the server says, or that the answer is too long or not understood.
    pub(crate) fn range(&self, query: &str, span: &Span) -> anyhow::Result<Vec<Series>> {
        let pairs = [
            ("query", query.to_owned()),
            ("start", span.start.to_string()),
            ("end", span.end().to_string()),
            ("step", span.step.to_string()),
        ];
        let form: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let mut request = self.client.post(self.url.clone());
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.join("&"));
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let asked = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok::<_, Unread>((status, http_client::body(response, MAX_ANSWER).await?))
        };
        let (status, body) = self.runtime.block_on(asked).map_err(|problem| {
            let narrow =
                if let Unread::TooLong(_) = problem { ": narrow it with --since or --matcher" } else { "" };
            anyhow!("{}: {problem}{narrow}", self.place())
        })?;
        read(status, &body)
            .map_err(|problem| anyhow!("{}: {}\n  query: {query}", self.place(), in_words(&problem)))
    }

    /// The series that a query gives at one point in time, in seconds since 1970.
    ///
    /// # Errors
    /// As [`Prometheus::range`].
    pub(crate) fn at(&self, query: &str, time: u64) -> anyhow::Result<Vec<Series>> {
        self.range(query, &Span { start: time, step: 1, windows: 0 })
    }

    /// The server as messages name it: without a password.
    fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("Prometheus at {host}{port}")
    }
}

/// Where range queries go.
fn endpoint(text: &str) -> anyhow::Result<Url> {
    let expected = "--prometheus: invalid URL: expected an address such as http://localhost:9090";
    let mut url = Url::parse(text).map_err(|_| anyhow!(expected))?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() || url.query().is_some() {
        bail!(expected);
    }
    let path = format!("{}/api/v1/query_range", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_fragment(None);
    Ok(url)
}

fn bearer(text: &str) -> anyhow::Result<HeaderValue> {
    let token = text.trim();
    if token.is_empty() || token.len() > MAX_TOKEN {
        bail!("expected a token on one line");
    }
    let value = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut value = value.map_err(|_| anyhow!("expected a token on one line"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Raw>,
}

#[derive(Deserialize)]
struct Raw {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// The series in an answer. Values that are not finite numbers are left out.
///
/// # Errors
/// What the server says, or that it is not an answer of this API.
pub(crate) fn read(status: u16, body: &[u8]) -> anyhow::Result<Vec<Series>> {
    let answer: Result<Answer, _> = serde_json::from_slice(body);
    let answer = match answer {
        Ok(answer) if answer.status == "success" => answer,
        Ok(answer) => bail!(shortened(&answer.error.unwrap_or_else(|| format!("status {status}")))),
        Err(_) if status != 200 => bail!("answered with status {status}"),
        Err(error) => bail!("not an answer of Prometheus: {}", shortened(&error.to_string())),
    };
    let data = answer.data.context("not an answer of Prometheus: no data in it")?;
    let series = data.result.into_iter().map(|raw| {
        let number = |(time, value): (f64, String)| {
            let value: f64 = value.parse().ok()?;
            (value.is_finite() && time >= 0.0).then_some((time.round() as u64, value))
        };
        let mut labels = raw.metric;
        labels.remove("__name__");
        Series { labels, samples: raw.values.into_iter().filter_map(number).collect() }
    });
    Ok(series.collect())
}

fn shortened(text: &str) -> String {
    http_client::shortened(text, MAX_REASON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;

    #[test]
    fn addresses_are_those_of_the_api() {
        for (text, expected) in [
            ("http://localhost:9090", "http://localhost:9090/api/v1/query_range"),
            ("https://m.example/prometheus/", "https://m.example/prometheus/api/v1/query_range"),
        ] {
            assert_eq!(endpoint(text).unwrap().as_str(), expected);
        }
        for text in ["localhost:9090", "ftp://x/", "", "http://x/?a=b", "http://"] {
            assert!(endpoint(text).refusal().contains("http://localhost:9090"), "{text}");
        }
    }

    #[test]
    fn answers_are_read_or_refused() {
        let good = br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"a","variant":"b"},"values":[[60,"1"],[120.0,"NaN"],[180,"2.5"],[240,"-1"]]}]}}"#;
        let series = read(200, good).unwrap();
        assert_eq!(series[0].labels.len(), 1);
        assert_eq!(series[0].samples, [(60, 1.0), (180, 2.5), (240, -1.0)]);
        let error = br#"{"status":"error","errorType":"bad_data","error":"parse \u001b error"}"#;
        assert_eq!(read(400, error).refusal(), "parse \\u001b error");
        assert_eq!(read(502, b"<html>").refusal(), "answered with status 502");
        assert!(read(200, b"<html>").refusal().starts_with("not an answer of Prometheus"));
        assert!(read(200, br#"{"status":"success"}"#).is_err());
    }

    #[test]
    fn tokens_are_one_line() {
        assert_eq!(bearer(" abc\n").unwrap(), "Bearer abc");
        assert!(bearer("a\nb").is_err() && bearer("\n").is_err());
    }
}
