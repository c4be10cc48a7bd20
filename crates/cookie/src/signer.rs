//! Signatures that clients cannot make.

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;
use std::fmt;
use weir_core::Load;
use weir_core::{At, Compiler, Variable};

/// The length of a signature in bytes of hex: the first half of HMAC-SHA256, which is as short as RFC 2104
/// section 5 allows.
pub const SIGNATURE: usize = 32;

/// Minimum length of a secret in bytes.
const MIN_SECRET_LEN: usize = 16;

const TOO_SHORT: &str = "the secret is too short: use at least 16 bytes";

/// Signs in place of a secret that only the proxy knows.
const UNKNOWN: &str = "not set where this command runs";

/// A secret: its text, or the environment variable that contains it. It never appears in logs and messages.
#[derive(Clone, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[load(secret)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Secret"))]
pub struct SecretSpec {
    /// The secret itself, at least 16 bytes. Everyone who can read the configuration can read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// An environment variable of the VM (`vmConfig.env`) that contains the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
}

impl fmt::Debug for SecretSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretSpec(…)")
    }
}

/// Signs with the first of its secrets and accepts signatures by all, so that secrets can be rotated without
/// interruption.
///
/// ```
/// use weir_cookie::{SIGNATURE, Signer, TooShort};
///
/// let signer = Signer::new(b"0123456789abcdef")?;
/// // python3 -c "import hmac; print(hmac.new(b'0123456789abcdef', b'id=\0ada', 'sha256').hexdigest()[:32])"
/// let signature: [u8; SIGNATURE] = signer.sign("id=", b"ada");
/// assert_eq!(signature, *b"f4258efa2766d1de9fdfe257856f7062");
///
/// assert!(signer.accepts("id=", b"ada", &signature));
/// assert!(!signer.accepts("id=", b"eve", &signature), "another text");
/// assert!(!signer.accepts("group=", b"ada", &signature), "another purpose");
/// assert!(signer.is_secret(b"0123456789abcdef") && !signer.is_secret(b"0123456789abcdeg"));
/// assert_eq!(Signer::new(b"too short").err(), Some(TooShort));
/// # Ok::<(), TooShort>(())
/// ```
pub struct Signer(Box<[Hmac<Sha256>]>);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

/// A secret that is too short to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooShort;

impl fmt::Display for TooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TOO_SHORT)
    }
}

impl std::error::Error for TooShort {}

impl Signer {
    /// Signs with one secret.
    ///
    /// # Errors
    /// It has fewer than 16 bytes.
    pub fn new(secret: &[u8]) -> Result<Self, TooShort> {
        let key = if secret.len() < MIN_SECRET_LEN { None } else { Hmac::new_from_slice(secret).ok() };
        Ok(Self([key.ok_or(TooShort)?].into()))
    }

    /// Reads the secrets; what is wrong goes to the compiler's problems, `None` when no secret is left.
    ///
    /// ```
    /// use weir_cookie::{SecretSpec, Signer};
    /// use weir_core::{At, AttributeMap, Compiler, Problems};
    ///
    /// // The secret is in the VM's environment; the one before is still accepted.
    /// let env = |name: &str| (name == "COOKIE_SECRET").then(|| "a newer secret of ours".to_owned());
    /// let named = AttributeMap::default();
    /// let mut compiler = Compiler::new(&named, &env, Problems::default());
    /// let new = SecretSpec { value: None, env: Some("COOKIE_SECRET".to_owned()) };
    /// let old = SecretSpec { value: Some("an older secret of ours".to_owned()), env: None };
    /// let signer = Signer::compile(&[new, old], &mut compiler, &At::root()).unwrap();
    ///
    /// let before = Signer::new(b"an older secret of ours").unwrap().sign("id=", b"ada");
    /// assert!(signer.accepts("id=", b"ada", &before));
    /// assert_ne!(signer.sign("id=", b"ada"), before);
    /// ```
    pub fn compile(specs: &[SecretSpec], compiler: &mut Compiler<'_>, at: &At) -> Option<Self> {
        let one = specs.len() == 1;
        let keys = specs.iter().enumerate().filter_map(|(i, spec)| {
            let at = if one { at.clone() } else { at.index(i) };
            key(spec, compiler, &at)
        });
        let keys: Box<[_]> = keys.collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The signature of a text, in lower-case hex: the first half of HMAC-SHA256 (RFC 2104) over the purpose, a zero
    /// byte and the text. Different purposes give different signatures.
    pub fn sign(&self, purpose: &str, text: &[u8]) -> [u8; SIGNATURE] {
        self.0.first().map_or([0; SIGNATURE], |key| signature(key, purpose, text))
    }

    /// Whether a signature is that of the text by one of the secrets, in constant time.
    pub fn accepts(&self, purpose: &str, text: &[u8], shown: &[u8]) -> bool {
        self.0.iter().any(|key| same(&signature(key, purpose, text), shown))
    }

    /// Whether the text is one of the secrets. Digests are compared, so that the time reveals nothing about
    /// the secret.
    pub fn is_secret(&self, shown: &[u8]) -> bool {
        // Only who knows a key can sign with it.
        let Ok(other) = Hmac::<Sha256>::new_from_slice(shown) else { return false };
        self.0.iter().any(|key| same(&signature(key, "secret", b""), &signature(&other, "secret", b"")))
    }
}

fn key(spec: &SecretSpec, compiler: &mut Compiler<'_>, at: &At) -> Option<Hmac<Sha256>> {
    let secret = match (&spec.value, &spec.env) {
        (Some(value), None) => value.clone(),
        (None, Some(name)) => match compiler.env(name) {
            Variable::Set(value) => value,
            Variable::Unknown => UNKNOWN.to_owned(),
            Variable::Unset => {
                // Not even the name is shown: people write the secret itself here.
                let message = "this environment variable is not set in the VM (vmConfig.env)";
                compiler.problems.add(&at.field("env"), message);
                return None;
            }
        },
        _ => {
            compiler.problems.missing(at, "a secret is either a `value` or the `env` variable that has it");
            return None;
        }
    };
    if secret.len() < MIN_SECRET_LEN {
        compiler.problems.add(at, TOO_SHORT);
        return None;
    }
    Hmac::new_from_slice(secret.as_bytes()).ok()
}

fn signature(key: &Hmac<Sha256>, purpose: &str, text: &[u8]) -> [u8; SIGNATURE] {
    let mut mac = key.clone();
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(text);
    let digest = mac.finalize().into_bytes();
    let mut hex = [0; SIGNATURE];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(digest) {
        if let [first, second] = pair {
            (*first, *second) = (digit(byte >> 4), digit(byte & 15));
        }
    }
    hex
}

/// Compares all bytes, whatever they are.
fn same(a: &[u8; SIGNATURE], b: &[u8]) -> bool {
    a.len() == b.len() && std::hint::black_box(a.iter().zip(b).fold(0, |bits, (x, y)| bits | (x ^ y))) == 0
}

/// The hex digit of a number below 16.
pub(crate) fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::{AttributeMap, Problems};

    #[test]
    fn one_secret_signs_as_that_of_a_configuration() {
        let one = Signer::new(b"0123456789abcdef").unwrap();
        assert_eq!(one.sign("id=", b"ada"), signer(&["0123456789abcdef"]).sign("id=", b"ada"));
        assert_eq!(Signer::new(b"0123456789abcde").err(), Some(TooShort));
    }

    fn signer(secrets: &[&str]) -> Signer {
        let specs: Vec<SecretSpec> =
            secrets.iter().map(|s| SecretSpec { value: Some((*s).to_owned()), env: None }).collect();
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, Problems::default());
        Signer::compile(&specs, &mut compiler, &At::root()).unwrap()
    }

    #[test]
    fn signatures_are_the_first_half_of_hmac_sha256() {
        // python3 -c "import hmac; print(hmac.new(b'0123456789abcdef', b'id=\0ada', 'sha256').hexdigest()[:32])"
        let signed = signer(&["0123456789abcdef"]).sign("id=", b"ada");
        assert_eq!(std::str::from_utf8(&signed), Ok("f4258efa2766d1de9fdfe257856f7062"));
    }

    #[test]
    fn only_the_right_key_purpose_and_text_pass() {
        let (old, new) = ("an older secret of ours", "a newer secret of ours");
        let both = signer(&[new, old]);
        let by_old = signer(&[old]).sign("id=", b"ada");
        assert!(both.accepts("id=", b"ada", &by_old), "the secret before is still good");
        assert!(signer(&[new]).accepts("id=", b"ada", &both.sign("id=", b"ada")), "the first one signs");
        assert!(!signer(&[new]).accepts("id=", b"ada", &by_old));
        assert!(!both.accepts("jd=", b"ada", &by_old));
        assert!(!both.accepts("id=", b"adb", &by_old));
        for cut in 0..SIGNATURE {
            assert!(!both.accepts("id=", b"ada", &by_old[..cut]));
            let mut changed = by_old;
            changed[cut] ^= 1;
            assert!(!both.accepts("id=", b"ada", &changed));
        }
    }

    #[test]
    fn secrets_are_known_and_not_shown() {
        let both = signer(&["a newer secret of ours", "an older secret of ours"]);
        assert!(both.is_secret(b"an older secret of ours") && both.is_secret(b"a newer secret of ours"));
        for shown in [&b""[..], b"an older secret of our", b"an older secret of ours ", &[0xff; 300]] {
            assert!(!both.is_secret(shown));
        }
        assert_eq!(format!("{both:?}"), "Signer(…)");
        let spec = SecretSpec { value: Some("hush".to_owned()), env: None };
        assert!(!format!("{spec:?}").contains("hush"));
    }

    #[test]
    fn problems_name_the_place_and_never_the_secret() {
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, Problems::default());
        let spec = |value: Option<&str>, env: Option<&str>| SecretSpec {
            value: value.map(str::to_owned),
            env: env.map(str::to_owned),
        };
        let specs = [
            spec(Some("short"), None),
            spec(None, Some("NOT_THERE")),
            spec(None, None),
            spec(Some("x"), Some("y")),
        ];
        assert!(Signer::compile(&specs, &mut compiler, &At::root().field("secret")).is_none());
        let text = compiler.problems.to_string();
        for expected in ["secret[0]: ", "secret[1].env: ", "secret[2]: ", "secret[3]: "] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        assert!(!text.contains("short\""), "{text}");
    }
}
