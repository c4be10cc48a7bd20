//! What `weir render` writes, held to those who read it: Istio's definitions take its resources, a real Envoy
//! takes its file and does what the configuration says.

#[path = "../../minihost/manifests/crd.rs"]
mod crd;
mod envoy;
mod istio;
#[path = "../../minihost/manifests/rules.rs"]
#[allow(dead_code, reason = "Envoy Gateway's resource is not rendered")]
mod rules;
mod run;
mod tutorial;

use serde_json::Value;

const ROUTING: &str = "routing: {rules: [{name: beta, match: {headers: {x-beta: {exact: '1'}}}, \
                       setHeaders: {x-weir-route: v2}}]}";
const JWT: &str = "jwt: {providers: {a: {issuer: 'https://a', jwks: {inline: {keys: [{kty: OKP, crv: Ed25519, \
                   kid: example, x: cQmOmp7YyAtrHVSsB-m_WrjTJIQAkb313Gz_-TPEEAc}]}}}}, rules: [{requires: a}]}";
/// With a decimal, which Envoy's own reader of YAML does not know, and with a variable.
const METRICS: &str = "
metrics:
  red: {buckets: [0.5, 10]}
  list:
  - {name: tiers_total, labels: {tier: {source: 'env:WEIR_TEST_TIER', values: [gold]}}}";
const ALL: [&str; 3] = [ROUTING, JWT, METRICS];

fn read(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
