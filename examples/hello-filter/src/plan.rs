//! The configuration, validated and ready for requests.

use crate::config::Config;
use weir_host::header::is_safe_value;

/// What requests are decided by.
#[derive(Debug)]
pub struct Plan {
    pub(crate) greeting: Vec<u8>,
    pub(crate) header: Vec<u8>,
    pub(crate) prefix: Vec<u8>,
}

impl Plan {
    /// Reads and validates a configuration.
    ///
    /// # Errors
    /// All that is wrong with it: people who correct one mistake a time lose an hour.
    pub fn load(json: &[u8]) -> Result<Self, Vec<String>> {
        let config: Config = serde_json::from_slice(json).map_err(|error| vec![error.to_string()])?;
        let mut problems = Vec::new();
        let mut require = |holds: bool, field: &str, value: &str, expected: &str| {
            if !holds {
                problems.push(format!("{field}: invalid value {value:?}: expected {expected}"));
            }
        };
        let is_name =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b == b'-' || b.is_ascii_alphanumeric());
        require(
            is_safe_value(config.greeting.as_bytes()),
            "greeting",
            &config.greeting,
            "no control characters",
        );
        require(is_name(&config.header), "header", &config.header, "letters, digits and `-`");
        require(config.prefix.starts_with('/'), "prefix", &config.prefix, "a path that starts with /");
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            greeting: config.greeting.into(),
            header: config.header.to_ascii_lowercase().into(),
            prefix: config.prefix.into(),
        })
    }
}
