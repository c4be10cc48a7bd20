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
use weir_core::Named;
use weir_core::claims::ClaimName;
use weir_core::http_match::HttpMatch;

/// `jwt`: whose tokens are believed, which requests need one, and what services learn of them.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Jwt"))]
pub struct Config {
    /// Who issues tokens, by a name for rules and messages.
    pub providers: Named<Provider>,
    /// What requests need; the first rule that matches counts, and a request that none matches needs
    /// nothing. Without any rule, every request needs a token of one of the providers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Whether CORS preflights (`OPTIONS` with `origin` and `access-control-request-method`) need nothing:
    /// browsers send them without credentials.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bypass_cors_preflight: bool,
    /// Tokens that were verified are remembered.
    pub cache: Cache,
    /// How requests are refused.
    pub errors: Errors,
}

/// What some requests need.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "TokenRule"))]
pub struct Rule {
    /// A name for messages and logs: whoever is refused by `require` is told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which requests: Istio's HTTPMatchRequest, or a list of them of which one must match. All requests when
    /// absent. Claims are not known yet here, and refused. A request of which nobody can tell whether the rule
    /// is for it must meet this rule, and the one that it had without it.
    #[load(one_or_many)]
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "weir_core::load::OneOrMany<HttpMatch>"))]
    pub http_match: Vec<HttpMatch>,
    /// Which requests: a GrowthBook condition over attributes. Claims are not known yet here, and refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<serde_json::Value>,
    /// Which requests: a CEL expression over Envoy's attributes, which the proxy evaluates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cel: Option<String>,
    /// Which token they need: a provider's name, `none`, or an object. A token of any provider when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires: Option<Requires>,
    /// What the claims must say: a GrowthBook condition in which names are claims, such as `{role: admin}`, or
    /// `"[a][b]"` for `b` inside of `a`. Who does not meet it, or of whom that cannot be told, is refused with
    /// 403.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<serde_json::Value>,
    /// Values of the request that the claims must allow: an attribute or a source, such as `header:x-tenant`, with
    /// a claim that is equal to it, or a list that has it. A request without the value, or with another one, is
    /// refused with 403.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub require_in_claim: Named<ClaimName>,
}

/// Tokens that were verified are remembered, for each provider apart, and never beyond their expiry.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "TokenCache"))]
pub struct Cache {
    /// How many tokens, 0 to 65536; 1000 when absent, and 0 remembers none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// Longer tokens are not remembered, in bytes; 4096 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_token_size: Option<u32>,
}

/// How requests are refused.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Errors {
    /// What the body is; `text` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<ErrorFormat>,
    /// The realm in `www-authenticate`; `jwt` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
}

/// What the body of a refusal is.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ErrorFormat {
    /// One line for people.
    #[default]
    Text,
    /// An object with `error`, `reason` and `message`.
    Json,
    /// Nothing, and no `www-authenticate` either: who asks learns nothing but the status.
    None,
}
