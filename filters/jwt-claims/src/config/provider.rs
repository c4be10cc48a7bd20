//! Who issues tokens, as it is written.

use serde::{Serialize, Serializer};
use weir_core::claims::ClaimName;
use weir_core::http_match::StringMatch;
use weir_core::load::{Node, one_or_many};
use weir_core::{Load, Named, Problems};

/// Who issues tokens, where they stand in a request, and what services learn of them.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Provider {
    /// The claim `iss` must be this, or one of these. It is not looked at when absent.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub issuer: Vec<String>,
    /// The claim `aud` must have one of these; `http://`, `https://` and a slash at the end are not
    /// compared, as in Envoy. It is not looked at when absent.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub audiences: Vec<String>,
    /// What the claim `sub` must be; a token without it does not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subjects: Option<StringMatch>,
    /// The keys that sign tokens.
    pub jwks: Jwks,
    /// The algorithms (RFC 7518 and 8037) that tokens may be signed with, such as `RS256`; never `none`.
    /// PS256, PS384, PS512 and ES256K cost much more than others: they must be named here, or by the `alg` of
    /// the key. Default: all others that the keys are for.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<String>"))]
    pub algorithms: Vec<String>,
    /// By how much clocks may differ, for `exp` and `nbf`; `60s` when absent, `1h` at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_skew: Option<String>,
    /// Whether a token must have `exp`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_expiration: bool,
    /// How long a token may live: from now, and from `iat` if it has one, until `exp`, which it must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<String>,
    /// Texts that the token's header must have, by the name of the member: `{typ: at+jwt}` for access tokens of
    /// RFC 9068, `{signer: "arn:…"}` for an AWS load balancer. A list has the texts of which one will do. `typ` is
    /// compared ignoring case, and `application/` may be left out. Default: nothing is asked of it.
    #[serde(skip_serializing_if = "Named::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, weir_core::load::OneOrMany<String>>"))]
    pub token_header: Named<Texts>,
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
    /// Whether the upstream gets the token too. When not, a token that was verified is taken out of headers,
    /// cookies and the query.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forward: bool,
    /// The request header that is given the token's payload, in base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_header: Option<String>,
    /// Whether the value of `payloadHeader` is padded with `=`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pad_payload_header: bool,
    /// Request headers that are given claims. When absent, `x-auth-user-id` is given `sub` and
    /// `x-auth-user-role` is given `role`; an empty list gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims_to_headers: Option<Vec<ClaimHeader>>,
    /// Filter state for access logs, `wasm.weir.jwt.NAME`, with the claim that each is given.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub filter_state: Named<ClaimName>,
    /// What the claims must say: a GrowthBook condition in which names are claims, such as
    /// `{email_verified: true}`, or `"[a][b]"` for `b` inside of `a`. A token that does not meet it, or of which
    /// that cannot be told, is refused with 403.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<serde_json::Value>,
    /// Values of the request that the token must allow: an attribute or a source, such as `header:x-tenant`, with a
    /// claim that is equal to it, or a list that has it. A request without the value, or with another one, is
    /// refused with 403.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub require_in_claim: Named<ClaimName>,
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

/// Where keys come from: exactly one of these.
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

/// A server that answers with a key set.
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
    /// How long one answer may take; `5s` when absent, `1m` at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// How old keys become before they are fetched again; `10m` when absent. Requests do not wait for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// For how long after that keys are still used, while the server does not answer; `24h` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_stale: Option<String>,
    /// How long after a failure it is tried again, `1s` when absent; twice as long after each further
    /// failure, but not longer than `retryMax`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// The longest time between two tries; `1m` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_max: Option<String>,
    /// For how long a key that was fetched for and was not there is not fetched for again. Different unknown keys
    /// cause at most five fetches in this time; requests wait for the next one. Default: `10s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_key_interval: Option<String>,
    /// How long requests wait for keys; `5s` when absent, `1m` at most, and `0s` lets none wait.
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
    /// What stands before the token, such as `Bearer `, in any case. With a space at the end, any number of
    /// spaces will do, but at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_prefix: Option<String>,
}

/// A request header that is given a claim. Copies that clients send are removed from every request.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClaimHeader {
    /// The claim: its name, or the list of the names that lead to it, such as `[realm_access, roles]`. A number
    /// is the position in an array. A name with dots is ambiguous and refused: it stands in a list too.
    pub claim: ClaimName,
    /// The header's name.
    pub header: String,
    /// How the claim becomes text; `csv` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// What is done when the token has no such claim, or `null`; `omit` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// The value when the token has no such claim, or `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Longer values are left out and counted, in bytes; 4096 when absent, 65536 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u32>,
}

/// How a claim becomes a header's value. Strings, numbers and booleans stand there as they are, numbers
/// with the digits that the issuer wrote.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Format {
    /// Arrays with commas between their items. One that has an item with a comma, or an item that is an
    /// array or object, is left out and counted, as are objects.
    #[default]
    Csv,
    /// Strings, numbers and booleans only; arrays and objects are left out and counted.
    Text,
    /// Everything as JSON, strings with their quotes; in ASCII.
    Json,
    /// Everything as JSON in base64 (RFC 4648 section 4), as Envoy does it with arrays and objects.
    Base64Json,
    /// Arrays as one line of the header for each item.
    Repeat,
}

/// What is done when the token has no such claim.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Missing {
    /// The header is left out.
    #[default]
    Omit,
    /// The header is empty.
    Empty,
    /// The request is refused with 403.
    Refuse,
}
