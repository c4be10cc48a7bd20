//! Vendors' flag definitions as Weir configurations.
//!
//! Pure: JSON in, a [`Document`] and a [`Report`] out. Nothing is read or written here, so that the command line,
//! a browser and a live source share it.
//!
//! A flag of which any part has no equivalent is left out as a whole, so that what is there assigns as the
//! vendor's SDK does. `tests/it/sdk.rs` holds that against the vendors' real SDKs.

#![forbid(unsafe_code)]

mod attributes;
mod condition;
mod document;
mod flagd;
mod growthbook;
pub mod istio;
mod model;
mod names;
mod network;
mod number;
mod render;
mod report;
mod semver;
mod unleash;
mod unsupported;
mod value_test;

pub use attributes::Kind;
pub use document::{Attribute, Document, Experiment};
pub use report::{Remark, Renamed, Report};

use serde_json::Value;
use std::collections::BTreeMap;
pub use unsupported::Unsupported;
use weir_allocation::sdk::Algorithm;

/// The vendor of the definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// The payload of GrowthBook's SDKs.
    Growthbook,
    /// The feature list of Unleash's client API, or its delta events.
    Unleash,
    /// Flag definitions of flagd.
    Flagd,
}

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

/// Turns definitions into a configuration that assigns as the vendor's SDKs do.
///
/// ```
/// use serde_json::json;
/// use weir_definitions::{Options, Vendor, import};
///
/// let payload = json!({"features": {"dark": {"defaultValue": false, "rules": [{"force": true}]}}});
/// let imported = import(Vendor::Growthbook, &payload, &Options::default())?;
/// assert_eq!(imported.report.imported, ["dark"]);
/// // The configuration, for `weir check` or a plugin.
/// let configuration = imported.document.to_json();
/// assert_eq!(configuration.pointer("/experiments/list/0/key"), Some(&json!("dark")));
///
/// let error = import(Vendor::Flagd, &payload, &Options::default()).err();
/// assert!(error.is_some(), "that is GrowthBook's, not flagd's");
/// # Ok::<(), weir_definitions::Unsupported>(())
/// ```
///
/// # Errors
/// When these are no definitions of that vendor: what they seem to be, and where the right ones are.
pub fn import(vendor: Vendor, definitions: &Value, options: &Options) -> Result<Imported, Unsupported> {
    let import = match vendor {
        Vendor::Growthbook => growthbook::read(definitions)?,
        Vendor::Unleash => unleash::read(definitions)?,
        Vendor::Flagd => flagd::read(definitions, options.flagd_hash)?,
    };
    Ok(render::render(import, options))
}
