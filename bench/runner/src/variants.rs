//! What is compared: the baseline, the same again, and the filters.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use weir_tests::envoy::{Filter, Listener, Plugin};
use weir_tests::paths;

use crate::Failure;

/// Names by which the report finds what it compares with.
pub(crate) const CONTROL: &str = "A/A control";
/// See [`CONTROL`].
pub(crate) const NATIVE: &str = "native header_mutation";
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
    /// Absent: a listener like the baseline's.
    filter: Option<Filter>,
    /// Whether it sets [`HEADER`] on requests.
    pub(crate) sets_header: bool,
}

impl Variant {
    fn new(name: &'static str, filter: Option<Filter>, sets_header: bool) -> Self {
        Self { name, filter, sets_header }
    }

    /// A listener that has this filter alone.
    pub(crate) fn listener(&self) -> Listener {
        self.filter.iter().cloned().fold(baseline(), Listener::filter)
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
    let plugin = |plugin: Plugin| Some(Filter::Plugin(Box::new(plugin)));
    Ok(vec![
        Variant::new(CONTROL, None, false),
        Variant::new(NATIVE, Some(header_mutation()), true),
        Variant::new(LUA, Some(lua()), true),
        Variant::new(SDK_NO_OP, plugin(Plugin::from_file(&build_sdk_no_op()?)), false),
        Variant::new("weir ab-routing", plugin(Plugin::new("ab_routing")?.config(&ab_routing())), true),
        Variant::new("the same, native module", plugin(Plugin::native()?.config(&ab_routing())), true),
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

fn header_mutation() -> Filter {
    let mutation = json!({"append": {
        "header": {"key": HEADER, "value": "a"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }});
    let config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        "mutations": {"request_mutations": [mutation]},
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
