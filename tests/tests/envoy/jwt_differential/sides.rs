//! Both filters in one Envoy, each with its own listener.

use serde_json::{Value, json};
use weir_tests::client::{Client, Request, Response};
use weir_tests::envoy::{Bootstrap, Envoy, Filter, Listener, Plugin};

use super::AT_ONCE;
use super::corpus::{Corpus, Sample};

pub(crate) const JWT_AUTHN: &str =
    "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
/// The token, alone: no scheme that one filter could read in another way.
const TOKEN: &str = "x-token";
/// The provider.
const PROVIDER: &str = "x-provider";

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Envoys,
}

impl Side {
    fn listener(self) -> usize {
        match self {
            Self::Ours => 0,
            Self::Envoys => 1,
        }
    }
}

/// What a filter says of a token.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) accepted: bool,
    /// `accepted`, or why not, in the filter's words.
    pub(crate) words: String,
}

pub(crate) struct Sides {
    envoy: Envoy,
}

/// One Envoy with ours and its own filter.
pub(crate) fn pair(ours: &Value, theirs: Value) -> Envoy {
    let mut theirs = theirs;
    theirs["@type"] = json!(JWT_AUTHN);
    let bootstrap = Bootstrap::default()
        .listener(Listener::new().plugin(Plugin::new("jwt_claims").unwrap().config(ours)))
        .listener(Listener::new().filter(Filter::Native("envoy.filters.http.jwt_authn".to_owned(), theirs)));
    Envoy::start(bootstrap).unwrap()
}

pub(crate) fn start(corpus: &Corpus) -> Sides {
    let (mut our_providers, mut our_rules) = (json!({}), Vec::new());
    let (mut their_providers, mut their_rules) = (json!({}), Vec::new());
    for (name, keys, algorithms) in corpus.providers() {
        let from = json!({"headers": [{"name": TOKEN}]});
        our_providers[&name] = json!({"jwks": {"inline": keys}, "algorithms": algorithms, "from": from});
        our_rules.push(json!({"match": {"headers": {PROVIDER: {"exact": name}}}, "requires": name}));
        their_providers[&name] =
            json!({"local_jwks": {"inline_string": keys}, "from_headers": [{"name": TOKEN}]});
        let header = json!({"name": PROVIDER, "string_match": {"exact": name}});
        let requires = json!({"provider_name": name});
        their_rules.push(json!({"match": {"prefix": "/", "headers": [header]}, "requires": requires}));
    }
    let ours = json!({"jwt": {"providers": our_providers, "rules": our_rules, "errors": {"format": "json"}}});
    let theirs = json!({"providers": their_providers, "rules": their_rules});
    Sides { envoy: pair(&ours, theirs) }
}

impl Sides {
    /// What one filter says of all tokens.
    pub(crate) fn judge(&self, side: Side, samples: &[Sample]) -> Vec<Verdict> {
        let request = |sample: &Sample| {
            Request::get("/").header(PROVIDER, &sample.provider).header(TOKEN, &sample.token)
        };
        let requests = samples.iter().map(request).collect();
        let answers = Client::http1().send_all(self.envoy.listener(side.listener()), requests, AT_ONCE);
        let verdict = |(answer, sample): (_, &Sample)| -> Verdict {
            let answer: Result<Response, _> = answer;
            verdict(side, &answer.unwrap_or_else(|error| panic!("{}: {error}", sample.name)))
        };
        answers.into_iter().zip(samples).map(verdict).collect()
    }
}

fn verdict(side: Side, answer: &Response) -> Verdict {
    if answer.seen().is_some() {
        return Verdict { accepted: true, words: "accepted".to_owned() };
    }
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(matches!(answer.status, 401 | 403), "{side:?} answered {} {body}", answer.status);
    let words = match side {
        Side::Envoys => body,
        Side::Ours => serde_json::from_str::<Value>(&body).unwrap()["reason"].as_str().unwrap().to_owned(),
    };
    Verdict { accepted: false, words }
}
