//! A plugin in a manifest.

use crate::envelope::Around;
use crate::yaml::{Broken, Mark, Node};

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
