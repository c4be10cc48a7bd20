//! Regular expressions on values from 16 KiB up to what Envoy lets through: the same expressions stand in one Envoy as
//! rules of a section `jwt`, and as RBAC that denies. A value of which both can tell must be judged alike; where Weir has
//! spent the work of one request it stops the request.

use serde_json::json;
use weir_tests::envoy::{Bootstrap, Envoy, Filter, Listener, Plugin};

use super::forms::{Form, KEYS, RBAC, status};

/// An expression; how texts for it begin, go on, and end so that they meet it, and so that they do not.
struct Pattern {
    regex: &'static str,
    start: &'static [u8],
    unit: &'static [u8],
    good: &'static [u8],
    bad: &'static [u8],
}

const fn pattern(
    regex: &'static str,
    start: &'static [u8],
    unit: &'static [u8],
    good: &'static [u8],
    bad: &'static [u8],
) -> Pattern {
    Pattern { regex, start, unit, good, bad }
}

const PATTERNS: [Pattern; 22] = [
    pattern("(gold|silver).*[0-9]", b"gold", b"a", b"7", b"x"),
    pattern("(gold|silver).*[0-9]", b"silver", b"1a", b"9", "é".as_bytes()),
    pattern("v[0-9]+", b"v", b"12", b"3", b"x"),
    pattern("(?i)(beta|gamma)+", b"", b"BETAgamma", b"BeTa", b"bet"),
    pattern("[^/]+", b"a", b"b c", b"d", b"/"),
    pattern(".*", b"", b"x", b"", b"y"),
    pattern("(.*;)?user=jason(;.*)?", b"a=b;", b"c=d;", b"user=jason", b"user=jaso"),
    pattern("(.*;)?user=jason(;.*)?", b"user=jason;", b"user=jason;", b"", b"user=jasonn"),
    pattern("(a|b)*abb", b"", b"ab", b"abb", b"aba"),
    pattern("([ab]*a[ab]{6})", b"", b"ab", b"abbbbbb", b"bbbbbbb"),
    pattern(r"\w+(\s\w+)*", b"w", b"or d", b"s", b"-"),
    pattern("[\\w.+-]+@[\\w-]+\\.(com|org)", b"ada", b".b-c+d", b"@example.com", b"@example.net"),
    pattern(".*secret.*", b"", b"secre", b"secret", b"secre"),
    pattern(".*(secret|hidden)", b"", b"hidde", b"nhidden", b"hidde"),
    pattern("x?(y*z+)*", b"x", b"yz", b"zzz", b"y"),
    pattern("(é|[^\\x00-\\x7f])+", "é".as_bytes(), "é".as_bytes(), "é".as_bytes(), b"e"),
    pattern("[^a-f]*", b"", b"xyz", b"0", b"c"),
    pattern(
        r"(\d{1,3}\.){3}\d{1,3}(, (\d{1,3}\.){3}\d{1,3})*",
        b"10.0.0.1",
        b", 10.200.3.4",
        b"",
        b", 10.0.0",
    ),
    pattern(r"(?i)[a-z]+(-[a-z0-9]{2,8})*", b"de", b"-AT", b"-1996", b"-a"),
    pattern("[[:alpha:]]+[[:digit:]]", b"", b"abc", b"1", b"a"),
    pattern("(ab|abc|abcd)*d?", b"", b"ababcabcd", b"d", b"dd"),
    pattern("(.a|.b)*", b"", b"xayb", b"za", b"z"),
];

const SIZES: [usize; 8] = [16_383, 16_384, 16_385, 17_000, 24_000, 32_768, 48_000, 58_000];

impl Pattern {
    /// A text of about this size.
    fn text(&self, size: usize, end: &[u8]) -> Vec<u8> {
        let rest = size.saturating_sub(self.start.len() + end.len());
        [self.start, &self.unit.repeat(rest / self.unit.len()), end].concat()
    }
}

/// Both sides: each expression on a path of its own, and all of them on one.
fn start() -> Envoy {
    let header = |regex: &str| json!({"name": "x-tier", "string_match": {"safe_regex": {"regex": regex}}});
    let path = |path: &str| json!({"name": ":path", "string_match": {"exact": path}});
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let numbered = PATTERNS.iter().enumerate().map(|(number, pattern)| (format!("/{number}"), pattern.regex));
    let together = PATTERNS.iter().map(|pattern| ("/all".to_owned(), pattern.regex));
    for (at, regex) in numbered.chain(together) {
        ours.push(json!({"match": {"uri": {"exact": at}, "headers": {"x-tier": {"regex": regex}}}, "requires": "corp"}));
        theirs.push(json!({"and_rules": {"rules": [{"header": path(&at)}, {"header": header(regex)}]}}));
    }
    // The path itself.
    let in_path = r"/path/([a-z]+/)*(secret|hidden)[0-9]*(/.*)?";
    ours.push(json!({"match": {"uri": {"regex": in_path}}, "requires": "corp"}));
    theirs.push(json!({"header": {"name": ":path", "string_match": {"safe_regex": {"regex": in_path}}}}));
    let ours = json!({"jwt": {"providers": {"corp": {"jwks": {"inline": KEYS}}}, "rules": ours}});
    let policy = json!({"permissions": theirs, "principals": [{"any": true}]});
    let rbac = json!({"@type": RBAC, "rules": {"action": "DENY", "policies": {"needs": policy}}});
    let native = Filter::Native("envoy.filters.http.rbac".into(), rbac);
    let bootstrap = Bootstrap::default()
        .listener(Listener::new().plugin(Plugin::new("jwt_claims").unwrap().config(&ours)))
        .listener(Listener::new().filter(native));
    Envoy::start(bootstrap).unwrap()
}

fn form(target: String, tier: Vec<u8>) -> Form {
    Form { method: "GET", target, host: "example.com".into(), tier }
}

/// Whether each side stops the request; both answer alike what they do not stop.
fn stopped(envoy: &Envoy, form: &Form) -> (bool, bool) {
    let [ours, theirs] = [0, 1].map(|listener| status(envoy.listener(listener), form));
    let both = (ours == 401, theirs == 403);
    assert!(both.0 || both.1 || ours == theirs, "{ours} {theirs}");
    assert!([200, 401].contains(&ours) && [200, 403].contains(&theirs), "{ours} {theirs}");
    both
}

#[test]
fn long_values_meet_an_expression_as_in_rbac() {
    let envoy = start();
    let (mut compared, mut met, mut wrong) = (0, 0, Vec::new());
    let mut compare = |form: &Form, what: &dyn Fn() -> String| {
        let (ours, theirs) = stopped(&envoy, form);
        compared += 1;
        met += usize::from(theirs);
        if ours != theirs {
            wrong.push(format!("{}: Weir stops: {ours}, RBAC: {theirs}", what()));
        }
    };
    for (number, pattern) in PATTERNS.iter().enumerate() {
        for size in SIZES {
            for (end, what) in
                [(pattern.good, "good"), (pattern.bad, "bad"), (b"\xff".as_slice(), "not UTF-8")]
            {
                let text = pattern.text(size, end);
                let shown = || format!("{} {what} {size}", pattern.regex);
                compare(&form(format!("/{number}"), text), &shown);
            }
        }
    }
    for size in SIZES {
        for end in ["secret", "hidden1", "secre", "secret1/x", "secret1x"] {
            let path = format!("/path/{}{end}", "ab/".repeat((size - 20) / 3));
            compare(&form(path, Vec::new()), &|| format!("path {size} {end}"));
        }
    }
    println!("{compared} long values, {met} of them stopped, {} judged otherwise", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(met * 4 > compared && met * 4 < compared * 3, "{met} of {compared}");
}

#[test]
fn beyond_the_work_of_a_request_it_is_stopped() {
    let envoy = start();
    let (mut alike, mut stricter) = (0, 0);
    for pattern in &PATTERNS {
        for size in SIZES {
            for end in [pattern.good, pattern.bad] {
                let (ours, theirs) = stopped(&envoy, &form("/all".into(), pattern.text(size, end)));
                assert!(ours || !theirs, "{} of {size} bytes passes", pattern.regex);
                alike += usize::from(ours == theirs);
                stricter += usize::from(ours && !theirs);
            }
        }
    }
    println!(
        "all {} expressions at once: {alike} judged alike, {stricter} stopped by Weir alone",
        PATTERNS.len()
    );
    assert!(alike > stricter, "{alike} {stricter}");
}
