//! A registry, as the commands talk to it: one call after the other, with errors for people.
//!
//! Implements the protocol of the OCI distribution specification. Responses of a registry are limited before
//! they are read, and verified against their digest before they are used.

use super::acceptance::{Answer, Source};
use super::auth::{self, Challenge, Refusal};
use super::connection::Connection;
use super::credentials::{self, Credentials};
use super::http::{self as transport, Fault, Http, Request};
use super::image::{Blob, Image};
use super::layout::{DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, OCI_INDEX, OCI_MANIFEST, digest};
use super::{archive, progress};
use crate::output::in_words;
use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method};
use oci_spec::distribution::Reference;
use reqwest::Url;
use serde::Deserialize;
use std::cell::RefCell;
use weir_core::escape::escape;

/// The most that a manifest or an index may have: what the distribution specification asks registries to
/// take.
pub(super) const MAX_MANIFEST: u64 = 4 << 20;
/// The most that is read of an answer whose content does not matter.
const MAX_OTHER: u64 = 64 << 10;

/// What is to be done in a registry: its tokens are for that only.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

/// A connection to the registry of one reference.
pub(crate) struct Registry {
    http: Http,
    credentials: Credentials,
    /// `authorization`, as the registry took it last.
    authorization: RefCell<Option<HeaderValue>>,
    /// What tokens are asked for.
    scope: RefCell<String>,
    runtime: tokio::runtime::Runtime,
}

impl Registry {
    /// Prepares to talk to the registry of `reference`: credentials and certificates are read, nothing is
    /// sent yet.
    ///
    /// # Errors
    /// What is wrong with a file or a helper program.
    pub(crate) fn open(reference: &Reference, connection: &Connection) -> anyhow::Result<Self> {
        let http = Http::new(connection)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime?;
        let credentials = credentials::find(reference.resolve_registry())?;
        Ok(Self { http, credentials, authorization: RefCell::default(), scope: RefCell::default(), runtime })
    }

    /// Logs in, if the registry asks for it.
    ///
    /// # Errors
    /// That it cannot be reached, or does not know us.
    pub(crate) fn log_in(&self, reference: &Reference, operation: Operation) -> anyhow::Result<()> {
        let actions = match operation {
            Operation::Pull => "pull",
            Operation::Push => "pull,push",
        };
        *self.scope.borrow_mut() = format!("repository:{}:{actions}", reference.repository());
        self.authorization.replace(None);
        let answer = self.get(reference, self.url(reference, "")?, None, MAX_OTHER, &|_| ())?;
        match answer.map_err(|fault| self.broken(reference, fault))? {
            // What it says to this address does not matter unless it asks for credentials.
            answer if matches!(answer.status, 401 | 403) => Err(self.explain(reference, &answer)),
            _ => Ok(()),
        }
    }

    /// Sends an image: what the registry does not have already, the manifest last.
    ///
    /// # Errors
    /// Why that did not succeed. Nothing refers to what was sent until the manifest is there.
    pub(crate) fn push(&self, reference: &Reference, image: &Image) -> anyhow::Result<()> {
        self.push_as(reference, reference.tag().unwrap_or("latest"), image).map(drop)
    }

    /// Sends an image under a tag or a digest; the registry's answer to the manifest.
    pub(super) fn push_as(
        &self,
        reference: &Reference,
        name: &str,
        image: &Image,
    ) -> anyhow::Result<transport::Answer> {
        for blob in [&image.config, &image.layer] {
            self.push_blob(reference, blob)?;
        }
        self.put_manifest(reference, name, OCI_MANIFEST, image.manifest.clone())
    }

    /// Sends a manifest or an index, whose parts are there already.
    pub(super) fn put_manifest(
        &self,
        reference: &Reference,
        name: &str,
        media_type: &'static str,
        manifest: Vec<u8>,
    ) -> anyhow::Result<transport::Answer> {
        let url = self.url(reference, &format!("{}/manifests/{name}", reference.repository()))?;
        let request = Request::new(Method::PUT, url).with(CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.write(reference, Request { body: Some(manifest.into()), ..request }, &[201])
    }

    fn push_blob(&self, reference: &Reference, blob: &Blob) -> anyhow::Result<()> {
        let Descriptor { digest, size, .. } = &blob.descriptor;
        let repository = reference.repository();
        let there = self.url(reference, &format!("{repository}/blobs/{digest}"))?;
        let answer = self.call(Request::new(Method::HEAD, there), MAX_OTHER, &|_| (), true);
        let answer = answer.map_err(|fault| self.broken(reference, fault))?;
        match answer.status {
            200..=299 => return Ok(()),
            404 => {}
            _ => return Err(self.explain(reference, &answer)),
        }
        let start = self.url(reference, &format!("{repository}/blobs/uploads/"))?;
        let request = Request::new(Method::POST, start.clone()).with(CONTENT_LENGTH, HeaderValue::from(0));
        let answer = self.write(reference, request, &[202])?;
        let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
        let registry = reference.resolve_registry();
        let mut url = self
            .http
            .resolve(&start, location)
            .map_err(|problem| anyhow!("{registry} gives {}", in_words(&problem)))?;
        url.query_pairs_mut().append_pair("digest", digest);
        let bar = progress::bar(*size, "pushing");
        let counted = bar.clone();
        let body = transport::body(Bytes::from(blob.bytes.clone()), move |part| counted.inc(part as u64));
        // One request for each blob: registries behind proxies take that more often than many.
        let mut request = Request::new(Method::PUT, url)
            .with(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .with(CONTENT_LENGTH, HeaderValue::from(*size));
        request.body = Some(body);
        let elsewhere = request.url.origin() != start.origin();
        let sent = self.write_to(reference, request, &[201], !elsewhere).map(drop);
        bar.finish_and_clear();
        sent
    }

    /// The manifest or index that a reference names.
    ///
    /// # Errors
    /// That there is none, that it is not what its digest says, or why it cannot be had.
    pub(crate) fn pull_manifest(&self, reference: &Reference) -> anyhow::Result<Answer> {
        let answer = self.manifest(reference)?;
        if answer.status == 200 {
            read_manifest(reference, answer)
        } else {
            Err(self.explain(reference, &answer))
        }
    }

    /// The same, where it is no mistake if there is none.
    ///
    /// # Errors
    /// That it is not what its digest says, or why it cannot be had.
    pub(crate) fn find_manifest(&self, reference: &Reference) -> anyhow::Result<Option<Answer>> {
        let answer = self.manifest(reference)?;
        match answer.status {
            200 => read_manifest(reference, answer).map(Some),
            404 => Ok(None),
            _ => Err(self.explain(reference, &answer)),
        }
    }

    /// The address that an answer to `base` gives.
    ///
    /// # Errors
    /// It leads to another host, or away from TLS.
    pub(super) fn following(&self, base: &Url, address: &str) -> anyhow::Result<Url> {
        let next = self.http.resolve(base, Some(address))?;
        if next.origin() == base.origin() { Ok(next) } else { bail!("its list goes on at another host") }
    }

    fn manifest(&self, reference: &Reference) -> anyhow::Result<transport::Answer> {
        let accepted = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX].join(", ");
        let accepted = HeaderValue::from_str(&accepted)?;
        let name = match reference.digest() {
            Some(digest) => well_formed(digest).with_context(|| reference.clone())?,
            None => reference.tag().unwrap_or("latest"),
        };
        let url = self.url(reference, &format!("{}/manifests/{name}", reference.repository()))?;
        match self.get(reference, url, Some(accepted), MAX_MANIFEST, &|_| ())? {
            Ok(answer) => Ok(answer),
            Err(Fault::TooLong(limit)) => {
                bail!("{reference}: its manifest has more than {} MiB", limit >> 20)
            }
            Err(fault) => Err(self.broken(reference, fault)),
        }
    }

    /// A blob, held to the size and the digest that the manifest gives it.
    ///
    /// # Errors
    /// That it is larger than any module may be, not what the manifest says, or why it cannot be had.
    pub(crate) fn pull_blob(&self, reference: &Reference, wanted: &Descriptor) -> anyhow::Result<Vec<u8>> {
        let name = escape(&wanted.digest);
        let about = || format!("{reference}: layer {name}");
        if wanted.size > archive::LIMIT {
            bail!("{}: {}", about(), archive::too_large(wanted.size));
        }
        well_formed(&wanted.digest).with_context(|| reference.clone())?;
        let url = self.url(reference, &format!("{}/blobs/{}", reference.repository(), wanted.digest))?;
        let bar = progress::bar(wanted.size, "pulling");
        let answer = self.get(reference, url, None, wanted.size, &|part| bar.inc(part as u64));
        bar.finish_and_clear();
        let (blob, size) = match answer? {
            Ok(answer) if answer.status == 200 => (answer.body, wanted.size),
            Ok(answer) => return Err(self.explain(reference, &answer)),
            Err(Fault::Broke(got, why)) => {
                bail!("{}: after {got} of {} bytes: {why}", about(), wanted.size);
            }
            Err(Fault::TooLong(limit)) => {
                bail!("{}: has more than the {limit} bytes declared in the manifest", about());
            }
            Err(fault) => return Err(self.broken(reference, fault)),
        };
        if (blob.len() as u64) < size {
            bail!("{}: is cut off: {} of {size} bytes", about(), blob.len());
        }
        let found = digest(&blob);
        if found != wanted.digest {
            bail!("{reference}: layer {name} does not match its digest: it is {found}");
        }
        Ok(blob)
    }

    /// An address below `/v2/` of the registry.
    pub(super) fn url(&self, reference: &Reference, path: &str) -> anyhow::Result<Url> {
        let registry = reference.resolve_registry();
        let url = Url::parse(&format!("{}://{registry}/v2/{path}", self.http.scheme()));
        url.with_context(|| format!("{registry} is not the address of a registry"))
    }

    pub(super) fn get(
        &self,
        reference: &Reference,
        url: Url,
        accepted: Option<HeaderValue>,
        limit: u64,
        progress: &dyn Fn(usize),
    ) -> anyhow::Result<Result<transport::Answer, Fault>> {
        let request = || {
            let request = Request::new(Method::GET, url.clone());
            match &accepted {
                Some(accepted) => request.with(ACCEPT, accepted.clone()),
                None => request,
            }
        };
        let first = self.call(request(), limit, progress, true);
        let Ok(answer) = &first else { return Ok(first) };
        if answer.status != 401 {
            return Ok(first);
        }
        let Some(challenge) = Challenge::read(&answer.headers) else { return Ok(first) };
        let scope = self.scope.borrow().clone();
        let met = auth::meet(&challenge, &self.credentials, &scope, &url, &self.http);
        let registry = reference.resolve_registry();
        let value = self.runtime.block_on(met).map_err(|refusal| match refusal {
            Refusal::NotAllowed => self.not_allowed(registry),
            Refusal::Because(why) => why.context(registry.to_owned()),
        })?;
        self.authorization.replace(Some(value));
        Ok(self.call(request(), limit, progress, true))
    }

    /// Sends something that changes the registry.
    fn write(
        &self,
        reference: &Reference,
        request: Request,
        good: &[u16],
    ) -> anyhow::Result<transport::Answer> {
        self.write_to(reference, request, good, true)
    }

    fn write_to(
        &self,
        reference: &Reference,
        request: Request,
        good: &[u16],
        authorized: bool,
    ) -> anyhow::Result<transport::Answer> {
        let answer = self.call(request, MAX_OTHER, &|_| (), authorized);
        let answer = answer.map_err(|fault| self.broken(reference, fault))?;
        if good.contains(&answer.status) { Ok(answer) } else { Err(self.explain(reference, &answer)) }
    }

    fn call(
        &self,
        mut request: Request,
        limit: u64,
        progress: &dyn Fn(usize),
        authorized: bool,
    ) -> Result<transport::Answer, Fault> {
        if let Some(value) = self.authorization.borrow().as_ref().filter(|_| authorized) {
            request.headers.insert(AUTHORIZATION, value.clone());
        }
        self.runtime.block_on(self.http.send(request, limit, progress))
    }

    /// What a connection that failed means to a person. Addresses are left out: they can carry tokens.
    pub(super) fn broken(&self, reference: &Reference, fault: Fault) -> anyhow::Error {
        let registry = reference.resolve_registry();
        match fault {
            Fault::Transport(why) => anyhow!("{registry}: {}", escape(&why)),
            Fault::Broke(got, why) => anyhow!("{registry}: after {got} bytes: {}", escape(&why)),
            Fault::TooLong(limit) => anyhow!("{registry} answers with more than {limit} bytes"),
        }
    }

    /// What an answer that refuses means to a person.
    pub(super) fn explain(&self, reference: &Reference, answer: &transport::Answer) -> anyhow::Error {
        const MISSING: [&str; 4] = ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND", "BLOB_UNKNOWN"];
        let registry = reference.resolve_registry();
        let envelope: Envelope = serde_json::from_slice(&answer.body).unwrap_or_default();
        let has = |codes: &[&str]| envelope.errors.iter().any(|error| codes.contains(&error.code.as_str()));
        if matches!(answer.status, 401 | 403) || has(&["UNAUTHORIZED", "DENIED"]) {
            return self.not_allowed(registry);
        }
        if answer.status == 404 || has(&MISSING) {
            return anyhow!("{reference}: image not found, or access denied");
        }
        let said = envelope.errors.first().map(|error| match error.message.as_str() {
            "" => error.code.clone(),
            message => format!("{}: {message}", error.code),
        });
        let said: String = said.unwrap_or_default().chars().take(200).collect();
        let said = if said.is_empty() { said } else { format!(": {}", escape(&said)) };
        anyhow!("{registry} answers with status {}{said}", answer.status)
    }

    fn not_allowed(&self, registry: &str) -> anyhow::Error {
        match self.credentials {
            Credentials::None => {
                anyhow!("{registry} requires credentials, and none are configured: `docker login {registry}`")
            }
            _ => anyhow!("{registry} rejects the configured credentials"),
        }
    }
}

/// How registries say what is wrong.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    errors: Vec<Said>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    code: String,
    message: String,
}

/// A digest that can be held against what comes.
///
/// # Errors
/// It is not one, or of an algorithm other than SHA-256.
pub(super) fn well_formed(digest: &str) -> anyhow::Result<&str> {
    let digits = digest.strip_prefix("sha256:").unwrap_or_default();
    let good = digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let short: String = digest.chars().take(80).collect();
    good.then_some(digest).with_context(|| format!("\"{}\" is not a SHA-256 digest", escape(&short)))
}

/// A manifest or index, held against the digest that was asked for and the one that the registry gives.
fn read_manifest(reference: &Reference, answer: transport::Answer) -> anyhow::Result<Answer> {
    let found = digest(&answer.body);
    let said = answer.headers.get("docker-content-digest").and_then(|value| value.to_str().ok());
    // Other algorithms than ours are not looked at, unless they were asked for.
    let said = said.filter(|said| well_formed(said).is_ok());
    if let Some(wanted) = reference.digest().into_iter().chain(said).find(|wanted| **wanted != *found) {
        bail!("{reference} does not match its digest: it is {found}, not {wanted}");
    }
    Ok(Answer { media_type: media_type(&answer.body), bytes: answer.body })
}

/// An image in a registry, for the rules of acceptance.
pub(crate) struct Remote<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) reference: &'a Reference,
}

impl Source for Remote<'_> {
    fn manifest(&mut self, digest: &str) -> anyhow::Result<Answer> {
        self.registry.pull_manifest(&self.reference.clone_with_digest(digest.to_owned()))
    }

    fn blob(&mut self, descriptor: &Descriptor) -> anyhow::Result<Vec<u8>> {
        self.registry.pull_blob(self.reference, descriptor)
    }
}

/// What a manifest is. The response says it too, but registries take the one from the other.
fn media_type(manifest: &[u8]) -> String {
    let manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap_or_default();
    match manifest["mediaType"].as_str() {
        Some(media_type) => media_type.to_owned(),
        None if manifest["manifests"].is_array() => OCI_INDEX.to_owned(),
        None => OCI_MANIFEST.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_without_a_type_are_known_by_their_shape() {
        assert_eq!(media_type(br#"{"mediaType": "x", "manifests": []}"#), "x");
        assert_eq!(media_type(br#"{"manifests": []}"#), OCI_INDEX);
        assert_eq!(media_type(br#"{"layers": []}"#), OCI_MANIFEST);
        assert_eq!(media_type(b"junk"), OCI_MANIFEST);
    }

    #[test]
    fn digests_are_looked_at_before_they_stand_in_an_address() {
        assert!(well_formed(&digest(b"")).is_ok());
        for odd in
            ["", "sha256:", "sha256:00", "md5:00", "../../etc", &digest(b"").to_uppercase(), "sha512:00"]
        {
            assert!(well_formed(odd).is_err(), "{odd}");
        }
    }
}
