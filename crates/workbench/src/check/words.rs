//! Words of other systems, and what they are called here.

use crate::yaml::{Content, Node, Style};
use serde_json::json;

/// A word that is not one of ours.
#[derive(Debug)]
pub(super) struct Word {
    theirs: &'static str,
    /// What the path of the object around it has in it.
    within: &'static str,
    /// What is said of it.
    pub(super) hint: &'static str,
    /// How to go on as if the right word were there, so that one mistake is one problem.
    pub(super) then: Then,
}

/// What takes the word's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing.
    Nothing,
    /// The same value under this name.
    Rename(&'static str),
    /// Something that is right under this name: the value cannot stay.
    Replace(&'static str),
}

/// The word with this name, for an object at this place.
pub(super) fn find(theirs: &str, within: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.theirs == theirs && within.contains(word.within))
}

/// A right value of a member, as it is in examples.
pub(super) fn right(name: &str, like: &Node) -> Node {
    let json = match name {
        "unit" | "stickyBy" => json!("header:x-user-id"),
        "variants" => json!([{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]),
        "jwks" => json!({"remote": {"cluster": "idp", "uri": "https://id.example.com/jwks.json"}}),
        "setHeaders" => json!({"x-weir-route": "v2"}),
        "uri" => json!({"prefix": "/"}),
        _ => json!(null),
    };
    of_json(&json, like)
}

/// A value at a place of a file.
fn of_json(json: &serde_json::Value, like: &Node) -> Node {
    use serde_json::Value;
    let content = match json {
        Value::Null => Content::Null,
        Value::Bool(value) => Content::Bool(*value),
        Value::Number(number) => Content::Number(number.clone()),
        Value::String(text) => Content::Text(text.clone(), Style::DoubleQuoted),
        Value::Array(items) => Content::List(items.iter().map(|item| of_json(item, like)).collect()),
        Value::Object(members) => Content::Object(
            members
                .iter()
                .map(|(key, value)| crate::yaml::Member {
                    key: key.clone(),
                    key_at: like.at,
                    value: of_json(value, like),
                })
                .collect(),
        ),
    };
    Node { at: like.at, content }
}

const fn word(theirs: &'static str, within: &'static str, hint: &'static str, then: Then) -> Word {
    Word { theirs, within, hint, then }
}

static WORDS: [Word; 39] = [
    // GrowthBook.
    word(
        "hashAttribute",
        "experiments",
        "GrowthBook's `hashAttribute` is `unit: header:NAME` (or cookie:, claim: …)",
        Then::Replace("unit"),
    ),
    word(
        "variations",
        "experiments",
        "GrowthBook's `variations` are `variants`, each with `key` and `weight`",
        Then::Replace("variants"),
    ),
    word(
        "hashVersion",
        "experiments",
        "GrowthBook's `hashVersion` is `hash: growthbook-1` or `growthbook-2`",
        Then::Nothing,
    ),
    word("weights", "experiments", "each of `variants` has its own `weight`", Then::Nothing),
    word("namespace", "experiments", "GrowthBook's `namespace` is `layer: {name, ranges}`", Then::Nothing),
    word("trackingKey", "experiments", "the name of an experiment is its `key`", Then::Rename("key")),
    word(
        "fallbackAttribute",
        "experiments",
        "`unit` takes a list: the first source that has a value counts",
        Then::Nothing,
    ),
    // Optimizely, LaunchDarkly, Split, Unleash.
    word(
        "trafficAllocation",
        "experiments",
        "the share of units that take part is `coverage: 20%`",
        Then::Nothing,
    ),
    word("traffic", "experiments", "the share of units that take part is `coverage: 20%`", Then::Nothing),
    word("rollout", "experiments", "the share of units that take part is `coverage: 20%`", Then::Nothing),
    word("percentage", "experiments", "the share of units that take part is `coverage: 20%`", Then::Nothing),
    word("treatments", "experiments", "`treatments` are `variants` here", Then::Replace("variants")),
    word("arms", "experiments", "`arms` are `variants` here", Then::Replace("variants")),
    word(
        "stickiness",
        "experiments",
        "`unit` says what identifies a user; `sticky: true` keeps assignments",
        Then::Nothing,
    ),
    word("audience", "experiments", "`match` or `condition` selects the units", Then::Nothing),
    word("segment", "experiments", "`match` or `condition` selects the units", Then::Nothing),
    // Istio's and Envoy's routes.
    word(
        "path",
        "match",
        "the path is `uri`, as in a VirtualService: `uri: {prefix: /shop}`",
        Then::Replace("uri"),
    ),
    word(
        "prefix",
        "match",
        "the path is `uri`, as in a VirtualService: `uri: {prefix: /shop}`",
        Then::Replace("uri"),
    ),
    word("host", "match", "the host is `authority`", Then::Rename("authority")),
    word("safe_regex", "match", "Envoy's `safe_regex` is `regex`", Then::Nothing),
    word(
        "route",
        "routing",
        "Istio's `route` stays in the VirtualService: write `setHeaders`, which it matches, or `cluster`",
        Then::Replace("setHeaders"),
    ),
    word(
        "destination",
        "routing",
        "destinations stay in the VirtualService: write `setHeaders`, which it matches, or `cluster`",
        Then::Replace("setHeaders"),
    ),
    word("http", "routing", "a VirtualService's `http` is `rules`, each with a `name`", Then::Nothing),
    word("timeout", "routing", "timeouts stay in the route: Istio's VirtualService or Envoy", Then::Nothing),
    word("retries", "routing", "retries stay in the route: Istio's VirtualService or Envoy", Then::Nothing),
    word("setWeight", "routing", "each of the `targets` of a `split` has its own `weight`", Then::Nothing),
    word("stepWeight", "routing", "each of the `targets` of a `split` has its own `weight`", Then::Nothing),
    word("mirror", "routing", "mirroring stays in the route: Istio's VirtualService or Envoy", Then::Nothing),
    // Istio's RequestAuthentication, Envoy's jwt_authn.
    word("jwtRules", "jwt", "Istio's `jwtRules` are `providers`, each with a name", Then::Nothing),
    word("jwksUri", "jwt", "Istio's `jwksUri` is `jwks: {remote: {cluster, uri}}`", Then::Replace("jwks")),
    word("jwks_uri", "jwt", "`jwks_uri` is `jwks: {remote: {cluster, uri}}`", Then::Replace("jwks")),
    word(
        "remote_jwks",
        "jwt",
        "Envoy's `remote_jwks` is `jwks: {remote: {cluster, uri}}`",
        Then::Replace("jwks"),
    ),
    word("local_jwks", "jwt", "Envoy's `local_jwks` is `jwks: {inline: {keys: […]}}`", Then::Replace("jwks")),
    word("fromHeaders", "jwt", "Istio's `fromHeaders` is `from: {headers: […]}`", Then::Nothing),
    word("fromParams", "jwt", "Istio's `fromParams` is `from: {params: […]}`", Then::Nothing),
    word(
        "outputClaimToHeaders",
        "jwt",
        "Istio's `outputClaimToHeaders` is `claimsToHeaders`",
        Then::Rename("claimsToHeaders"),
    ),
    word(
        "outputPayloadToHeader",
        "jwt",
        "Istio's `outputPayloadToHeader` is `payloadHeader`",
        Then::Rename("payloadHeader"),
    ),
    word(
        "forwardOriginalToken",
        "jwt",
        "Istio's `forwardOriginalToken` is `forward`",
        Then::Rename("forward"),
    ),
    word(
        "forward_payload_header",
        "jwt",
        "Envoy's `forward_payload_header` is `payloadHeader`",
        Then::Rename("payloadHeader"),
    ),
];
