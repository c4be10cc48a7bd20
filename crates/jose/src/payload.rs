//! Claims, with their numbers as written.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::json::{self, Object};
use crate::refusal::Refusal;

/// The claims of a token (RFC 7519). They own their text, so that they can outlive it in a cache. A claim is
/// read when it is asked for: its number then is what the issuer wrote, not what an `f64` makes of it.
///
/// ```
/// use weir_jose::{Audiences, Refusal, Token};
///
/// let part = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
/// let claims = r#"{"sub": "ann", "aud": ["shop", "mail"], "exp": 1300819380, "id": 9007199254740993,
///     "realm_access": {"roles": ["buyer", "admin"]}, "plan": {"name": "pro"}}"#;
/// let text = [part(r#"{"alg":"RS256"}"#), part(claims), part("signature")].join(".");
/// let token = Token::parse(text.as_bytes(), 8192)?;
/// let payload = token.payload();
///
/// // The registered claims, with their types.
/// assert_eq!((payload.sub()?.as_deref(), payload.exp()?), (Some("ann"), Some(1_300_819_380.0)));
/// let audiences: Audiences<'_> = payload.aud()?;
/// assert!(audiences.iter().eq(["shop", "mail"]));
/// assert_eq!(payload.nbf()?, None);
///
/// // Others, by path. A number is what the issuer wrote: an `f64` cannot hold this one.
/// assert_eq!(payload.scalar(&["id"]).as_deref(), Some("9007199254740993"));
/// assert_eq!(payload.scalars(&["realm_access", "roles"]).unwrap(), ["buyer", "admin"]);
/// assert_eq!(payload.raw(&["realm_access", "roles", "0"]), Some(r#""buyer""#));
/// assert_eq!(payload.json(&["plan"]).as_deref(), Some(r#"{"name":"pro"}"#));
/// assert_eq!(payload.lookup(&["plan", "name"]), Some("pro".into()));
/// # Ok::<(), Refusal>(())
/// ```
#[derive(Clone, Debug)]
pub struct Payload(Object);

/// The largest time that is believed, in seconds: about the year 290 billion. What is beyond is a
/// mistake or an attempt; `9223372036854775807`, which some issuers write for "never", is not.
const MAX_TIME: f64 = 9_223_372_036_854_775_807.0;

impl Payload {
    pub(crate) fn new(claims: Object) -> Self {
        Self(claims)
    }

    /// The payload as it is in the token.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// Bytes that the claims take in a cache, roughly: the text, and the same again as values.
    pub fn weight(&self) -> usize {
        self.text().len() * 3
    }

    /// The value at a path as it is in the token: names of members, and decimal indexes into arrays. An empty
    /// path is the whole.
    pub fn raw<S: AsRef<str>>(&self, path: &[S]) -> Option<&str> {
        let Some((first, rest)) = path.split_first() else { return Some(self.text().trim_ascii()) };
        let value = self.0.get(first.as_ref())?;
        if rest.is_empty() { Some(value) } else { json::find(value, rest.iter().map(AsRef::as_ref)) }
    }

    /// The value at a path.
    pub fn lookup<S: AsRef<str>>(&self, path: &[S]) -> Option<Value> {
        json::parse(self.raw(path)?).ok()
    }

    /// A string's characters, a number as written, `true` or `false`. `None` for everything else.
    pub fn scalar<S: AsRef<str>>(&self, path: &[S]) -> Option<Cow<'_, str>> {
        scalar(self.raw(path)?)
    }

    /// The items of an array, each as [`Payload::scalar`] has it. `None` if there is not an array, or if an
    /// item is an array, an object or null.
    pub fn scalars<S: AsRef<str>>(&self, path: &[S]) -> Option<Vec<Cow<'_, str>>> {
        json::items(self.raw(path)?)?.into_iter().map(scalar).collect()
    }

    /// Any value as JSON without white space, its numbers and escapes as written.
    pub fn json<S: AsRef<str>>(&self, path: &[S]) -> Option<String> {
        let raw = self.raw(path)?;
        let mut out = String::with_capacity(raw.len());
        json::compact(raw, &mut out);
        Some(out)
    }

    /// The time after which the token is not to be accepted, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`Refusal::ClaimType`] if it is not a number, negative, or beyond 2^63.
    pub fn exp(&self) -> Result<Option<f64>, Refusal> {
        self.time("exp")
    }

    /// The time before which the token is not to be accepted; as [`Payload::exp`].
    ///
    /// # Errors
    ///
    /// As [`Payload::exp`].
    pub fn nbf(&self) -> Result<Option<f64>, Refusal> {
        self.time("nbf")
    }

    /// When the token was issued; as [`Payload::exp`].
    ///
    /// # Errors
    ///
    /// As [`Payload::exp`].
    pub fn iat(&self) -> Result<Option<f64>, Refusal> {
        self.time("iat")
    }

    /// Who issued the token.
    ///
    /// # Errors
    ///
    /// [`Refusal::ClaimType`] if it is not a string.
    pub fn iss(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        self.string("iss")
    }

    /// Whom the token is about.
    ///
    /// # Errors
    ///
    /// [`Refusal::ClaimType`] if it is not a string.
    pub fn sub(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        self.string("sub")
    }

    /// Whom the token is for: one string, or several, or none.
    ///
    /// # Errors
    ///
    /// [`Refusal::ClaimType`] if it is neither a string nor an array of strings.
    pub fn aud(&self) -> Result<Audiences<'_>, Refusal> {
        let one = |text| json::string(text).ok_or(Refusal::ClaimType);
        let Some(raw) = self.0.get("aud") else { return Ok(Audiences::default()) };
        Ok(match json::items(raw) {
            Some(items) => {
                Audiences { one: None, more: items.into_iter().map(one).collect::<Result<_, _>>()? }
            }
            None => Audiences { one: Some(one(raw)?), more: Vec::new() },
        })
    }

    fn time(&self, name: &str) -> Result<Option<f64>, Refusal> {
        let Some(raw) = self.0.get(name) else { return Ok(None) };
        let time = match raw.parse::<i64>() {
            Ok(whole) => Some(whole as f64),
            Err(_) => raw.parse::<Number>().ok().and_then(|number| number.as_f64()),
        };
        match time {
            Some(time) if (0.0..=MAX_TIME).contains(&time) => Ok(Some(time)),
            _ => Err(Refusal::ClaimType),
        }
    }

    fn string(&self, name: &str) -> Result<Option<Cow<'_, str>>, Refusal> {
        let Some(raw) = self.0.get(name) else { return Ok(None) };
        json::string(raw).map(Some).ok_or(Refusal::ClaimType)
    }
}

/// The strings of `aud`.
#[derive(Clone, Debug, Default)]
pub struct Audiences<'p> {
    /// The only one of most tokens.
    one: Option<Cow<'p, str>>,
    more: Vec<Cow<'p, str>>,
}

impl Audiences<'_> {
    /// Each of them, in the token's order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.one.iter().chain(&self.more).map(|audience| &**audience)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.one.is_none() && self.more.is_empty()
    }
}

/// A scalar's text, out of the text of a value.
fn scalar(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes().first()? {
        b'"' => json::string(raw),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(raw)),
    }
}

#[cfg(test)]
mod tests;
