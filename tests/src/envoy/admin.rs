//! Envoy's admin interface.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use super::process::{Envoy, EnvoyError};
use crate::case::Bin;
use crate::client::Request;

/// A histogram as Envoy reports it: bucket bounds with the number of samples up to each, since the start.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Histogram {
    /// Name.
    pub name: String,
    /// Cumulative numbers of samples, by ascending upper bound.
    pub buckets: Vec<Bucket>,
}

/// One bucket of a [`Histogram`].
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Bucket {
    /// Upper bound; absent in the last bucket of some versions.
    #[serde(default)]
    pub upper_bound: f64,
    /// Samples up to the bound since the start.
    pub cumulative: u64,
}

impl Histogram {
    /// The number of samples up to the highest bound.
    pub fn samples(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.cumulative).max().unwrap_or(0)
    }
}

impl Envoy {
    /// The body of an admin page, e.g. `/clusters`.
    ///
    /// # Errors
    /// There is no such page, or Envoy is gone.
    pub fn admin(&self, path: &str) -> Result<String, EnvoyError> {
        self.ask_admin(&Request::get(path))
    }

    /// Does what an admin page is for, e.g. `/drain_listeners?graceful` or `/healthcheck/fail`.
    ///
    /// # Errors
    /// There is no such page, or Envoy is gone.
    pub fn admin_post(&self, path: &str) -> Result<String, EnvoyError> {
        self.ask_admin(&Request { method: "POST".to_owned(), ..Request::get(path) })
    }

    fn ask_admin(&self, request: &Request) -> Result<String, EnvoyError> {
        let path = &request.path;
        let response = self.client.send(self.admin, request);
        let response = response.map_err(|error| EnvoyError::Other(format!("admin {path}: {error}")))?;
        let body = String::from_utf8_lossy(&response.body).into_owned();
        match response.status {
            200 => Ok(body),
            status => Err(EnvoyError::Other(format!("admin {path}: {status} {body}"))),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.admin("/ready").is_ok()
    }

    pub(super) fn listener_addresses(&self) -> Result<Vec<SocketAddr>, EnvoyError> {
        let page: Value = parse(&self.admin("/listeners?format=json")?)?;
        let listeners = page["listener_statuses"].as_array().cloned().unwrap_or_default();
        let mut numbered = BTreeMap::new();
        for listener in &listeners {
            let socket = &listener["local_address"]["socket_address"];
            let index =
                listener["name"].as_str().and_then(|name| name.rsplit('-').next()?.parse::<usize>().ok());
            let ip = socket["address"].as_str().and_then(|ip| ip.parse().ok());
            let port = socket["port_value"].as_u64().and_then(|port| u16::try_from(port).ok());
            if let (Some(index), Some(ip), Some(port)) = (index, ip, port) {
                numbered.insert(index, SocketAddr::new(ip, port));
            }
        }
        Ok(numbered.into_values().collect())
    }

    /// All counters by name.
    ///
    /// # Errors
    /// Envoy is gone.
    pub fn counters(&self) -> Result<BTreeMap<String, i64>, EnvoyError> {
        self.stats("Counters", "")
    }

    /// The counters of these names, those that there are. Where an Envoy serves many listeners, all of them are
    /// megabytes to write and to read.
    ///
    /// # Errors
    /// Envoy is gone.
    pub fn counters_of(&self, names: &[String]) -> Result<BTreeMap<String, i64>, EnvoyError> {
        self.stats("Counters", &only(names))
    }

    /// All gauges by name.
    ///
    /// # Errors
    /// Envoy is gone.
    pub fn gauges(&self) -> Result<BTreeMap<String, i64>, EnvoyError> {
        self.stats("Gauges", "")
    }

    /// The gauges of these names, those that there are.
    ///
    /// # Errors
    /// Envoy is gone.
    pub fn gauges_of(&self, names: &[String]) -> Result<BTreeMap<String, i64>, EnvoyError> {
        self.stats("Gauges", &only(names))
    }

    fn stats(&self, kind: &str, filter: &str) -> Result<BTreeMap<String, i64>, EnvoyError> {
        let page: Value = parse(&self.admin(&format!("/stats?format=json&type={kind}{filter}"))?)?;
        let stats = page["stats"].as_array().cloned().unwrap_or_default();
        // A gauge that was taken below zero is a huge number to Envoy: shown as what it is.
        let number = |value: &Value| value.as_i64().or_else(|| value.as_u64().map(u64::cast_signed));
        let pair = |stat: &Value| Some((stat["name"].as_str()?.to_owned(), number(&stat["value"])?));
        Ok(stats.iter().filter_map(pair).collect())
    }

    /// One counter or gauge; 0 when there is none of that name.
    ///
    /// # Errors
    /// Envoy is gone.
    pub fn stat(&self, name: &str) -> Result<i64, EnvoyError> {
        let stats = self.stats("All", &only(&[name.to_owned()]))?;
        Ok(stats.get(name).copied().unwrap_or(0))
    }

    /// All histograms that have samples, by name.
    ///
    /// # Errors
    /// Envoy is gone.
    pub fn histograms(&self) -> Result<BTreeMap<String, Histogram>, EnvoyError> {
        let page: Value = parse(&self.admin("/stats?format=json&histogram_buckets=cumulative&usedonly")?)?;
        let stats = page["stats"].as_array().cloned().unwrap_or_default();
        let mut found = BTreeMap::new();
        for stat in &stats {
            for histogram in stat["histograms"].as_array().into_iter().flatten() {
                let name = histogram["name"].as_str().unwrap_or_default().to_owned();
                let buckets = histogram.get("buckets").or_else(|| histogram.get("totals"));
                let buckets = buckets.map(Value::to_string).unwrap_or_else(|| "[]".into());
                found.insert(name.clone(), Histogram { name, buckets: parse(&buckets)? });
            }
        }
        Ok(found)
    }

    /// The samples of the histograms of these names since the start, in the bins in which Envoy counts them: about 1
    /// to 10 % wide.
    ///
    /// # Errors
    /// Envoy is gone.
    pub fn histogram_bins_of(&self, names: &[String]) -> Result<BTreeMap<String, Vec<Bin>>, EnvoyError> {
        let path = format!("/stats?format=json&histogram_buckets=detailed&usedonly{}", only(names));
        let page: Value = parse(&self.admin(&path)?)?;
        let number = |bin: &Value, field: &str| bin[field].as_f64().unwrap_or(0.0);
        let bin = |bin: &Value| Bin {
            lower: number(bin, "lower_bound"),
            upper: number(bin, "lower_bound") + number(bin, "width"),
            count: bin["count"].as_u64().unwrap_or(0),
        };
        let mut found = BTreeMap::new();
        for stat in page["stats"].as_array().into_iter().flatten() {
            for histogram in stat["histograms"]["details"].as_array().into_iter().flatten() {
                let name = histogram["name"].as_str().unwrap_or_default().to_owned();
                let bins = histogram["totals"].as_array().into_iter().flatten();
                found.insert(name, bins.map(bin).collect());
            }
        }
        Ok(found)
    }

    /// The Prometheus page.
    ///
    /// # Errors
    /// Envoy is gone.
    pub fn prometheus(&self) -> Result<String, EnvoyError> {
        self.admin("/stats/prometheus")
    }

    /// Bytes of memory that Envoy's allocator has handed out: comparable within one process.
    ///
    /// # Errors
    /// Envoy is gone.
    pub fn allocated_bytes(&self) -> Result<u64, EnvoyError> {
        let page: Value = parse(&self.admin("/memory")?)?;
        let text = page["allocated"].as_str().unwrap_or_default();
        text.parse().map_err(|_| EnvoyError::Other(format!("no memory in {page}")))
    }

    /// Resident memory in bytes of Envoy itself, also in a container. `None` where its process cannot be
    /// seen: without `/proc`, or with an engine on another machine.
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(self.process()?.join("status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// Looks again and again until `condition` holds. True when it did in time.
    pub fn wait_for(&self, patience: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            if condition(self) {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }
}

/// The parameter of the page of statistics for these names and no others.
fn only(names: &[String]) -> String {
    let escaped = names.iter().map(|name| {
        let plain =
            |character: char| character.is_ascii_alphanumeric() || character == '_' || !character.is_ascii();
        name.chars().fold(String::new(), |mut text, character| {
            if !plain(character) {
                text.push('\\');
            }
            text.push(character);
            text
        })
    });
    let expression = format!("^({})$", escaped.collect::<Vec<_>>().join("|"));
    let encoded = expression.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    format!("&filter={}", encoded.collect::<String>())
}

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, EnvoyError> {
    serde_json::from_str(json).map_err(|error| EnvoyError::Other(format!("admin said {json}: {error}")))
}
