//! What a case sends, and what others answer.

use serde::Deserialize;

use super::value::{Headers, Value};

/// A request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// Default: GET.
    pub method: String,
    /// Path and query: a text, or `{repeat: [text, count]}`. Default: `/`.
    #[serde(deserialize_with = "super::value::long_text")]
    pub path: String,
    /// Default: `example.com`. `null` is none; Envoy refuses such requests itself.
    pub host: Option<String>,
    /// Further headers.
    pub headers: Headers,
    /// The body. Default: none.
    pub body: Option<Value>,
    /// Trailers. The exchange is HTTP/2 then, in both directions.
    pub trailers: Headers,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            path: "/".into(),
            host: Some("example.com".into()),
            headers: Headers::default(),
            body: None,
            trailers: Headers::default(),
        }
    }
}

/// An upstream's answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Answer {
    /// Default: 200.
    pub status: u16,
    /// Headers beside those that any answer has.
    pub headers: Headers,
    /// The body. Default: none.
    pub body: Option<Body>,
    /// Trailers. The exchange is HTTP/2 then, in both directions.
    pub trailers: Headers,
    /// How long the upstream takes, in milliseconds.
    pub delay_ms: u64,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Headers::default(),
            body: None,
            trailers: Headers::default(),
            delay_ms: 0,
        }
    }
}

/// A body: a [`Value`], or anything else, which becomes JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Text or bytes.
    Value(Value),
    /// JSON, without white space.
    Json(serde_json::Value),
}

impl Body {
    /// The bytes that are sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Value(value) => value.to_bytes(),
            Self::Json(json) => json.to_string().into_bytes(),
        }
    }
}

impl<'de> Deserialize<'de> for Body {
    /// Not by `untagged`: that would ask YAML what the keys `n` and `y` of a JWK are, and hear that they are
    /// booleans.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        let is_value = match &json {
            serde_json::Value::String(_) => true,
            serde_json::Value::Object(object) => {
                object.len() == 1 && (object.contains_key("bytes") || object.contains_key("repeat"))
            }
            _ => false,
        };
        match is_value {
            true => serde_json::from_value(json).map(Self::Value).map_err(serde::de::Error::custom),
            false => Ok(Self::Json(json)),
        }
    }
}

/// One answer of a cluster that the module calls.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct CalloutAnswer {
    /// Default: 200.
    pub status: u16,
    /// Headers beside the length.
    pub headers: Headers,
    /// The body. Default: none.
    pub body: Option<Body>,
    /// How long the cluster takes, in milliseconds.
    pub delay_ms: u64,
    /// The only path, with its query, that gets this answer; any other gets 404.
    pub path: Option<String>,
    /// The connection ends before an answer begins: the module sees 503, as from any cluster that is down.
    pub fails: bool,
    /// The connection ends inside the body: the module sees no answer at all.
    pub breaks: bool,
}

impl Default for CalloutAnswer {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Headers::default(),
            body: None,
            delay_ms: 0,
            path: None,
            fails: false,
            breaks: false,
        }
    }
}

/// What the host offers to the module. The mini host obeys; Envoy is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Host {
    /// Whether there is a foreign function `verify_signature`. Default: yes, as in Envoy.
    pub verify_signature: bool,
}

impl Default for Host {
    fn default() -> Self {
        Self { verify_signature: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_text_bytes_or_json() {
        let body = |yaml: &str| serde_saphyr::from_str::<Body>(yaml).unwrap().to_bytes();
        assert_eq!(body("text"), b"text");
        assert_eq!(body("{bytes: 'ff'}"), [0xff]);
        assert_eq!(body("{repeat: [a, 3]}"), b"aaa");
        assert_eq!(body("{keys: [{kty: EC, y: a}], n: 1}"), br#"{"keys":[{"kty":"EC","y":"a"}],"n":1}"#);
    }
}
