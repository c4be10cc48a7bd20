//! The `match` list as it is written.

use crate::OrderedMap;
use crate::load::Load;
use serde::Serialize;

/// One entry of a `match` list. All its tests must pass; of several entries, one is enough.
///
/// A `match` block of an Istio VirtualService has the same meaning.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HttpMatch {
    /// A name that documents the entry; it has no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The path without the query. `{prefix: /api}` also matches `/apix`, as in Istio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<Box<StringMatch>>,
    /// `http` or `https`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Box<StringMatch>>,
    /// The method, in upper case: `GET`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Box<StringMatch>>,
    /// The `:authority` (`Host`), case-insensitive. A host that differs from the test only in a port or a
    /// final dot cannot be judged, because only the proxy knows whether it is the same host: see the page on
    /// `match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<Box<StringMatch>>,
    /// Request headers by case-insensitive name. Of several lines of one header, one that passes is enough.
    /// `{}` only requires that the header is present. A name such as `@request.auth.claims.group` or
    /// `@request.auth.claims[a.b][c]` tests a claim of a verified token instead, as in Istio.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub headers: OrderedMap<StringMatch>,
    /// Like `headers`, but no test may pass. `{}` requires that the header is absent; with any other test an
    /// absent header counts as empty, as in Istio.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub without_headers: OrderedMap<StringMatch>,
    /// Query parameters by name, not percent-decoded, as in Istio. The first one of a name wins. `{}` only
    /// requires that it is present.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub query_params: OrderedMap<StringMatch>,
    /// Ignores the case of ASCII letters in `uri`. A `regex` is not affected: write `(?i)` in it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_uri_case: bool,
    /// The local port of the client's connection, 1 to 65535. On a gateway this is the port of the container,
    /// not that of the Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// Cookies by case-sensitive name. The first one of a name wins. `{}` only requires that it is present.
    /// Weir's addition.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub cookies: OrderedMap<StringMatch>,
    /// Claims of a verified token by name; `[a][b]` is the claim `b` inside `a`; write a name with dots in
    /// brackets. The claim must be a string, or a list of strings of which one passes. `{}` only requires
    /// that it is present. Weir's addition.
    #[serde(skip_serializing_if = "OrderedMap::is_empty")]
    pub claims: OrderedMap<StringMatch>,
    /// The caller's identity from its mTLS certificate, one of these, as in AuthorizationPolicy:
    /// `cluster.local/ns/shop/sa/cart`, a prefix `cluster.local/ns/shop/*`, a suffix `*/sa/cart`, or `*` for
    /// any caller with a certificate. Weir's addition.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::load::OneOrMany<String>"))]
    pub source_principals: Vec<String>,
    /// The client's address is one of these, or in one of these networks: `10.0.0.0/8`, `2001:db8::/32`,
    /// `192.0.2.7`. Behind proxies it is the address that Envoy trusts in `x-forwarded-for`. Weir's addition.
    #[load(one_or_many)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::load::OneOrMany<String>"))]
    pub remote_ip: Vec<String>,

    // What Istio has and a filter cannot know. They are read so that the refusal can say why.
    /// Not supported; always rejected.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub source_labels: Option<Box<serde_json::Value>>,
    /// Not supported; always rejected.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub source_namespace: Option<Box<serde_json::Value>>,
    /// Not supported; always rejected.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub gateways: Option<Box<serde_json::Value>>,
    /// Not supported; always rejected.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub stat_prefix: Option<Box<serde_json::Value>>,
}

/// How a text is tested: specify exactly one test. `{}` only requires that the text is present.
///
/// `exact`, `prefix` and `regex` are Istio's, the others are Weir's additions.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StringMatch {
    /// The text is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// The text starts with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The whole text matches this regular expression (RE2 syntax, at most 1024 bytes long).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// The text ends with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// The text contains this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// The text is one of these.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<String>>,
    /// `true`: the text is present, even if it is empty. `false`: it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// The text is a version that satisfies this requirement, written as for Cargo: `>=1.2.0, <2`. A leading
    /// `v` and missing final parts are tolerated (`v1.4` is 1.4.0).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// Ignores the case of ASCII letters; with `exact`, `prefix`, `suffix`, `contains` and `in`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_case: bool,
}

impl StringMatch {
    /// The same test for texts in lower case.
    pub(crate) fn lowered(&self) -> Self {
        let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_ascii_lowercase());
        Self {
            exact: lower(&self.exact),
            prefix: lower(&self.prefix),
            regex: self.regex.as_deref().map(|pattern| super::for_lower_case(pattern).into()),
            suffix: lower(&self.suffix),
            contains: lower(&self.contains),
            one_of: self
                .one_of
                .as_ref()
                .map(|texts| texts.iter().map(|text| text.to_ascii_lowercase()).collect()),
            present: self.present,
            semver: self.semver.clone(),
            ignore_case: self.ignore_case,
        }
    }
}

impl HttpMatch {
    /// The prefix of the path that it matches by; a rewrite replaces that part only.
    pub fn uri_prefix(&self) -> Option<&str> {
        self.uri.as_ref()?.prefix.as_deref()
    }
}
