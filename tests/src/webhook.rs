//! `weir admission` as a process, with a certificate for this machine.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::program;

/// A running webhook. Dropping it ends it.
pub struct Webhook {
    child: Child,
    /// Where it answers reviews, `https://ADDRESS/validate`.
    pub url: String,
    /// Its certificate in PEM, encoded in base64 as `caBundle` has it.
    pub authority: String,
    _folder: TempDir,
}

impl Webhook {
    /// Starts it on a free port, and waits until it listens.
    ///
    /// # Panics
    /// There is no `openssl`, or it does not start.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-subj", "/CN=weir", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output();
        succeeded(&made.unwrap());
        let mut child = Command::new(program::path())
            .args(["admission", "--listen", "127.0.0.1:0", "--certificate"])
            .arg(&certificate)
            .arg("--key")
            .arg(&key)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        let authority = Command::new("base64").arg("-w0").arg(&certificate).output().unwrap();
        succeeded(&authority);
        Self { child, url, authority: String::from_utf8(authority.stdout).unwrap(), _folder: folder }
    }

    /// The address that it listens on, as `127.0.0.1:8443`.
    ///
    /// # Panics
    /// It listens elsewhere than it says.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("https://").and_then(|rest| rest.strip_suffix("/validate")).unwrap()
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Panics
    /// It ends with an error.
    pub fn terminate(&mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }

    /// Ends it at once.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.stop();
    }
}

fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
