//! Where a provider's keys come from.

use super::Builder;
use crate::config::{Jwks, RemoteJwks};
use crate::keys::{Remote, Server, Trusted};
use crate::plan::Keys;
use std::rc::Rc;
use weir_core::table::TableId;
use weir_core::{At, Variable};
use weir_jose::KeySet;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Builder<'_, '_> {
    /// The keys of a provider; `None` when something is wrong with them.
    pub(super) fn keys(&mut self, name: &str, spec: &Jwks, at: &At) -> Option<Keys> {
        let keys = match (&spec.inline, &spec.env, &spec.remote) {
            (Some(inline), None, None) => {
                let text = match inline {
                    serde_json::Value::String(text) => text.clone(),
                    object => object.to_string(),
                };
                self.fixed(&text, name, &at.field("inline"))
            }
            (None, Some(variable), None) => {
                let at = at.field("env");
                match self.compiler.env(variable) {
                    Variable::Set(text) => self.fixed(&text, name, &at),
                    Variable::Unknown => Some(Keys::Fixed(Trusted(Rc::new(KeySet::empty())))),
                    Variable::Unset => {
                        // Not even the name is shown: people write the key set itself here.
                        let message = "this environment variable is not set in the VM (vmConfig.env)";
                        self.compiler.problems.add(&at, message);
                        None
                    }
                }
            }
            (None, None, Some(remote)) => self.remote(remote, &at.field("remote")),
            _ => {
                self.compiler.problems.missing(at, "needs exactly one of inline, env, remote");
                None
            }
        }?;
        self.remotes.extend(super::fetched(name, self.compiler, &keys));
        Some(keys)
    }

    fn remote(&mut self, spec: &RemoteJwks, at: &At) -> Option<Keys> {
        if spec.cluster.is_empty() {
            let message = "specify the name of the Envoy cluster of the server";
            self.compiler.problems.missing(&at.field("cluster"), message);
        }
        let wait = self.time(spec.wait.as_deref(), 5, MINUTE, &at.field("wait"));
        let mut time = |text: &Option<String>, name: &str, default: u64, most: u64| {
            let at = at.field(name);
            let time = self.time(text.as_deref(), default, most, &at);
            if time == 0 {
                self.compiler.problems.add(&at, "must be more than 0");
            }
            time
        };
        let timeout = time(&spec.timeout, "timeout", 5, MINUTE);
        let refresh = time(&spec.refresh, "refresh", 10 * MINUTE, 30 * DAY);
        let retry = time(&spec.retry, "retry", 1, HOUR);
        let retry_max = time(&spec.retry_max, "retryMax", MINUTE, DAY);
        let unknown_key_interval = time(&spec.unknown_key_interval, "unknownKeyInterval", 10, DAY);
        let max_stale = self.time(spec.max_stale.as_deref(), DAY, 30 * DAY, &at.field("maxStale"));
        if retry_max < retry {
            self.compiler.problems.add(&at.field("retryMax"), "is less than `retry`");
        }
        let max_waiting = spec.max_waiting.unwrap_or(1000);
        if max_waiting > 10_000 {
            let message = format!("{max_waiting} is more than 10000");
            self.compiler.problems.add(&at.field("maxWaiting"), message);
        }
        let (scheme, authority, path) = self.address(&spec.uri, &at.field("uri"))?;
        let server = Server {
            cluster: spec.cluster.as_str().into(),
            scheme,
            authority: authority.into(),
            path: path.into(),
            timeout,
            refresh,
            max_stale,
            retry,
            retry_max,
            unknown_key_interval,
            wait,
            max_waiting,
        };
        Some(Keys::Remote(Rc::new(Remote::new(u16::of(self.remotes.len()), server))))
    }

    fn address(&mut self, uri: &str, at: &At) -> Option<(&'static str, String, String)> {
        if uri.is_empty() {
            self.compiler.problems.missing(at, "is required, such as https://id.example.com/jwks.json");
            return None;
        }
        let split = || {
            let (scheme, rest) = match uri.split_once("://")? {
                ("https", rest) => ("https", rest),
                ("http", rest) => ("http", rest),
                _ => return None,
            };
            let slash = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(slash)?;
            let plain = uri.bytes().all(|b| matches!(b, 0x21..=0x7e) && b != b'#');
            let path = if path.is_empty() { "/" } else { path };
            (plain && !authority.is_empty() && !authority.contains(['@', '?']))
                .then(|| (scheme, authority.to_owned(), path.to_owned()))
        };
        let parts = split();
        if parts.is_none() {
            // It is not shown: it may have a user and a password.
            let message = "not an address such as https://id.example.com/jwks.json: visible ASCII, without user, \
                           password and fragment";
            self.compiler.problems.add(at, message);
        }
        parts
    }

    /// Keys that are in the configuration.
    fn fixed(&mut self, text: &str, name: &str, at: &At) -> Option<Keys> {
        match KeySet::parse(text.as_bytes()) {
            Ok((keys, skipped)) => {
                let warn = |key: &String| [name, ": ", key].concat();
                self.warnings.extend(skipped.iter().map(warn));
                Some(Keys::Fixed(Trusted(Rc::new(keys))))
            }
            Err(error) => {
                self.compiler.problems.add(at, error.to_string());
                None
            }
        }
    }
}
