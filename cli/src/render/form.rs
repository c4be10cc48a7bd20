//! The form of what is rendered: YAML or JSON.

use crate::output::Failure;
use serde_json::Value;
use std::io::Write;
use weir_workbench::yaml::write::{self, Block};

/// The form of what is rendered, which other programs read in any case.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Form {
    /// Write JSON instead of YAML.
    #[arg(long)]
    pub(super) json: bool,
}

impl Form {
    /// Writes a value, in YAML below lines of comment.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(crate) fn write(
        self,
        comments: &[String],
        value: &Value,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        self.write_block(&Block::of(value).commented(comments.to_vec()), out)
    }

    /// Writes a document that has its comments already. JSON has no place for them.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(crate) fn write_block(self, document: &Block, out: &mut impl Write) -> Result<(), Failure> {
        if self.json {
            crate::output::json(out, &document.to_json())?;
        } else {
            out.write_all(write::write(document).as_bytes())?;
        }
        Ok(())
    }
}
