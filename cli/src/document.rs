//! A configuration as the commands use it: found in a file, checked, and read.

use crate::environment::Variables;
use crate::input;
use crate::manifest::{self, Plugin, Whose};
use crate::yaml::Node;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use weir_core::Problems;
use weir_core::escape::escape;
use weir_pipeline::{Document, Plans};

/// A configuration without problems.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What was written.
    pub(crate) document: Document,
    /// The same unchanged, in the order in which it is there. `None` for an empty file.
    pub(crate) written: Option<Node>,
    /// What it means.
    pub(crate) plans: Plans,
    /// The environment variables that it reads in the proxy.
    pub(crate) variables: BTreeSet<String>,
}

/// Reads the configuration in a file. A file with several counts as the one that `wanted` chooses.
///
/// # Errors
/// A message for people: the file cannot be read, has no configuration or too many, or problems.
pub(crate) fn load(path: &Path, wanted: impl Fn(&Loaded) -> bool) -> Result<Loaded, String> {
    load_in(path, &Variables::default(), wanted)
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
) -> Result<Loaded, String> {
    let file = input::name(path);
    let text = input::read(path).map_err(|error| format!("{file}: {error}"))?;
    find(&file, &text, variables, wanted)
}

/// The same for the text of a file that has been read already.
///
/// # Errors
/// As [`load`], but for reading.
pub(crate) fn find(
    file: &str,
    text: &str,
    variables: &Variables,
    wanted: impl Fn(&Loaded) -> bool,
) -> Result<Loaded, String> {
    let found = manifest::find(text, Whose::Recognised);
    if let Some(broken) = found.broken.first() {
        return Err(format!("{file}:{}:{}: {}", broken.at.line, broken.at.column, escape(&broken.message)));
    }
    let mut loaded = Vec::new();
    for plugin in found.ours {
        loaded.push(read(file, plugin, variables)?);
    }
    let several = loaded.len() > 1;
    if several {
        loaded.retain(&wanted);
    }
    match (loaded.pop(), loaded.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), more) => {
            Err(format!("{file}: {} configurations in this file have it; give a file with one", more + 1))
        }
        (None, _) if several => Err(format!("{file}: none of the configurations in this file has it")),
        (None, _) => Err(format!("{file}: no Weir configuration in it")),
    }
}

fn read(file: &str, plugin: Plugin, given: &Variables) -> Result<Loaded, String> {
    let place = |at: crate::yaml::Mark| format!("{file}:{}:{}", at.line, at.column);
    if let Some(broken) = plugin.broken.first() {
        return Err(format!("{}: {}", place(broken.at), escape(&broken.message)));
    }
    let json = plugin.configuration.as_ref().map(|node| node.to_json()).unwrap_or_default();
    let bytes = if json.is_null() { Vec::new() } else { json.to_string().into_bytes() };
    let variables = RefCell::new(BTreeSet::new());
    let noted = |name: &str| {
        variables.borrow_mut().insert(name.to_owned());
        given.get_or_inherited(name)
    };
    let plans = Plans::load_offline(&bytes, &noted).map_err(|problems| {
        let (first, more) = (problems.iter().next(), problems.len().saturating_sub(1));
        let at = first.zip(plugin.configuration.as_ref()).map_or(plugin.at, |(it, node)| node.locate(&it.at));
        let first = first.map(ToString::to_string).unwrap_or_default();
        let rest = if more > 0 { format!(" (and {more} more: see `weir check`)") } else { String::new() };
        format!("{}: {first}{rest}", place(at))
    })?;
    let document = weir_core::load::load_value(&json, &mut Problems::default());
    Ok(Loaded { document, written: plugin.configuration, plans, variables: variables.into_inner() })
}
