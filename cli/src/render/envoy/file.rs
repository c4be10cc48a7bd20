//! The file: what is the same for every configuration, and what follows from one.

use super::details::{Details, Shell};
use crate::destinations::Destinations;
use crate::document::Loaded;
use crate::render::bootstrap;
use crate::upstream::{Upstream, socket};
use serde_json::{Value, json};
use std::net::SocketAddr;
use weir_workbench::yaml::Node;
use weir_workbench::yaml::write::Block;

/// What a configuration does not say.
pub(crate) struct Proxy<'a> {
    /// At least one; the first is for everybody.
    pub(crate) upstreams: &'a [Upstream],
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// The module's file, as Envoy finds it.
    pub(crate) module: &'a str,
    pub(crate) details: &'a Details,
}

/// The document with its comments.
pub(crate) fn file(loaded: &Loaded, proxy: &Proxy<'_>) -> Block {
    let authorities = &proxy.details.ca;
    let clusters = proxy.upstreams.iter().map(|upstream| upstream.cluster(authorities)).collect();
    let resources = Block::map([
        ("listeners", Block::List(vec![listener(loaded, proxy)])),
        ("clusters", Block::List(clusters)),
    ]);
    let admin = Block::map([("address", address(proxy.admin))]);
    let mut members = vec![("admin", admin)];
    match proxy.details.shell() {
        Shell::Wasm => {
            let comment = "Makes labels of the names of metrics.".to_owned();
            members.push(("stats_config", Block::of(&bootstrap::stats(loaded)).commented(vec![comment])));
        }
        Shell::Native => {
            let stats = bootstrap::native_stats(loaded);
            if stats != json!({}) {
                members.push(("stats_config", Block::of(&stats)));
            }
            members.push(("layered_runtime", runtime()));
        }
    }
    members.push(("overload_manager", overload(proxy.details.max_connections)));
    members.push(("static_resources", resources));
    let members = members.into_iter().map(|(name, block)| (name.to_owned(), block)).collect();
    Block::Map(members).commented(vec!["Made by `weir render envoy`.".to_owned()])
}

/// Prometheus gets the names that the WebAssembly module has too.
fn runtime() -> Block {
    let switch = json!({"envoy.reloadable_features.dynamic_modules_strip_custom_stat_prefix": true});
    let comment = "Metrics are called `weir_…`, not `envoy_dynamicmodulescustom_weir_…`.".to_owned();
    let layers = json!([{"name": "weir", "static_layer": switch}]);
    Block::map([("layers", Block::from(layers))]).commented(vec![comment])
}

/// Without a bound, connections are limited by nothing but the machine.
fn overload(max_connections: u32) -> Block {
    let kind = "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3\
                .DownstreamConnectionsConfig";
    let monitor = Block::map([
        ("name", "envoy.resource_monitors.global_downstream_max_connections".into()),
        (
            "typed_config",
            Block::map([
                ("@type", kind.into()),
                ("max_active_downstream_connections", max_connections.into()),
            ]),
        ),
    ]);
    Block::map([("resource_monitors", Block::List(vec![monitor]))])
        .commented(vec!["Further connections of clients are refused.".to_owned()])
}

fn listener(loaded: &Loaded, proxy: &Proxy<'_>) -> Block {
    let paths = "Rules see the path that the service will see.".to_owned();
    let hops = proxy.details.trusted_hops;
    let client = match hops {
        0 => "The client's address is that of the connection, whatever x-forwarded-for contains.".to_owned(),
        _ => format!(
            "The client's address is the one that the first of {hops} trusted proxies wrote into x-forwarded-for."
        ),
    };
    let names = "x_auth_user_id is x-auth-user-id to many services.".to_owned();
    let common = Block::map([
        ("idle_timeout", "3600s".into()),
        ("headers_with_underscores_action", Block::from("REJECT_REQUEST").commented(vec![names])),
    ]);
    let manager = typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        vec![
            ("stat_prefix", "http".into()),
            ("normalize_path", Block::from(true).commented(vec![paths])),
            ("merge_slashes", true.into()),
            ("path_with_escaped_slashes_action", "UNESCAPE_AND_REDIRECT".into()),
            ("use_remote_address", Block::from(true).commented(vec![client])),
            ("xff_num_trusted_hops", hops.into()),
            ("common_http_protocol_options", common),
            ("request_headers_timeout", "10s".into()),
            ("stream_idle_timeout", "300s".into()),
            ("http2_protocol_options", json!({"max_concurrent_streams": 100}).into()),
            ("http_filters", Block::List(vec![filter(loaded, proxy), router()])),
            ("route_config", route_table(loaded, proxy)),
        ],
    );
    let chain = Block::map([(
        "filters",
        Block::List(vec![Block::map([
            ("name", "envoy.filters.network.http_connection_manager".into()),
            ("typed_config", manager),
        ])]),
    )]);
    Block::map([
        ("name", "http".into()),
        ("address", address(proxy.listen)),
        ("filter_chains", Block::List(vec![chain])),
    ])
}

fn router() -> Block {
    Block::map([
        ("name", "envoy.filters.http.router".into()),
        ("typed_config", typed("filters.http.router.v3.Router", Vec::new())),
    ])
}

fn filter(loaded: &Loaded, proxy: &Proxy<'_>) -> Block {
    let typed_config = match proxy.details.shell() {
        Shell::Wasm => wasm(loaded, proxy),
        Shell::Native => native(loaded, proxy),
    };
    Block::map([("name", "weir".into()), ("typed_config", typed_config)])
}

/// The environment is Envoy's own.
fn native(loaded: &Loaded, proxy: &Proxy<'_>) -> Block {
    let module = json!({"module": {"local": {"filename": proxy.module}}});
    typed(
        "filters.http.dynamic_modules.v3.DynamicModuleFilter",
        vec![
            ("dynamic_module_config", module.into()),
            ("filter_name", "weir".into()),
            ("filter_config", configuration(loaded.written.as_ref())),
        ],
    )
}

fn wasm(loaded: &Loaded, proxy: &Proxy<'_>) -> Block {
    let failure =
        "Should the module ever fail, requests get a 503 until a fresh VM takes over, after a second.";
    let mut machine = vec![
        ("runtime".to_owned(), Block::from("envoy.wasm.runtime.v8")),
        ("code".to_owned(), json!({"local": {"filename": proxy.module}}).into()),
    ];
    if !loaded.variables.is_empty() {
        let variables = json!({"host_env_keys": loaded.variables});
        let comment = "What the configuration reads of Envoy's environment.".to_owned();
        machine.push(("environment_variables".to_owned(), Block::from(variables).commented(vec![comment])));
    }
    let plugin = Block::map([
        ("name", "weir".into()),
        ("root_id", "weir".into()),
        ("failure_policy", Block::from("FAIL_RELOAD").commented(vec![failure.to_owned()])),
        ("vm_config", Block::Map(machine)),
        ("configuration", configuration(loaded.written.as_ref())),
    ]);
    typed("filters.http.wasm.v3.Wasm", vec![("config", plugin)])
}

/// A `Struct` is easiest to read and to change, but not every number gets through one: a configuration that has
/// such a number is JSON in a text.
fn configuration(written: Option<&Node>) -> Block {
    let json = written.map(Node::to_json).filter(|json| !json.is_null());
    let (kind, value) = match (written, json) {
        (Some(_), Some(json)) if has_hard_numbers(&json) => ("StringValue", Block::Text(format!("{json:#}"))),
        (Some(node), Some(_)) => ("Struct", Block::of_node(node)),
        _ => ("Struct", json!({}).into()),
    };
    Block::map([("@type", format!("type.googleapis.com/google.protobuf.{kind}").into()), ("value", value)])
}

/// Envoy's reader of YAML takes decimals for texts, and the numbers of a `Struct` are exact up to 2⁵³.
fn has_hard_numbers(value: &Value) -> bool {
    const EXACT: u64 = 1 << 53;
    match value {
        Value::Number(number) => number.as_i64().is_none_or(|whole| whole.unsigned_abs() > EXACT),
        Value::Array(list) => list.iter().any(has_hard_numbers),
        Value::Object(object) => object.values().any(has_hard_numbers),
        _ => false,
    }
}

fn route_table(loaded: &Loaded, proxy: &Proxy<'_>) -> Block {
    let host = Block::map([
        ("name", "all".into()),
        ("domains", json!(["*"]).into()),
        ("routes", Block::List(routes(loaded, proxy))),
    ]);
    Block::map([("virtual_hosts", Block::List(vec![host]))])
}

/// Named clusters first, then a route for each upstream; that of the first comes last and takes what is left.
fn routes(loaded: &Loaded, proxy: &Proxy<'_>) -> Vec<Block> {
    let header = &proxy.details.route_header;
    let named = Destinations::of(&loaded.document, header);
    let route = |header: Option<Value>, to: Value| {
        let mut matched = json!({"prefix": "/"});
        if let Some(header) = header {
            matched["headers"] = json!([header]);
        }
        Block::map([("match", matched.into()), ("route", to.into())])
    };
    let by_name = (!named.clusters.is_empty()).then(|| {
        let there = json!({"name": named.cluster_header, "present_match": true});
        route(Some(there), json!({"cluster_header": named.cluster_header}))
    });
    // Servers with keys are upstreams that no request is sent to.
    let further = proxy.upstreams.iter().skip(1).filter(|upstream| {
        named.routes.contains(&upstream.name) || !named.key_servers.contains(&upstream.name)
    });
    let further = further.map(|upstream| {
        let is = json!({"name": header, "string_match": {"exact": upstream.name}});
        route(Some(is), json!({"cluster": upstream.name}))
    });
    let rest = proxy.upstreams.first().map(|upstream| route(None, json!({"cluster": upstream.name})));
    by_name.into_iter().chain(further).chain(rest).collect()
}

fn typed(kind: &str, members: Vec<(&str, Block)>) -> Block {
    let kind = ("@type".to_owned(), format!("type.googleapis.com/envoy.extensions.{kind}").into());
    let members = members.into_iter().map(|(name, block)| (name.to_owned(), block));
    Block::Map([kind].into_iter().chain(members).collect())
}

fn address(address: SocketAddr) -> Block {
    socket(&address.ip().to_string(), address.port()).into()
}
