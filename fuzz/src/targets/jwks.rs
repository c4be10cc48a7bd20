//! Key sets.

use crate::support::ANN;
use serde_json::Value;
use weir_jose::{Algorithm, KeySet, KeySetError, NoService, Token};

pub(crate) const PIECES: &[&str] = &[
    "{\"keys\":[",
    "-----BEGIN PUBLIC KEY-----\n",
    "-----BEGIN CERTIFICATE-----\n",
    "\n-----END PUBLIC KEY-----\n",
    "{\"one\":\"-----BEGIN PUBLIC KEY-----\\n",
    "]}",
    "{\"kty\":\"oct\",\"k\":\"",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",",
    "\"crv\":\"P-384\"",
    "\"crv\":\"P-521\"",
    "\"crv\":\"secp256k1\"",
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"",
    "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"",
    "\"kid\":\"one\"",
    "\"alg\":\"HS256\"",
    "\"alg\":\"RS256\"",
    "\"use\":\"sig\"",
    "\"use\":\"enc\"",
    "\"key_ops\":[\"verify\"]",
    "\"d\":\"\"",
    "AAAAAAAAAAAAAAAA",
    "null",
    "},{",
];

/// What is taken is PEM, or a key set to `serde_json` too; no private key is used, and no message acts on a log.
pub(crate) fn jwks(data: &[u8]) {
    let (keys, skipped) = match KeySet::parse(data) {
        Ok(parsed) => parsed,
        Err(KeySetError::NoUsableKey(reasons)) => return reasons.iter().for_each(|reason| harmless(reason)),
        Err(error) => return harmless(&error.to_string()),
    };
    skipped.iter().for_each(|reason| harmless(reason));
    let token = Token::parse(ANN.as_bytes(), 8192).expect("it is one");
    let _ = keys.verify(&token, &Algorithm::ALL, &NoService);
    let set = serde_json::from_slice::<Value>(data);
    let Some(all) = set.as_ref().ok().and_then(|set| set["keys"].as_array()) else {
        assert!(data.windows(6).any(|text| text == b"BEGIN "), "neither a set nor PEM");
        return;
    };
    assert_eq!(all.len(), keys.len() + skipped.len());
    let private = |key: &&Value| key["kty"] != "oct" && key.get("d").is_some();
    assert!(keys.len() + all.iter().filter(private).count() <= all.len());
}

fn harmless(message: &str) {
    assert!(!message.contains(char::is_control), "{message:?}");
}
