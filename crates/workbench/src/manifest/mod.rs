//! Finds Weir configurations in whatever file a user has: the configuration itself, Istio's and Envoy
//! Gateway's resources, Envoy's own configuration.

mod envoy;
mod kubernetes;
mod ours;
mod plugin;

pub use crate::envelope::Around;
pub use ours::has_section;
pub use plugin::Plugin;

use crate::yaml::{Broken, Content, Mark, Node, Source, read};

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
