//! Matches by chance, in the words of Istio's HTTPMatchRequest.

use serde_json::{Map, Value, json};

use super::dice::Dice;

/// Entries of which one is enough.
pub(crate) type Match = Vec<Entry>;

/// How a text is tested.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Test {
    Present,
    Exact(&'static str),
    Prefix(&'static str),
    /// The expression, and texts that meet it.
    Regex(&'static str, &'static [&'static str]),
}

/// One HTTPMatchRequest.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) uri: Option<Test>,
    pub(crate) ignore_uri_case: bool,
    pub(crate) method: Option<Test>,
    pub(crate) scheme: Option<Test>,
    pub(crate) authority: Option<Test>,
    pub(crate) headers: Vec<(&'static str, Test)>,
    pub(crate) without_headers: Vec<(&'static str, Test)>,
    pub(crate) query_params: Vec<(&'static str, Test)>,
}

/// Header names as a configuration writes them; HTTP does not care for their case, Envoy takes `host`
/// for `:authority`.
const HEADERS: [&str; 8] = ["x-a", "X-B", "x-c", "x-a", "cookie", "host", "accept-language", ":authority"];
const QUERIES: [&str; 5] = ["q", "Q", "debug", "a%62", "x.y"];

const TEXTS: [&str; 16] = [
    "",
    "v1",
    "v2",
    "beta",
    "Beta",
    "beta-testers",
    "a b",
    "a%20b",
    "a+b",
    "x,y",
    "v1,v2",
    "é",
    "user=jason",
    "1",
    "de-AT",
    "=",
];
const PREFIXES: [&str; 9] = ["v", "be", "B", "a", "a%", "x,", "é", "user=", "-"];
const REGEXES: [(&str, &[&str]); 28] = [
    ("v[0-9]+", &["v1", "v22"]),
    ("(?i)beta", &["BETA", "beta"]),
    (".*", &["", "v1", "x,y", "é"]),
    (".+", &["v1", "é", " "]),
    ("a|bc|", &["a", "bc", ""]),
    ("^(.*?;)?(user=jason)(;.*)?$", &["user=jason", "a=b;user=jason;c"]),
    ("[^/]+", &["a b", "é"]),
    ("a..c", &["abbc", "aéc"]),
    ("é.*", &["é", "éa"]),
    (r"\d{2,4}", &["12", "1234"]),
    ("beta.*", &["beta", "beta-testers"]),
    (".*beta", &["beta", "x-beta"]),
    (".*e.*", &["beta", "e"]),
    ("[[:alpha:]]*", &["", "abc"]),
    (r"\w+\s\w+", &["a b", "v1 v2"]),
    (r"v1\.2", &["v1.2"]),
    ("(a(b(c)?)?)?", &["", "ab", "abc"]),
    (r"\x62eta", &["beta"]),
    ("x?y*z+", &["z", "xyyz"]),
    (r"[\w.+-]+@[\w-]+\.(com|org)", &["ada@example.com", "a.b@c.org"]),
    (r"(?:[a-z]{2})(?:-[A-Z]{2})?", &["de", "de-AT"]),
    (r"\bbeta\b.*", &["beta", "beta-testers"]),
    (r"[^\x00-\x7f]+", &["é", "éé"]),
    (r"\<b\>", &["<b>", "b"]),
    (r"(\<)+[\>b]+", &["<b>", "b"]),
    ("[--b]+", &["a-b", "-", "1.b"]),
    (r"(?:v1|)+(\.[0-9]*)*", &["v1", "", "v1.2.3"]),
    ("*", &["", "anything"]),
];

const PATHS: [&str; 9] = ["/", "/a", "/A", "/a/b", "/api/v1", "/a%20b", "/API/V1/", "/a//b", "/%C3%A9"];
const PATH_PREFIXES: [&str; 6] = ["/", "/a", "/A", "/api", "/Api/", "/a%"];
const PATH_REGEXES: [(&str, &[&str]); 6] = [
    ("/a.*", &["/a", "/a/b", "/api/v1"]),
    (r"/[a-z]+/v\d", &["/api/v1"]),
    ("(?i)/API(/.*)?", &["/api", "/Api/v1"]),
    ("/[^/]*", &["/", "/a", "/a%20b"]),
    (r".*\.(jpg|png)", &["/x.jpg", "/a/b.png"]),
    ("/users/[0-9]+(/posts)?/?", &["/users/42", "/users/1/posts/"]),
];

const METHODS: [&str; 4] = ["GET", "POST", "DELETE", "PUT"];
const SCHEMES: [&str; 2] = ["http", "https"];
const AUTHORITIES: [&str; 4] = ["example.com", "example.com:8080", "EXAMPLE.com", "shop.example.com"];

/// A match of one or two entries.
pub(crate) fn random(dice: &mut Dice) -> Match {
    let entries = if dice.percent(25) { 2 } else { 1 };
    (0..entries).map(|_| entry(dice)).collect()
}

fn entry(dice: &mut Dice) -> Entry {
    let mut entry = Entry::default();
    if dice.percent(45) {
        entry.uri = Some(uri(dice));
        entry.ignore_uri_case = dice.percent(40);
    }
    if dice.percent(15) {
        entry.method = Some(line(dice, &METHODS, &[("GET|POST", &["GET", "POST"])]));
    }
    if dice.percent(12) {
        entry.scheme = Some(line(dice, &SCHEMES, &[("https?", &["http", "https"])]));
    }
    if dice.percent(12) {
        let pattern = (r"(.*\.)?example\.com(:\d+)?", &["example.com", "a.example.com:80"][..]);
        entry.authority = Some(line(dice, &AUTHORITIES, &[pattern]));
    }
    entry.headers = tests(dice, &HEADERS, 60);
    entry.without_headers = tests(dice, &HEADERS, 30);
    entry.query_params = tests(dice, &QUERIES, 35);
    entry
}

fn uri(dice: &mut Dice) -> Test {
    match dice.below(3) {
        0 => Test::Exact(dice.one(&PATHS)),
        1 => Test::Prefix(dice.one(&PATH_PREFIXES)),
        _ => regex(dice, &PATH_REGEXES),
    }
}

/// A test of a part of the request line.
fn line(
    dice: &mut Dice,
    texts: &[&'static str],
    regexes: &[(&'static str, &'static [&'static str])],
) -> Test {
    match dice.below(4) {
        0 | 1 => Test::Exact(dice.one(texts)),
        2 => Test::Prefix(&dice.one(texts)[..3]),
        _ => regex(dice, regexes),
    }
}

fn regex(dice: &mut Dice, of: &[(&'static str, &'static [&'static str])]) -> Test {
    let (pattern, samples) = *dice.one(of);
    Test::Regex(pattern, samples)
}

/// At most two tests, of different names.
fn tests(dice: &mut Dice, names: &[&'static str], percent: usize) -> Vec<(&'static str, Test)> {
    let mut tests: Vec<(&str, Test)> = Vec::new();
    for chance in [percent, percent / 3] {
        let name = *dice.one(names);
        if dice.percent(chance) && tests.iter().all(|(known, _)| *known != name) {
            let of_line = is_host(name) || QUERIES.contains(&name);
            // What no request line can have is refused there.
            let fits = |test: &Test| !of_line || test.is_sendable();
            let test = std::iter::repeat_with(|| text(dice)).find(fits);
            tests.extend(test.map(|test| (name, test)));
        }
    }
    tests
}

fn text(dice: &mut Dice) -> Test {
    match dice.below(10) {
        0 | 1 => Test::Present,
        2..=4 => Test::Exact(dice.one(&TEXTS)),
        5 | 6 => Test::Prefix(dice.one(&PREFIXES)),
        _ => regex(dice, &REGEXES),
    }
}

/// Whether it is the host under one of its names.
pub(crate) fn is_host(name: &str) -> bool {
    matches!(name, "host" | ":authority")
}

impl Test {
    /// Whether a request line can have such a text.
    fn is_sendable(self) -> bool {
        match self {
            Test::Present => true,
            Test::Exact(text) | Test::Prefix(text) | Test::Regex(text, _) => {
                text.bytes().all(|b| b.is_ascii_graphic())
            }
        }
    }

    fn to_json(self) -> Value {
        match self {
            Test::Present => json!({}),
            Test::Exact(text) => json!({"exact": text}),
            Test::Prefix(text) => json!({"prefix": text}),
            Test::Regex(pattern, _) => json!({"regex": pattern}),
        }
    }

    /// A text that passes, unless what is around it says otherwise.
    pub(crate) fn sample(self, dice: &mut Dice) -> String {
        match self {
            Test::Present => (*dice.one(&TEXTS)).to_owned(),
            Test::Exact(text) => text.to_owned(),
            Test::Prefix(text) => format!("{text}{}", dice.one(&["", "x", "/", "eta"])),
            Test::Regex(_, samples) => (*dice.one(samples)).to_owned(),
        }
    }
}

/// A text that many tests know.
pub(crate) fn any_text(dice: &mut Dice) -> String {
    text(dice).sample(dice)
}

impl Entry {
    /// As it is in a VirtualService, and so in a rule of Weir.
    pub(crate) fn to_json(&self) -> Value {
        let mut json = Map::new();
        let parts = [
            ("uri", self.uri),
            ("method", self.method),
            ("scheme", self.scheme),
            ("authority", self.authority),
        ];
        for (name, test) in parts {
            json.extend(test.map(|test| (name.to_owned(), test.to_json())));
        }
        if self.ignore_uri_case {
            json.insert("ignoreUriCase".to_owned(), json!(true));
        }
        let maps = [
            ("headers", &self.headers),
            ("withoutHeaders", &self.without_headers),
            ("queryParams", &self.query_params),
        ];
        for (name, tests) in maps {
            let tests: Map<String, Value> =
                tests.iter().map(|(name, test)| ((*name).to_owned(), test.to_json())).collect();
            json.insert(name.to_owned(), Value::Object(tests));
        }
        Value::Object(json)
    }
}
