//! Requests of clients that want past the rules, by chance: the same for the mini host and for Envoy, with what must
//! hold for each that reaches the upstream.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A key set with one shared secret, for the variable `KEYS`.
const KEYS: &str =
    r#"{"keys":[{"kty":"oct","kid":"one","k":"YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s"}]}"#;

/// `{"sub":"ann"}`, signed with that key: the only good token that there is.
const ANN: &str =
    "eyJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9.eyJzdWIiOiJhbm4ifQ.hxH6Faob-HiP1fC7yAvce1IA08PN5-gDdy4SoDVCeuE";

/// What is in whatever a client forges.
const FORGED: &str = "forged";

/// All headers that [`config`] owns, but for those that experiments name by their key.
const OWNED: [&str; 5] =
    ["x-auth-user-id", "x-auth-user-role", "x-weir-route", "x-experiments", "x-weir-experiment-old"];

/// All five filters, with rules that protect by each kind of test; `cel` where the host has it.
pub fn config(cel: bool) -> Value {
    let mut config = json!({
        "attributes": {
            "level": {"header": "x-level", "type": "number"},
            "json": {"header": "x-json", "type": "json"},
        },
        "jwt": {
            "providers": {"corp": {"jwks": {"env": "KEYS"}, "from": {"headers": [{"name": "authorization", "valuePrefix": "Bearer "}], "params": ["access_token"]}}},
            "rules": [
                {"name": "prefix", "match": {"uri": {"prefix": "/private"}}, "requires": "corp"},
                {"name": "regex", "match": {"uri": {"regex": "/secret/.*[0-9].*"}}, "requires": "corp"},
                {"name": "pattern", "condition": {"header:x-area": {"$regex": "(red|blue)+zone"}}, "requires": "corp"},
                {"name": "number", "condition": {"level": {"$gte": 5}}, "requires": "corp"},
                {"name": "json", "condition": {"json.admin": true}, "requires": "corp"},
                {"name": "header", "match": {"headers": {"x-cel": {"exact": "in"}}}, "requires": "corp"},
                {"name": "rest", "requires": "none"},
            ],
        },
        "experiments": {
            "unit": ["claim:sub", "header:x-user-id", "cookie:id"],
            "output": {"combinedHeader": "x-experiments", "baggage": true},
            "list": [{"key": "checkout", "variants": [{"key": "safe", "weight": 50}, {"key": "fast", "weight": 50}]}],
        },
        "routing": {"rules": [
            {"name": "fast", "variant": {"checkout": "fast"}, "setHeaders": {"x-weir-route": "v2"}},
            {"name": "text", "condition": {"header:x-text": {"$regex": "([a-z]+-)+end"}}, "setHeaders": {"x-weir-route": "v3"}},
        ]},
        "faults": [{"name": "teapot", "match": {"headers": {"x-tea": {"exact": "pot"}}}, "abort": {"httpStatus": 418, "percentage": "50%"}}],
        "metrics": {"red": {}, "list": [{"name": "checkouts_total", "experiments": "checkout"}]},
    });
    if cel {
        config["jwt"]["rules"][5] =
            json!({"name": "cel", "cel": "request.headers['x-cel'] == 'in'", "requires": "corp"});
    }
    config
}

/// The environment that [`config`] wants.
pub fn env() -> BTreeMap<String, String> {
    [("KEYS".to_owned(), KEYS.to_owned())].into()
}

/// One request: a path, headers and trailers with any bytes.
#[derive(Clone, Debug)]
pub struct Odd {
    /// Path and query.
    pub path: String,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Trailers, in order.
    pub trailers: Vec<(String, Vec<u8>)>,
}

/// Requests by chance, the same for the same seed.
#[derive(Debug)]
pub struct Hostile(fastrand::Rng);

impl Hostile {
    /// Starts at a seed.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    fn below(&mut self, count: usize) -> usize {
        self.0.usize(..count)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// The next request.
    pub fn request(&mut self) -> Odd {
        let mut path = self
            .one(&[
                "/",
                "/private",
                "/private/x",
                "//private",
                "/PRIVATE",
                "/pri%76ate",
                "/secret/",
                "/secret/7",
                "/a/../private",
                "/private;x",
                "/shop",
            ])
            .to_owned();
        if self.below(40) == 0 {
            path += &"z".repeat(self.below(20_000));
            path += self.one(&["", "7"]);
        }
        for separator in ["?", "&", "&"].iter().take(self.below(4)) {
            path += separator;
            path += self.one(&["access_token", "access%5Ftoken", "Access_Token", "a", "", "%", "%zz"]);
            path += "=";
            path += self.one(&[ANN, "forged", "a.b.c", "%", ""]);
        }
        let mut headers = Vec::new();
        for _ in 0..self.below(8) {
            let name = self.one(&[
                "x-auth-user-id",
                "x-auth-user-role",
                "x-weir-route",
                "x-experiments",
                "x-weir-experiment-checkout",
                "x-weir-experiment-old",
                "baggage",
                "baggage",
                "authorization",
                "authorization",
                "cookie",
                "x-level",
                "x-json",
                "x-area",
                "x-cel",
                "x-text",
                "x-user-id",
                "x-tea",
                "traceparent",
                "x-forwarded-for",
            ]);
            let value = self.value(name);
            headers.push((name.to_owned(), value));
        }
        let mut trailers = Vec::new();
        if self.below(8) == 0 {
            trailers.push((self.one(&OWNED).to_owned(), FORGED.into()));
        }
        Odd { path, headers, trailers }
    }

    fn value(&mut self, name: &str) -> Vec<u8> {
        let mut value = match name {
            "baggage" => self
                .one(&[
                    "weir.checkout=forged",
                    "weir%2Echeckout=forged",
                    "WEIR.checkout=forged",
                    " weir.checkout = forged",
                    "%77eir.checkout=forged",
                    "a=1,weir.checkout=forged;p",
                    "a=1",
                    ",,=,",
                    "weir%2echeckout=forged,weir.x=forged",
                ])
                .into(),
            "authorization" => match self.below(5) {
                0 | 1 => format!("Bearer {ANN}"),
                2 => format!("Bearer {}", ANN.replace("hxH6", "forg")),
                3 => "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJmb3JnZWQifQ.".into(),
                _ => self
                    .one(&["Bearer ", "bearer x.y.z", "Basic Zm9yZ2Vk", "Bearer a.b.c, Bearer d.e.f"])
                    .into(),
            },
            "x-level" => self.one(&["5", "4", "NaN", "1e999", " 6 ", "five", ""]).into(),
            "x-json" => self
                .one(&[
                    r#"{"admin": true}"#,
                    r#"{"admin": false}"#,
                    "{",
                    r#"{"admin": true, "admin": false}"#,
                    "[[[[[",
                    "",
                ])
                .into(),
            "x-area" => self.one(&["redzone", "greenzone", "redbluezone", ""]).into(),
            "x-cel" => self.one(&["in", "out", ""]).into(),
            "x-text" => self.one(&["a-b-end", "a-", ""]).into(),
            "cookie" => self.one(&["id=ada", "id=", ";;=", "id=a; id=b"]).into(),
            "x-user-id" => self.one(&["ada", "bob", ""]).into(),
            "x-tea" => self.one(&["pot", "cup"]).into(),
            _ => self.one(&[FORGED, "forged,forged", "", "ann"]).into(),
        }
        .into_bytes();
        match self.below(24) {
            0 => value.push(0x80 | self.below(128) as u8),
            1 => value.insert(0, 0xff),
            2 => value.extend(b"ab-".repeat(self.below(6_000))),
            _ => {}
        }
        value
    }
}

/// What is wrong with a request as the upstream got it, if anything: path, headers and trailers.
pub fn wrong(path: &str, headers: &[(String, Vec<u8>)], trailers: &[(String, Vec<u8>)]) -> Option<String> {
    let values = |name: &str| values_of(headers, name);
    for name in OWNED {
        let values = values(name);
        if values.len() > 1 || values.iter().any(|value| *value != b"" && forged(value)) {
            return Some(format!("{name} is {values:?}"));
        }
        if trailers.iter().any(|(other, _)| other == name) {
            return Some(format!("the trailer {name} has passed"));
        }
    }
    let user = values("x-auth-user-id");
    if !matches!(*user, [] | [b"ann"]) {
        return Some(format!("the user is {user:?}"));
    }
    if let [variant, ..] = *values("x-weir-experiment-checkout")
        && !matches!(variant, b"safe" | b"fast")
    {
        return Some(format!("the variant is {variant:?}"));
    }
    for line in values("baggage") {
        let text = String::from_utf8_lossy(line).to_lowercase().replace("%2e", ".").replace("%77", "w");
        if text.split(',').any(|member| member.trim().starts_with("weir.") && member.contains(FORGED)) {
            return Some(format!("baggage is {text:?}"));
        }
    }
    let is = |name: &str, meant: &[u8]| values(name).contains(&meant);
    let protected = path.starts_with("/private")
        || path.strip_prefix("/secret/").is_some_and(|rest| {
            rest.split('?').next().unwrap_or_default().contains(|c: char| c.is_ascii_digit())
        })
        || is("x-area", b"redzone")
        || is("x-area", b"redbluezone")
        || is("x-level", b"5") && values("x-level").len() == 1
        || is("x-json", br#"{"admin": true}"#) && values("x-json").len() == 1
        || is("x-cel", b"in") && values("x-cel").len() == 1;
    (protected && user.is_empty()).then(|| format!("{path} was reached without a token: {headers:?}"))
}

fn values_of<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> Vec<&'a [u8]> {
    headers.iter().filter(|(other, _)| other == name).map(|(_, value)| &**value).collect()
}

fn forged(value: &[u8]) -> bool {
    value.windows(FORGED.len()).any(|window| window == FORGED.as_bytes())
}
