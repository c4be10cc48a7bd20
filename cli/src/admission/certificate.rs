//! The server's certificate: files that are read again when they change, as cert-manager renews them.

use crate::output::in_words;
use anyhow::{Context as _, anyhow, bail, ensure};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// What the server shows of itself now.
pub(super) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// A file that cannot be read, or a key of another certificate.
    pub(super) fn read(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let current = RwLock::new(Arc::new(load(certificate, key)?));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }

    /// Reads the files again. True if they have another certificate than before.
    fn renew(&self) -> anyhow::Result<bool> {
        let fresh = load(&self.certificate, &self.key)?;
        // A lock is poisoned by a panic while it is held, and nothing here panics.
        let Ok(mut current) = self.current.write() else { return Ok(false) };
        let is_new = fresh.cert != current.cert;
        if is_new {
            *current = Arc::new(fresh);
        }
        Ok(is_new)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.read().ok().map(|current| Arc::clone(&current))
    }
}

/// Looks at the files again and again. Files that cannot be used leave the old certificate in place.
pub(super) async fn follow(certificate: Arc<Certificate>) {
    let mut said = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        match certificate.renew() {
            Ok(true) => crate::output::complain("the certificate was renewed"),
            Ok(false) => {}
            Err(problem) => {
                let problem = in_words(&problem);
                // Once, not every few seconds.
                if said.as_ref() != Some(&problem) {
                    crate::output::complain(&format!("the old certificate is kept: {problem}"));
                }
                said = Some(problem);
                continue;
            }
        }
        said = None;
    }
}

fn load(certificate: &Path, key: &Path) -> anyhow::Result<CertifiedKey> {
    let of = |path: &Path| path.display().to_string();
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.with_context(|| of(certificate))?;
    ensure!(!chain.is_empty(), "{}: no certificate in it: expected PEM", of(certificate));
    let private = PrivateKeyDer::from_pem_file(key).with_context(|| of(key))?;
    let signing = ring::sign::any_supported_type(&private)
        .map_err(|_| anyhow!("{}: unsupported key: expected RSA, ECDSA or Ed25519", of(key)))?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => bail!("{}: not the key of {}", of(key), of(certificate)),
    }
}
