//! The names that users give: of rules, targets, faults, experiments, variants, providers.

use super::Compiler;
use crate::problem::At;

/// Maximum length of a name in bytes.
pub const MAX_NAME_LEN: usize = 128;

impl Compiler<'_> {
    /// Whether a name is fit for headers, cookies, logs and metrics; a problem if it is not.
    pub fn check_name(&mut self, name: &str, at: &At) -> bool {
        if name.is_empty() {
            self.problems.missing(at, "expected a name: headers, logs and metrics show it");
            return false;
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let fits = name.len() <= MAX_NAME_LEN && name.bytes().all(plain);
        if !fits {
            let message = format!(
                "{name:?} is not a valid name: use up to {MAX_NAME_LEN} letters, digits, `-`, `_` and `.`"
            );
            self.problems.add(at, message);
        }
        fits
    }

    /// Reports a name that an earlier one of the same kind has, such as a `rule`.
    pub fn duplicate_name(&mut self, name: &str, kind: &str, at: &At) {
        self.problems.add(at, format!("{name:?} is already the name of an earlier {kind}"));
    }
}
