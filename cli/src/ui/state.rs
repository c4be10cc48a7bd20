//! What the server tells the page: the file as it is now, and what Envoy does.

use crate::input::Unreadable;
use anyhow::anyhow;
use serde::Serialize;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Semaphore, watch};

/// A secret in the page's address, without which nothing is served.
pub(super) struct Token(String);

impl Token {
    /// 192 random bits.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(super) fn random() -> anyhow::Result<Self> {
        let mut bytes = [0; 24];
        let provider = rustls::crypto::ring::default_provider();
        provider.secure_random.fill(&mut bytes).map_err(|_| anyhow!("the system has no random numbers"))?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether a text is the token, in a time that does not depend on where it differs.
    pub(super) fn is(&self, text: &str) -> bool {
        let pairs = self.0.bytes().zip(text.bytes());
        text.len() == self.0.len() && pairs.fold(0, |all, (a, b)| all | (a ^ b)) == 0
    }
}

/// What Envoy does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Envoy {
    /// It will be started, or is being started.
    #[default]
    Starting,
    /// It serves.
    Ready,
    /// There is none.
    Missing,
}

/// Why no Envoy takes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotServing {
    /// It is being started.
    Starting,
    /// There is none: why.
    Missing(String),
}

impl fmt::Display for NotServing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("Envoy is starting"),
            Self::Missing(why) => write!(f, "there is no Envoy: {why}"),
        }
    }
}

impl std::error::Error for NotServing {}

/// What the page gets.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    /// Goes up with each change of what follows.
    pub(super) version: u64,
    /// The file's name, …
    name: String,
    /// … and its text, the last that could be read.
    pub(super) text: String,
    /// Why it cannot be read now.
    unreadable: Option<String>,
    envoy: Envoy,
    /// Whether Envoy runs what is in the file now. It keeps running the last one without problems.
    current: bool,
    /// Why there is no Envoy, or why it does not run what is in the file.
    why: Option<String>,
    /// Where it serves.
    url: Option<String>,
    /// The same for this program, and its admin interface.
    #[serde(skip)]
    addresses: Option<[SocketAddr; 2]>,
}

/// The state, and a signal for its next version.
pub(super) struct Shared {
    state: Mutex<State>,
    version: watch::Sender<u64>,
    /// One request to Envoy at a time, so that what is counted belongs to it.
    pub(super) turn: Semaphore,
}

impl Shared {
    pub(super) fn new(name: &str, text: String) -> Self {
        let state = State {
            version: 1,
            name: name.to_owned(),
            text,
            unreadable: None,
            envoy: Envoy::Starting,
            current: false,
            why: None,
            url: None,
            addresses: None,
        };
        Self { state: Mutex::new(state), version: watch::Sender::new(1), turn: Semaphore::new(1) }
    }

    pub(super) fn now(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        state.version += 1;
        self.version.send_replace(state.version);
    }

    /// Returns as soon as there is a version after this one.
    pub(super) async fn after(&self, version: u64) {
        // The sender lives as long as this.
        let _ = self.version.subscribe().wait_for(|now| *now > version).await;
    }

    /// The file has another text, or cannot be read.
    pub(super) fn file(&self, text: Result<String, Unreadable>) {
        self.change(|state| match text {
            Ok(text) => {
                state.text = text;
                state.unreadable = None;
                state.current = false;
            }
            Err(why) => state.unreadable = Some(why.to_string()),
        });
    }

    /// Envoy is started.
    pub(super) fn starting(&self, url: &str, addresses: [SocketAddr; 2]) {
        self.change(|state| {
            state.envoy = Envoy::Starting;
            (state.url, state.why, state.addresses) = (Some(url.to_owned()), None, Some(addresses));
        });
    }

    /// Envoy serves what is in the file.
    pub(super) fn ready(&self) {
        self.change(|state| (state.envoy, state.current, state.why) = (Envoy::Ready, true, None));
    }

    /// Envoy does not run what is in the file.
    pub(super) fn behind(&self, why: String) {
        self.change(|state| (state.current, state.why) = (false, Some(why)));
    }

    /// There is no Envoy.
    pub(super) fn missing(&self, why: String) {
        self.change(|state| (state.envoy, state.current, state.why) = (Envoy::Missing, false, Some(why)));
    }
}

impl State {
    /// The listener and the admin interface of an Envoy that serves.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn serving(&self) -> Result<[SocketAddr; 2], NotServing> {
        match (&self.envoy, self.addresses) {
            (Envoy::Ready, Some(addresses)) => Ok(addresses),
            (Envoy::Missing, _) => Err(NotServing::Missing(self.why.clone().unwrap_or_default())),
            _ => Err(NotServing::Starting),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_only() {
        let token = Token::random().unwrap();
        let text = token.text().to_owned();
        assert_eq!(text.len(), 48);
        assert!(token.is(&text) && !token.is(&text[1..]) && !token.is("") && !token.is(&format!("{text}0")));
        assert!(!token.is(Token::random().unwrap().text()));
    }

    #[tokio::test]
    async fn changes_wake_those_who_wait() {
        let shared = std::sync::Arc::new(Shared::new("a.yaml", "a: 1".to_owned()));
        let other = std::sync::Arc::clone(&shared);
        let waiting = tokio::spawn(async move { other.after(1).await });
        shared.file(Ok("a: 2".to_owned()));
        waiting.await.unwrap();
        let now = shared.now();
        assert_eq!((now.version, now.text.as_str(), now.current), (2, "a: 2", false));
        shared.after(1).await;
    }

    #[test]
    fn requests_are_for_an_envoy_that_serves() {
        let shared = Shared::new("a.yaml", String::new());
        let addresses = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        assert!(shared.now().serving().is_err());
        shared.starting("http://127.0.0.1:1", addresses);
        assert_eq!(shared.now().serving(), Err(NotServing::Starting));
        shared.ready();
        assert_eq!(shared.now().serving(), Ok(addresses));
        shared.behind("the file has problems".to_owned());
        assert_eq!(shared.now().serving(), Ok(addresses), "the last one without problems goes on");
        shared.missing("no program".to_owned());
        assert_eq!(shared.now().serving(), Err(NotServing::Missing("no program".to_owned())));
    }
}
