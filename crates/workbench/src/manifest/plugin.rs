//! A plugin in a manifest, and what is around its configuration.

use crate::yaml::{Broken, Mark, Node};
use std::rc::Rc;

/// The configuration of a Wasm plugin.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Where it was found, for people: `WasmPlugin checkout`; empty for a plain Weir document.
    pub name: String,
    /// What the manifest says about the module: addresses, file names, plugin names.
    pub references: Vec<String>,
    /// Where the configuration begins; where there is none, the plugin.
    pub at: Mark,
    /// The configuration. `None` stands for no bytes at all.
    pub configuration: Option<Node>,
    /// What is wrong with the way in which it is given.
    pub broken: Vec<Broken>,
    /// Whether the listener around it is seen to take the client's address from `x-forwarded-for`. False
    /// where it does not, and where that cannot be seen.
    pub believes_forwarded: bool,
    /// The resource or message that it is in.
    pub around: Around,
    /// Whether the native module runs it.
    pub native: bool,
}

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
