//! Base64url in tokens.

use data_encoding::BASE64URL_NOPAD;
use weir_jose::{Refusal, Token};

pub(crate) const PIECES: &[&str] =
    &["e30", "eyJ9", "-_", "=", "AAAAAAAAAAAAAAAA", "_", "+", "/", "Zh", "\n", "\u{0}"];

/// What is taken as a payload or a signature is what another reader takes.
pub(crate) fn base64url(data: &[u8]) {
    if data.is_empty() || data.contains(&b'.') {
        return;
    }
    let reference = BASE64URL_NOPAD.decode(data).ok();
    let token =
        |payload: &[u8], signature: &[u8]| [&b"eyJhbGciOiJIUzI1NiJ9."[..], payload, b".", signature].concat();
    let text = token(data, b"AA");
    match Token::parse(&text, usize::MAX) {
        Ok(token) => assert_eq!(Some(token.payload().text().as_bytes()), reference.as_deref()),
        Err(Refusal::PayloadBase64) => assert_eq!(reference, None),
        Err(Refusal::Malformed) => assert!(str::from_utf8(data).is_err()),
        Err(_) => assert!(reference.is_some()),
    }
    let text = token(b"e30", data);
    match Token::parse(&text, usize::MAX) {
        Ok(_) => assert!(reference.is_some()),
        Err(Refusal::SignatureBase64) => assert_eq!(reference, None),
        Err(refusal) => {
            assert!(refusal == Refusal::Malformed && str::from_utf8(data).is_err(), "{refusal:?}")
        }
    }
}
