//! What a key server answers.

use crate::support::{ANN, halves, host, pipeline, serve};
use serde_json::json;
use weir_core::Disposition;
use weir_core::escape::is_hidden;
use weir_host::Plugin as _;
use weir_jose::{Algorithm, KeySet, NoService, Token};

pub(crate) const PIECES: &[&str] = &[
    "200\n",
    "404\n",
    "+200\n",
    " 200\n",
    "{\"keys\":[",
    "]}",
    "{\"kty\":\"oct\",\"kid\":\"one\",\"k\":\"YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s\"}",
    "\"kid\":\"\\u001b[2J\"",
    "\"alg\":\"HS512\"",
    "null",
    "{\"kty\":\"RSA\"}",
    ",",
];

/// The first line is the status, what follows the body. A token passes only where these keys verify it.
pub(crate) fn key_answer(data: &[u8]) {
    let (status, body) = halves(data, b'\n');
    let pipeline = pipeline(&json!({"jwt": {"providers": {"corp": {
        "jwks": {"remote": {"cluster": "keys", "uri": "https://id.example.com/keys", "wait": "0s"}}}}}}));
    let host = host();
    let _ = pipeline.on_wake(&host);
    let status = String::from_utf8_lossy(status).into_owned();
    *host.callout_answer.borrow_mut() = Some((status.clone(), body.to_vec()));
    // The token that the fake proxy gives each callout.
    let _ = pipeline.on_callout(&host, 7, body.len());
    let bearer = (b"authorization".to_vec(), format!("Bearer {ANN}").into_bytes());
    let served = serve(&pipeline, &host, &[(b":path".to_vec(), b"/".to_vec()), bearer]);
    let token = Token::parse(ANN.as_bytes(), 8192).expect("it is one");
    let keys = KeySet::parse(body).ok().map(|(keys, _)| keys);
    let good = keys.is_some_and(|keys| keys.verify(&token, &Algorithm::ALL, &NoService).is_ok());
    let ok = status.parse() == Ok(200u16);
    assert_eq!(matches!(served.disposition, Disposition::On), good && ok, "{status:?}");
    assert!(host.lines.borrow().iter().all(|line| !line.contains(is_hidden)));
}
