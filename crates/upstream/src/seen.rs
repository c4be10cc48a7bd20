//! What the sample service has seen of a request.

use serde::{Deserialize, Serialize};

/// What the service received: the JSON body of its answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seen {
    /// The name of the service, e.g. `v1`.
    pub name: String,
    /// The request's method.
    pub method: String,
    /// The host that was asked for: HTTP/2's `:authority` or HTTP/1's `host`. Empty when there was none.
    pub authority: String,
    /// Path and query as they arrived.
    pub path: String,
    /// Headers in order of arrival, each byte of a value as the character with the same number.
    pub headers: Vec<(String, String)>,
    /// Length of the request's body.
    pub body_bytes: usize,
    /// Trailers, as the headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trailers: Vec<(String, String)>,
}

impl Seen {
    /// All values of a header, in order, as the bytes that arrived. The name is compared as it is: lower-case.
    pub fn header_bytes(&self, name: &str) -> Vec<Vec<u8>> {
        let values = self.headers.iter().filter(|(key, _)| key == name);
        values.map(|(_, value)| value.chars().map(|c| u32::from(c) as u8).collect()).collect()
    }
}
