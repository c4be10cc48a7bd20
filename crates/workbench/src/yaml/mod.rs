//! YAML and JSON documents in which every node has its position.
//!
//! JSON is read as YAML too: all of it is valid YAML 1.2, and positions come for free.

mod embedded;
mod read;
mod scalar;
mod tree;
pub mod write;

pub use embedded::Source;
pub(crate) use read::NOT_VALID;
pub use read::{Broken, Slip, read};
pub use tree::{Content, Mark, Member, Node, Style};
