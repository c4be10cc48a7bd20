//! The cookie that remembers assignments.

use crate::support::{World, pipeline};
use serde_json::{Value, json};
use weir_cookie::{SecretSpec, Signer};
use weir_core::header::encode_pairs;
use weir_core::{At, AttributeMap, Compiler, Problems};
use weir_pipeline::{Outcome, Plans};

pub(crate) const PIECES: &[&str] = &[
    "1~0~",
    "1~4102444800~",
    "one:a:0",
    "one:b:0",
    "two:x:2",
    "two:y:3",
    "two:x:1",
    "/",
    ":",
    "~",
    "one:",
    "two:",
    "three:a:0",
    "18446744073709551615",
    "4294967295",
    "00",
];

const SECRET: &str = "a secret of more than sixteen bytes";

fn configuration() -> Value {
    json!({"experiments": {"unit": "header:x-u", "secret": {"value": SECRET}, "assignmentCookie": {"name": "w"}, "list": [
        {"key": "one", "sticky": true, "variants": [{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]},
        {"key": "two", "sticky": true, "bucketVersion": 3, "minBucketVersion": 2, "variants": [{"key": "x", "weight": 1}, {"key": "y", "weight": 1}]},
        {"key": "on", "sticky": true, "variants": [{"key": "e", "weight": 1}]}]}})
}

thread_local! {
    static PLANS: Plans = {
        drop(pipeline(&configuration()));
        Plans::load(configuration().to_string().as_bytes(), &|_| None).expect("it is right")
    };
    static SIGNER: Signer = {
        let spec = SecretSpec { value: Some(SECRET.to_owned()), env: None };
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, Problems::default());
        Signer::compile(&[spec], &mut compiler, &At::root()).expect("it is long enough")
    };
}

/// What a request with this cookie gets, and the cookie that its response sets.
fn decide(cookie: &[u8]) -> (Outcome, Option<Vec<u8>>) {
    let raw = encode_pairs(&[("x-u", &b"ada"[..]), ("cookie", cookie)]);
    let outcome = PLANS.with(|plans| plans.outcome(&raw, &World::default(), &mut ()));
    let set = outcome.response.iter().find(|(name, _)| name == "set-cookie");
    let pair = set.map(|(_, value)| value.split(|b| *b == b';').next().unwrap_or_default().to_vec());
    (outcome, pair)
}

/// A cookie that we have not signed is as good as none; one that we have is read, and what the response sets gives
/// the same variants again and is not set a second time.
pub(crate) fn sticky(data: &[u8]) {
    let own = |body: &[u8]| SIGNER.with(|signer| signer.sign("w=", body));
    let is_own = data.len() > 33 && {
        let (body, signature) = data.split_at(data.len() - 32);
        own(&body[..body.len() - 1])[..] == *signature
    };
    if !is_own {
        let none = decide(b"");
        assert_eq!(decide(&[&b"w="[..], data].concat()), none);
    }
    let cookie = [&b"w="[..], data, b"~", &own(data)].concat();
    let (first, set) = decide(&cookie);
    let (second, again) = decide(set.as_ref().unwrap_or(&cookie));
    assert_eq!(first.owned, second.owned);
    if let Some(set) = set {
        assert!(set.len() < 4000, "{}", set.len());
        // One that is full does not take everything.
        assert!(again.is_none() || set.len() > 3500, "{}", set.escape_ascii());
    }
}
