//! A cookie as it is written.

use serde::Serialize;
use weir_core::Load;

/// A cookie that responses set.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Cookie"))]
pub struct CookieSpec {
    /// The cookie's name.
    pub name: String,
    /// How long it lives, such as `30d`; `365d` when absent, and `0s` for a session cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
    /// Its path; `/` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its domain; the host alone when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Which cross-site requests carry it; `lax` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_site: Option<SameSite>,
    /// Whether it is sent over HTTPS only; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure: Option<bool>,
    /// Whether scripts in the page cannot read it; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_only: Option<bool>,
}

/// The SameSite attribute of a cookie.
#[derive(Clone, Copy, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SameSite {
    /// Only requests from the same site.
    Strict,
    /// Also when a link leads to the site.
    #[default]
    Lax,
    /// All requests; browsers then demand `secure`.
    None,
}
