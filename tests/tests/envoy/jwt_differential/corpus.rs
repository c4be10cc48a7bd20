//! The tokens of `tests/vectors/jwt/verdicts.json`, with what ours must say of them now.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use weir_tests::paths;

/// The longest token that ours reads, in bytes; the vectors are made for another limit.
const MAX_LEN: usize = 16 * 1024;

/// A token for both filters.
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) token: String,
    /// The provider: it has the case's key set and allowed algorithms.
    pub(crate) provider: String,
    /// What ours must say: `accepted`, or why not.
    pub(crate) expected: String,
}

pub(crate) struct Corpus {
    file: Value,
    now: f64,
    /// The providers that cases need: key set, and allowed algorithms as JSON.
    kinds: BTreeSet<(String, String)>,
}

/// All that we know.
const ALGORITHMS: [&str; 14] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384",
    "ES512", "ES256K", "EdDSA",
];

impl Corpus {
    pub(crate) fn load() -> Self {
        let path = paths::root().join("tests/vectors/jwt/verdicts.json");
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let kinds = file["cases"].as_array().unwrap().iter().map(kind).collect();
        Self { file, now, kinds }
    }

    fn cases(&self) -> &[Value] {
        self.file["cases"].as_array().unwrap()
    }

    /// Providers: name, key set, allowed algorithms.
    pub(crate) fn providers(&self) -> Vec<(String, String, Value)> {
        let named = |(number, (set, allowed)): (usize, &(String, String))| {
            let mut allowed: Value = serde_json::from_str(allowed).unwrap();
            if allowed == json!([]) {
                // Some are verified only where they are named.
                allowed = json!(ALGORITHMS);
            }
            (provider_name(number), self.file["keySets"][set].to_string(), allowed)
        };
        self.kinds.iter().enumerate().map(named).collect()
    }

    /// All that HTTP can carry, and how many it cannot: control characters, white space at the ends, nothing.
    pub(crate) fn samples(&self) -> (Vec<Sample>, usize) {
        let carries = |token: &str| {
            let printable = token.bytes().all(|b| b >= 0x20 && b != 0x7f);
            printable && !token.is_empty() && token.trim_matches(' ') == token && token.len() < 64 << 10
        };
        let (fit, unfit): (Vec<_>, Vec<_>) =
            self.cases().iter().partition(|case| carries(case["token"].as_str().unwrap()));
        (fit.into_iter().map(|case| self.sample(case)).collect(), unfit.len())
    }

    fn sample(&self, case: &Value) -> Sample {
        let text = |name: &str| case[name].as_str().unwrap().to_owned();
        let (name, token) = (text("name"), text("token"));
        let expected = self.now_expected(&name, &token, text("verdict"));
        let number = self.kinds.iter().position(|known| *known == kind(case)).unwrap();
        Sample { provider: provider_name(number), name, token, expected }
    }

    /// The verdict is for the time of the vectors and their size limit; this one for today and for ours.
    fn now_expected(&self, name: &str, token: &str, verdict: String) -> String {
        let skew = self.file["skew"].as_f64().unwrap();
        let number = |prefix: &str| name.strip_prefix(prefix).and_then(|text| text.parse::<f64>().ok());
        let timely = matches!(verdict.as_str(), "accepted" | "expired" | "not_yet_valid");
        let now = match (number("claims: exp "), number("claims: nbf ")) {
            (Some(exp), _) if timely && exp + skew <= self.now => "expired",
            (_, Some(nbf)) if timely && nbf - skew > self.now => "not_yet_valid",
            (Some(_), _) | (_, Some(_)) if timely => "accepted",
            _ if verdict == "too_large" && token.len() <= MAX_LEN => "accepted",
            // To a provider, an empty list says nothing.
            _ if name == "allow-list: empty" => "accepted",
            _ => return verdict,
        };
        now.to_owned()
    }
}

fn kind(case: &Value) -> (String, String) {
    let allowed = case.get("allowed").map_or_else(|| "[]".to_owned(), Value::to_string);
    (case["keySet"].as_str().unwrap().to_owned(), allowed)
}

fn provider_name(number: usize) -> String {
    format!("p{number}")
}
