use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

/// RFC 7515, appendix A.1.1.
const RFC_7515_A1: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn a_token_is_taken_apart() {
    let token = Token::parse(RFC_7515_A1.as_bytes(), 4096).unwrap();
    assert_eq!(token.algorithm(), Algorithm::HS256);
    assert_eq!((token.kid(), token.typ()), (None, Some("JWT")));
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
fn media_types_are_compared_without_prefix_and_case() {
    let mut token = Token::parse(RFC_7515_A1.as_bytes(), 4096).unwrap();
    assert!(token.is_type("jwt") && token.is_type("application/JWT") && !token.is_type("at+jwt"));
    Rc::get_mut(&mut token.header).unwrap().typ = Some("Application/at+JWT".into());
    assert!(token.is_type("at+jwt") && !token.is_type("jwt") && !token.is_type("text/at+jwt"));
    Rc::get_mut(&mut token.header).unwrap().typ = None;
    assert!(!token.is_type("jwt") && !token.is_type(""));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn an_equal_header_is_not_read_again_and_another_one_is() {
    let first = Token::parse(RFC_7515_A1.as_bytes(), 4096).unwrap();
    let (_, rest) = RFC_7515_A1.split_once('.').unwrap();
    let again = Token::parse_after(Some(first.header()), RFC_7515_A1.as_bytes(), 4096).unwrap();
    assert!(Rc::ptr_eq(first.header(), again.header()));
    // {"alg":"ES256","kid":"a"}, the beginning of ours, and nothing.
    let other = format!("eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.{rest}");
    let other = Token::parse_after(Some(first.header()), other.as_bytes(), 4096).unwrap();
    assert_eq!((other.algorithm(), other.kid(), other.typ()), (Algorithm::ES256, Some("a"), None));
    for (section, refusal) in
        [("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ", Refusal::HeaderBase64), ("", Refusal::Malformed)]
    {
        let text = format!("{section}.{rest}");
        let parsed = Token::parse_after(Some(first.header()), text.as_bytes(), 4096);
        assert_eq!(parsed.err(), Some(refusal), "{section}");
    }
}
