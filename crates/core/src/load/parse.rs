//! The two encodings of a document.

use super::Json;
use super::structure;

/// Reads JSON, or a `google.protobuf.Struct`; no bytes are `null`.
///
/// # Errors
/// It is neither; a message.
pub(super) fn parse(bytes: &[u8]) -> Result<Json<'_>, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Json::Null);
    }
    Json::parse(bytes).or_else(|error| {
        structure::read(bytes).ok_or_else(|| format!("neither JSON nor a google.protobuf.Struct: {error}"))
    })
}
