//! The resource, with the reasons for what it says.

use super::args::{Args, FailStrategy, Phase};
use super::placement::ProxyPlacement;
use crate::document::Loaded;
use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::json;
use weir_workbench::yaml::write::Block;

/// What stands for an image as long as nobody has named one.
const PLACEHOLDER: &str = "oci://registry.example.com/weir/weir@sha256:0000000000000000000000000000000000000000000000000000000000000000";

type Members = Vec<(String, Block)>;

/// The document with its comments.
///
/// # Errors
/// An image that cannot have the digest.
pub(super) fn manifest(args: &Args, loaded: &Loaded) -> anyhow::Result<Block> {
    let kind = if args.traffic_extension { "TrafficExtension" } else { "WasmPlugin" };
    let (before, after) = wasm(args, loaded)?;
    let mut spec = place(args);
    if args.traffic_extension {
        spec.extend(order(args, loaded));
        spec.extend([matched(args)]);
        spec.push(("wasm".to_owned(), Block::Map(before.into_iter().chain(after).collect())));
    } else {
        spec.extend(before);
        spec.extend(order(args, loaded));
        spec.extend([matched(args)]);
        spec.extend(after);
    }
    let metadata =
        Block::map([("name", args.name.as_str().into()), ("namespace", args.namespace.as_str().into())]);
    let resource = Block::map([
        ("apiVersion", "extensions.istio.io/v1alpha1".into()),
        ("kind", kind.into()),
        ("metadata", metadata),
        ("spec", Block::Map(spec)),
    ]);
    Ok(resource.commented(vec!["Made by `weir render istio`.".to_owned()]))
}

/// Which pods or targets.
fn place(args: &Args) -> Members {
    if !args.targets.is_empty() {
        let targets = args.targets.iter().map(|target| target.to_json().into()).collect();
        return vec![("targetRefs".to_owned(), Block::List(targets))];
    }
    if args.labels.is_empty() {
        return Vec::new();
    }
    let labels = args.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    vec![("selector".to_owned(), Block::map([("matchLabels", Block::Map(labels))]))]
}

fn order(args: &Args, loaded: &Loaded) -> Members {
    let usual = Character::of(loaded);
    let phase = spelled(args.phase.unwrap_or(usual.phase));
    let phase = match args.phase {
        None => Block::from(phase).commented(vec![usual.why_there.to_owned()]),
        Some(_) => phase.into(),
    };
    vec![("phase".to_owned(), phase), ("priority".to_owned(), args.priority.unwrap_or(usual.priority).into())]
}

fn matched(args: &Args) -> (String, Block) {
    let (mode, why) = match args.at {
        ProxyPlacement::Gateway => ("CLIENT", None),
        ProxyPlacement::Waypoint => ("SERVER", Some("At a waypoint every request is inbound.")),
        ProxyPlacement::Caller => {
            ("CLIENT", Some("Outbound requests: without a mode it would run again at the callee."))
        }
        ProxyPlacement::Callee => {
            ("SERVER", Some("Inbound requests: without a mode it would also run for outbound requests."))
        }
    };
    let list = Block::List(vec![Block::map([("mode", mode.into())])]);
    let list = match why {
        Some(why) => list.commented(vec![why.to_owned()]),
        None => list,
    };
    ("match".to_owned(), list)
}

/// What is about the module; in a WasmPlugin the members that both resources have stand between the two.
fn wasm(args: &Args, loaded: &Loaded) -> anyhow::Result<(Members, Members)> {
    let usual = Character::of(loaded);
    let strategy = spelled(args.fail_strategy.unwrap_or(usual.fail_strategy));
    let strategy = match args.fail_strategy {
        None => Block::from(strategy).commented(vec![usual.why_so.to_owned()]),
        Some(_) => strategy.into(),
    };
    let mut after =
        vec![("failStrategy".to_owned(), strategy), ("pluginName".to_owned(), args.name.as_str().into())];
    if !loaded.variables.is_empty() {
        let list = loaded.variables.iter().map(|name| json!({"name": name, "valueFrom": "HOST"}).into());
        let why = "What the configuration reads of the proxy's environment: the pod's template sets it.";
        let environment = Block::List(list.collect()).commented(vec![why.to_owned()]);
        after.push(("vmConfig".to_owned(), Block::map([("env", environment)])));
    }
    let configuration = loaded.written.as_ref().map_or_else(|| json!({}).into(), Block::of_node);
    after.push(("pluginConfig".to_owned(), configuration));
    Ok((image(args)?, after))
}

/// Where the module comes from, tied to its digest where there is one.
fn image(args: &Args) -> anyhow::Result<Members> {
    let Some(image) = &args.image else {
        let what = "PLACEHOLDER: put the image and digest that `weir push` prints here.".to_owned();
        return Ok(vec![("url".to_owned(), Block::from(PLACEHOLDER).commented(vec![what]))]);
    };
    let scheme = image.split_once("://").map_or("oci", |(scheme, _)| scheme);
    if !["oci", "http", "https", "file"].contains(&scheme) {
        bail!("--image {image}: Istio takes oci://, https://, http:// and file://");
    }
    if scheme == "oci" {
        crate::oci::reference(image).context("--image")?;
    }
    let url = |url: String| ("url".to_owned(), Block::from(url));
    let Some(digest) = &args.digest else {
        let pinned = scheme == "file" || image.contains("@sha256:");
        let (name, block) = url(image.clone());
        let what = "NOT PINNED: the image of this tag can change. Pin it with --digest.".to_owned();
        return Ok(vec![(name, if pinned { block } else { block.commented(vec![what]) })]);
    };
    match scheme {
        "oci" if image.contains('@') => bail!("--image {image} has a digest already"),
        "oci" => Ok(vec![url(format!("{}@sha256:{digest}", without_tag(image)))]),
        "file" => bail!("Istio does not look at the digest of a file:// image"),
        _ => Ok(vec![url(image.clone()), ("sha256".to_owned(), digest.as_str().into())]),
    }
}

/// A digest says which image it is, and a tag beside it would only seem to.
fn without_tag(image: &str) -> &str {
    let name = image.rfind('/').map_or(0, |slash| slash + 1);
    match image.rfind(':') {
        Some(colon) if colon > name => image.split_at(colon).0,
        _ => image,
    }
}

/// What a plugin with certain sections needs.
struct Character {
    phase: Phase,
    priority: i32,
    fail_strategy: FailStrategy,
    why_there: &'static str,
    why_so: &'static str,
}

impl Character {
    /// As in the manifests of `wasm-plugins/`.
    fn of(loaded: &Loaded) -> Self {
        let document = &loaded.document;
        if document.jwt.is_some() {
            return Self {
                phase: Phase::Authn,
                priority: 1000,
                fail_strategy: FailStrategy::FailReload,
                why_there: "It verifies tokens: before authorization, and before plugins that read claims.",
                why_so: "Closed: requests without a verified token do not pass. Before Istio 1.27 use FAIL_CLOSE.",
            };
        }
        let open = "Open: without the module requests pass undecided, which is better than an error.";
        let decides = Self {
            phase: Phase::Authz,
            priority: 200,
            fail_strategy: FailStrategy::FailOpen,
            why_there: "After authentication, whose claims it can read; authorization sees the headers that it sets.",
            why_so: open,
        };
        let observes = Self {
            phase: Phase::Stats,
            why_there: "After authorization: requests rejected there do not reach the service.",
            why_so: "Open: it must not make requests fail.",
            ..decides
        };
        match (&document.experiments, &document.routing, &document.metrics) {
            (Some(_), ..) => decides,
            (None, Some(_), _) => Self { priority: 100, ..decides },
            (None, None, Some(_)) => Self { priority: 500, ..observes },
            // Behind plugins that count, so that they count what the faults do.
            (None, None, None) => Self { priority: 50, ..observes },
        }
    }
}

/// A value as Istio spells it.
fn spelled(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
