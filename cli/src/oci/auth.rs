//! How registries ask for credentials (RFC 9110 section 11, and Docker's token protocol), and which host they are
//! sent to.

use super::credentials::Credentials;
use super::http::{Fault, Http, Request};
use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::Url;
use serde::Deserialize;

/// The most that a token server may answer.
const MAX_TOKEN_ANSWER: u64 = 64 << 10;

/// What a registry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A name and a password.
    Basic,
    /// A token of a server.
    Bearer { realm: String, service: Option<String> },
}

impl Challenge {
    /// The first challenge that we can meet; a token before a password.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let mut found = None;
        for value in values {
            let (scheme, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
            if scheme.eq_ignore_ascii_case("bearer") {
                let parameters = parameters(rest);
                let get =
                    |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, it)| it.clone());
                if let Some(realm) = get("realm") {
                    return Some(Self::Bearer { realm, service: get("service") });
                }
            } else if scheme.eq_ignore_ascii_case("basic") {
                found = Some(Self::Basic);
            }
        }
        found
    }
}

/// The parameters of a challenge, `key="value", …`, names in lower case.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let after = after.trim_start();
        let mut value = String::new();
        if let Some(quoted) = after.strip_prefix('"') {
            let mut chars = quoted.char_indices();
            rest = "";
            while let Some((at, c)) = chars.next() {
                match c {
                    '"' => {
                        rest = &quoted[at + 1..];
                        break;
                    }
                    '\\' => value.extend(chars.next().map(|(_, c)| c)),
                    c => value.push(c),
                }
            }
        } else {
            let (plain, more) = after.split_once(',').unwrap_or((after, ""));
            plain.trim().clone_into(&mut value);
            rest = more;
        }
        found.push((key, value));
    }
    found
}

/// Why nobody is let in.
pub(super) enum Refusal {
    /// The registry does not take what we have, or wants what we do not have.
    NotAllowed,
    /// Something else.
    Because(anyhow::Error),
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::Because(error)
    }
}

/// The value of `authorization` that meets a challenge.
///
/// # Errors
/// That there are no credentials, or they are not taken, or that they would go where they must not.
pub(super) async fn meet(
    challenge: &Challenge,
    credentials: &Credentials,
    scope: &str,
    registry: &Url,
    http: &Http,
) -> Result<HeaderValue, Refusal> {
    match (challenge, credentials) {
        (Challenge::Basic, Credentials::Basic(name, password)) => Ok(basic(name, password)),
        (Challenge::Basic, _) => Err(Refusal::NotAllowed),
        (Challenge::Bearer { .. }, Credentials::Bearer(token)) => bearer(token),
        (Challenge::Bearer { realm, service }, _) => {
            let mut url = token_server(realm, registry, http, !matches!(credentials, Credentials::None))?;
            if let Some(service) = service {
                url.query_pairs_mut().append_pair("service", service);
            }
            url.query_pairs_mut().append_pair("scope", scope);
            fetch(url, credentials, http).await
        }
    }
}

/// The address of the token server. Name and password go there, so it has TLS, or it is the registry's own
/// host and the user said that this one has none.
fn token_server(realm: &str, registry: &Url, http: &Http, credentials: bool) -> anyhow::Result<Url> {
    let url = Url::parse(realm).ok().filter(|url| url.has_host());
    let url = url.context("asks for a token of a server whose address is not one")?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if !http.plain() => bail!("asks for a token of a server without TLS (http), which is refused"),
        "http" if credentials && url.host_str() != registry.host_str() => {
            bail!("asks for a token of another host without TLS (http): the credentials are not sent there")
        }
        "http" => Ok(url),
        _ => bail!("asks for a token of a server whose address is neither https nor http"),
    }
}

async fn fetch(url: Url, credentials: &Credentials, http: &Http) -> Result<HeaderValue, Refusal> {
    #[derive(Deserialize)]
    struct Tokens {
        token: Option<String>,
        access_token: Option<String>,
    }
    // A redirect of this one is not followed: it is not a GET for content, and has credentials with it.
    let mut request = Request::new(Method::GET, url);
    if let Credentials::Basic(name, password) = credentials {
        request = request.with(AUTHORIZATION, basic(name, password));
    }
    let answer = match http.send_once(request, MAX_TOKEN_ANSWER).await {
        Ok(answer) => answer,
        Err(Fault::TooLong(limit)) => {
            return Err(anyhow!("its token server answers with more than {limit} bytes").into());
        }
        Err(Fault::Transport(why) | Fault::Broke(_, why)) => {
            return Err(anyhow!("its token server: {why}").into());
        }
    };
    match answer.status {
        200..=299 => {}
        401 | 403 => return Err(Refusal::NotAllowed),
        status => return Err(anyhow!("its token server answers with status {status}").into()),
    }
    let tokens: Option<Tokens> = serde_json::from_slice(&answer.body).ok();
    match tokens.and_then(|tokens| tokens.token.or(tokens.access_token)) {
        Some(token) => bearer(&token),
        None => Err(anyhow!("its token server answers without a token").into()),
    }
}

fn basic(name: &str, password: &str) -> HeaderValue {
    let pair = BASE64_STANDARD.encode(format!("{name}:{password}"));
    // Base64 is always a header's value.
    let value = HeaderValue::from_str(&format!("Basic {pair}"));
    secret(value.unwrap_or_else(|_| HeaderValue::from_static("")))
}

fn bearer(token: &str) -> Result<HeaderValue, Refusal> {
    let value = HeaderValue::from_str(&format!("Bearer {token}"));
    value.map(secret).map_err(|_| anyhow!("the token has characters that no header takes").into())
}

fn secret(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::super::connection::Connection;
    use super::*;

    fn challenge(values: &[&'static str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        Challenge::read(&headers)
    }

    fn token(realm: &str, service: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
    }

    #[test]
    fn challenges_are_read_in_all_forms() {
        assert_eq!(challenge(&["Basic realm=\"r\""]), Some(Challenge::Basic));
        assert_eq!(challenge(&["basic"]), Some(Challenge::Basic));
        let both =
            challenge(&["Basic realm=x", "bearer Realm=\"https://t/a?b=c\", service=\"s,1\",scope=\"x\""]);
        assert_eq!(both, token("https://t/a?b=c", Some("s,1")));
        assert_eq!(challenge(&["Bearer realm=\"a\\\"b\""]), token("a\"b", None));
        assert_eq!(challenge(&["Bearer realm=https://t , service=s"]), token("https://t", Some("s")));
        for odd in ["Bearer", "Bearer service=\"s\"", "Negotiate", "", "Bearer =", "Digest realm=\"r\""] {
            assert_eq!(challenge(&[odd]), None, "{odd}");
        }
        assert_eq!(challenge(&["Bearer realm=\"open"]), token("open", None));
    }

    #[test]
    fn credentials_go_nowhere_without_tls() {
        let http = |plain_http| Http::new(&Connection { plain_http, ca_file: None }).unwrap();
        let registry = Url::parse("https://r.example/v2/").unwrap();
        let goes = |realm: &str, plain: bool, credentials: bool| {
            token_server(realm, &registry, &http(plain), credentials).is_ok()
        };
        assert!(goes("https://auth.example/t", false, true));
        for realm in ["http://r.example/t", "http://auth.example/t", "ftp://r.example/t", "/t", "", "data:x"]
        {
            assert!(!goes(realm, false, true), "{realm}");
            assert!(!goes(realm, false, false), "{realm}");
        }
        assert!(goes("http://r.example:5001/t", true, true));
        assert!(!goes("http://auth.example/t", true, true));
        assert!(goes("http://auth.example/t", true, false));
    }
}
