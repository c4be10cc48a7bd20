//! An issuer of tokens, as written.

use serde::{Serialize, Serializer};
use weir_core::claims::ClaimName;
use weir_core::http_match::StringMatch;
use weir_core::load::{Node, one_or_many};
use weir_core::{Load, OrderedMap, Problems};

/// An issuer of tokens: their location in requests, their keys, and the claims to forward.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Provider {
    /// The accepted values of the claim `iss`. Default: any.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub issuer: Vec<String>,
    /// The accepted values of the claim `aud`; as in Envoy, `http://`, `https://` and a final slash are
    /// ignored. Default: any.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub audiences: Vec<String>,
    /// The accepted values of the claim `sub`; a token without `sub` is rejected. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subjects: Option<StringMatch>,
    /// The keys that sign tokens.
    pub jwks: Jwks,
    /// The accepted algorithms (RFC 7518 and 8037), such as `RS256`; never `none`. PS256, PS384, PS512 and
    /// ES256K are much more expensive than others, and must be listed here or named by the `alg` of the key.
    /// Default: all others that fit the keys.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub algorithms: Vec<String>,
    /// Tolerated clock difference for `exp` and `nbf`, at most `1h`. Default: `60s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_skew: Option<String>,
    /// Whether a token must have `exp`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_expiration: bool,
    /// Maximum lifetime of a token: from now, and from `iat` if present, until `exp`, which is then required.
    /// Default: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<String>,
    /// Texts that the token's header must have, by the name of the member: `{typ: at+jwt}` for access tokens of
    /// RFC 9068, `{signer: "arn:…"}` for an AWS load balancer. A list has the texts of which one will do. `typ` is
    /// compared ignoring case, and `application/` may be left out. Default: nothing is asked of it.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, weir_core::load::OneOrMany<String>>")
    )]
    pub token_header: OrderedMap<Texts>,
    /// What is done with a token whose header brings a key, or the address of one (`jwk`, `jku`, `x5c`, `x5u`).
    /// Neither is ever used: keys come from `jwks`. Default: `refuse`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedded_keys: Option<EmbeddedKeys>,
    /// What is done with a token whose sections are padded with `=`, against RFC 7515 section 2. Default: `refuse`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub padding: Option<Padding>,
    /// Where tokens stand; in `authorization: Bearer TOKEN` and the query parameter `access_token` when
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<From>,
    /// Whether the token is forwarded to the upstream. Otherwise a verified token is removed from headers,
    /// cookies and the query.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forward: bool,
    /// The request header that gets the token's payload, in base64url. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_header: Option<String>,
    /// Whether the value of `payloadHeader` is padded with `=`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pad_payload_header: bool,
    /// Request headers that get claims; an empty list means none. Default: `x-auth-user-id` gets `sub`, and
    /// `x-auth-user-role` gets `role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims_to_headers: Option<Vec<ClaimHeader>>,
    /// Filter state for access logs, `wasm.weir.jwt.NAME`, with the claim of each. Default: none.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub filter_state: OrderedMap<ClaimName>,
    /// A requirement on the claims: a GrowthBook condition in which names are claims, such as
    /// `{email_verified: true}`, or `"[a][b]"` for `b` inside `a`. If a token does not meet it, or cannot be
    /// judged, the request is refused with 403. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<serde_json::Value>,
    /// Values of the request that the token must allow: an attribute or a source, such as `header:x-tenant`, with a
    /// claim that is equal to it, or a list that has it. A request without the value, or with another one, is
    /// refused with 403.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub require_in_claim: OrderedMap<ClaimName>,
}

/// One text or several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts(pub Vec<String>);

impl Load for Texts {
    fn load(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        one_or_many(node, problems).map(Self)
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// What is done with a token whose header brings a key along.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum EmbeddedKeys {
    /// It is refused, so that no service behind is misled by that key.
    #[default]
    Refuse,
    /// The members are ignored, as by jwt_authn. Services behind that get the token must ignore them too.
    Ignore,
}

/// What is done with a token whose sections are padded.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Padding {
    /// It is refused: a token has one spelling.
    #[default]
    Refuse,
    /// Each section may have the padding of RFC 4648, or none. The signature of such a token has two spellings.
    Accept,
}

/// The source of keys: specify exactly one.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[load(secret)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Jwks {
    /// The key set (RFC 7517 section 5) itself, as an object or as text; or public keys or a certificate in PEM, as
    /// text, or as an object with the PEM text of each `kid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline: Option<serde_json::Value>,
    /// The environment variable of the VM that holds it as text, read once at start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// A server that answers with such a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteJwks>,
}

/// A server that provides a key set.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[load(secret)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RemoteJwks {
    /// The Envoy cluster that reaches the server, such as `outbound|443||id.example.com`.
    pub cluster: String,
    /// The address of the key set, such as `https://id.example.com/jwks.json`. An OpenID provider's discovery document
    /// has it as `jwks_uri`.
    pub uri: String,
    /// Timeout of one fetch, at most `1m`. Default: `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Age at which keys are fetched again, in the background. Default: `10m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// How long keys stay valid after that while the server fails. Default: `24h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_stale: Option<String>,
    /// Delay before a retry after a failure; doubled after each further failure, up to `retryMax`. Default:
    /// `1s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// Maximum delay between two retries. Default: `1m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_max: Option<String>,
    /// How long a key that a fetch did not find is not fetched again. Different unknown keys cause at most
    /// five fetches in this time; requests wait for the next one. Default: `10s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_key_interval: Option<String>,
    /// How long requests wait for keys, at most `1m`; with `0s` they do not wait. Default: `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<String>,
    /// Maximum number of requests that wait for this provider's keys at a time, in each worker thread, at most
    /// 10000. A request whose client has left does not count. Default: 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_waiting: Option<u32>,
}

/// Where tokens stand. The first place that has one counts: headers, then the query, then cookies, then WebSocket
/// subprotocols.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "TokenFrom"))]
pub struct From {
    /// Request headers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<FromHeader>,
    /// Query parameters by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<String>,
    /// Cookies by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<String>,
    /// WebSocket subprotocols, for browsers, whose scripts can set no other header: items of the request header
    /// `sec-websocket-protocol`. The item with the token is taken out on the way to the upstream, other items stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subprotocols: Vec<FromSubprotocol>,
}

/// A WebSocket subprotocol with a token: exactly one of `after` and `prefix`.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FromSubprotocol {
    /// The subprotocol behind which the token follows as an item of its own, ignoring case: `bearer` for
    /// `bearer, TOKEN`. It stays, so that the upstream can choose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// What the item with the token begins with, ignoring case, such as `Bearer-`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Whether the token is encoded in base64url once more, as Kubernetes has it behind
    /// `base64url.bearer.authorization.k8s.io.`. Default: `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub base64url: bool,
}

/// A request header with a token.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FromHeader {
    /// The header's name.
    pub name: String,
    /// The text before the token, such as `Bearer `, case-insensitive. A final space matches one or more
    /// spaces. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_prefix: Option<String>,
}

/// A request header that gets a claim. Copies that clients send are removed from every request.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClaimHeader {
    /// The claim: its name, or the list of names that leads to it, such as `[realm_access, roles]`. A number
    /// is a position in an array. A name with dots is ambiguous and rejected: write it as a list.
    pub claim: ClaimName,
    /// The header's name.
    pub header: String,
    /// How the claim is converted to text. Default: `csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// What happens if the claim is absent or `null`. Default: `omit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// The value if the claim is absent or `null`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Maximum length of a value in bytes, at most 65536; longer values are omitted and counted. Default:
    /// 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u32>,
}

/// How a claim is converted to a header's value. Strings, numbers and booleans stay unchanged, numbers with
/// the digits that the issuer wrote.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Format {
    /// Arrays with commas between their items. Objects, and arrays with an item that contains a comma or is
    /// an array or object, are omitted and counted.
    #[default]
    Csv,
    /// Strings, numbers and booleans only; arrays and objects are omitted and counted.
    Text,
    /// Everything as JSON, strings with their quotes; in ASCII.
    Json,
    /// Everything as JSON in base64 (RFC 4648 section 4), as Envoy does for arrays and objects.
    Base64Json,
    /// Arrays as one line of the header for each item.
    Repeat,
}

/// What happens if the claim is absent.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Missing {
    /// The header is omitted.
    #[default]
    Omit,
    /// The header is empty.
    Empty,
    /// The request is refused with 403.
    Refuse,
}
