//! Claims, with their numbers as written.

use std::borrow::Cow;

use serde_json::Value;

use crate::json;
use crate::refusal::Refusal;

/// The claims of a token (RFC 7519). They own their text, so that they can outlive it in a cache.
///
/// serde_json's numbers are `f64` beyond 64-bit integers. Its feature `arbitrary_precision` would keep
/// them exact, but for every crate of the module, at the price of a string per number. So the text is
/// kept, and read again where a value is a fraction or a huge number: rarely.
#[derive(Clone, Debug)]
pub struct Payload {
    text: String,
    claims: Value,
}

/// The largest time that is believed, in seconds: about the year 290 billion. What is beyond is a
/// mistake or an attempt; `9223372036854775807`, which some issuers write for "never", is not.
const MAX_TIME: f64 = 9_223_372_036_854_775_807.0;

impl Payload {
    /// The claims in `text`, read by [`json::parse`].
    pub(crate) fn new(text: String, claims: Value) -> Self {
        Self { text, claims }
    }

    /// All claims; an object.
    pub fn claims(&self) -> &Value {
        &self.claims
    }

    /// The payload as it stands in the token.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes that the claims take in a cache, roughly: the text, and the same again as values.
    pub fn weight(&self) -> usize {
        self.text.len() * 3
    }

    /// The value at a path: names of members, and decimal indexes into arrays. An empty path is the
    /// whole.
    pub fn lookup<S: AsRef<str>>(&self, path: &[S]) -> Option<&Value> {
        path.iter().try_fold(&self.claims, |value, segment| child(value, segment.as_ref()))
    }

    /// A string's characters, a number as written, `true` or `false`. `None` for everything else.
    pub fn scalar<S: AsRef<str>>(&self, path: &[S]) -> Option<Cow<'_, str>> {
        let value = self.lookup(path)?;
        scalar(value, || self.raw(path.iter().map(AsRef::as_ref)))
    }

    /// The items of an array, each as [`Payload::scalar`] has it. `None` if there is no array, or if an
    /// item is an array, an object or null.
    pub fn scalars<S: AsRef<str>>(&self, path: &[S]) -> Option<Vec<Cow<'_, str>>> {
        let items = self.lookup(path)?.as_array()?;
        let text = |(index, item)| {
            scalar(item, || {
                let index: String = usize::to_string(&index);
                self.raw(path.iter().map(AsRef::as_ref).chain([index.as_str()]))
            })
        };
        items.iter().enumerate().map(text).collect()
    }

    /// Any value as JSON without white space, its numbers and escapes as written.
    pub fn json<S: AsRef<str>>(&self, path: &[S]) -> Option<String> {
        let raw = self.raw(path.iter().map(AsRef::as_ref))?;
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
    pub fn iss(&self) -> Result<Option<&str>, Refusal> {
        self.string("iss")
    }

    /// Whom the token is about.
    ///
    /// # Errors
    ///
    /// [`Refusal::ClaimType`] if it is not a string.
    pub fn sub(&self) -> Result<Option<&str>, Refusal> {
        self.string("sub")
    }

    /// Whom the token is for: one string, or several, or none.
    ///
    /// # Errors
    ///
    /// [`Refusal::ClaimType`] if it is neither a string nor an array of strings.
    pub fn aud(&self) -> Result<Audiences<'_>, Refusal> {
        let audiences = match self.claims.get("aud") {
            None => &[],
            Some(Value::Array(audiences)) => audiences.as_slice(),
            Some(audience) => std::slice::from_ref(audience),
        };
        if audiences.iter().all(Value::is_string) {
            Ok(Audiences(audiences))
        } else {
            Err(Refusal::ClaimType)
        }
    }

    fn time(&self, name: &str) -> Result<Option<f64>, Refusal> {
        match self.claims.get(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(time) if (0.0..=MAX_TIME).contains(&time) => Ok(Some(time)),
                _ => Err(Refusal::ClaimType),
            },
        }
    }

    fn string(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.claims.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(Refusal::ClaimType),
        }
    }

    fn raw<'p>(&self, path: impl Iterator<Item = &'p str>) -> Option<&str> {
        json::find(&self.text, path)
    }
}

/// The strings of `aud`.
#[derive(Clone, Copy, Debug)]
pub struct Audiences<'p>(&'p [Value]);

impl<'p> Audiences<'p> {
    /// Each of them, in the token's order.
    pub fn iter(&self) -> impl Iterator<Item = &'p str> + use<'p> {
        self.0.iter().filter_map(Value::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn child<'v>(value: &'v Value, segment: &str) -> Option<&'v Value> {
    match value {
        Value::Object(members) => members.get(segment),
        Value::Array(items) => items.get(json::index(segment)?),
        _ => None,
    }
}

/// A scalar's text; `raw` finds that of a number which `f64` may have changed.
fn scalar<'p>(value: &'p Value, raw: impl FnOnce() -> Option<&'p str>) -> Option<Cow<'p, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Some(Cow::Owned(integer.to_string())),
            None => raw().map(Cow::Borrowed),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
