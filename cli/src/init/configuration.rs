//! The configuration that answers make.

use super::answers::{Answers, Issuer, Split, Where};
use serde_json::{Value, json};
use weir_workbench::yaml::write::Block;

/// The name of the Envoy cluster that has the keys.
pub(super) const KEYS: &str = "id";
/// The variable that has the keys where no cluster can.
pub(super) const KEYS_VARIABLE: &str = "WEIR_KEYS";
/// The cookie with an anonymous ID.
const COOKIE: &str = "weir-id";

/// The configuration.
pub(super) fn block(answers: &Answers) -> Block {
    let mut members = Vec::new();
    members.extend(answers.tokens.as_ref().map(|issuer| ("jwt".to_owned(), jwt(answers.place, issuer))));
    members.push(match answers.split {
        Split::Canary => ("routing".to_owned(), canary(answers)),
        Split::Experiment => ("experiments".to_owned(), experiment(answers)),
    });
    let comments = [
        "A first configuration, made by `weir init`.",
        "`weir check` validates it, `weir assign` explains a decision, `weir run` starts it in Envoy.",
    ];
    Block::Map(members).commented(comments.map(str::to_owned).to_vec())
}

fn commented(block: impl Into<Block>, comment: &str) -> Block {
    block.into().commented(comment.lines().map(str::to_owned).collect())
}

fn cookie() -> Block {
    let value = json!({"name": COOKIE, "ttl": "30d"});
    commented(
        value,
        "Clients without an ID get a cookie with an anonymous one. Browsers take it over HTTPS only.",
    )
}

fn sources(answers: &Answers) -> Option<Block> {
    answers
        .unit
        .as_ref()
        .map(|unit| commented(json!([unit]), "What identifies a user; the first that is not empty wins."))
}

fn jwt(place: Where, issuer: &Issuer) -> Block {
    let uri = format!("{}/.well-known/jwks.json", issuer.url.trim_end_matches('/'));
    let cluster = match place {
        Where::Istio => format!("outbound|{}||{}", issuer.port, issuer.host),
        Where::Envoy | Where::EnvoyGateway => KEYS.to_owned(),
    };
    let keys: Value = match place {
        Where::EnvoyGateway => json!({"env": KEYS_VARIABLE}),
        Where::Envoy | Where::Istio => json!({"remote": {"cluster": cluster, "uri": uri}}),
    };
    let comment = match place {
        Where::EnvoyGateway => "The key set (JWKS) of the issuer, in this variable of the proxy.",
        Where::Envoy | Where::Istio => {
            "The issuer's discovery document has the address of its keys as `jwks_uri`."
        }
    };
    let headers = json!([{"claim": "sub", "header": "x-auth-user-id"}]);
    let provider = Block::map([
        ("issuer", issuer.url.as_str().into()),
        ("jwks", commented(keys, comment)),
        ("claimsToHeaders", commented(headers, "Services get these; copies from clients are removed.")),
    ]);
    let health = json!({"match": [{"uri": {"exact": "/healthz"}}], "requires": "none"});
    let rules = Block::List(vec![
        commented(health, "Without a token:"),
        commented(json!({}), "All other requests need one."),
    ]);
    Block::map([("providers", Block::map([("main", provider)])), ("rules", rules)])
}

fn canary(answers: &Answers) -> Block {
    let mut split: Vec<(String, Block)> = Vec::new();
    split.extend(sources(answers).map(|it| ("stickyBy".to_owned(), it)));
    split.push(("mintCookie".to_owned(), cookie()));
    let targets = vec![
        json!({"name": "stable", "weight": 90}).into(),
        commented(
            json!({"name": "canary", "weight": 10, "setHeaders": {"x-weir-route": "canary"}}),
            "The proxy has a route for this header. Clients cannot set it.",
        ),
    ];
    split.push(("targets".to_owned(), Block::List(targets)));
    let rule = Block::map([("name", "canary".into()), ("split", Block::Map(split))]);
    let comment = "The first rule that matches decides; this one is for all requests.";
    Block::map([("rules", Block::List(vec![rule]).commented(vec![comment.to_owned()]))])
}

fn experiment(answers: &Answers) -> Block {
    let mut members: Vec<(String, Block)> = Vec::new();
    members.extend(sources(answers).map(|it| ("unit".to_owned(), it)));
    members.push(("mintCookie".to_owned(), cookie()));
    let variants = json!([{"key": "control", "weight": 50}, {"key": "new", "weight": 50}]);
    let list = Block::map([
        ("key", "first-experiment".into()),
        ("coverage", commented("100%", "The share of users that takes part.")),
        (
            "variants",
            Block::List(variants.as_array().into_iter().flatten().cloned().map(Block::Value).collect()),
        ),
    ]);
    let comment = "Services read the variant from the header x-weir-experiment-first-experiment.";
    members.push(("list".to_owned(), Block::List(vec![list]).commented(vec![comment.to_owned()])));
    Block::Map(members)
}
