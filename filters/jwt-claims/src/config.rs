//! The `jwt` section as it is written.
//!
//! Reading refuses only what has the wrong type or an unknown name. Everything else, and what is
//! missing, is found when the plan is made, so that all of it is reported together.

mod provider;
mod requires;

pub use provider::{
    ClaimHeader, EmbeddedKeys, Format, From, FromHeader, FromSubprotocol, Jwks, Missing, Padding, Provider,
    RemoteJwks, Texts,
};
pub use requires::{Requirement, Requires};

use serde::Serialize;
use weir_core::Load;
use weir_core::OrderedMap;
use weir_core::claims::ClaimName;
use weir_core::targeting::Targeting;

/// `jwt`: verify JWTs, require tokens, and forward claims.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Jwt"))]
pub struct Config {
    /// The issuers of tokens, by a name for rules and messages.
    pub providers: OrderedMap<Provider>,
    /// What requests need. The first matching rule decides; a request that matches no rule needs no token.
    /// Default: every request needs a token of one of the providers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Whether CORS preflights (`OPTIONS` with `origin` and `access-control-request-method`) need no token,
    /// because browsers send them without credentials.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bypass_cors_preflight: bool,
    /// The cache of verified tokens.
    pub cache: Cache,
    /// The form of error responses.
    pub errors: Errors,
}

/// What selected requests need. Claims are not available to `match`, `condition` and `cel`, and rejected there. If it
/// cannot be judged whether the rule applies to a request, the request must meet this rule and the rule that would
/// apply without it.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "TokenRule"))]
pub struct Rule {
    /// A name for logs and for the 403 body of requests that `require` rejects. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which requests.
    #[serde(flatten)]
    pub targeting: Targeting,
    /// The required token: a provider's name, `none`, or an object. Default: a token of any provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires: Option<Requires>,
    /// A requirement on the claims: a GrowthBook condition in which names are claims, such as `{role:
    /// admin}`, or `"[a][b]"` for `b` inside `a`. If it is not met, or cannot be judged, the request is
    /// refused with 403. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<serde_json::Value>,
    /// Values of the request that the claims must allow: an attribute or a source, such as `header:x-tenant`, with
    /// a claim that is equal to it, or a list that has it. A request without the value, or with another one, is
    /// refused with 403.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub require_in_claim: OrderedMap<ClaimName>,
}

/// Verified tokens are cached, separately for each provider, and never beyond their expiry.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "TokenCache"))]
pub struct Cache {
    /// Maximum number of tokens, 0 to 65536; 0 disables the cache. Default: 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// Maximum length of a cached token in bytes. Default: 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_token_size: Option<u32>,
}

/// The form of error responses.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Errors {
    /// The format of the body. Default: `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<ErrorFormat>,
    /// The realm in `www-authenticate`. Default: `jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
}

/// The format of the body of an error response.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ErrorFormat {
    /// One line for people.
    #[default]
    Text,
    /// An object with `error`, `reason` and `message`.
    Json,
    /// No body and no `www-authenticate`: the client only gets the status.
    None,
}
