//! Environment variables of the proxy, as far as a command knows them.

use crate::input;
use std::path::PathBuf;
use weir_workbench::variables::Variables;

/// The option that gives values of environment variables.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Environment {
    /// A file with environment variables of the proxy, one NAME=VALUE per line. Other variables are assumed
    /// to be valid.
    #[arg(long, value_name = "FILE")]
    env: Vec<PathBuf>,
}

impl Environment {
    /// Reads the files; of a variable that is in several, the last value counts.
    ///
    /// # Errors
    /// A file that cannot be read, or a line that is not `NAME=VALUE`. Values are not shown.
    pub(crate) fn read(&self) -> anyhow::Result<Variables> {
        let mut variables = inherited();
        for path in &self.env {
            let (file, text) = input::named(path)?;
            variables.add(&file, &text)?;
        }
        Ok(variables)
    }
}

/// Those that this program has.
pub(crate) fn inherited() -> Variables {
    Variables::inheriting(|name| std::env::var(name).ok())
}
