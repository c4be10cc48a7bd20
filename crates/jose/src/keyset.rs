//! A JSON Web Key Set, or keys in PEM, and verification against them.

mod error;

pub use error::KeySetError;

use serde_json::{Map, Value};

use crate::algorithm::Allowed;
use crate::json::{self, Fault};
use crate::jwk::{Key, Unusable};
use crate::pem;
use crate::refusal::Refusal;
use crate::token::Token;
use weir_host_api::Signatures;

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

impl KeySet {
    /// Reads a key set, and makes its keys ready. Also returns which keys are skipped, and why:
    /// a type, curve or purpose that is not ours, a weak key, a private one.
    ///
    /// Keys may share a `kid`; all of them are tried. Besides a set, this may be public keys in PEM, without
    /// names, or an object of such, by `kid`. A byte order mark before it is ignored (RFC 8259, 8.1).
    ///
    /// ```
    /// use weir_jose::{KeySet, KeySetError};
    ///
    /// // The set also has a key that encrypts, which is skipped. The P-256 key is that of RFC 7515, appendix A.3.
    /// let (keys, skipped) = KeySet::parse(br#"{"keys": [
    ///   {"kty": "EC", "kid": "one", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    ///    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    ///   {"kty": "EC", "kid": "two", "use": "enc", "crv": "P-256", "x": "", "y": ""}]}"#)?;
    /// assert_eq!((keys.len(), skipped.len()), (1, 1));
    /// assert!(skipped[0].contains("two"), "{skipped:?}");
    ///
    /// // What people take for a key set gets a hint.
    /// let page = KeySet::parse(b"<!doctype html><title>Log in</title>").err();
    /// assert_eq!(page, Some(KeySetError::Markup));
    /// let discovery = KeySet::parse(br#"{"issuer": "https://login.test", "jwks_uri": "https://login.test/keys"}"#);
    /// assert_eq!(discovery.err(), Some(KeySetError::Discovery(Some("https://login.test/keys".to_owned()))));
    /// # Ok::<(), KeySetError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The text is not a key set, is too large, or has no key that can be used.
    pub fn parse(text: &[u8]) -> Result<(Self, Vec<String>), KeySetError> {
        if text.len() > MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let text = str::from_utf8(text).map_err(|_| KeySetError::Json)?.trim_ascii();
        let mut taken = Taken::default();
        match text.as_bytes().first() {
            None => return Err(KeySetError::Empty),
            Some(b'{' | b'[') => taken.json(text)?,
            Some(b'<') => return Err(KeySetError::Markup),
            Some(_) => taken.pem(text)?,
        }
        let Taken { keys, skipped } = taken;
        if keys.is_empty() { Err(KeySetError::NoUsableKey(skipped)) } else { Ok((Self { keys }, skipped)) }
    }

    /// A set without keys, which verifies nothing: for programs that do not have the real one.
    ///
    /// ```
    /// use weir_jose::{KeySet, NoService, Algorithm, Refusal, Token};
    ///
    /// // {"alg":"HS256"} . {"sub":"ann"} . four bytes
    /// let token = Token::parse(b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.AAECAw", 8192)?;
    /// let keys = KeySet::empty();
    /// assert!(keys.is_empty());
    /// assert_eq!(keys.verify(&token, &Algorithm::ALL, &NoService), Err(Refusal::UnknownKey));
    /// # Ok::<(), Refusal>(())
    /// ```
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
    /// ```
    /// use weir_jose::{Algorithm, KeySet, NoService, Token};
    ///
    /// let (keys, skipped) = KeySet::parse(
    ///     br#"{"keys": [{"kty": "oct", "kid": "one", "k": "YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s"}]}"#,
    /// )?;
    /// assert!(skipped.is_empty());
    /// let text = "eyJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9.eyJzdWIiOiJhbm4ifQ.hxH6Faob-HiP1fC7yAvce1IA08PN5-gDdy4SoDVCeuE";
    /// let token = Token::parse(text.as_bytes(), 8192)?;
    /// keys.verify(&token, &Algorithm::ALL, &NoService)?;
    /// assert_eq!(token.payload().sub()?.as_deref(), Some("ann"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
        service: &impl Signatures,
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

/// What was found in a text.
#[derive(Default)]
struct Taken {
    keys: Vec<Key>,
    skipped: Vec<String>,
}

impl Taken {
    fn json(&mut self, text: &str) -> Result<(), KeySetError> {
        let set = json::parse(text).map_err(|fault| match fault {
            Fault::Duplicate => KeySetError::DuplicateMember,
            Fault::Syntax | Fault::TooDeep => KeySetError::Json,
        })?;
        let Some(jwks) = set.get("keys").and_then(Value::as_array) else {
            return match set.as_object().filter(|members| is_pem_by_kid(members)) {
                Some(members) => self.pem_by_kid(members),
                None => Err(KeySetError::of(&set)),
            };
        };
        if jwks.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        for (index, jwk) in jwks.iter().enumerate() {
            self.take(index, jwk.get("kid").and_then(Value::as_str), Key::read(jwk));
        }
        Ok(())
    }

    /// Keys without names, one behind the other.
    fn pem(&mut self, text: &str) -> Result<(), KeySetError> {
        let mut any_certificate = false;
        for (index, block) in pem::blocks(text).enumerate() {
            if index >= MAX_KEYS {
                return Err(KeySetError::TooManyKeys);
            }
            let of_issuer = any_certificate && block.is_certificate();
            any_certificate |= block.is_certificate();
            self.take(index, None, if of_issuer { Err(OF_ISSUER) } else { block.key() });
        }
        if self.keys.is_empty() && self.skipped.is_empty() { Err(KeySetError::Json) } else { Ok(()) }
    }

    /// `{kid: PEM}`, as Google publishes certificates.
    fn pem_by_kid(&mut self, members: &Map<String, Value>) -> Result<(), KeySetError> {
        if members.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        for (index, (kid, text)) in members.iter().enumerate() {
            let mut blocks = pem::blocks(text.as_str().unwrap_or_default());
            let first = blocks.next().map_or(Err("no PEM text"), |block| block.key());
            let only = blocks.all(|more| more.is_certificate());
            let key = if only { first } else { Err("more than one PEM text under one name") };
            let named = key.map(|mut key| {
                key.kid = Some(kid.clone());
                key
            });
            self.take(index, Some(kid), named);
        }
        Ok(())
    }

    fn take(&mut self, index: usize, kid: Option<&str>, key: Result<Key, Unusable>) {
        match key {
            Ok(key) => self.keys.push(key),
            Err(reason) => self.skipped.push(describe(index, kid, reason)),
        }
    }
}

/// Whoever signs certificates does not sign tokens.
const OF_ISSUER: Unusable = "a further certificate is taken for that of an issuer";

/// Whether each member is a text in PEM.
fn is_pem_by_kid(members: &Map<String, Value>) -> bool {
    let is_pem = |value: &Value| value.as_str().is_some_and(|text| pem::blocks(text).next().is_some());
    !members.is_empty() && members.values().all(is_pem)
}

/// A reason with the key's place and name. A `kid` is public, but may be anything: it is quoted and cut.
#[cold]
fn describe(index: usize, kid: Option<&str>, reason: &str) -> String {
    let mut text = String::from("keys[");
    text.push_str(&index.to_string());
    text.push(']');
    if let Some(kid) = kid {
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
