//! Why a text is not a key set. Where it is something else that people take for one, the message says what to do.

use std::fmt;

use serde_json::Value;

/// Longer addresses are not shown, in bytes.
const MAX_ADDRESS_LEN: usize = 256;

/// Why a text is not a key set that anything can be verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySetError {
    /// Longer than 1 MiB.
    TooLarge,
    /// Nothing, or white space.
    Empty,
    /// Neither JSON nor PEM, not UTF-8, or nested deeper than 32 levels.
    Json,
    /// HTML or XML, such as a login page.
    Markup,
    /// An object has two members of one name.
    DuplicateMember,
    /// An OpenID discovery document, or an authorization server's metadata (RFC 8414), with its `jwks_uri` if that
    /// can be shown.
    Discovery(Option<String>),
    /// One key, or a list of keys, without the object around.
    Bare,
    /// Not an object with an array `keys`.
    NotASet,
    /// More than 256 keys.
    TooManyKeys,
    /// None of the keys can be used; the reasons, key by key.
    NoUsableKey(Vec<String>),
}

impl KeySetError {
    /// What a JSON value is that is no key set.
    pub(super) fn of(value: &Value) -> Self {
        let is_key = |value: &Value| value.get("kty").is_some();
        if is_key(value) || value.as_array().is_some_and(|items| items.iter().any(is_key)) {
            return Self::Bare;
        }
        match value.get("jwks_uri") {
            Some(address) => {
                Self::Discovery(address.as_str().filter(|text| is_plain(text)).map(str::to_owned))
            }
            None => Self::NotASet,
        }
    }
}

/// Whether an address can stand in a message: no password, nothing that a terminal would act on.
fn is_plain(address: &str) -> bool {
    address.len() <= MAX_ADDRESS_LEN && address.bytes().all(|b| matches!(b, 0x21..=0x7e) && b != b'@')
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeySetError::TooLarge => "the key set is longer than 1 MiB",
            KeySetError::Empty => "the key set is empty",
            KeySetError::Json => "the key set is not JSON, nor keys in PEM",
            KeySetError::Markup => {
                "this is HTML or XML, not a key set: the address is that of a page, or a login is needed for it"
            }
            KeySetError::DuplicateMember => "the key set has an object with two members of one name",
            KeySetError::Discovery(_) => {
                "this is an OpenID discovery document, not a key set: use the address in its `jwks_uri`"
            }
            KeySetError::Bare => "this is a key without a set around it: write {\"keys\": [KEY]}",
            KeySetError::NotASet => "a key set is a JSON object with an array \"keys\"",
            KeySetError::TooManyKeys => "the key set has more than 256 keys",
            KeySetError::NoUsableKey(_) => "the key set has no key that can verify a signature",
        })?;
        match self {
            KeySetError::Discovery(Some(address)) => {
                f.write_str(", ")?;
                f.write_str(address)
            }
            KeySetError::NoUsableKey(reasons) => reasons.iter().try_for_each(|reason| {
                f.write_str("; ")?;
                f.write_str(reason)
            }),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for KeySetError {}
