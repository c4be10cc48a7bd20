//! A request as its options describe it.

use crate::error::Error;
use std::collections::HashMap;
use weir_core::attribute::{AttributeSpec, RequestPart, SourceSpec};
use weir_core::claims::ClaimName;
use weir_core::{AttributeMap, Cel, Clock, Properties, Random, Signatures, timestamp};

/// What describes a request. Texts of pairs have a `=` between name and value, those of headers a `:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A value of one of the configuration's attributes; it is set in the attribute's source.
    pub attr: Vec<String>,
    /// A header.
    pub header: Vec<String>,
    /// A cookie.
    pub cookie: Vec<String>,
    /// A query parameter.
    pub query: Vec<String>,
    /// A claim of a simulated verified token, if no token is given. The value is JSON, or text.
    pub claim: Vec<String>,
    /// An Envoy attribute, such as source.address.
    pub property: Vec<String>,
    /// The path, with or without a query.
    pub path: String,
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The time, such as 2026-03-01T00:00:00Z. Default: when the question is asked.
    pub at: Option<String>,
}

impl Default for Options {
    /// `GET https://example.com/`.
    fn default() -> Self {
        let none = Vec::new;
        Self {
            attr: none(),
            header: none(),
            cookie: none(),
            query: none(),
            claim: none(),
            property: none(),
            path: "/".to_owned(),
            method: "GET".to_owned(),
            host: "example.com".to_owned(),
            at: None,
        }
    }
}

/// A request that can be handed to the filters.
#[derive(Clone, Debug, Default)]
pub struct RequestSpec {
    /// Claims of a token that counts as verified, where the configuration verifies tokens itself.
    pub(super) claims: serde_json::Map<String, serde_json::Value>,
    /// Whether it does.
    verifies: bool,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
    query: Vec<String>,
    path: String,
    method: String,
    host: String,
    scheme: String,
    properties: HashMap<Vec<u8>, Box<[u8]>>,
    /// Nanoseconds since the Unix epoch.
    now: u64,
}

impl RequestSpec {
    /// Reads the options. `attributes` says where the values of `--attr` belong, `verifies` whether the
    /// configuration verifies tokens itself; `now` is the time of requests that name none, in nanoseconds since the
    /// Unix epoch.
    ///
    /// # Errors
    /// An option that cannot be understood.
    pub fn new(
        options: &Options,
        attributes: &AttributeMap,
        verifies: bool,
        now: u64,
    ) -> Result<Self, Error> {
        let now = match &options.at {
            Some(text) => timestamp::parse(text).map_err(|error| Error::option("at", error))?,
            None => now,
        };
        let mut given = Self {
            verifies,
            now,
            path: options.path.clone(),
            method: options.method.clone(),
            host: options.host.clone(),
            scheme: "https".into(),
            ..Self::default()
        };
        for text in &options.header {
            let (name, value) = pair("header", text, ':')?;
            given.headers.push((name.to_ascii_lowercase(), value.trim_start().to_owned()));
        }
        for text in &options.cookie {
            let (name, value) = pair("cookie", text, '=')?;
            given.cookies.push(format!("{name}={value}"));
        }
        for text in &options.query {
            let (name, value) = pair("query", text, '=')?;
            given.query.push(format!("{}={}", encoded(name), encoded(value)));
        }
        for text in &options.claim {
            let (name, value) = pair("claim", text, '=')?;
            let path = ClaimName::Text(name.to_owned()).path();
            let path = path.map_err(|why| Error::given("claim", text, why))?;
            given.claim("payload", &path, value, claim_value(value));
        }
        for text in &options.property {
            let (path, value) = pair("property", text, '=')?;
            given.set_property(path.split('.'), value);
        }
        for text in &options.attr {
            let (name, value) = pair("attr", text, '=')?;
            let known = || attributes.iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
            if attributes.get(name).is_none() {
                let message = format!("the configuration's attributes are: {}", known());
                return Err(Error::given("attr", name, message));
            }
            given.put(&SourceSpec::Short(name.to_owned()), value, attributes)?;
        }
        Ok(given)
    }

    /// Puts a value where a source looks for it.
    ///
    /// # Errors
    /// When no request can have it there.
    pub fn put(&mut self, source: &SourceSpec, value: &str, attributes: &AttributeMap) -> Result<(), Error> {
        let nowhere =
            |source: &str| Error::because(format_args!("a request cannot give a value to `{source}`"));
        let long = match source {
            SourceSpec::Long(spec) => (**spec).clone(),
            // Attributes of the configuration come first, as in the filters.
            SourceSpec::Short(text) => match (attributes.get(text), AttributeSpec::of_short(text)) {
                (Some(SourceSpec::Long(spec)), _) => (**spec).clone(),
                (Some(SourceSpec::Short(inner)), _) => {
                    AttributeSpec::of_short(inner).ok_or_else(|| nowhere(inner))?
                }
                (None, of_short) => of_short.ok_or_else(|| nowhere(text))?,
            },
        };
        let owned = value.to_owned();
        match long {
            AttributeSpec { header: Some(name), .. } => self.headers.push((name.to_ascii_lowercase(), owned)),
            AttributeSpec { cookie: Some(name), .. } => self.cookies.push(format!("{name}={value}")),
            AttributeSpec { query: Some(name), .. } => {
                self.query.push(format!("{}={}", encoded(&name), encoded(value)));
            }
            AttributeSpec { claim: Some(path), payload, .. } => {
                let path = path.path().map_err(Error::because)?;
                self.claim(payload.as_deref().unwrap_or("payload"), &path, value, value.into());
            }
            AttributeSpec { property: Some(path), .. } => {
                self.set_property(path.0.iter().map(String::as_str), value);
            }
            AttributeSpec { route_metadata: Some(path), .. } => {
                let place = ["xds", "route_metadata", "filter_metadata"];
                self.set_property(place.into_iter().chain(path.0.iter().map(String::as_str)), value);
            }
            AttributeSpec { request: Some(part), .. } => match part {
                RequestPart::Path => self.path = owned,
                RequestPart::Method => self.method = owned,
                RequestPart::Host => self.host = owned,
                RequestPart::Scheme => self.scheme = owned,
                RequestPart::IsBot => {
                    return Err(Error::because("`isBot` comes from the user-agent: -H 'user-agent: …'"));
                }
            },
            _ => return Err(nowhere("env or constant")),
        }
        Ok(())
    }

    /// A claim: of a token that counts as verified (`json`), or as Envoy's own filter leaves it (`text`).
    fn claim(&mut self, payload: &str, path: &[String], text: &str, json: serde_json::Value) {
        if self.verifies {
            return insert(&mut self.claims, path, json);
        }
        let place = ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", payload];
        self.set_property(place.into_iter().chain(path.iter().map(String::as_str)), text);
    }

    /// Whether there is a header of this name.
    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// Adds a header.
    pub(super) fn add_header(&mut self, name: &str, value: String) {
        self.headers.push((name.to_ascii_lowercase(), value));
    }

    /// Adds a cookie.
    pub(super) fn add_cookie(&mut self, name: &str, value: &str) {
        self.cookies.push(format!("{name}={value}"));
    }

    /// Adds a query parameter.
    pub(super) fn add_query(&mut self, name: &str, value: &str) {
        self.query.push(format!("{}={}", encoded(name), encoded(value)));
    }

    fn set_property<'p>(&mut self, path: impl Iterator<Item = &'p str>, value: &str) {
        let path = path.collect::<Vec<_>>().join("\0");
        self.properties.insert(path.into_bytes(), value.as_bytes().into());
    }

    /// All headers, the request line among them.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mark = if self.path.contains('?') { '&' } else { '?' };
        let query =
            if self.query.is_empty() { String::new() } else { format!("{mark}{}", self.query.join("&")) };
        let line = [
            (":authority", self.host.clone()),
            (":path", format!("{}{query}", self.path)),
            (":method", self.method.clone()),
            (":scheme", self.scheme.clone()),
        ];
        let line = line.map(|(name, value)| (name.to_owned(), value));
        let cookie = (!self.cookies.is_empty()).then(|| ("cookie".to_owned(), self.cookies.join("; ")));
        line.into_iter().chain(self.headers.iter().cloned()).chain(cookie).collect()
    }
}

impl Properties for RequestSpec {
    type Bytes = Box<[u8]>;

    fn property(&self, path: &[u8]) -> Option<Box<[u8]>> {
        self.properties.get(path).cloned()
    }
}

impl Random for RequestSpec {
    fn random(&self) -> u64 {
        fastrand::u64(..)
    }
}

impl Clock for RequestSpec {
    fn now(&self) -> u64 {
        self.now
    }
}

impl Cel for RequestSpec {}

impl Signatures for RequestSpec {}

/// A claim's value: JSON, or a text that is none.
fn claim_value(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// Puts a claim where its path leads. A value on that path that is not an object is replaced.
fn insert(
    claims: &mut serde_json::Map<String, serde_json::Value>,
    path: &[String],
    value: serde_json::Value,
) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        claims.insert(first.clone(), value);
        return;
    }
    let inner = claims.entry(first).or_insert_with(|| serde_json::json!({}));
    if !inner.is_object() {
        *inner = serde_json::json!({});
    }
    if let Some(inner) = inner.as_object_mut() {
        insert(inner, rest, value);
    }
}

fn pair<'t>(option: &'static str, text: &'t str, separator: char) -> Result<(&'t str, &'t str), Error> {
    let missing = || Error::given(option, text, format_args!("expected a `{separator}`"));
    text.split_once(separator).ok_or_else(missing)
}

/// Percent-encoding of all but RFC 3986's unreserved characters.
fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes().map(|b| if plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
