//! Finds Weir configurations in whatever file a user has: the configuration itself, Istio's and Envoy
//! Gateway's resources, Envoy's own configuration.

mod envoy;
mod kubernetes;
mod ours;

pub use ours::has_section;

use crate::yaml::{Broken, Content, Mark, Node, Source, read};
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

/// What a file has for us.
#[derive(Debug, Default)]
pub struct Found {
    /// Our plugins' configurations.
    pub ours: Vec<Plugin>,
    /// Wasm plugins of others.
    pub others: Vec<Plugin>,
    /// What is wrong with the file's syntax.
    pub broken: Vec<Broken>,
    /// The documents that are manifests.
    pub documents: Vec<Node>,
    /// The resources that are made for plugins, and in which there is none.
    pub bare: Vec<Node>,
}

/// Which Wasm plugins are taken for Weir's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those that their address, a name or a section shows to be Weir's.
    Recognised,
    /// Every one.
    All,
}

/// Finds all configurations in a file's text.
pub fn find(text: &str, whose: Whose) -> Found {
    // Of an empty file there is nothing that could be meant but an empty configuration.
    let (mut documents, broken) = read(text);
    if documents.is_empty() && broken.is_empty() {
        documents.push(Node { at: Mark::START, content: Content::Null });
    }
    let source = Source::new(text);
    let single = documents.len() == 1;
    let mut found = Found { broken, ..Found::default() };
    for document in documents {
        // A separator at the end or the beginning makes an empty document; nobody means it.
        if !single && matches!(document.content, Content::Null) {
            continue;
        }
        let (plugins, is_manifest) = plugins(&document, &source);
        let whole = (!is_manifest).then(|| plain(&document));
        if kubernetes::is_resource(&document) {
            found.bare.extend(kubernetes::without_plugins(&document, &source).into_iter().cloned());
            // A ConfigMap without our plugins need not have YAML in it at all.
            if plugins.iter().any(|plugin| whose == Whose::All || ours::is_ours(plugin)) {
                found.broken.extend(kubernetes::broken_files(&document, &source));
            }
        }
        for plugin in plugins {
            match whose == Whose::All || ours::is_ours(&plugin) {
                true => found.ours.push(plugin),
                false => found.others.push(plugin),
            }
        }
        found.ours.extend(whole);
        found.documents.extend(is_manifest.then_some(document));
    }
    found
}

/// The Wasm plugins in a document, and whether it is a manifest at all.
fn plugins(document: &Node, source: &Source<'_>) -> (Vec<Plugin>, bool) {
    if kubernetes::is_resource(document) {
        return (kubernetes::plugins(document, source), true);
    }
    let plugins = envoy::plugins(document, source, "Envoy configuration");
    let is_manifest = !plugins.is_empty() || envoy::is_configuration(document);
    (plugins, is_manifest)
}

/// The whole document is a configuration.
fn plain(document: &Node) -> Plugin {
    Plugin {
        name: String::new(),
        references: Vec::new(),
        at: document.at,
        configuration: (!matches!(document.content, Content::Null)).then(|| document.clone()),
        broken: Vec::new(),
        believes_forwarded: false,
        around: Around::Nothing,
        native: false,
    }
}
