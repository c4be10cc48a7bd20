//! What an import of Istio's resources did, and what it did not.

use super::place::Place;
use crate::report::Refused;
use serde::Serialize;

/// What is in the configuration, what is not, and what stays with Istio.
///
/// ```
/// use serde_json::json;
/// use weir_definitions::istio::{Finding, Options, Report, import};
///
/// // Istio's fault goes to Weir; a gateway is Istio's alone.
/// let documents = [
///     json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "edge"}, "spec": {}}),
///     json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "shop"},
///         "spec": {"hosts": ["shop"], "http": [{"fault": {"abort": {"httpStatus": 503, "percentage": {"value": 1}}},
///             "route": [{"destination": {"host": "shop"}}]}]}}),
/// ];
/// let report: Report = import(&documents, &Options::default())?.report;
/// assert_eq!((&report.imported[..], report.total()), (&["VirtualService shop".to_owned()][..], 1));
/// let Finding { resource, at, .. } = &report.others[0];
/// assert_eq!((&**resource, &**at), ("Gateway edge", "/0"));
/// # Ok::<(), weir_definitions::Unsupported>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The resources that are in the configuration: `VirtualService web`.
    pub imported: Vec<String>,
    /// Resources that are left out as a whole, because a part of them has no equivalent.
    pub left_out: Vec<Finding>,
    /// Parts of imported resources that stay with Istio, and resources that Istio still needs.
    pub stays: Vec<Finding>,
    /// What one should know of resources that are imported.
    pub notes: Vec<Finding>,
    /// Resources of other kinds.
    pub others: Vec<Finding>,
}

/// Something about a resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Finding {
    /// The resource: its kind and name.
    pub resource: String,
    /// What, for people; empty where the list that it is in says it all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Where it is, as a JSON pointer whose first part is the position of the document.
    pub at: String,
    /// The line in the file, if the caller knows it; the import itself does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl Finding {
    pub(crate) fn new(resource: &str, message: impl Into<String>, at: &Place<'_>) -> Self {
        Self { resource: resource.to_owned(), message: message.into(), at: at.pointer.clone(), line: None }
    }

    pub(crate) fn refused(resource: &str, refused: Refused) -> Self {
        let Refused { message, at } = refused;
        Self { resource: resource.to_owned(), message, at, line: None }
    }
}

impl Report {
    /// How many resources the file has that an import could be made of.
    #[must_use]
    pub fn total(&self) -> usize {
        self.imported.len() + self.left_out.len()
    }
}
