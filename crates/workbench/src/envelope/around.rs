//! Which resource or message a configuration is in.

use crate::yaml::Node;
use std::rc::Rc;

/// What is around a configuration. Plugins of one resource share it.
#[derive(Clone, Debug)]
pub enum Around {
    /// The document is the configuration.
    Nothing,
    /// A Kubernetes resource with fields of its own for Wasm.
    Resource(Rc<Node>),
    /// Envoy's message `Wasm`, the filter's.
    Wasm(Rc<Node>),
    /// Envoy's message `PluginConfig` in something else.
    Plugin(Rc<Node>),
}

impl Around {
    /// Whether both are the same place of a file.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Resource(one), Self::Resource(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// The resource.
    pub fn resource(&self) -> Option<&Node> {
        if let Self::Resource(node) = self { Some(node) } else { None }
    }

    /// Envoy's message `PluginConfig`.
    pub fn message(&self) -> Option<&Node> {
        match self {
            Self::Wasm(node) => node.get("config"),
            Self::Plugin(node) => Some(node),
            _ => None,
        }
    }
}
