//! A configuration as the commands use it: found in the text of a file, checked, and read.

use crate::error::Error;
use crate::manifest::{self, Plugin, Whose};
use crate::variables::Variables;
use crate::yaml::Node;
use std::cell::RefCell;
use std::collections::BTreeSet;
use weir_core::Problems;
use weir_pipeline::{Document, Plans};

/// A configuration without problems.
#[derive(Debug)]
pub struct Loaded {
    /// What was written.
    pub document: Document,
    /// The same unchanged, in the order in which it is there. `None` for an empty file.
    pub written: Option<Node>,
    /// What it means.
    pub plans: Plans,
    /// The environment variables that it reads in the proxy.
    pub variables: BTreeSet<String>,
}

/// Reads the configuration in the text of a file, which messages call `file`. A text with several counts as the one
/// that `wanted` chooses. Variables that `variables` does not have are taken as right.
///
/// # Errors
/// A message for people: the text has no configuration or too many, or problems.
pub fn find(
    file: &str,
    text: &str,
    variables: &Variables,
    wanted: impl Fn(&Loaded) -> bool,
) -> Result<Loaded, Error> {
    let mut loaded = find_all(file, text, variables)?;
    let several = loaded.len() > 1;
    if several {
        loaded.retain(&wanted);
    }
    match (loaded.pop(), loaded.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), more) => {
            let message = format!("{} configurations in this file have it; give a file with one", more + 1);
            Err(Error::file(file, message))
        }
        (None, _) if several => Err(Error::file(file, "none of the configurations in this file has it")),
        (None, _) => Err(Error::file(file, "no Weir configuration in it")),
    }
}

/// Reads all configurations in the text of a file.
///
/// # Errors
/// A message for people: the text or one of them has problems.
pub fn find_all(file: &str, text: &str, variables: &Variables) -> Result<Vec<Loaded>, Error> {
    let found = manifest::find(text, Whose::Recognised);
    if let Some(broken) = found.broken.first() {
        return Err(Error::broken(file, broken));
    }
    found.ours.into_iter().map(|plugin| read(file, plugin, variables)).collect()
}

fn read(file: &str, plugin: Plugin, given: &Variables) -> Result<Loaded, Error> {
    if let Some(broken) = plugin.broken.first() {
        return Err(Error::broken(file, broken));
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
        Error::place(file, at, format!("{first}{rest}"))
    })?;
    let document = weir_core::load::load_value(&json, &mut Problems::default());
    Ok(Loaded { document, written: plugin.configuration, plans, variables: variables.into_inner() })
}
