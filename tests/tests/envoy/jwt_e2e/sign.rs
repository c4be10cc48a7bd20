//! Tokens and key sets that a test makes up as it runs: HS256, where the name of a key is its secret.

use aws_lc_rs::hmac;

/// A token of these claims, signed with the key of this name.
pub(crate) fn token(kid: &str, claims: &str) -> String {
    let header = format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
    let text = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret(kid)), text.as_bytes());
    format!("{text}.{}", base64url(signature.as_ref()))
}

/// The key set with the keys of these names.
pub(crate) fn key_set(kids: &[&str]) -> String {
    let key = |kid: &&str| format!(r#"{{"kty":"oct","kid":"{kid}","k":"{}"}}"#, base64url(&secret(kid)));
    format!(r#"{{"keys":[{}]}}"#, kids.iter().map(key).collect::<Vec<_>>().join(","))
}

/// 64 bytes.
fn secret(kid: &str) -> Vec<u8> {
    kid.bytes().cycle().take(64).collect()
}

/// Base64url without padding (RFC 4648 section 5).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(word >> (18 - 6 * i) & 63) as usize]));
        }
    }
    text
}
