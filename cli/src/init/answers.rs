//! The four questions, and their answers.

use crate::output::Failure;
use anyhow::{Context as _, anyhow, ensure};
use clap::ValueEnum;
use std::io::{BufRead, Write};

/// Where Weir runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Where {
    /// Envoy with a file.
    #[default]
    Envoy,
    /// The ingress gateway of Istio.
    Istio,
    /// Envoy Gateway.
    EnvoyGateway,
}

/// What is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Split {
    /// A new version of a service, for a tenth of the users.
    #[default]
    Canary,
    /// Two variants of a feature, which services read from a header.
    Experiment,
}

/// Answers that were given as options.
pub(super) struct Questions<'a> {
    pub(super) place: Option<Where>,
    pub(super) unit: Option<&'a str>,
    pub(super) split: Option<Split>,
    pub(super) tokens: Option<&'a str>,
}

/// All answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) place: Where,
    /// The source of what identifies a user; none for the cookie alone.
    pub(super) unit: Option<String>,
    pub(super) split: Split,
    pub(super) tokens: Option<Issuer>,
}

/// The issuer of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issuer {
    pub(super) url: String,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Answers {
    /// What was given, and defaults.
    ///
    /// # Errors
    /// An answer that is invalid.
    pub(super) fn of(given: &Questions<'_>) -> anyhow::Result<Self> {
        Ok(Self {
            place: given.place.unwrap_or_default(),
            unit: given.unit.map(unit).transpose()?.flatten(),
            split: given.split.unwrap_or_default(),
            tokens: given.tokens.map(issuer).transpose()?.flatten(),
        })
    }

    /// Asks for what was not given. An empty line, or the end of the input, is the default.
    ///
    /// # Errors
    /// An answer that is invalid; an input that cannot be read.
    pub(super) fn ask(
        given: &Questions<'_>,
        mut input: impl BufRead,
        out: &mut impl Write,
    ) -> Result<Self, Failure> {
        let mut question = |text: &str, default: &str| -> Result<String, Failure> {
            write!(out, "{text} [{default}]: ")?;
            out.flush()?;
            let mut line = String::new();
            input.read_line(&mut line)?;
            Ok(if line.trim().is_empty() { default.to_owned() } else { line.trim().to_owned() })
        };
        let place = match given.place {
            Some(place) => place,
            None => word(&question("Where does Weir run? envoy, istio or envoy-gateway", "envoy")?)?,
        };
        let unit = match given.unit {
            Some(text) => unit(text)?,
            None => unit(&question(
                "What identifies a user? anonymous (a cookie), or a source such as header:x-user-id, cookie:uid, claim:sub",
                "anonymous",
            )?)?,
        };
        let split = match given.split {
            Some(split) => split,
            None => word(&question(
                "What is divided? canary (a new version for 10 %) or experiment (two variants)",
                "canary",
            )?)?,
        };
        let tokens = match given.tokens {
            Some(text) => issuer(text)?,
            None => issuer(&question("Which issuer's tokens must requests have? none, or its URL", "none")?)?,
        };
        Ok(Self { place, unit, split, tokens })
    }
}

fn word<T: ValueEnum>(text: &str) -> anyhow::Result<T> {
    let names: Vec<String> = T::value_variants()
        .iter()
        .filter_map(T::to_possible_value)
        .map(|it| it.get_name().to_owned())
        .collect();
    T::from_str(text, true)
        .map_err(|_| anyhow!("{text:?} is not an answer: expected one of {}", names.join(", ")))
}

fn unit(text: &str) -> anyhow::Result<Option<String>> {
    if text == "anonymous" {
        return Ok(None);
    }
    let is_source = ["header:", "cookie:", "claim:", "query:"]
        .iter()
        .any(|kind| text.strip_prefix(kind).is_some_and(|name| !name.is_empty()));
    ensure!(
        is_source,
        "{text:?} identifies no user: expected anonymous, header:NAME, cookie:NAME, query:NAME or claim:NAME"
    );
    Ok(Some(text.to_owned()))
}

fn issuer(text: &str) -> anyhow::Result<Option<Issuer>> {
    if text == "none" {
        return Ok(None);
    }
    let read = || {
        let rest = text.strip_prefix("https://")?;
        let authority = rest.split('/').next()?;
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (authority, 443),
        };
        let is_host =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
        is_host.then(|| Issuer { url: text.to_owned(), host: host.to_owned(), port })
    };
    read().map(Some).with_context(|| {
        format!("{text:?} is not an issuer: expected none, or a URL such as https://id.example.com")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Questions<'_> = Questions { place: None, unit: None, split: None, tokens: None };

    #[test]
    fn empty_lines_are_defaults() {
        let mut out = Vec::new();
        let asked =
            Answers::ask(&NOTHING, &b"\nheader:x-user\n\nhttps://id.example.com:8443/x\n"[..], &mut out)
                .unwrap();
        assert_eq!((asked.place, asked.split), (Where::Envoy, Split::Canary));
        assert_eq!(asked.unit.as_deref(), Some("header:x-user"));
        let issuer = asked.tokens.unwrap();
        assert_eq!((issuer.host.as_str(), issuer.port), ("id.example.com", 8443));
        assert_eq!(String::from_utf8(out).unwrap().matches("]: ").count(), 4);
        let defaults = Answers::ask(&NOTHING, &b""[..], &mut Vec::new()).unwrap();
        assert_eq!(defaults, Answers::of(&NOTHING).unwrap());
    }

    #[test]
    fn answers_that_are_none_are_refused() {
        for input in [
            "kong\n",
            "\nuid\n",
            "\nclaim:\n",
            "\n\nboth\n",
            "\n\n\nhttp://id.example.com\n",
            "\n\n\nhttps://\n",
        ] {
            assert!(Answers::ask(&NOTHING, input.as_bytes(), &mut Vec::new()).is_err(), "{input}");
        }
    }
}
