//! What all commands that speak HTTP have in common: a client that goes nowhere by itself, certificates, answers with a
//! bound, and words for what failed.

use anyhow::anyhow;
use reqwest::{Certificate, Client, ClientBuilder, Response, redirect};
use std::error::Error;
use std::fmt;
use std::path::Path;
use weir_core::escape::escape;

/// Why there is no answer, or none that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The connection: why it broke.
    Broke(String),
    /// The answer has more than this many bytes.
    TooLong(usize),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broke(why) => f.write_str(why),
            Self::TooLong(limit) => write!(f, "the answer has more than {} MiB", limit >> 20),
        }
    }
}

impl Error for Unread {}

impl From<reqwest::Error> for Unread {
    fn from(error: reqwest::Error) -> Self {
        Self::Broke(causes(&error))
    }
}

/// Why a file of certificates is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoCertificate {
    /// It cannot be read.
    Unreadable(String),
    /// A certificate begins in it and does not end.
    Endless,
    /// It has none.
    None,
    /// What is between the lines is no certificate: why.
    Invalid(String),
}

impl fmt::Display for NoCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) | Self::Invalid(why) => f.write_str(why),
            Self::Endless => f.write_str("a certificate without an end"),
            Self::None => f.write_str("no certificate in it (PEM)"),
        }
    }
}

impl Error for NoCertificate {}

/// The beginning of a client: our name, our TLS library, and no redirect that is followed. Tokens stay with the server
/// that they are for.
pub(crate) fn builder() -> ClientBuilder {
    // Fails when one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
}

/// A client that trusts these authorities besides the system's. `with` sets what else it needs.
///
/// A system without certificates is no error, such as a container of one file: servers without TLS are reached all the
/// same, and others where their authority was given.
///
/// # Errors
/// What `with` sets cannot be used.
pub(crate) fn client(
    authorities: Vec<Certificate>,
    with: impl Fn(ClientBuilder) -> ClientBuilder,
) -> anyhow::Result<Client> {
    let of_system = with(builder()).tls_certs_merge(authorities.clone()).build();
    let client = of_system.or_else(|_| with(builder()).tls_certs_only(authorities).build());
    client.map_err(|error| anyhow!(causes(&error)))
}

/// The certificates of the PEM file that an option names, to be trusted besides the system's. None without a file.
///
/// # Errors
/// It cannot be read, or has none.
pub(crate) fn authorities(file: Option<&Path>) -> Result<Vec<Certificate>, NoCertificate> {
    let Some(path) = file else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(path).map_err(|error| NoCertificate::Unreadable(error.to_string()))?;
    certificates(&text)
}

/// The certificates of a PEM file; the client takes them one by one.
///
/// # Errors
/// There are none, or one is broken.
pub(crate) fn certificates(text: &str) -> Result<Vec<Certificate>, NoCertificate> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut found = Vec::new();
    for part in text.split(BEGIN).skip(1) {
        let (body, _) = part.split_once(END).ok_or(NoCertificate::Endless)?;
        let pem = format!("{BEGIN}{body}{END}\n");
        let certificate = Certificate::from_pem(pem.as_bytes());
        found.push(certificate.map_err(|error| NoCertificate::Invalid(causes(&error)))?);
    }
    if found.is_empty() { Err(NoCertificate::None) } else { Ok(found) }
}

/// The body of an answer.
///
/// # Errors
/// The connection broke, or the body has more than `limit` bytes; the rest is not read then.
pub(crate) async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await? {
        if body.len() + part.len() > limit {
            return Err(Unread::TooLong(limit));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// The causes of an error, without the error itself: that one may have an address with a token in it.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut texts = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        cause = error.source();
    }
    if texts.is_empty() { "the connection broke".to_owned() } else { texts.join(": ") }
}

/// The beginning of what a server said, `most` characters, as it can be shown.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    escape(&text.chars().take(most).collect::<String>()).to_string()
}

/// A text as it stands in a query or a form: all but RFC 3986's unreserved characters are percent-encoded.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_certificates_may_have_several() {
        let one = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(&format!("text\n{one}text\n{one}")).unwrap().len(), 2);
        assert_eq!(certificates("").err(), Some(NoCertificate::None));
        assert_eq!(certificates("-----BEGIN CERTIFICATE-----\nAA==").err(), Some(NoCertificate::Endless));
        assert!(authorities(None).unwrap().is_empty());
        assert!(matches!(authorities(Some(Path::new("/none"))), Err(NoCertificate::Unreadable(_))));
    }

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encoded("a-Z_0.9~ &=/é"), "a-Z_0.9~%20%26%3D%2F%C3%A9");
    }

    #[test]
    fn what_a_server_says_is_shown_in_part_and_harmless() {
        assert_eq!(shortened("a\u{1b}bc", 3), "a\\u001bb");
    }
}
