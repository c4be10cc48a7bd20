//! The Kubernetes API: single requests, each with a bound on its time and on its answer.

mod kubeconfig;

use crate::http_client::{self, Unread};
use crate::output::in_words;
use anyhow::{Context as _, anyhow};
use http::{HeaderValue, Method, header};
use kubeconfig::{Credential, Settings};
use reqwest::{Client, Identity, Proxy, Url};
use serde_json::Value;
use std::sync::Mutex;
use std::time::Duration;
use tokio::runtime::Runtime;

const CONNECT: Duration = Duration::from_secs(5);
/// A longer wait counts as no answer. What was asked may have been done nevertheless.
const TOTAL: Duration = Duration::from_secs(10);
/// The longest answer that is read; etcd keeps objects of 1.5 MiB.
const MAX_ANSWER: usize = 16 << 20;
/// The most that is shown of what a server says.
const MAX_REASON: usize = 600;

/// The option that says which cluster is meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ClusterContext {
    /// For a target in Kubernetes: the context of the kubeconfig (`KUBECONFIG`, or `~/.kube/config`). Default: the
    /// current one; in a pod without a kubeconfig, the pod's service account.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// A connection to an API server.
pub(crate) struct Cluster {
    client: Client,
    runtime: Runtime,
    server: Url,
    credential: Credential,
    /// What the program of the kubeconfig printed; it is asked again when the server takes it no longer.
    printed: Mutex<Option<String>>,
    /// The namespace of the context, or of this pod.
    pub(crate) namespace: String,
}

/// Why the API server did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It said no.
    Status {
        /// The HTTP status.
        code: u16,
        /// What it said.
        message: String,
    },
    /// It has no answer, or none that can be read. What was asked may have been done.
    NoAnswer(String),
}

impl Refused {
    /// The HTTP status; `None` without an answer.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            Self::NoAnswer(_) => None,
        }
    }

    /// Whether it may be different in a moment, without anybody doing something: the server is away, has too much to do,
    /// or a token is being renewed.
    pub(crate) fn may_pass(&self) -> bool {
        self.code().is_none_or(|code| matches!(code, 401 | 408 | 429 | 500..))
    }

    /// In words. `what` was asked for.
    pub(crate) fn about(&self, what: &str) -> String {
        match self {
            Self::Status { code, message } => {
                let hint = match code {
                    403 => ": the role needs more verbs (docs/rollout.md#permissions)",
                    404 => ": is the name right, and is its definition (CRD) installed?",
                    _ => "",
                };
                format!("{what}: status {code} of the API server: {message}{hint}")
            }
            Self::NoAnswer(why) => format!("{what}: no answer of the API server: {why}"),
        }
    }
}

impl Cluster {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// There is no usable kubeconfig, and this is no pod.
    pub(crate) fn open(connection: &ClusterContext) -> anyhow::Result<Self> {
        let settings = kubeconfig::settings(connection.context.as_deref());
        settings
            .and_then(Self::with)
            .map_err(|problem| anyhow!("Kubernetes: {}", shortened(&in_words(&problem))))
    }

    fn with(settings: Settings) -> anyhow::Result<Self> {
        let mut client = http_client::builder().connect_timeout(CONNECT).timeout(TOTAL);
        if let Some(authority) = &settings.authority {
            let found = http_client::certificates(&String::from_utf8_lossy(authority));
            client = client.tls_certs_only(found.context("certificate-authority")?);
        }
        if settings.insecure {
            crate::output::complain(
                "Kubernetes: the kubeconfig has insecure-skip-tls-verify: the server is not verified, and anybody on \
                 the way can read the credential",
            );
            client = client.tls_danger_accept_invalid_certs(true);
        }
        if let Some(identity) = &settings.identity {
            let found = Identity::from_pem(identity)
                .map_err(|_| anyhow!("the client certificate or its key is not PEM"))?;
            client = client.identity(found);
        }
        if let Some(proxy) = &settings.proxy {
            client = client.proxy(Proxy::all(proxy).map_err(|_| anyhow!("proxy-url is not a URL"))?);
        }
        let server =
            Url::parse(&settings.server).map_err(|_| anyhow!("the cluster's server is not a URL"))?;
        // Several threads may ask.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Ok(Self {
            client: client.build().map_err(|error| anyhow!(http_client::causes(&error)))?,
            runtime: runtime?,
            server,
            credential: settings.credential,
            printed: Mutex::new(None),
            namespace: settings.namespace,
        })
    }

    /// Reads an object.
    ///
    /// # Errors
    /// As [`Refused`] has them; likewise below.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Refused> {
        self.ask(Method::GET, path, None)
    }

    /// Makes an object. `path` is that of its collection.
    pub(crate) fn create(&self, path: &str, object: &Value) -> Result<Value, Refused> {
        self.ask(Method::POST, path, Some(("application/json", object)))
    }

    /// Replaces an object; one with another `resourceVersion` than the given one stays, with status 409.
    pub(crate) fn replace(&self, path: &str, object: &Value) -> Result<Value, Refused> {
        self.ask(Method::PUT, path, Some(("application/json", object)))
    }

    /// Changes an object as a JSON Patch says (RFC 6902), as a whole or not at all.
    pub(crate) fn patch(&self, path: &str, operations: &Value) -> Result<Value, Refused> {
        self.ask(Method::PATCH, path, Some(("application/json-patch+json", operations)))
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, &Value)>,
    ) -> Result<Value, Refused> {
        let answer = self.ask_once(&method, path, body);
        let is_unknown = answer.as_ref().is_err_and(|refused| refused.code() == Some(401));
        if !is_unknown || !matches!(self.credential, Credential::Exec(_)) {
            return answer;
        }
        if let Ok(mut printed) = self.printed.lock() {
            *printed = None;
        }
        self.ask_once(&method, path, body)
    }

    fn ask_once(
        &self,
        method: &Method,
        path: &str,
        body: Option<(&'static str, &Value)>,
    ) -> Result<Value, Refused> {
        let mut url = self.server.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        let mut request = self.client.request(method.clone(), url);
        if let Some(value) = self.authorization().map_err(|problem| Refused::NoAnswer(in_words(&problem)))? {
            request = request.header(header::AUTHORIZATION, value);
        }
        if let Some((kind, value)) = body {
            request = request.header(header::CONTENT_TYPE, kind).body(value.to_string());
        }
        let no_answer = |error: reqwest::Error| {
            let why = if error.is_timeout() {
                format!("none within {} s", TOTAL.as_secs())
            } else {
                http_client::causes(&error)
            };
            Refused::NoAnswer(shortened(&why))
        };
        let asked = async {
            let response = request.send().await.map_err(no_answer)?;
            let status = response.status();
            let body = http_client::body(response, MAX_ANSWER).await.map_err(|unread| match unread {
                Unread::Broke(why) => Refused::NoAnswer(shortened(&why)),
                Unread::TooLong(limit) => Refused::NoAnswer(format!("it has more than {} MiB", limit >> 20)),
            })?;
            Ok::<_, Refused>((status, body))
        };
        let (status, body) = self.runtime.block_on(asked)?;
        let answer: Result<Value, _> = serde_json::from_slice(&body);
        match answer {
            Ok(answer) if status.is_success() => Ok(answer),
            Err(_) if status.is_success() => {
                Err(Refused::NoAnswer("what answers is not an API server: it sends no JSON".to_owned()))
            }
            // A proxy in between sends a page.
            answer => {
                let message = answer.unwrap_or_default();
                let message = message.get("message").and_then(Value::as_str).unwrap_or("without a reason");
                Err(Refused::Status { code: status.as_u16(), message: shortened(message) })
            }
        }
    }

    fn authorization(&self) -> anyhow::Result<Option<HeaderValue>> {
        let text = match &self.credential {
            Credential::Exec(_) => {
                let mut printed = self.printed.lock().map_err(|_| anyhow!("another thread failed"))?;
                if printed.is_none() {
                    *printed = kubeconfig::authorization(&self.credential)?;
                }
                printed.clone()
            }
            credential => kubeconfig::authorization(credential)?,
        };
        let Some(text) = text else { return Ok(None) };
        let mut value = HeaderValue::from_str(&text).map_err(|_| anyhow!("the token is not one line"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn shortened(text: &str) -> String {
    http_client::shortened(text, MAX_REASON)
}
