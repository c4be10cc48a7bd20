//! Compact tokens.

use crate::support::{ANN, KEYS, NOW};
use std::cell::RefCell;
use std::rc::Rc;
use weir_jose::{Algorithm, Form, Header, KeySet, NoService, TimeRules, Token};

pub(crate) const PIECES: &[&str] = &[
    ".",
    "..",
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9",
    "eyJhbGciOiJub25lIn0",
    "eyJhbGciOiJFZERTQSJ9",
    "eyJzdWIiOiJhbm4ifQ",
    "e30",
    "hxH6Faob-HiP1fC7yAvce1IA08PN5-gDdy4SoDVCeuE",
    "=",
    "AA",
    "eyJjcml0IjpbXSwiYWxnIjoiSFMyNTYifQ",
];

const STRICT: Form = Form::strict(8192);

thread_local! {
    static KEY_SET: KeySet = KeySet::parse(KEYS.as_bytes()).expect("it is one").0;
    /// The header of the last token, as the filter keeps it.
    static KNOWN: RefCell<Option<Rc<Header>>> = const { RefCell::new(None) };
}

/// A header that is known makes no difference, and nothing is verified but what was signed.
pub(crate) fn token(data: &[u8]) {
    let fresh = Token::parse(data, 8192);
    let known = KNOWN.take();
    let after = Token::parse_after(known.as_ref(), data, STRICT);
    assert_eq!(fresh.as_ref().err(), after.as_ref().err());
    let Ok(token) = after else { return };
    assert_eq!(fresh.map(|token| token.payload().text().to_owned()), Ok(token.payload().text().to_owned()));
    KNOWN.set(Some(token.header().clone()));
    assert!(str::from_utf8(data).is_ok());
    let own = Token::parse_after(Some(token.header()), data, STRICT).expect("by its own header it is one too");
    assert_eq!((own.algorithm(), own.kid(), own.header_text("typ")), (token.algorithm(), token.kid(), token.header_text("typ")));
    let _ = (token.header_is("typ", "at+jwt"), token.section());
    let verified = KEY_SET.with(|keys| keys.verify(&token, &Algorithm::ALL, &NoService));
    if verified.is_ok() {
        assert_eq!(data, ANN.as_bytes());
    }
    // Accepting padding and embedded keys changes which tokens are read, not their content.
    let lax = Form { ignores_embedded_keys: true, accepts_padding: true, ..STRICT };
    let read = Token::parse_after(None, data, lax).expect("what is read strictly is read");
    assert_eq!(read.payload().text(), token.payload().text());
    let rules = TimeRules { skew: 60.0, require_expiration: false, max_lifetime: Some(3600.0) };
    let _ = rules.check(token.payload(), NOW as f64 / 1e9);
}
