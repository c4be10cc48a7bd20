use super::*;
use crate::base64url::encode;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

/// RFC 7515, appendix A.1.1.
const RFC_7515_A1: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const STRICT: Form = Form::strict(4096);

/// A token with this header and payload, and a signature that nobody made.
fn signed(header: &str, payload: &str) -> String {
    format!("{}.{}.AAAA", encode(header.as_bytes()), encode(payload.as_bytes()))
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn a_token_is_taken_apart() {
    let token = Token::parse(RFC_7515_A1.as_bytes(), 4096).unwrap();
    assert_eq!(token.algorithm(), Algorithm::HS256);
    assert_eq!((token.kid(), token.header_text("typ").as_deref()), (None, Some("JWT")));
    assert_eq!(token.payload().iss(), Ok(Some("joe".into())));
    assert_eq!(token.payload().exp(), Ok(Some(1_300_819_380.0)));
    assert_eq!(token.signature().len(), 32);
    assert_eq!(token.signed(), RFC_7515_A1.rsplit_once('.').unwrap().0.as_bytes());
    assert_eq!(token.into_payload().scalar(&["http://example.com/is_root"]).as_deref(), Some("true"));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn the_size_is_the_callers() {
    let size = RFC_7515_A1.len();
    assert!(Token::parse(RFC_7515_A1.as_bytes(), size).is_ok());
    assert_eq!(Token::parse(RFC_7515_A1.as_bytes(), size - 1).err(), Some(Refusal::TooLarge));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn the_unsecured_token_of_rfc_7515_a5_is_none() {
    let token = b"eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert_eq!(Token::parse(token, 4096).err(), Some(Refusal::AlgorithmUnsupported));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn members_of_the_header_are_compared_and_typ_as_a_media_type() {
    let text = signed(r#"{"alg":"HS256","typ":"Application/at+JWT","signer":"arn:1","exp":5}"#, "{}");
    let token = Token::parse(text.as_bytes(), 4096).unwrap();
    for wanted in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(token.header_is("typ", wanted), "{wanted}");
    }
    for wanted in ["jwt", "", "text/at+jwt"] {
        assert!(!token.header_is("typ", wanted), "{wanted}");
    }
    assert!(token.header_is("signer", "arn:1"));
    assert!(!token.header_is("signer", "ARN:1") && !token.header_is("signer", ""));
    assert!(!token.header_is("exp", "5") && !token.header_is("absent", ""), "no text");
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn an_equal_header_is_not_read_again_and_another_one_is() {
    let first = Token::parse(RFC_7515_A1.as_bytes(), 4096).unwrap();
    let (_, rest) = RFC_7515_A1.split_once('.').unwrap();
    let again = Token::parse_after(Some(first.header()), RFC_7515_A1.as_bytes(), STRICT).unwrap();
    assert!(Rc::ptr_eq(first.header(), again.header()));
    // {"alg":"ES256","kid":"a"}, the beginning of ours, and nothing.
    let other = format!("eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.{rest}");
    let other = Token::parse_after(Some(first.header()), other.as_bytes(), STRICT).unwrap();
    assert_eq!(
        (other.algorithm(), other.kid(), other.header_text("typ")),
        (Algorithm::ES256, Some("a"), None)
    );
    for (section, refusal) in
        [("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ", Refusal::HeaderBase64), ("", Refusal::Malformed)]
    {
        let text = format!("{section}.{rest}");
        let parsed = Token::parse_after(Some(first.header()), text.as_bytes(), STRICT);
        assert_eq!(parsed.err(), Some(refusal), "{section}");
    }
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn a_key_in_the_header_is_refused_or_ignored() {
    let lenient = Form { ignores_embedded_keys: true, ..STRICT };
    for member in [
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""jku":"https://evil.example/keys""#,
        r#""x5c":["MII"]"#,
        r#""x5u":"https://evil.example/chain""#,
        r#""jku":7"#,
    ] {
        let text = signed(&format!(r#"{{"alg":"HS256","kid":"a",{member}}}"#), "{}");
        let parsed = |form| {
            Token::parse_after(None, text.as_bytes(), form).map(|token| token.kid().map(str::to_owned))
        };
        assert_eq!(parsed(STRICT), Err(Refusal::EmbeddedKey), "{member}");
        assert_eq!(parsed(lenient), Ok(Some("a".to_owned())), "{member}");
    }
    // Nothing else is let pass with it.
    for (header, refusal) in [
        (r#"{"alg":"HS256","jku":"a","crit":["jku"]}"#, Refusal::CriticalHeader),
        (r#"{"alg":"HS256","jku":"a","jku":"b"}"#, Refusal::DuplicateMember),
        (r#"{"alg":"none","jku":"a"}"#, Refusal::AlgorithmUnsupported),
    ] {
        let text = signed(header, "{}");
        assert_eq!(Token::parse_after(None, text.as_bytes(), lenient).err(), Some(refusal), "{header}");
    }
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn padding_is_refused_or_accepted_where_it_belongs() {
    let lenient = Form { accepts_padding: true, ..STRICT };
    // {"alg":"HS256"} has 15 bytes, so a header that is padded needs one byte more or less.
    let (header, payload) = (encode(br#"{"alg":"ES256"} "#), encode(br#"{"sub":"a"}"#));
    assert_eq!((header.len() % 4, payload.len() % 4), (2, 3));
    let padded = format!("{header}==.{payload}=.AAAAAA==");
    let bare = format!("{header}.{payload}.AAAAAA");
    let parse = |text: &str, form| {
        Token::parse_after(None, text.as_bytes(), form).map(|token| token.section().to_vec())
    };
    assert_eq!(parse(&padded, STRICT), Err(Refusal::HeaderBase64));
    for text in [&padded, &bare] {
        assert_eq!(parse(text, lenient).as_deref(), Ok(payload.as_bytes()), "{text}");
        let token = Token::parse_after(None, text.as_bytes(), lenient).unwrap();
        assert_eq!(token.signed(), text.rsplit_once('.').unwrap().0.as_bytes(), "padding is signed too");
        assert_eq!(token.signature(), [0; 4]);
    }
    // Padding that belongs nowhere is no other spelling.
    for (section, refusal) in [
        (format!("{header}=.{payload}.AAAAAA"), Refusal::HeaderBase64),
        (format!("{header}===.{payload}.AAAAAA"), Refusal::HeaderBase64),
        (format!("{header}.{payload}==.AAAAAA"), Refusal::PayloadBase64),
        (format!("{header}.{payload}.AAAAAA="), Refusal::SignatureBase64),
        (format!("{header}.{payload}.AAAA===="), Refusal::SignatureBase64),
        (format!("{header}.{payload}.AAAAAB=="), Refusal::SignatureBase64),
        (format!("{header}.{payload}.=="), Refusal::SignatureBase64),
        (format!("{header}.{payload}.===="), Refusal::SignatureBase64),
        (format!("{header}.{payload}.AA==AAAA"), Refusal::SignatureBase64),
    ] {
        assert_eq!(parse(&section, lenient), Err(refusal), "{section}");
    }
}
