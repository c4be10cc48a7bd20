//! Tokens in the real Envoy, with a real key server that rotates, lies, dawdles and comes back.

mod answers;
mod broken;
mod observed;
mod rotation;
pub(crate) mod sign;
mod unknown;
mod waiting;

use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::client::{Client, ClientError, Request, Response};
use weir_tests::envoy::{Bootstrap, Cluster, Envoy, Listener, Plugin};
use weir_tests::jwks_server::JwksServer;

/// How long a test waits for what must come.
const PATIENCE: Duration = weir_tests::PATIENCE;

/// An Envoy whose only provider has its keys from a server.
struct Lab {
    keys: JwksServer,
    envoy: Envoy,
    client: Client,
}

impl Lab {
    /// The server's first key set, and members of `remote` beside its address.
    fn start(first: JwksServer, remote: Value, workers: u32) -> Self {
        let mut whole = json!({"cluster": "keys", "uri": "http://id.example.com/jwks"});
        for (name, value) in remote.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let config = json!({"jwt": {"providers": {"corp": {"jwks": {"remote": whole}}}}});
        let bootstrap = Bootstrap::default()
            .concurrency(workers)
            .cluster(Cluster::new("keys", first.address()))
            .listener(Listener::new().plugin(Plugin::new("jwt_claims").unwrap().config(&config)));
        Self { keys: first, envoy: Envoy::start(bootstrap).unwrap(), client: Client::http1() }
    }

    fn send(&self, request: &Request) -> Response {
        self.client.send(self.envoy.listener(0), request).unwrap()
    }

    /// Waits until a token of this key passes.
    fn until_accepted(&self, kid: &str) {
        let accepted = |_: &Envoy| self.send(&bearer(kid, "{}")).status == 200;
        assert!(self.envoy.wait_for(PATIENCE, accepted), "the key {kid} never came");
    }

    /// How many requests are under way.
    fn under_way(&self) -> i64 {
        self.envoy.stat("http.listener-0.downstream_rq_active").unwrap()
    }
}

/// A request with a token of this key.
fn bearer(kid: &str, claims: &str) -> Request {
    Request::get("/").header("authorization", format!("Bearer {}", sign::token(kid, claims)))
}

/// How many answers had each status; 0 counts those that never came.
fn statuses(answers: &[Result<Response, ClientError>]) -> Vec<(u16, usize)> {
    let mut all: Vec<(u16, usize)> = Vec::new();
    for answer in answers {
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        match all.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += 1,
            None => all.push((status, 1)),
        }
    }
    all.sort_unstable();
    all
}
