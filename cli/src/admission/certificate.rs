//! The server's certificate: files that are read again when they change, as cert-manager renews them.

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
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        let current = RwLock::new(Arc::new(load(certificate, key)?));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }

    /// Reads the files again. True if they have another certificate than before.
    fn renew(&self) -> Result<bool, String> {
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
            // Once, not every few seconds.
            Err(problem) if said.as_ref() != Some(&problem) => {
                crate::output::complain(&format!("the old certificate is kept: {problem}"));
                said = Some(problem);
                continue;
            }
            Err(_) => continue,
        }
        said = None;
    }
}

fn load(certificate: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let wrong = |path: &Path, what: &str| format!("{}: {what}", path.display());
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| wrong(certificate, &error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "no certificate in it: expected PEM"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error.to_string()))?;
    let signing = ring::sign::any_supported_type(&private)
        .map_err(|_| wrong(key, "unsupported key: expected RSA, ECDSA or Ed25519"))?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => Err(wrong(key, &format!("not the key of {}", certificate.display()))),
    }
}
