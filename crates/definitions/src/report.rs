//! The results of an import, and what it could not convert.

use serde::Serialize;

/// What is in the configuration, what is left out, and what one should know.
///
/// ```
/// use serde_json::json;
/// use weir_definitions::{Options, Remark, Renamed, Report, Vendor, import};
///
/// let payload = json!({"features": {
///     "dark mode": {"defaultValue": false, "rules": [{"force": true}]},
///     "blue": {"defaultValue": "#00f"},
///     "odd": {"defaultValue": false, "rules": [{"force": true, "condition": {"a": {"$unknown": 1}}}]},
/// }});
/// let report: Report = import(Vendor::Growthbook, &payload, &Options::default())?.report;
/// assert_eq!(report.total(), 3);
/// assert_eq!((&report.imported[..], &report.constant[..]), (&["dark mode".to_owned()][..], &["blue".to_owned()][..]));
/// // A part of it has no equivalent: where, and why.
/// let Remark { flag, at, message, .. } = &report.left_out[0];
/// assert_eq!((&**flag, &**at), ("odd", "/features/odd"));
/// assert!(message.contains("`$unknown` is not an operator here"), "{message}");
/// // Metrics could not have the vendor's name.
/// let Renamed { flag, name, .. } = &report.renamed[0];
/// assert_eq!((&**flag, &**name), ("dark mode", "dark-mode"));
/// # Ok::<(), weir_definitions::Unsupported>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The flags that are in the configuration.
    pub imported: Vec<String>,
    /// Flags that need nothing: all units have the default that their definition names.
    pub constant: Vec<String>,
    /// Flags that are switched off: all units have what the application does without them.
    pub off: Vec<String>,
    /// Flags that are left out as a whole, because a part of them has no equivalent.
    pub left_out: Vec<Remark>,
    /// What one should know of flags that are imported.
    pub notes: Vec<Remark>,
    /// Names that are not the vendor's, because headers and metrics could not have those.
    pub renamed: Vec<Renamed>,
}

/// Something about a flag.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Remark {
    /// The flag; empty for what concerns all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub flag: String,
    /// What, for people.
    pub message: String,
    /// Where in the definitions it stands, as a JSON pointer: `/features/checkout/rules/0`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// The line in the file, if the caller knows it; the import itself does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// A name that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// The flag, by the vendor's name.
    pub flag: String,
    /// The variant, by the vendor's name; absent for the flag itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What it is called in the configuration.
    pub name: String,
}

/// Why something is left out, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) message: String,
    pub(crate) at: String,
}

impl Report {
    pub(crate) fn leave_out(&mut self, flag: &str, refused: Refused) {
        let Refused { message, at } = refused;
        self.left_out.push(Remark { flag: flag.to_owned(), message, at, line: None });
    }

    pub(crate) fn note(&mut self, flag: &str, message: impl Into<String>) {
        let (flag, message) = (flag.to_owned(), message.into());
        self.notes.push(Remark { flag, message, ..Remark::default() });
    }

    /// How many flags the definitions have.
    #[must_use]
    pub fn total(&self) -> usize {
        self.imported.len() + self.constant.len() + self.off.len() + self.left_out.len()
    }
}

/// A JSON pointer (RFC 6901).
pub(crate) fn pointer(steps: &[&str]) -> String {
    steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
}
