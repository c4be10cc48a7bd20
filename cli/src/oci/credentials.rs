//! Credentials for registries, from where `docker login` and `podman login` keep them.

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Credentials for a registry. They cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Nothing.
    None,
    /// A name and a password.
    Basic(String, String),
    /// A token.
    Bearer(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// The file of Docker's command line, as far as it is about credentials.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct File {
    auths: HashMap<String, Entry>,
    cred_helpers: HashMap<String, String>,
    creds_store: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    identitytoken: String,
    registrytoken: String,
}

/// What a helper program answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// The credentials for a registry, `HOST` or `HOST:PORT`; anonymous where nobody logged in.
///
/// # Errors
/// What is wrong with the file or with the helper program that it names. Neither is ever quoted.
pub(crate) fn find(registry: &str) -> anyhow::Result<Credentials> {
    let Some(path) = path() else { return Ok(Credentials::None) };
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Credentials::None),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    in_file(&text, registry).with_context(|| path.display().to_string())
}

/// `REGISTRY_AUTH_FILE`, as podman has it; else the folder `DOCKER_CONFIG`, else `~/.docker`.
fn path() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = set("REGISTRY_AUTH_FILE") {
        return Some(file);
    }
    let folder = set("DOCKER_CONFIG").or_else(|| Some(set("HOME")?.join(".docker")))?;
    Some(folder.join("config.json"))
}

/// The credentials for a registry in the text of Docker's file.
pub(crate) fn in_file(text: &[u8], registry: &str) -> anyhow::Result<Credentials> {
    let file: File = serde_json::from_slice(text)
        // The position only: the message could quote what it stumbled over.
        .map_err(|error| anyhow!("cannot be read, see line {} column {}", error.line(), error.column()))?;
    let special = file.cred_helpers.iter().find(|(host, _)| is_for(host, registry));
    let helper = special.map(|(_, helper)| helper).or(Some(&file.creds_store).filter(|h| !h.is_empty()));
    if let Some(helper) = helper
        && let Some(found) = ask(helper, registry)?
    {
        return Ok(found);
    }
    match file.auths.iter().find(|(host, _)| is_for(host, registry)) {
        Some((host, entry)) => entry.read().with_context(|| format!("auths[{host:?}]")),
        None => Ok(Credentials::None),
    }
}

/// Whether an entry's key, which old versions wrote as an address with a path, means this registry.
fn is_for(key: &str, registry: &str) -> bool {
    let host = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let host = host.split('/').next().unwrap_or_default();
    // Docker's own registry has three names, and it is kept under one that is not asked for.
    const DOCKER: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];
    host == registry || (DOCKER.contains(&host) && DOCKER.contains(&registry))
}

impl Entry {
    fn read(&self) -> anyhow::Result<Credentials> {
        if !self.registrytoken.is_empty() {
            return Ok(Credentials::Bearer(self.registrytoken.clone()));
        }
        if !self.identitytoken.is_empty() {
            bail!(NO_IDENTITY_TOKENS);
        }
        if self.auth.is_empty() {
            return Ok(Credentials::None);
        }
        let pair = BASE64_STANDARD.decode(self.auth.trim()).ok();
        let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = pair.as_deref().and_then(|text| text.trim_end_matches('\0').split_once(':'));
        let (name, password) = pair.context("`auth` is not the Base64 of NAME:PASSWORD")?;
        Ok(Credentials::Basic(name.to_owned(), password.to_owned()))
    }
}

const NO_IDENTITY_TOKENS: &str =
    "an identity token, which weir cannot use: log in with a name and a password or access token";

/// Asks a helper program; nothing if it is not installed, or has nothing for this registry.
fn ask(helper: &str, registry: &str) -> anyhow::Result<Option<Credentials>> {
    let program = format!("docker-credential-{helper}");
    if Path::new(helper).components().count() != 1 {
        bail!("{helper:?} is not the name of a credential helper");
    }
    let child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            crate::output::complain(&format!(
                "note: {program} cannot be started ({error}); going on without it"
            ));
            return Ok(None);
        }
    };
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read it will say what it makes of that.
        let _ = stdin.write_all(registry.as_bytes());
    }
    let output = child.wait_with_output().with_context(|| program.clone())?;
    if !output.status.success() {
        // The protocol's way to say "nothing here", and that only.
        let nothing = String::from_utf8_lossy(&output.stdout).contains("credentials not found");
        return if nothing { Ok(None) } else { bail!("{program} failed: {}", output.status) };
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| anyhow!("{program} did not answer as a credential helper does"))?;
    if answer.username == "<token>" {
        bail!("{program} has {NO_IDENTITY_TOKENS}");
    }
    Ok(Some(Credentials::Basic(answer.username, answer.secret)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;

    fn basic(name: &str, password: &str) -> Credentials {
        Credentials::Basic(name.to_owned(), password.to_owned())
    }

    #[test]
    fn entries_are_found_by_host_in_all_forms() {
        let file = br#"{"auths": {
            "one.example:5000": {"auth": "dXNlcjpwYTpzcw=="},
            "https://two.example/v1/": {"auth": "dTpw"},
            "https://index.docker.io/v1/": {"auth": "ZDpk"},
            "three.example": {},
            "four.example": {"registrytoken": "abc"}}}"#;
        let find = |registry| in_file(file, registry).unwrap();
        assert_eq!(find("one.example:5000"), basic("user", "pa:ss"));
        assert_eq!(find("two.example"), basic("u", "p"));
        assert_eq!(find("docker.io"), basic("d", "d"));
        assert_eq!(find("index.docker.io"), basic("d", "d"));
        assert_eq!(find("three.example"), Credentials::None);
        assert_eq!(find("four.example"), Credentials::Bearer("abc".to_owned()));
        for other in ["one.example", "one.example:5001", "example", "xtwo.example"] {
            assert_eq!(find(other), Credentials::None, "{other}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let cases = [
            (r#"{"auths": {"r": {"auth": "c2VjcmV0"}}}"#, "not the Base64 of NAME:PASSWORD"),
            (r#"{"auths": {"r": {"auth": "se:cret"}}}"#, "not the Base64"),
            (r#"{"auths": {"r": {"identitytoken": "secret"}}}"#, "identity token"),
            (r#"{"auths": {"r": "secret"}}"#, "cannot be read, see line 1"),
            ("secret", "cannot be read"),
            (r#"{"credsStore": "../secret"}"#, "not the name of a credential helper"),
        ];
        for (file, expected) in cases {
            let error = in_file(file.as_bytes(), "r").refusal();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("c2VjcmV0") && !error.contains("se:cret"), "{error}");
        }
    }

    #[test]
    fn a_helper_that_is_not_installed_is_done_without() {
        let file = br#"{"credsStore": "weir-test-absent", "auths": {"r": {"auth": "dTpw"}}}"#;
        assert_eq!(in_file(file, "r").unwrap(), basic("u", "p"));
    }
}
