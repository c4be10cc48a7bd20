//! Where the configuration is that is released.

use crate::spec::{KindSpec, ResourceSpec, Target};
use std::fmt;
use weir_core::Problems;
use weir_core::problem::At;

/// The longest name of a resource or namespace that Kubernetes has.
const MAX_NAME: usize = 253;

/// Where the configuration is.
///
/// ```
/// use weir_rollout::{Kind, Place, Resource};
///
/// let resource = Resource {
///     kind: Kind::WasmPlugin,
///     namespace: Some("shop".to_owned()),
///     name: "weir".to_owned(),
///     wasm: None,
/// };
/// assert_eq!(Place::Resource(resource).to_string(), "WasmPlugin shop/weir");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file, as it was written.
    File(String),
    /// In a resource of Kubernetes.
    Resource(Resource),
}

/// A resource of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; that of the surroundings where `None`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The name of the plugin in a list of them; the only one where `None`.
    pub wasm: Option<String>,
}

/// A kind of resource that has a Weir configuration in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Istio's WasmPlugin.
    WasmPlugin,
    /// Istio's TrafficExtension.
    TrafficExtension,
    /// Envoy Gateway's EnvoyExtensionPolicy.
    EnvoyExtensionPolicy,
}

impl Kind {
    /// The kind as resources spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WasmPlugin => "WasmPlugin",
            Self::TrafficExtension => "TrafficExtension",
            Self::EnvoyExtensionPolicy => "EnvoyExtensionPolicy",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => out.write_str(file),
            Self::Resource(Resource { kind, namespace, name, .. }) => {
                let namespace = namespace.as_ref().map(|it| format!("{it}/")).unwrap_or_default();
                write!(out, "{} {namespace}{name}", kind.name())
            }
        }
    }
}

pub(super) fn compile(target: &Target, at: &At, problems: &mut Problems) -> Option<Place> {
    match (&target.file, &target.kubernetes) {
        (Some(_), Some(_)) => {
            problems.add(&at.field("kubernetes"), "expected either `file` or `kubernetes`");
            None
        }
        (None, Some(resource)) => compile_resource(resource, &at.field("kubernetes"), problems),
        (file, None) => {
            let file = file.clone().unwrap_or_default();
            if file.is_empty() {
                let message = "missing: the file with the configuration, or `kubernetes` with the resource";
                problems.missing(&at.field("file"), message);
            }
            Some(Place::File(file))
        }
    }
}

fn compile_resource(resource: &ResourceSpec, at: &At, problems: &mut Problems) -> Option<Place> {
    let kind = resource.kind.map(|kind| match kind {
        KindSpec::WasmPlugin => Kind::WasmPlugin,
        KindSpec::TrafficExtension => Kind::TrafficExtension,
        KindSpec::EnvoyExtensionPolicy => Kind::EnvoyExtensionPolicy,
    });
    if kind.is_none() {
        let message = "missing: expected WasmPlugin, TrafficExtension or EnvoyExtensionPolicy";
        problems.missing(&at.field("kind"), message);
    }
    if resource.name.is_none() {
        problems.missing(&at.field("name"), "missing: the resource's name");
    }
    for (option, name) in [("name", &resource.name), ("namespace", &resource.namespace)] {
        if let Some(name) = name.as_ref().filter(|name| !is_name(name)) {
            let message = format!("invalid name {name:?}: expected lower case letters, digits, `-` and `.`");
            problems.add(&at.field(option), message);
        }
    }
    if resource.wasm.is_some() && kind != Some(Kind::EnvoyExtensionPolicy) {
        problems
            .add(&at.field("wasm"), "expected only for an EnvoyExtensionPolicy, which has a list of them");
    }
    let (kind, name) = (kind?, resource.name.clone()?);
    let (namespace, wasm) = (resource.namespace.clone(), resource.wasm.clone());
    Some(Place::Resource(Resource { kind, namespace, name, wasm }))
}

/// It becomes a part of a URL.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(allowed) && !name.starts_with(['.', '-'])
}
