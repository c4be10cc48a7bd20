use super::*;
use crate::algorithm::Algorithm;
use crate::service::NoService;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

/// RFC 7515, appendices A.1 to A.4, and RFC 8037, appendix A.4: a key and a token that it verifies.
#[cfg(all(feature = "rsa", feature = "p256", feature = "p521", feature = "ed25519"))]
const PUBLISHED: [(Algorithm, &str, &str); 4] = [
    (
        Algorithm::HS256,
        r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#,
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ),
    (
        Algorithm::RS256,
        r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#,
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    ),
    (
        Algorithm::ES256,
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    ),
    (
        Algorithm::EdDSA,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    ),
];

fn set_of(keys: Value) -> Result<(KeySet, Vec<String>), KeySetError> {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes())
}

#[test]
#[cfg(all(feature = "rsa", feature = "p256", feature = "p521", feature = "ed25519"))]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn published_signatures_verify_with_their_key_alone() {
    for (algorithm, key, text) in PUBLISHED {
        let key = Key::read(&serde_json::from_str(key).unwrap()).ok().unwrap();
        let (signed, signature) = text.rsplit_once('.').unwrap();
        let signature = crate::base64url::decode(signature.as_bytes()).unwrap();
        assert_eq!(
            key.verify(algorithm, &signature, signed.as_bytes(), &NoService),
            Some(true),
            "{algorithm:?}"
        );
        assert_eq!(key.verify(algorithm, &signature, b"other", &NoService), Some(false), "{algorithm:?}");
        assert!(key.suits(algorithm));
        for other in Algorithm::ALL.into_iter().filter(|other| other.key_type() != algorithm.key_type()) {
            assert!(!key.suits(other), "{algorithm:?} {other:?}");
        }
    }
    // The tokens of the RFCs whose payload is a JSON object, all the way.
    let keys: Vec<Value> = PUBLISHED.iter().map(|(_, key, _)| serde_json::from_str(key).unwrap()).collect();
    let (set, _) = set_of(json!(keys)).unwrap();
    for (algorithm, _, text) in PUBLISHED.into_iter().take(3) {
        let token = Token::parse(text.as_bytes(), 4096).unwrap();
        assert_eq!(set.verify(&token, &[algorithm], &NoService), Ok(()));
        assert_eq!(set.verify(&token, &[], &NoService), Err(Refusal::AlgorithmNotAllowed));
    }
}

/// Counts how often a signature is verified; none is right.
struct Counting(std::cell::Cell<u32>);

impl Signatures for Counting {
    fn verify_signature(&self, _: &weir_host_api::Signature<'_>) -> Option<bool> {
        self.0.set(self.0.get() + 1);
        Some(false)
    }
}

/// A token of this algorithm with a signature of this many bytes, all zero.
#[cfg(all(feature = "rsa", feature = "p256", feature = "p521", feature = "ed25519"))]
fn forged(algorithm: &str, kid: &str, bytes: usize) -> String {
    use std::fmt::Write;
    let header = json!({"alg": algorithm, "kid": kid}).to_string();
    let header = if kid.is_empty() { json!({"alg": algorithm}).to_string() } else { header };
    let mut text = String::new();
    let mut encode = |bytes: &[u8]| {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for three in bytes.chunks(3) {
            let bits =
                three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
            for digit in 0..=three.len() {
                text.write_char(char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63])).unwrap();
            }
        }
        text.push('.');
    };
    encode(header.as_bytes());
    encode(b"{}");
    encode(&vec![0; bytes]);
    text.pop();
    text
}

#[test]
#[cfg(all(feature = "rsa", feature = "p256", feature = "p521", feature = "ed25519"))]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn whoever_forges_a_token_does_not_choose_what_it_costs() {
    let key = |kid: usize, alg: Option<&str>| {
        let mut key: Value = serde_json::from_str(PUBLISHED[1].1).unwrap();
        key["kid"] = json!(kid.to_string());
        if let Some(alg) = alg {
            key["alg"] = json!(alg);
        }
        key
    };
    let verdict = |keys: Vec<Value>, allowed: Allowed<'_>, token: &str| {
        let (set, service) = (set_of(json!(keys)).unwrap().0, Counting(Cell::new(0)));
        let verdict = set.verify(&Token::parse(token.as_bytes(), 4096).unwrap(), allowed, &service);
        (verdict, service.0.get())
    };
    use std::cell::Cell;
    for costly in ["PS256", "PS384", "PS512"] {
        let token = forged(costly, "0", 256);
        let named = [Algorithm::from_name(costly).unwrap()];
        let refused = |keys, allowed| verdict(keys, allowed, &token).0;
        assert_eq!(refused(vec![key(0, None)], Allowed::Usual), Err(Refusal::AlgorithmNotAllowed));
        assert_eq!(refused(vec![key(0, Some("RS256"))], Allowed::Usual), Err(Refusal::KeyMismatch));
        assert_eq!(refused(vec![key(0, Some(costly))], Allowed::Usual), Err(Refusal::BadSignature));
        assert_eq!(refused(vec![key(0, None)], Allowed::Named(&named)), Err(Refusal::BadSignature));
        assert_eq!(refused(vec![key(1, None)], Allowed::Usual), Err(Refusal::UnknownKey));
    }
    let token = forged("RS256", "", 256);
    let keys = |count| (0..count).map(|kid| key(kid, None)).collect();
    assert_eq!(verdict(keys(8), Allowed::Usual, &token), (Err(Refusal::BadSignature), 8));
    assert_eq!(verdict(keys(9), Allowed::Usual, &token), (Err(Refusal::TooManyKeys), 8));
    assert_eq!(verdict(keys(200), Allowed::Usual, &token), (Err(Refusal::TooManyKeys), 8));
    assert_eq!(
        verdict(keys(200), Allowed::Usual, &forged("RS256", "199", 256)),
        (Err(Refusal::BadSignature), 1)
    );
}

/// Good keys, changed member by member: each of them is skipped, and says why.
#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn unusable_keys_are_skipped_with_a_reason() {
    let n = |bytes: usize, top: char, end: char| format!("{top}{}{end}", "A".repeat(bytes / 3 * 4 - 2));
    let rsa = |n: String, e: &str| json!({"kty": "RSA", "n": n, "e": e});
    let ec = json!({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let ed = json!({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let with = |key: &Value, member: &str, value: Value| {
        let mut key = key.clone();
        key[member] = value;
        key
    };
    let secret = |bytes: usize| json!({"kty": "oct", "k": "A".repeat(bytes * 4 / 3)});
    for (jwk, reason) in [
        (json!("key"), "not an object"),
        (json!({}), "kty is missing"),
        (json!({"kty": 1}), "kty is not a string"),
        (json!({"kty": "rsa"}), "kty is not RSA, EC, OKP or oct"),
        (json!({"kty": "AKP"}), "kty is not RSA, EC, OKP or oct"),
        (with(&ec, "use", json!("enc")), "use is not sig"),
        (with(&ec, "use", json!(1)), "use is not a string"),
        (with(&ec, "key_ops", json!(["encrypt"])), "key_ops does not contain verify"),
        (with(&ec, "key_ops", json!([])), "key_ops does not contain verify"),
        (with(&ec, "key_ops", json!("verify")), "key_ops does not contain verify"),
        (with(&ec, "kid", json!(1)), "kid is not a string"),
        (with(&ec, "alg", json!(null)), "alg is not a string"),
        (with(&ec, "alg", json!("none")), "alg is not a signature algorithm that we know"),
        (with(&ec, "alg", json!("ECDH-ES")), "alg is not a signature algorithm that we know"),
        (with(&ec, "alg", json!("ES384")), "alg does not fit this type, curve or length of key"),
        (with(&ec, "alg", json!("HS256")), "alg does not fit this type, curve or length of key"),
        (with(&ec, "d", json!("AAAA")), "a private key must not be published: replace it"),
        (with(&ed, "d", json!("AAAA")), "a private key must not be published: replace it"),
        (
            with(&rsa(n(258, '_', '_'), "AQAB"), "p", json!("AAAA")),
            "a private key must not be published: replace it",
        ),
        (with(&ec, "crv", json!("P-224")), "crv is not P-256, P-384, P-521 or secp256k1"),
        (with(&ec, "x", json!("AAAA")), "x or y is not as long as the curve's numbers"),
        (with(&ec, "crv", json!("P-384")), "x or y is not as long as the curve's numbers"),
        (with(&ec, "x", json!("f83O=")), "a part of the key is not canonical base64url without padding"),
        (json!({"kty":"EC","crv":"P-256"}), "a part of the key is missing"),
        (with(&ed, "crv", json!("Ed448")), "crv is not Ed25519"),
        (with(&ed, "crv", json!("X25519")), "crv is not Ed25519"),
        (with(&ed, "x", json!("AAAA")), "x is not 32 bytes long"),
        (rsa(n(255, '_', '_'), "AQAB"), "the RSA key is shorter than 2048 bits"),
        (rsa(format!("f{}_w", "A".repeat(339)), "AQAB"), "the RSA key is shorter than 2048 bits"),
        (rsa(n(1026, '_', '_'), "AQAB"), "the RSA key is longer than 8192 bits"),
        (
            with(&rsa(n(516, '_', '_'), "AQAB"), "alg", json!("PS256")),
            "alg does not fit this type, curve or length of key",
        ),
        (rsa(n(258, '_', '_'), "AQ"), "the RSA exponent is even, less than 3, or longer than 32 bits"),
        (rsa(n(258, '_', '_'), "BA"), "the RSA exponent is even, less than 3, or longer than 32 bits"),
        (rsa(n(258, '_', '_'), "AA"), "the RSA exponent is even, less than 3, or longer than 32 bits"),
        (rsa(n(258, '_', '_'), ""), "the RSA exponent is even, less than 3, or longer than 32 bits"),
        (rsa(n(258, '_', '_'), "AQAAAAE"), "the RSA exponent is even, less than 3, or longer than 32 bits"),
        (rsa(n(258, '_', 'A'), "AQAB"), "the RSA modulus is even"),
        (secret(30), "the secret is shorter than 32 bytes"),
        (with(&secret(33), "alg", json!("HS512")), "alg does not fit this type, curve or length of key"),
        (
            json!({"kty":"oct","k":"LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUlJQklqQU5CZ2txaGtpRzl3MEI"}),
            "the secret is a PEM file",
        ),
    ] {
        let good = secret(66);
        let (set, skipped) = set_of(json!([jwk, good])).unwrap_or_else(|error| panic!("{error}: {jwk}"));
        assert_eq!((set.len(), skipped.len()), (1, 1), "{jwk}");
        assert!(skipped[0].ends_with(&format!(": {reason}")), "{jwk}: {}", skipped[0]);
        assert!(matches!(set_of(json!([jwk])), Err(KeySetError::NoUsableKey(reasons)) if reasons == skipped));
    }
}

#[test]
#[cfg(all(feature = "p256", feature = "ed25519"))]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn points_off_the_curve_and_of_low_order_are_no_keys() {
    let low_order = [
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "7P_______________________________________38",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
    ];
    for x in low_order {
        let Err(KeySetError::NoUsableKey(reasons)) = set_of(json!([{"kty":"OKP","crv":"Ed25519","x":x}]))
        else {
            panic!("{x} was taken");
        };
        assert!(reasons[0].ends_with("low order"), "{reasons:?}");
    }
    let off = json!([{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}]);
    let Err(KeySetError::NoUsableKey(reasons)) = set_of(off) else { panic!("taken") };
    assert!(reasons[0].ends_with("the point is not on the curve"), "{reasons:?}");
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn what_is_no_key_set_is_an_error() {
    let parse = |text: &str| KeySet::parse(text.as_bytes()).err();
    for (text, error) in [
        ("", KeySetError::Empty),
        (" \n", KeySetError::Empty),
        ("\u{feff}", KeySetError::Empty),
        ("{", KeySetError::Json),
        ("nonsense", KeySetError::Json),
        ("\u{feff}\u{feff}{}", KeySetError::Json),
        ("{}", KeySetError::NotASet),
        ("[]", KeySetError::NotASet),
        (r#"{"keys":{}}"#, KeySetError::NotASet),
        (r#"{"keys":[]}"#, KeySetError::NoUsableKey(vec![])),
        (r#"{"keys":[],"keys":[]}"#, KeySetError::DuplicateMember),
        (r#"{"kty":"oct","k":"AAAA"}"#, KeySetError::Bare),
        (r#"[{"kty":"oct","k":"AAAA"}]"#, KeySetError::Bare),
        (r#"{"error":"not found"}"#, KeySetError::NotASet),
        ("<html>", KeySetError::Markup),
        ("\n<!DOCTYPE html>", KeySetError::Markup),
        (
            r#"{"issuer":"https://a","jwks_uri":"https://a/keys"}"#,
            KeySetError::Discovery(Some("https://a/keys".into())),
        ),
        // Nothing that a terminal would act on, and no password.
        ("{\"jwks_uri\":\"https://a/\\u001b[31m\"}", KeySetError::Discovery(None)),
        (r#"{"jwks_uri":"https://u:p@a/keys"}"#, KeySetError::Discovery(None)),
        (r#"{"jwks_uri":7}"#, KeySetError::Discovery(None)),
        (r#"{"a":"no PEM"}"#, KeySetError::NotASet),
    ] {
        assert_eq!(parse(text), Some(error), "{text}");
    }
    assert_eq!(KeySet::parse(b"\xff").err(), Some(KeySetError::Json));
    assert_eq!(parse(&" ".repeat(MAX_BYTES + 1)), Some(KeySetError::TooLarge));
    assert_eq!(set_of(json!(vec![1; 257])).err(), Some(KeySetError::TooManyKeys));
    assert_eq!(parse(&format!(r#"{{"keys":{}"#, "[".repeat(100_000))), Some(KeySetError::Json));
}

/// Reasons go to logs: no key material in them, and no control characters of a hostile set.
#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn reasons_show_no_secret_and_no_control_characters() {
    let keys = json!([{"kty":"oct","k":"c2VjcmV0","kid":"a\nb"}, {"kty":"RSA","d":"c2VjcmV0","kid":"k".repeat(500)}]);
    let Err(error) = set_of(keys) else { panic!("taken") };
    let text = error.to_string();
    assert!(!text.contains("c2VjcmV0") && !text.contains('\n') && text.len() < 400, "{text}");
    assert!(text.contains("keys[0] (kid a?b): the secret is shorter than 32 bytes"), "{text}");
}

/// What people take for a key set, and what to do then.
#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn messages_say_what_the_text_is() {
    for (text, message) in [
        (
            r#"{"issuer":"https://a","jwks_uri":"https://a/keys"}"#,
            "this is an OpenID discovery document, not a key set: use the address in its `jwks_uri`, https://a/keys",
        ),
        (
            "<html>",
            "this is HTML or XML, not a key set: the address is that of a page, or a login is needed for it",
        ),
        (r#"{"kty":"RSA"}"#, "this is a key without a set around it: write {\"keys\": [KEY]}"),
        ("", "the key set is empty"),
    ] {
        let error = KeySet::parse(text.as_bytes()).err().unwrap();
        assert_eq!(error.to_string(), message);
    }
}

/// RFC 8259, 8.1: a reader may ignore a byte order mark, and some servers send one.
#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn a_byte_order_mark_is_ignored() {
    let set = json!({"keys": [{"kty": "oct", "k": "A".repeat(44)}]});
    let (set, skipped) = KeySet::parse(format!("\u{feff}{set}").as_bytes()).unwrap();
    assert_eq!((set.len(), skipped.len()), (1, 0));
}
