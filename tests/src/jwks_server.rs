//! A key server that a test holds in its hand: what it answers can change at any time, for worse too.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::origin::{Answer, Asked, Origin};

/// A server of JSON Web Key Sets. It answers any path.
#[derive(Debug)]
pub struct JwksServer {
    origin: Origin,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    answer: Answer,
    asked: Vec<Asked>,
}

impl JwksServer {
    /// Starts a server that answers with this key set.
    ///
    /// # Errors
    /// There is no port.
    pub fn start(jwks: &str) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State { answer: key_set(jwks), asked: Vec::new() }));
        let shared = Arc::clone(&state);
        let origin = Origin::start(move |asked| {
            let mut state = lock(&shared);
            state.asked.push(asked.clone());
            state.answer.clone()
        })?;
        Ok(Self { origin, state })
    }

    /// Where it listens: the address for [`crate::envoy::Cluster`].
    pub fn address(&self) -> SocketAddr {
        self.origin.address()
    }

    /// Answers with this key set from now on.
    pub fn publish(&self, jwks: &str) {
        self.answer(key_set(jwks));
    }

    /// Gives any answer from now on: another status, late, broken, endless or lying.
    pub fn answer(&self, answer: Answer) {
        lock(&self.state).answer = answer;
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        lock(&self.state).asked.len()
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.state).asked.clone()
    }
}

/// The right answer with a key set.
pub fn key_set(jwks: &str) -> Answer {
    Answer::new(200, jwks).header("content-type", "application/jwk-set+json")
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Client, Request};

    #[test]
    fn what_is_published_last_is_served_and_requests_are_counted() {
        let server = JwksServer::start(r#"{"keys":[]}"#).unwrap();
        let ask = || Client::http1().send(server.address(), &Request::get("/jwks")).unwrap();
        assert_eq!(ask().body, br#"{"keys":[]}"#);
        server.publish(r#"{"keys":[1]}"#);
        assert_eq!(ask().body, br#"{"keys":[1]}"#);
        server.answer(Answer::new(500, ""));
        assert_eq!(ask().status, 500);
        assert_eq!((server.requests(), server.asked()[0].path.as_str()), (3, "/jwks"));
    }
}
