//! Tokens and keys of a request that is explained.

use super::request::RequestSpec;
use crate::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use std::fmt::Display;
use weir_core::Clock as _;
use weir_pipeline::{Plans, jwt};

/// Gives the providers their keys: `NAME`, or `PROVIDER=NAME`.
///
/// # Errors
/// The key set is missing or invalid, or the provider does not fetch its keys.
pub(super) fn give_keys<E: Display>(
    files: &[String],
    plan: &jwt::Plan,
    now: u64,
    key_set: impl Fn(&str) -> Result<String, E>,
    tell: &mut impl FnMut(&str),
) -> Result<(), Error> {
    let servers: Vec<(u16, &str)> = plan.key_servers().collect();
    for text in files {
        let (wanted, file) = match text.split_once('=') {
            Some((name, file)) => (Some(name), file),
            None => (None, text.as_str()),
        };
        let chosen: Vec<_> =
            servers.iter().filter(|(_, name)| wanted.is_none_or(|wanted| wanted == *name)).collect();
        if chosen.is_empty() {
            let names: Vec<&str> = servers.iter().map(|(_, name)| *name).collect();
            let message = match names.as_slice() {
                [] => "no provider of this configuration fetches its keys".to_owned(),
                names => format!("the providers that fetch their keys are: {}", names.join(", ")),
            };
            return Err(Error::given("jwks", text, message));
        }
        let keys = key_set(file).map_err(|why| Error::given("jwks", file, why))?;
        for (number, _) in chosen {
            let taken = plan.on_fetched(*number, now, Ok((200, keys.as_bytes())));
            // The notes name keys that are skipped, or why there are none.
            let Some(taken) = taken else { continue };
            for note in &taken.notes {
                if taken.since.is_none() {
                    return Err(Error::given("jwks", file, note));
                }
                tell(note);
            }
        }
    }
    Ok(())
}

/// Puts a token into the request that has the claims that were given, and lets it count as verified.
///
/// # Errors
/// When there is a token already, or it cannot be one.
pub(super) fn assume(given: &mut RequestSpec, config: &jwt::Config, plans: &Plans) -> Result<(), Error> {
    if given.claims.is_empty() {
        return Ok(());
    }
    let Some(plan) = &plans.jwt else { return Ok(()) };
    let (name, provider) = provider_of(&given.claims, config)?;
    let mut claims = given.claims.clone();
    // What every token of the provider has, so that conditions can ask for it.
    if let Some(issuer) = provider.issuer.first() {
        claims.entry("iss").or_insert_with(|| json!(issuer));
    }
    if let Some(audience) = provider.audiences.first() {
        claims.entry("aud").or_insert_with(|| json!(audience));
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let token =
        format!("{}.{}.{}", part(&json!({"alg": "HS256"})), part(&Value::Object(claims)), part(&json!(0)));
    put(given, provider, &token)?;
    plan.assume_verified(name, token.as_bytes(), &plans.access_plan, given.now())
        .map_err(|reason| Error::option("claim", format_args!("invalid claim: {reason}")))
}

/// The provider that issues tokens with these claims: by `iss`, else the first.
fn provider_of<'c>(
    claims: &Map<String, Value>,
    config: &'c jwt::Config,
) -> Result<(&'c str, &'c jwt::Provider), Error> {
    let issuer = claims.get("iss").and_then(Value::as_str);
    let issues = |provider: &jwt::Provider| {
        issuer.is_none_or(|issuer| provider.issuer.iter().any(|known| known == issuer))
    };
    config.providers.iter().find(|(_, provider)| issues(provider)).ok_or_else(|| {
        let issuers: Vec<&str> =
            config.providers.iter().flat_map(|(_, provider)| &provider.issuer).map(String::as_str).collect();
        let message = format!("the configuration's issuers are: {}", issuers.join(", "));
        Error::given("claim", "iss", message)
    })
}

/// Puts a token where the provider looks first.
fn put(given: &mut RequestSpec, provider: &jwt::Provider, token: &str) -> Result<(), Error> {
    let clash = |place: &str| {
        Err(Error::because(format_args!(
            "{place} is given, and claims are assumed only where there is no token: leave out the token, or \
             --claim and --unit"
        )))
    };
    let Some(from) = &provider.from else {
        if given.has_header("authorization") {
            return clash("`authorization`");
        }
        given.add_header("authorization", format!("Bearer {token}"));
        return Ok(());
    };
    if let Some(header) = from.headers.first() {
        if given.has_header(&header.name) {
            return clash(&format!("`{}`", header.name));
        }
        let prefix = header.value_prefix.as_deref().unwrap_or_default();
        given.add_header(&header.name, format!("{prefix}{token}"));
    } else if let Some(name) = from.params.first() {
        given.add_query(name, token);
    } else if let Some(name) = from.cookies.first() {
        given.add_cookie(name, token);
    }
    Ok(())
}
