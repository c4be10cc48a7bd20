//! What users write.

use serde::Deserialize;

/// The plugin's configuration, as JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is said before the user's name.
    pub greeting: String,
    /// The request header that the upstream gets. Copies that clients send are replaced or removed.
    pub header: String,
    /// Only requests whose path starts with this are greeted. Default: `/`.
    #[serde(default = "everywhere")]
    pub prefix: String,
}

fn everywhere() -> String {
    "/".to_owned()
}
