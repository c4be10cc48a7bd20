//! A cookie as it is written.

use serde::Serialize;
use weir_core::Load;

/// A cookie that responses set.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Cookie"))]
pub struct CookieSpec {
    /// The cookie's name. Browsers drop a cookie whose name starts with `__Host-` unless it is `secure`, has
    /// the path `/` and no `domain`, and one with `__Secure-` unless it is `secure`; such configurations are
    /// rejected.
    pub name: String,
    /// How long it lives, such as `30d`; `0s` is until the browser is closed. Default: `365d`, and `0s` for
    /// `overrides.session`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
    /// Its path, which starts with `/`. Default: `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its domain. Default: only the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Which cross-site requests include it. Default: `lax`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_site: Option<SameSite>,
    /// Whether it is sent over HTTPS only. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure: Option<bool>,
    /// Whether it is hidden from scripts in the page. Default: `true`; `false` for `output.responseCookie`,
    /// which is intended for scripts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_only: Option<bool>,
    /// Whether a page that is embedded in other sites has a separate cookie for each of those sites (CHIPS).
    /// It needs `secure`, and `sameSite: none` to be sent there at all. Default: `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partitioned: bool,
}

/// The SameSite attribute of a cookie.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SameSite {
    /// Only requests from the same site.
    Strict,
    /// Also navigation by links to the site.
    #[default]
    Lax,
    /// All requests; browsers then require `secure`.
    None,
}
