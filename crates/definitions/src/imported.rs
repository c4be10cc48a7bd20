//! What an import is given beside the definitions, and what comes of it.

use crate::attributes::Kind;
use crate::document::Document;
use crate::report::Report;
use std::collections::BTreeMap;
use weir_allocation::sdk::Algorithm;

/// What the definitions do not say.
///
/// ```
/// use serde_json::json;
/// use weir_definitions::{Attribute, Document, Experiment, Imported, Kind, Options, Vendor, import};
///
/// // A rule for one plan: where do requests have it?
/// let payload = json!({"features": {"sso": {"defaultValue": false,
///     "rules": [{"force": true, "condition": {"plan": "enterprise"}}]}}});
/// let options = Options {
///     sources: [("plan".to_owned(), "claim:plan".to_owned())].into(),
///     types: [("plan".to_owned(), Kind::Text)].into(),
///     ..Options::default()
/// };
/// let Imported { document: Document { attributes, experiments }, .. } =
///     import(Vendor::Growthbook, &payload, &options)?;
/// let Attribute { source, is_guess, .. } = &attributes[0];
/// assert_eq!((source, *is_guess), (&json!("claim:plan"), false));
/// let Experiment { flag, members, .. } = &experiments[0];
/// assert_eq!(flag, "sso");
/// assert!(members.iter().any(|(name, value)| *name == "condition" && value["plan"] == "enterprise"));
/// # Ok::<(), weir_definitions::Unsupported>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// Where requests have an attribute, by its name: `cookie:uid`. `header:x-NAME` is assumed for others.
    pub sources: BTreeMap<String, String>,
    /// How an attribute's text is read, by its name; a guess from the literals that it is compared with for others.
    pub types: BTreeMap<String, Kind>,
    /// How flagd's `fractional` hashes: `flagd-2`, or `flagd-1` for flagd up to core 0.13.
    pub flagd_hash: Algorithm,
}

impl Default for Options {
    fn default() -> Self {
        Self { sources: BTreeMap::new(), types: BTreeMap::new(), flagd_hash: Algorithm::Flagd2 }
    }
}

/// What came of definitions.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The configuration. It may have no experiments, and then a module refuses it.
    pub document: Document,
    /// What is in it, what is left out, and why.
    pub report: Report,
}
