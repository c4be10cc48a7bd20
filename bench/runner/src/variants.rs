//! What is compared: the baseline, the same again, Envoy's own filters, and Weir's in both shells.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use weir_tests::envoy::{Filter, Listener, Plugin};
use weir_tests::paths;

use crate::failure::Failure;

/// Names by which the report finds what it compares with.
pub(crate) const CONTROL: &str = "A/A control";
/// See [`CONTROL`].
pub(crate) const NATIVE: &str = "native header_mutation";
/// See [`CONTROL`].
const NATIVE_FAULT: &str = "native fault";
/// See [`CONTROL`].
const NATIVE_JWT: &str = "native jwt_authn";
/// See [`CONTROL`].
const NATIVE_FIVE: &str = "five native filters";
/// See [`CONTROL`].
pub(crate) const LUA: &str = "Lua get + set";
/// See [`CONTROL`].
pub(crate) const SDK_NO_OP: &str = "SDK no-op";

/// The header that filters set.
pub(crate) const HEADER: &str = "x-variant";

/// A filter under measurement.
pub(crate) struct Variant {
    /// As the report prints it.
    pub(crate) name: &'static str,
    /// None: a listener like the baseline's.
    filters: Vec<Filter>,
    /// The native filter that does most of the same.
    pub(crate) nearest: &'static str,
    /// Whether it sets [`HEADER`] on requests.
    pub(crate) sets_header: bool,
}

impl Variant {
    /// One that sets [`HEADER`].
    fn setting(name: &'static str, nearest: &'static str, filters: Vec<Filter>) -> Self {
        Self { name, filters, nearest, sets_header: true }
    }

    /// One that does not.
    fn other(name: &'static str, nearest: &'static str, filters: Vec<Filter>) -> Self {
        Self { sets_header: false, ..Self::setting(name, nearest, filters) }
    }

    /// A listener that has these filters alone.
    pub(crate) fn listener(&self) -> Listener {
        self.filters.iter().cloned().fold(baseline(), Listener::filter)
    }
}

/// A listener with the router alone. It answers by itself: no upstream's time is part of the measurement.
pub(crate) fn baseline() -> Listener {
    let answer = json!({"status": 200, "body": {"inline_string": "ok"}});
    // Shows what a filter set, off the measured route.
    let echo = json!([{"header": {"key": HEADER, "value": format!("%REQ({HEADER})%")}}]);
    Listener::new().routes(json!([
        {"match": {"prefix": "/api/"}, "direct_response": answer},
        {"match": {"path": "/check"}, "direct_response": answer, "response_headers_to_add": echo},
    ]))
}

/// All variants, in the order in which they are reported.
///
/// # Errors
/// A module is not built, or cannot be.
pub(crate) fn all() -> Result<Vec<Variant>, Failure> {
    let plugin = |plugin: Plugin| vec![Filter::Plugin(Box::new(plugin))];
    let wasm = |module: &str, config: &Value| Ok::<_, Failure>(plugin(Plugin::new(module)?.config(config)));
    let native = |config: &Value| Ok::<_, Failure>(plugin(Plugin::native()?.config(config)));
    let (routing, experiment, fault, metrics) =
        (ab_routing(), experiment(), fault(), json!({"metrics": {"red": {}}}));
    let (jwt, all) = (jwt(), all_five());
    Ok(vec![
        Variant::other(CONTROL, NATIVE, Vec::new()),
        Variant::setting(NATIVE, NATIVE, vec![header_mutation("request_mutations", HEADER)]),
        Variant::other(NATIVE_FAULT, NATIVE_FAULT, vec![native_fault()]),
        Variant::setting(NATIVE_JWT, NATIVE_JWT, vec![jwt_authn()]),
        Variant::setting(NATIVE_FIVE, NATIVE_FIVE, native_five()),
        Variant::setting(LUA, NATIVE, vec![lua()]),
        Variant::other(SDK_NO_OP, NATIVE, plugin(Plugin::from_file(&build_sdk_no_op()?))),
        Variant::setting("ab-routing, wasm", NATIVE, wasm("ab_routing", &routing)?),
        Variant::setting("ab-routing, native", NATIVE, native(&routing)?),
        Variant::setting("experiment, wasm", NATIVE, wasm("experiment", &experiment)?),
        Variant::setting("experiment, native", NATIVE, native(&experiment)?),
        Variant::other("quiet fault, wasm", NATIVE_FAULT, wasm("fault_injection", &fault)?),
        Variant::other("quiet fault, native", NATIVE_FAULT, native(&fault)?),
        Variant::other("metrics red, wasm", NATIVE, wasm("metrics", &metrics)?),
        Variant::other("metrics red, native", NATIVE, native(&metrics)?),
        Variant::setting("cached token, wasm", NATIVE_JWT, wasm("jwt_claims", &jwt)?),
        Variant::setting("cached token, native", NATIVE_JWT, native(&jwt)?),
        Variant::setting("all five, wasm", NATIVE_FIVE, wasm("weir", &all)?),
        Variant::setting("all five, native", NATIVE_FIVE, native(&all)?),
    ])
}

/// Three rules that test headers and do not match, then a sticky split: the longest way through.
fn ab_routing() -> Value {
    let rule = |name: &str, header: &str, value: &str| {
        json!({
            "name": name,
            "match": {"headers": {header: {"exact": value}}},
            "setHeaders": {HEADER: name},
        })
    };
    json!({"routing": {"rules": [
        rule("beta", "x-user-group", "beta-testers"),
        rule("tenant", "x-tenant", "other-corp"),
        rule("debug", "x-debug", "1"),
        {"name": "split", "split": {"stickyBy": "header:x-user-id", "targets": [
            {"name": "a", "weight": 50, "setHeaders": {HEADER: "a"}},
            {"name": "b", "weight": 50, "setHeaders": {HEADER: "b"}},
        ]}},
    ]}})
}

/// An experiment by a header, whose variant goes to [`HEADER`].
fn experiment() -> Value {
    json!({"experiments": {"unit": "header:x-user-id", "list": [{"key": "checkout", "header": HEADER, "variants": [
        {"key": "a", "weight": 50}, {"key": "b", "weight": 50},
    ]}]}})
}

/// A fault that no request of the benchmark meets.
fn fault() -> Value {
    json!({"faults": [{"name": "drill", "match": {"headers": {"x-drill": {"exact": "1"}}},
        "abort": {"httpStatus": 503, "percentage": "100%"}}]})
}

/// A provider, and two claims of its tokens in headers.
fn jwt() -> Value {
    json!({"jwt": {"providers": {"corp": {"jwks": {"inline": keys()}, "forward": true,
        "claimsToHeaders": [{"claim": "sub", "header": HEADER}, {"claim": "plan", "header": "x-plan"}]}}}})
}

/// Who has a token is assigned by it, routed and faulted by the variant, and counted.
pub(crate) fn all_five() -> Value {
    json!({
        "jwt": {"providers": {"corp": {"jwks": {"inline": keys()}, "forward": true}}},
        "experiments": {"unit": "claim:sub", "list": [{"key": "checkout", "variants": [
            {"key": "a", "weight": 50}, {"key": "b", "weight": 50},
        ]}]},
        "routing": {"rules": [
            {"name": "a", "variant": {"checkout": "a"}, "setHeaders": {HEADER: "a"}},
            {"name": "b", "variant": {"checkout": "b"}, "setHeaders": {HEADER: "b"}},
        ]},
        "faults": [{"name": "drill", "variant": {"checkout": "b"}, "match": {"headers": {"x-drill": {"exact": "1"}}},
            "abort": {"httpStatus": 503, "percentage": "100%"}}],
        "metrics": {"red": {}},
    })
}

/// The key of the client's token.
fn keys() -> Value {
    json!({"keys": [{"kty": "oct", "kid": "one", "k": "YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s"}]})
}

/// The nearest that Envoy's own filters come to [`all_five`]; none of them assigns variants.
pub(crate) fn native_five() -> Vec<Filter> {
    let to_metadata = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
        "request_rules": [{"header": "x-user-id", "on_header_present":
            {"metadata_namespace": "bench", "key": "user", "type": "STRING"}}],
    });
    vec![
        jwt_authn(),
        Filter::Native("envoy.filters.http.header_to_metadata".to_owned(), to_metadata),
        header_mutation("request_mutations", HEADER),
        native_fault(),
        header_mutation("response_mutations", "x-variant-seen"),
    ]
}

/// The same provider and claims as [`jwt`], with its cache of tokens.
fn jwt_authn() -> Filter {
    let provider = json!({
        "local_jwks": {"inline_string": keys().to_string()},
        "forward": true,
        "claim_to_headers": [{"claim_name": "sub", "header_name": HEADER}, {"claim_name": "plan", "header_name": "x-plan"}],
        "jwt_cache_config": {"jwt_cache_size": 100},
    });
    let config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"corp": provider},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "corp"}}],
    });
    Filter::Native("envoy.filters.http.jwt_authn".to_owned(), config)
}

fn native_fault() -> Filter {
    let config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
        "abort": {"http_status": 503, "percentage": {"numerator": 100}},
        "headers": [{"name": "x-drill", "string_match": {"exact": "1"}}],
    });
    Filter::Native("envoy.filters.http.fault".to_owned(), config)
}

fn header_mutation(direction: &str, header: &str) -> Filter {
    let mutation = json!({"append": {
        "header": {"key": header, "value": "a"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }});
    let config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        "mutations": {direction: [mutation]},
    });
    Filter::Native("envoy.filters.http.header_mutation".to_owned(), config)
}

fn lua() -> Filter {
    let script = format!(
        "function envoy_on_request(h)\n\
           local v = h:headers():get('x-user-id')\n\
           h:headers():replace('{HEADER}', v)\n\
         end"
    );
    let config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": script},
    });
    Filter::Native("envoy.filters.http.lua".to_owned(), config)
}

/// Builds the SDK's no-op as its users would: release profile, nothing after the linker.
fn build_sdk_no_op() -> Result<PathBuf, Failure> {
    const TARGET: &str = "wasm32-wasip1";
    // The cargo that runs this program, so that one toolchain builds everything.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(paths::root())
        .args(["build", "--quiet", "--release", "--target", TARGET, "--package", "weir-bench-sdk-noop"])
        .status()?;
    if !status.success() {
        return Err(format!("cargo could not build the SDK's no-op: {status}").into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    // Envoy works in the repository's root, as cargo did.
    Ok(paths::root().join(target).join(TARGET).join("release/sdk_noop.wasm"))
}
