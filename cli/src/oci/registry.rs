//! A registry, as the commands talk to it: one call after the other, with errors for people.

use super::acceptance::{Answer, Source};
use super::image::{Blob, Image};
use super::layout::{DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, OCI_INDEX, OCI_MANIFEST, digest};
use super::{archive, credentials, progress};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::HeaderValue;
use indicatif::ProgressBar;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError as Error, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::time::Duration;

/// How long a registry may take to answer the telephone, …
const CONNECT: Duration = Duration::from_secs(10);
/// … to go on when it has begun to speak, …
const READ: Duration = Duration::from_secs(30);
/// … and for one part of an image altogether.
const TOTAL: Duration = Duration::from_secs(600);

/// The options of all commands that talk to a registry.
#[derive(Debug, clap::Args)]
pub(crate) struct Connection {
    /// Speak HTTP without TLS to the registry.
    #[arg(long)]
    plain_http: bool,
    /// Trust the certificates in this PEM file, besides those that the system trusts.
    #[arg(long, value_name = "FILE", conflicts_with = "plain_http")]
    ca_file: Option<PathBuf>,
}

/// A connection to the registry of one reference.
pub(crate) struct Registry {
    client: Client,
    auth: RegistryAuth,
    runtime: tokio::runtime::Runtime,
}

impl Registry {
    /// Prepares to talk to the registry of `reference`: credentials and certificates are read, nothing is
    /// sent yet.
    ///
    /// # Errors
    /// What is wrong with a file or a helper program.
    pub(crate) fn open(reference: &Reference, connection: &Connection) -> Result<Self, String> {
        // Fails when one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let extra_root_certificates = match &connection.ca_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
                let found = text.and_then(|text| certificates(&text));
                found.map_err(|problem| format!("{}: {problem}", path.display()))?
            }
            None => Vec::new(),
        };
        let config = ClientConfig {
            protocol: if connection.plain_http { ClientProtocol::Http } else { ClientProtocol::Https },
            // One request for each blob: registries behind proxies take that more often than many.
            use_monolithic_push: true,
            extra_root_certificates,
            connect_timeout: Some(CONNECT),
            read_timeout: Some(READ),
            user_agent: concat!("weir/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|error| reason(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let auth = credentials::find(reference.resolve_registry())?;
        Ok(Self { client, auth, runtime })
    }

    /// Logs in, if the registry asks for it.
    ///
    /// # Errors
    /// That it cannot be reached, or does not know us.
    pub(crate) fn log_in(&self, reference: &Reference, operation: RegistryOperation) -> Result<(), String> {
        self.run(reference, self.client.auth(reference, &self.auth, operation)).map(drop)
    }

    /// Sends an image: what the registry does not have already, the manifest last.
    ///
    /// # Errors
    /// Why that did not succeed. Nothing refers to what was sent until the manifest is there.
    pub(crate) fn push(&self, reference: &Reference, image: &Image) -> Result<(), String> {
        for blob in [&image.config, &image.layer] {
            self.push_blob(reference, blob)?;
        }
        let media_type = HeaderValue::from_static(OCI_MANIFEST);
        let sent = self.client.push_manifest_raw(reference, image.manifest.clone(), media_type);
        self.run(reference, sent).map(drop)
    }

    fn push_blob(&self, reference: &Reference, blob: &Blob) -> Result<(), String> {
        let Descriptor { digest, size, .. } = &blob.descriptor;
        if self.run(reference, self.client.blob_exists(reference, digest))? {
            return Ok(());
        }
        let bar = progress::bar(*size, "pushing");
        let counted = bar.clone();
        let bytes = Bytes::from(blob.bytes.clone());
        let parts: Vec<Bytes> = (0..bytes.len())
            .step_by(PART)
            .map(|start| bytes.slice(start..bytes.len().min(start + PART)))
            .collect();
        let parts = stream::iter(parts).map(move |part| {
            counted.inc(part.len() as u64);
            Ok(part)
        });
        let sent = self.client.push_blob_stream(reference, parts, digest, Some(*size));
        let sent = self.run(reference, sent).map(drop);
        bar.finish_and_clear();
        sent
    }

    /// The manifest or index that a reference names.
    ///
    /// # Errors
    /// That there is none, that it is not what its digest says, or why it cannot be had.
    pub(crate) fn pull_manifest(&self, reference: &Reference) -> Result<Answer, String> {
        const ACCEPTED: [&str; 4] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX];
        let pulled = self.client.pull_manifest_raw(reference, &self.auth, &ACCEPTED);
        let (bytes, _) = self.run(reference, pulled)?;
        Ok(Answer { media_type: media_type(&bytes), bytes: bytes.to_vec() })
    }

    /// A blob, held to the size and the digest that the manifest gives it.
    ///
    /// # Errors
    /// That it is larger than any module may be, not what the manifest says, or why it cannot be had.
    pub(crate) fn pull_blob(&self, reference: &Reference, wanted: &Descriptor) -> Result<Vec<u8>, String> {
        if wanted.size > archive::LIMIT {
            return Err(format!("{reference}: layer {}: {}", wanted.digest, archive::too_large(wanted.size)));
        }
        let bar = progress::bar(wanted.size, "pulling");
        let blob = self.run(reference, self.download(reference, wanted, &bar));
        bar.finish_and_clear();
        let blob = blob?.map_err(|problem| format!("{reference}: layer {}: {problem}", wanted.digest))?;
        let found = digest(&blob);
        if found != wanted.digest {
            return Err(format!("{reference}: layer {} is not what it says: it is {found}", wanted.digest));
        }
        Ok(blob)
    }

    async fn download(
        &self,
        reference: &Reference,
        wanted: &Descriptor,
        bar: &ProgressBar,
    ) -> Result<Result<Vec<u8>, String>, Error> {
        self.client.store_auth_if_needed(reference.resolve_registry(), &self.auth).await;
        let mut stream = self.client.pull_blob_stream(reference, wanted.digest.as_str()).await?.stream;
        let mut blob = Vec::new();
        while let Some(part) = stream.next().await {
            let part = match part {
                Ok(part) => part,
                Err(error) => {
                    let (got, size) = (blob.len(), wanted.size);
                    return Ok(Err(format!("after {got} of {size} bytes: {}", causes(&error))));
                }
            };
            blob.extend_from_slice(&part);
            bar.inc(part.len() as u64);
            if blob.len() as u64 > wanted.size {
                return Ok(Err(format!("has more than the {} bytes that the manifest says", wanted.size)));
            }
        }
        if (blob.len() as u64) < wanted.size {
            return Ok(Err(format!("is cut off: {} of {} bytes", blob.len(), wanted.size)));
        }
        Ok(Ok(blob))
    }

    fn run<T>(
        &self,
        reference: &Reference,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, String> {
        // The client panics on some answers that no registry should give, such as a redirection to what is
        // no address. That is the registry's fault, and said as that.
        let loud = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        let done = panic::catch_unwind(AssertUnwindSafe(|| {
            self.runtime.block_on(async { tokio::time::timeout(TOTAL, call).await })
        }));
        panic::set_hook(loud);
        let registry = reference.resolve_registry();
        match done {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(self.explain(reference, &error)),
            Ok(Err(_)) => Err(format!("{registry}: no end after {} minutes", TOTAL.as_secs() / 60)),
            Err(_) => Err(format!("{registry} gave an answer that no registry should give")),
        }
    }

    /// What an error means to a person. Addresses are left out where they can carry tokens.
    fn explain(&self, reference: &Reference, error: &Error) -> String {
        let registry = reference.resolve_registry();
        let missing = || format!("{reference}: there is no such image, or it is not for you");
        match error {
            Error::UnauthorizedError { .. } | Error::AuthenticationFailure(_) => self.not_allowed(registry),
            Error::ServerError { code: 401 | 403, .. } => self.not_allowed(registry),
            Error::ServerError { code: 404, .. } | Error::ImageManifestNotFoundError(_) => missing(),
            Error::ServerError { code, message, .. } => {
                let message: String = message.chars().filter(|c| !c.is_control()).take(200).collect();
                format!("{registry} answers with status {code}: {message}")
            }
            Error::RegistryError { envelope, .. } => {
                use OciErrorCode as Code;
                let has = |codes: &[Code]| envelope.errors.iter().any(|error| codes.contains(&error.code));
                if has(&[Code::Unauthorized, Code::Denied]) {
                    self.not_allowed(registry)
                } else if has(&[Code::ManifestUnknown, Code::NameUnknown, Code::NotFound, Code::BlobUnknown])
                {
                    missing()
                } else {
                    format!("{registry} answers: {envelope}")
                }
            }
            Error::DigestError(error) => format!("{reference} is not what it says: {error}"),
            Error::RequestError(request) => match request.status().map(|status| status.as_u16()) {
                Some(401 | 403) => self.not_allowed(registry),
                Some(404) => missing(),
                Some(code) => format!("{registry} answers with status {code}"),
                None => format!("{registry}: {}", reason(error)),
            },
            other => format!("{registry}: {other}"),
        }
    }

    fn not_allowed(&self, registry: &str) -> String {
        match self.auth {
            RegistryAuth::Anonymous => {
                format!("{registry} wants credentials, and there are none for it: `docker login {registry}`")
            }
            _ => format!("{registry} refuses the credentials that there are for it"),
        }
    }
}

/// How much is sent at a time, so that the bar has something to show.
const PART: usize = 64 << 10;

/// An image in a registry, for the rules of acceptance.
pub(crate) struct Remote<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) reference: &'a Reference,
}

impl Source for Remote<'_> {
    fn manifest(&mut self, digest: &str) -> Result<Answer, String> {
        self.registry.pull_manifest(&self.reference.clone_with_digest(digest.to_owned()))
    }

    fn blob(&mut self, descriptor: &Descriptor) -> Result<Vec<u8>, String> {
        self.registry.pull_blob(self.reference, descriptor)
    }
}

/// What a manifest is. The response says it too, but the client does not hand that on, and registries
/// take the one from the other.
fn media_type(manifest: &[u8]) -> String {
    let manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap_or_default();
    match manifest["mediaType"].as_str() {
        Some(media_type) => media_type.to_owned(),
        None if manifest["manifests"].is_array() => OCI_INDEX.to_owned(),
        None => OCI_MANIFEST.to_owned(),
    }
}

/// The certificates of a PEM file; the client takes them one by one.
fn certificates(text: &str) -> Result<Vec<Certificate>, String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut found = Vec::new();
    for part in text.split(BEGIN).skip(1) {
        let (body, _) = part.split_once(END).ok_or("a certificate without an end")?;
        let data = format!("{BEGIN}{body}{END}\n").into_bytes();
        found.push(Certificate { encoding: CertificateEncoding::Pem, data });
    }
    if found.is_empty() { Err("no certificate in it (PEM)".to_owned()) } else { Ok(found) }
}

/// Why a request came to nothing, from the innermost cause, which is what helps.
fn reason(error: &Error) -> String {
    let Error::RequestError(request) = error else { return error.to_string() };
    if request.is_timeout() {
        return "no answer in time".to_owned();
    }
    let causes = causes(request);
    let no_tls = ["InvalidContentType", "corrupt message", "handshake eof"];
    if no_tls.iter().any(|sign| causes.contains(sign)) {
        return format!("does not speak TLS ({causes}); if it speaks plain HTTP: --plain-http");
    }
    if causes.contains("UnknownIssuer") {
        return format!("{causes}; to trust its authority: --ca-file");
    }
    causes
}

/// The causes of an error, without the error itself: that one may have an address with a token in it.
fn causes(error: &dyn std::error::Error) -> String {
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
    fn files_of_certificates_may_have_several() {
        let one = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(&format!("text\n{one}text\n{one}")).unwrap().len(), 2);
        assert!(certificates("").unwrap_err().contains("no certificate"));
        assert!(certificates("-----BEGIN CERTIFICATE-----\nAA==").is_err());
    }
}
