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
mod imported;
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
pub use imported::{Imported, Options};
pub use report::{Remark, Renamed, Report};
pub use unsupported::Unsupported;

use serde_json::Value;

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
