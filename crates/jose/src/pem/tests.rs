use crate::algorithm::Algorithm;
use crate::service::NoService;
use crate::{KeySet, KeySetError, Token};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

/// Keys in PEM as OpenSSL writes them, and tokens that they verify.
fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/jwt/providers.json")).unwrap()
}

fn reason(text: &str) -> String {
    match KeySet::parse(text.as_bytes()) {
        Err(KeySetError::NoUsableKey(reasons)) => reasons.join("; "),
        Err(error) => error.to_string(),
        Ok((_, skipped)) => panic!("taken, {skipped:?} skipped: {text}"),
    }
}

/// What the key of a text says of a token.
fn verdict(keys: &str, token: &str) -> String {
    let (set, skipped) = KeySet::parse(keys.as_bytes()).unwrap_or_else(|error| panic!("{error}: {keys}"));
    assert!(skipped.is_empty(), "{skipped:?}");
    let token = Token::parse(token.as_bytes(), 16 * 1024).unwrap();
    match set.verify(&token, &Algorithm::ALL.to_vec(), &NoService) {
        Ok(()) => "good".to_owned(),
        Err(refusal) => refusal.reason().to_owned(),
    }
}

#[test]
#[cfg(all(
    feature = "rsa",
    feature = "p256",
    feature = "p384",
    feature = "p521",
    feature = "k256",
    feature = "ed25519"
))]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn keys_of_every_kind_verify_their_tokens_and_no_others() {
    let vectors = vectors();
    for (name, token) in vectors["tokens"].as_object().unwrap() {
        let token = token.as_str().unwrap();
        for (of, pem) in vectors["pem"].as_object().unwrap() {
            let kind = of.split(' ').next().unwrap();
            let Some(_) = vectors["tokens"].get(kind) else { continue };
            let found = verdict(pem.as_str().unwrap(), token);
            assert_eq!(found == "good", kind == name, "{of} and a token of {name}: {found}");
        }
    }
}

#[test]
#[cfg(feature = "rsa")]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn the_form_of_the_text_does_not_matter() {
    let vectors = vectors();
    let (pem, token) = (vectors["pem"]["rsa"].as_str().unwrap(), vectors["tokens"]["rsa"].as_str().unwrap());
    let forms = [
        pem.replace('\n', "\r\n"),
        pem.replace('\n', " "),
        format!("\u{feff}{pem}"),
        format!("subject=/CN=idp\nissuer=/CN=a-b\n{pem}\n# the end"),
    ];
    for text in forms {
        assert_eq!(verdict(&text, token), "good", "{text}");
    }
}

#[test]
#[cfg(all(feature = "rsa", feature = "p256"))]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn an_object_names_them() {
    let vectors = vectors();
    let pem = |name: &str| vectors["pem"][name].as_str().unwrap().to_owned();
    let set = json!({"a": pem("rsa certificate"), "b": pem("ec256")}).to_string();
    // Their tokens have no `kid`: all keys that suit are tried.
    for name in ["rsa", "ec256"] {
        assert_eq!(verdict(&set, vectors["tokens"][name].as_str().unwrap()), "good");
    }
    let (of_b, firebase) = (&vectors["providers"], "Firebase");
    let case = of_b.as_array().unwrap().iter().find(|case| case["name"] == firebase).unwrap();
    let token = case["token"].as_str().unwrap();
    assert_eq!(verdict(&case["keys"].to_string(), token), "good");
    let renamed = json!({"other": case["keys"]["f1"]}).to_string();
    assert_eq!(verdict(&renamed, token), "unknown_key");
}

#[test]
#[cfg(all(feature = "rsa", feature = "p256"))]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn several_keys_are_several_candidates_and_issuers_of_certificates_none() {
    let vectors = vectors();
    let pem = |name: &str| vectors["pem"][name].as_str().unwrap().to_owned();
    let both = format!("{}{}", pem("rsa"), pem("ec256"));
    for name in ["rsa", "ec256"] {
        assert_eq!(verdict(&both, vectors["tokens"][name].as_str().unwrap()), "good");
    }
    let chain = format!("{}{}", pem("rsa certificate"), pem("ec256 certificate"));
    let (set, skipped) = KeySet::parse(chain.as_bytes()).unwrap();
    assert_eq!(
        (set.len(), skipped.as_slice()),
        (1, &["keys[1]: a further certificate is taken for that of an issuer".to_owned()][..])
    );
    let named = json!({"a": chain}).to_string();
    assert_eq!(verdict(&named, vectors["tokens"]["rsa"].as_str().unwrap()), "good");
    let too_many = json!({"a": both}).to_string();
    assert_eq!(reason(&too_many), "keys[0] (kid a): more than one PEM text under one name");
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn what_is_no_key_of_ours_says_why() {
    let vectors = vectors();
    let pem = |name: &str| vectors["pem"][name].as_str().unwrap().to_owned();
    for (name, why) in [
        ("private", "a private key must not be published: replace it"),
        ("private ec", "a private key must not be published: replace it"),
        ("compressed", "the point is compressed, or not as long as the curve's numbers"),
        ("x25519", "the key is not RSA, EC or Ed25519"),
        ("dsa", "the key is not RSA, EC or Ed25519"),
        ("rsa-1024", "the RSA key is shorter than 2048 bits"),
    ] {
        assert_eq!(reason(&pem(name)), format!("keys[0]: {why}"));
    }
    let broken = |text: String| assert_eq!(reason(&text), "keys[0]: the PEM text is broken", "{text}");
    let rsa = pem("rsa");
    broken(rsa.replace("MIIB", "MIIC"));
    broken(rsa.replace("MIIB", "_IIB"));
    broken(rsa.replace("MIIB", "!IIB"));
    broken("-----BEGIN PUBLIC KEY-----".to_owned());
    broken("-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----".to_owned());
    assert_eq!(
        reason(&rsa.replace("PUBLIC KEY", "DH PARAMETERS")),
        "keys[0]: the PEM text is neither a public key nor a certificate"
    );
    assert_eq!(reason(&rsa.replace("PUBLIC KEY", "CERTIFICATE")), "keys[0]: the certificate is broken");
}

/// Cut and changed anywhere, a text is refused or read, and nothing traps.
#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn no_text_traps() {
    let vectors = vectors();
    for name in ["rsa certificate", "ec256", "ed", "rsa pkcs1"] {
        let pem = vectors["pem"][name].as_str().unwrap();
        let (start, end) = (pem.find('\n').unwrap(), pem.rfind("\n-----END").unwrap());
        for at in (start..end).step_by(3) {
            let mut bytes = pem.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'/' } else { b'A' };
            let _ = KeySet::parse(&bytes);
            let short = format!("{}{}", &pem[..at], &pem[end..]);
            let _ = KeySet::parse(short.as_bytes());
        }
    }
}
