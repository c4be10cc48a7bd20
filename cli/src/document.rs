//! A configuration in a file.

use crate::environment;
use crate::input;
use std::path::Path;
use weir_workbench::variables::Variables;

pub(crate) use weir_workbench::document::{Loaded, find};

/// Reads the configuration in a file. A file with several counts as the one that `wanted` chooses.
///
/// # Errors
/// A message for people: the file cannot be read, has no configuration or too many, or problems.
pub(crate) fn load(path: &Path, wanted: impl Fn(&Loaded) -> bool) -> anyhow::Result<Loaded> {
    load_in(path, &environment::inherited(), wanted)
}

/// The same with values of environment variables. Those that neither `variables` nor the environment of
/// this program has are taken as right.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_in(
    path: &Path,
    variables: &Variables,
    wanted: impl Fn(&Loaded) -> bool,
) -> anyhow::Result<Loaded> {
    let (file, text) = input::named(path)?;
    Ok(find(&file, &text, variables, wanted)?)
}
