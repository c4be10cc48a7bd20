//! Keys: ECDSA with P-256 and SHA-256, which is what `cosign generate-key-pair` makes.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use crypto_secretbox::{Key, Nonce, XSalsa20Poly1305};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// Where the password of an encrypted key is, as for cosign.
pub(crate) const PASSWORD: &str = "COSIGN_PASSWORD";
/// The most memory and work that an encrypted key may ask for: sixteen times what cosign's keys do.
const MAX_LOG_N: u8 = 20;
const MAX_R: u32 = 8;
const MAX_P: u32 = 4;

/// Why the key in a file cannot be used. The content of the file is never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Neither of the forms of a private key.
    NoPrivateKey,
    /// Not a public key in PEM.
    NoPublicKey,
    /// A private key where a public one is needed.
    Private,
    /// It is encrypted, and there is no password.
    NoPassword,
    /// The password does not fit.
    WrongPassword,
    /// It is encrypted in a way that we do not know, or that takes too much memory.
    Encryption,
    /// RSA, Ed25519 or another curve.
    NotP256,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoPrivateKey => f.write_str(
                "not a private key in a form that is read: expected PEM with BEGIN PRIVATE KEY (PKCS #8, without a \
                 password), or a key of `cosign generate-key-pair`",
            ),
            Self::NoPublicKey => f.write_str("not a public key: expected PEM with BEGIN PUBLIC KEY"),
            Self::Private => f.write_str("a private key; verifying takes the public one (cosign.pub)"),
            Self::NoPassword => write!(f, "the key is encrypted: set {PASSWORD}"),
            Self::WrongPassword => write!(f, "the password in {PASSWORD} does not open the key"),
            Self::Encryption => {
                f.write_str("encrypted in a way that is not supported: expected scrypt and nacl/secretbox")
            }
            Self::NotP256 => f.write_str("not a key for ECDSA with P-256, which is what cosign makes"),
        }
    }
}

impl std::error::Error for Problem {}

/// A key that signs.
pub(crate) struct Private(SigningKey);

/// A key that verifies.
pub(crate) struct Public(VerifyingKey);

impl Private {
    /// Reads the key of a file; the password is that of the environment.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let password = std::env::var_os(PASSWORD).map(std::ffi::OsString::into_encoded_bytes);
        Self::read(&text, password.as_deref()).with_context(|| path.display().to_string())
    }

    /// Reads a private key: PKCS #8 in PEM, or cosign's encrypted form with its password.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn read(text: &str, password: Option<&[u8]>) -> Result<Self, Problem> {
        if let Some(sealed) = encrypted(text) {
            return Self::unseal(sealed, password);
        }
        if !text.contains("-----BEGIN PRIVATE KEY-----") {
            return Err(Problem::NoPrivateKey);
        }
        SigningKey::from_pkcs8_pem(text.trim()).map(Self).map_err(|_| Problem::NotP256)
    }

    fn unseal(sealed: &str, password: Option<&[u8]>) -> Result<Self, Problem> {
        let joined: String = sealed.split_whitespace().collect();
        let sealed = BASE64.decode(joined).map_err(|_| Problem::NoPrivateKey)?;
        let sealed: Sealed = serde_json::from_slice(&sealed).map_err(|_| Problem::Encryption)?;
        let opened = sealed.open(password.ok_or(Problem::NoPassword)?)?;
        SigningKey::from_pkcs8_der(&opened).map(Self).map_err(|_| Problem::NotP256)
    }

    /// A signature in ASN.1, of the SHA-256 of some bytes. The same bytes give the same signature (RFC 6979).
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(bytes);
        signature.to_der().as_bytes().to_vec()
    }

    /// The key that verifies what this one signs.
    pub(crate) fn public(&self) -> Public {
        Public(*self.0.verifying_key())
    }
}

impl Public {
    /// Reads the key of a file.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::read(&text).with_context(|| path.display().to_string())
    }

    /// Reads a public key in PEM.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn read(text: &str) -> Result<Self, Problem> {
        if text.contains("PRIVATE KEY-----") {
            return Err(Problem::Private);
        }
        if !text.contains("-----BEGIN PUBLIC KEY-----") {
            return Err(Problem::NoPublicKey);
        }
        VerifyingKey::from_public_key_pem(text.trim()).map(Self).map_err(|_| Problem::NotP256)
    }

    /// Whether a signature in ASN.1 is this key's for these bytes.
    pub(crate) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        Signature::from_der(signature).is_ok_and(|signature| self.0.verify(bytes, &signature).is_ok())
    }

    /// What bundles name a key by: the SHA-256 of its DER, in base64.
    pub(crate) fn hint(&self) -> String {
        let der = self.0.to_public_key_der().map(|der| der.as_bytes().to_vec()).unwrap_or_default();
        BASE64.encode(Sha256::digest(der))
    }
}

/// What is between the lines of an encrypted key.
fn encrypted(text: &str) -> Option<&str> {
    ["SIGSTORE", "COSIGN"].into_iter().find_map(|who| {
        let (_, rest) = text.split_once(&format!("-----BEGIN ENCRYPTED {who} PRIVATE KEY-----"))?;
        Some(rest.split_once(&format!("-----END ENCRYPTED {who} PRIVATE KEY-----"))?.0)
    })
}

/// An encrypted key, as cosign writes it.
#[derive(Deserialize)]
struct Sealed {
    kdf: Derivation,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Derivation {
    name: String,
    params: Cost,
    salt: String,
}

#[derive(Deserialize)]
struct Cost {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

impl Sealed {
    fn open(&self, password: &[u8]) -> Result<Vec<u8>, Problem> {
        let known = self.kdf.name == "scrypt" && self.cipher.name == "nacl/secretbox";
        let Cost { n, r, p } = self.kdf.params;
        let log_n = u8::try_from(n.trailing_zeros()).unwrap_or(u8::MAX);
        if !known || !n.is_power_of_two() || log_n > MAX_LOG_N || r > MAX_R || p > MAX_P {
            return Err(Problem::Encryption);
        }
        let bytes = |text: &str| BASE64.decode(text).map_err(|_| Problem::Encryption);
        let nonce: [u8; 24] = bytes(&self.cipher.nonce)?.try_into().map_err(|_| Problem::Encryption)?;
        let cost = scrypt::Params::new(log_n, r, p, 32).map_err(|_| Problem::Encryption)?;
        let mut key = [0; 32];
        scrypt::scrypt(password, &bytes(&self.kdf.salt)?, &cost, &mut key)
            .map_err(|_| Problem::Encryption)?;
        let cipher = XSalsa20Poly1305::new(&Key::from(key));
        let sealed = bytes(&self.ciphertext)?;
        cipher.decrypt(&Nonce::from(nonce), &*sealed).map_err(|_| Problem::WrongPassword)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Made by openssl, for these tests only.
    pub(in crate::oci::sign) const PKCS8: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjiiqiNSAwgz7EovI
3O56CpPfGUT0X6FO5mHgdEkzEuahRANCAASdE8bID/8sXwjcQ9oanRJIXjsA5SRR
TK8A5pK8bZPzK7vuw/ZKDkdxeKXv/CaXxR3aXMguRBgdTj5rmKAGRAxX
-----END PRIVATE KEY-----
";
    pub(in crate::oci::sign) const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEnRPGyA//LF8I3EPaGp0SSF47AOUk
UUyvAOaSvG2T8yu77sP2Sg5HcXil7/wml8Ud2lzILkQYHU4+a5igBkQMVw==
-----END PUBLIC KEY-----
";
    // RSA and P-384 in the shape that they have in files; what is in them does not matter.
    const P384: &str = "-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE30dgDgibOKtCO3EAw8T2M7XxGugMgoXh
2QblOEHRiBcq97LBJUNhD3IdEXKXit+WmnMkG40dnz94DHBbVnWkc14gHglDd+S5
Na6MIwQ7ECa+uzU+A73I6lgGnwX7yQVL
-----END PUBLIC KEY-----
";

    fn private(text: &str, password: Option<&[u8]>) -> Problem {
        Private::read(text, password).err().unwrap()
    }

    #[test]
    fn what_is_signed_is_verified_and_nothing_else() {
        let (key, public) = (Private::read(PKCS8, None).unwrap(), Public::read(PUBLIC).unwrap());
        let signature = key.sign(b"text");
        assert!(public.verifies(b"text", &signature));
        assert!(key.public().verifies(b"text", &signature));
        assert!(!public.verifies(b"Text", &signature));
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(!public.verifies(b"text", &changed), "byte {at}");
        }
        assert!(!public.verifies(b"text", b""));
    }

    #[test]
    fn what_is_no_key_says_what_is_expected() {
        assert_eq!(private("", None), Problem::NoPrivateKey);
        assert_eq!(private(PUBLIC, None), Problem::NoPrivateKey);
        // Another form of a key that may be right: SEC 1, PKCS #8 with a password.
        for form in ["RSA", "EC", "ENCRYPTED"] {
            let text = format!("-----BEGIN {form} PRIVATE KEY-----");
            assert_eq!(private(&text, None), Problem::NoPrivateKey, "{form}");
        }
        assert_eq!(private(&PKCS8.replace("MIGH", "MIGI"), None), Problem::NotP256);
        assert_eq!(Public::read(PKCS8).err(), Some(Problem::Private));
        assert_eq!(Public::read("").err(), Some(Problem::NoPublicKey));
        assert_eq!(Public::read(P384).err(), Some(Problem::NotP256));
    }
}
