//! A JSON Web Key Set, and verification against it.

use std::fmt;

use serde_json::Value;

use crate::algorithm::Allowed;
use crate::json::{self, Fault};
use crate::jwk::Key;
use crate::refusal::Refusal;
use crate::service::SignatureService;
use crate::token::Token;

/// The longest key set that is read, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// The most keys that a set may have.
const MAX_KEYS: usize = 256;

/// With how many keys one token is tried. A token names its key by `kid`; without it, all keys that suit are
/// tried, and the time that this takes is for the set's owner to decide, not for who forges a token.
const MAX_CANDIDATES: usize = 8;

/// Keys that tokens are verified with (RFC 7517, section 5).
pub struct KeySet {
    keys: Vec<Key>,
}

/// Why a text is not a key set that anything can be verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySetError {
    /// Longer than 1 MiB.
    TooLarge,
    /// Not JSON, not UTF-8, or nested deeper than 32 levels.
    Json,
    /// An object has two members of one name.
    DuplicateMember,
    /// Not an object with an array `keys`.
    NotASet,
    /// More than 256 keys.
    TooManyKeys,
    /// None of the keys can be used; the reasons, key by key.
    NoUsableKey(Vec<String>),
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeySetError::TooLarge => "the key set is longer than 1 MiB",
            KeySetError::Json => "the key set is not JSON",
            KeySetError::DuplicateMember => "the key set has an object with two members of one name",
            KeySetError::NotASet => "a key set is a JSON object with an array \"keys\"",
            KeySetError::TooManyKeys => "the key set has more than 256 keys",
            KeySetError::NoUsableKey(_) => "the key set has no key that can verify a signature",
        })?;
        if let KeySetError::NoUsableKey(reasons) = self {
            for reason in reasons {
                f.write_str("; ")?;
                f.write_str(reason)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for KeySetError {}

impl KeySet {
    /// Reads a key set, and makes its keys ready. Also returns which keys are skipped, and why:
    /// a type, curve or purpose that is not ours, a weak key, a private one.
    ///
    /// Keys may share a `kid`; all of them are tried.
    ///
    /// # Errors
    ///
    /// The text is not a key set, is too large, or has no key that can be used.
    pub fn parse(json: &[u8]) -> Result<(Self, Vec<String>), KeySetError> {
        if json.len() > MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let text = str::from_utf8(json).map_err(|_| KeySetError::Json)?;
        let set = json::parse(text).map_err(|fault| match fault {
            Fault::Duplicate => KeySetError::DuplicateMember,
            Fault::Syntax | Fault::TooDeep => KeySetError::Json,
        })?;
        let jwks = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::NotASet)?;
        if jwks.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for (index, jwk) in jwks.iter().enumerate() {
            match Key::read(jwk) {
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(describe(index, jwk, reason)),
            }
        }
        if keys.is_empty() { Err(KeySetError::NoUsableKey(skipped)) } else { Ok((Self { keys }, skipped)) }
    }

    /// A set without keys, which verifies nothing: for programs that do not have the real one.
    pub fn empty() -> Self {
        Self { keys: Vec::new() }
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it is [`KeySet::empty`]: one that was read has a usable key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Verifies the token's signature with the keys that its `kid` names, or with all that suit its
    /// algorithm if it names none. A key without `kid` is a candidate for every token.
    ///
    /// A key verifies only what goes with its type: an RSA key is never an HMAC secret. At most eight keys are
    /// tried for one token.
    ///
    /// # Errors
    ///
    /// [`Refusal::AlgorithmNotAllowed`], [`Refusal::UnknownKey`] (newer keys may help),
    /// [`Refusal::KeyMismatch`], [`Refusal::BadSignature`], [`Refusal::TooManyKeys`], or [`Refusal::AlgorithmUnsupported`] if
    /// neither the host nor this build verifies such signatures.
    pub fn verify<'a>(
        &self,
        token: &Token<'_>,
        allowed: impl Into<Allowed<'a>>,
        service: &impl SignatureService,
    ) -> Result<(), Refusal> {
        let (algorithm, allowed) = (token.algorithm(), allowed.into());
        if !allowed.may_be(algorithm) {
            return Err(Refusal::AlgorithmNotAllowed);
        }
        let (mut refusal, mut tried) = (Refusal::UnknownKey, 0);
        for key in &self.keys {
            let named = key.kid.as_deref().is_some_and(|kid| token.kid() == Some(kid));
            if !named && key.kid.is_some() && token.kid().is_some() {
                continue;
            }
            if !key.suits(algorithm) {
                if named && refusal == Refusal::UnknownKey {
                    refusal = Refusal::KeyMismatch;
                }
                continue;
            }
            if !allowed.with_key(algorithm, key.algorithm) {
                if refusal == Refusal::UnknownKey {
                    refusal = Refusal::AlgorithmNotAllowed;
                }
                continue;
            }
            if tried == MAX_CANDIDATES {
                return Err(Refusal::TooManyKeys);
            }
            tried += 1;
            match key.verify(algorithm, token.signature(), token.signed(), service) {
                Some(true) => return Ok(()),
                Some(false) => refusal = failed(refusal, token, named),
                None => refusal = Refusal::AlgorithmUnsupported,
            }
        }
        Err(refusal)
    }
}

/// What is known after a key that suits has not verified the token. If the token names a key, and this
/// one has no name, then the right one may still be missing.
fn failed(before: Refusal, token: &Token<'_>, named: bool) -> Refusal {
    if named || token.kid().is_none() { Refusal::BadSignature } else { before }
}

/// A reason with the key's place and name. A `kid` is public, but may be anything: it is quoted and cut.
#[cold]
fn describe(index: usize, jwk: &Value, reason: &str) -> String {
    let mut text = String::from("keys[");
    text.push_str(&index.to_string());
    text.push(']');
    if let Some(kid) = jwk.get("kid").and_then(Value::as_str) {
        text.push_str(" (kid ");
        text.extend(kid.chars().take(64).map(|c| if c.is_control() { '?' } else { c }));
        text.push(')');
    }
    text.push_str(": ");
    text.push_str(reason);
    text
}

#[cfg(test)]
mod tests;
