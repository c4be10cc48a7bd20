//! What protects, against all the ways to write one request: the same rules for a token are in one Envoy as a
//! section `jwt`, as Envoy's own `jwt_authn`, and as RBAC that denies. What either of these stops, Weir must
//! stop.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::envoy::{Bootstrap, Envoy, Filter, Listener, Plugin};

const JWT_AUTHN: &str = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
pub(crate) const RBAC: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
pub(crate) const KEYS: &str =
    r#"{"keys":[{"kty":"oct","kid":"one","k":"YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s"}]}"#;

/// The rules: as Weir has them, and the header matchers that Envoy has in their place.
fn rules() -> Vec<(Value, Value)> {
    let regex =
        |name: &str, regex: &str| json!({"name": name, "string_match": {"safe_regex": {"regex": regex}}});
    let host = |test: Value| json!({"name": ":authority", "string_match": test});
    vec![
        (json!({"uri": {"regex": "/adm(in)?(/.*)?"}}), json!([regex(":path", r"/adm(in)?(/[^?]*)?(\?.*)?")])),
        (
            json!({"uri": {"prefix": "/private"}}),
            json!([{"name": ":path", "string_match": {"prefix": "/private"}}]),
        ),
        (json!({"uri": {"exact": "/exact"}}), json!([regex(":path", r"/exact(\?.*)?")])),
        (json!({"uri": {"suffix": ".secret"}}), json!([regex(":path", r"[^?]*\.secret(\?.*)?")])),
        (
            json!({"method": {"exact": "DELETE"}, "uri": {"prefix": "/shop"}}),
            json!([
                {"name": ":method", "string_match": {"exact": "DELETE"}},
                {"name": ":path", "string_match": {"prefix": "/shop"}},
            ]),
        ),
        (
            json!({"authority": {"exact": "admin.example.com"}}),
            json!([host(json!({"exact": "admin.example.com", "ignore_case": true}))]),
        ),
        (
            json!({"authority": {"regex": r"[a-z]+\.internal"}}),
            json!([regex(":authority", r"(?i)[a-z]+\.internal")]),
        ),
        (
            json!({"headers": {"x-tier": {"regex": "(gold|silver).*[0-9]"}}}),
            json!([regex("x-tier", "(gold|silver).*[0-9]")]),
        ),
    ]
}

fn start() -> Envoy {
    let ours: Vec<Value> =
        rules().into_iter().map(|(ours, _)| json!({"match": ours, "requires": "corp"})).collect();
    let ours = json!({"jwt": {"providers": {"corp": {"jwks": {"inline": KEYS}}}, "rules": ours}});
    let matches: Vec<Value> = rules().into_iter().map(|(_, headers)| headers).collect();
    let needs: Vec<Value> = matches
        .iter()
        .map(|headers| json!({"match": {"prefix": "/", "headers": headers}, "requires": {"provider_name": "corp"}}))
        .collect();
    let authn = json!({
        "@type": JWT_AUTHN,
        "providers": {"corp": {"local_jwks": {"inline_string": KEYS}}},
        "rules": needs,
    });
    let all = |headers: &Value| {
        let each: Vec<Value> =
            headers.as_array().unwrap().iter().map(|header| json!({"header": header})).collect();
        json!({"and_rules": {"rules": each}})
    };
    let permissions: Vec<Value> = matches.iter().map(all).collect();
    let policy = json!({"permissions": permissions, "principals": [{"any": true}]});
    let rbac = json!({"@type": RBAC, "rules": {"action": "DENY", "policies": {"needs": policy}}});
    let native = |name: &str, config: Value| {
        Listener::new().filter(Filter::Native(format!("envoy.filters.http.{name}"), config))
    };
    let bootstrap = Bootstrap::default()
        .listener(Listener::new().plugin(Plugin::new("jwt_claims").unwrap().config(&ours)))
        .listener(native("jwt_authn", authn))
        .listener(native("rbac", rbac));
    Envoy::start(bootstrap).unwrap()
}

/// A request, byte by byte.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) host: String,
    /// The header `x-tier`; none when empty.
    pub(crate) tier: Vec<u8>,
}

impl Form {
    /// Whether Weir stops it because it cannot tell: a port, or a dot at the end, is all that is between the host
    /// and a rule.
    fn is_in_doubt(&self) -> bool {
        let host = self.host.to_lowercase();
        ["admin.example.com", "root.internal"]
            .iter()
            .any(|rule| host.strip_prefix(rule).is_some_and(|rest| rest.starts_with([':', '.'])))
    }
}

/// Spellings of paths that are protected, or look as if they were.
fn targets() -> Vec<String> {
    let mut all = Vec::new();
    for path in [
        "/admin",
        "/adm",
        "/admin/x",
        "/private",
        "/private/x",
        "/exact",
        "/a.secret",
        "/shop/1",
        "/",
        "/public",
    ] {
        let last = path.rsplit('/').next().unwrap_or_default();
        let first = path.as_bytes().get(1).map_or(0, |b| usize::from(*b));
        for form in [
            path.to_owned(),
            format!("{path}/"),
            format!("{path}//"),
            format!("/{path}"),
            format!("/.{path}"),
            format!("/public/..{path}"),
            format!("/public/%2e%2e{path}"),
            format!("{path}/."),
            format!("{path}/.."),
            format!("{path}/../{last}"),
            format!("{path};a=b"),
            format!("{path}?"),
            format!("{path}?a=b"),
            format!("{path}?a=/public"),
            format!("{path}%3Fa=b"),
            format!("{path}%23"),
            format!("{path}%00"),
            format!("{path}%20"),
            format!("{path}%2F"),
            format!("{path}%5C"),
            format!("{path}\\"),
            format!("/%{first:02x}{}", path.get(2..).unwrap_or_default()),
            path.to_uppercase(),
            format!("http://example.com{path}"),
            format!("{path}/{}", "A".repeat(1_000)),
            format!("{path}/{}", "A".repeat(17_000)),
            format!("{path}?q={}", "A".repeat(17_000)),
            format!("{path}/{}", "%41".repeat(6_000)),
            format!("{path}/{}.secret", "a/".repeat(9_000)),
        ] {
            all.push(form);
        }
    }
    all
}

fn forms() -> Vec<Form> {
    let plain =
        Form { method: "GET", target: "/public".into(), host: "example.com".into(), tier: Vec::new() };
    let mut forms: Vec<Form> = targets().into_iter().map(|target| Form { target, ..plain.clone() }).collect();
    for host in [
        "admin.example.com",
        "root.internal",
        "www.example.com",
        "xadmin.example.com",
        "admin.example.com.evil.test",
    ] {
        for host in [
            host.to_owned(),
            host.to_uppercase(),
            format!("{host}:80"),
            format!("{host}:8443"),
            format!("{host}:"),
            format!("{host}."),
            format!("{}.:443", host.to_uppercase()),
            format!("{host}.."),
        ] {
            forms.push(Form { host: host.clone(), ..plain.clone() });
            forms.push(Form { host, target: "/admin".into(), ..plain.clone() });
        }
    }
    for method in ["GET", "DELETE", "delete", "Delete", "POST", "OPTIONS", "HEAD", "PATCH", "TRACE"] {
        for target in ["/shop/1", "/shop", "/SHOP", "/admin"] {
            forms.push(Form { method, target: target.into(), ..plain.clone() });
        }
    }
    let long = vec![b'a'; 17_000];
    let long_and_met = [long.as_slice(), b"7"].concat();
    for start in [&b"gold"[..], b"silver", b"bronze", b"GOLD", b"xgold"] {
        for end in [&b"1"[..], b"", b" 1", b"\xff1", b"\xc3\xa4\xff9", &long, &long_and_met] {
            forms.push(Form { tier: [start, end].concat(), ..plain.clone() });
        }
    }
    forms
}

/// The status of a request that is sent as it stands; 0 where the connection is closed.
pub(crate) fn status(address: SocketAddr, form: &Form) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut request =
        format!("{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", form.method, form.target, form.host)
            .into_bytes();
    if !form.tier.is_empty() {
        request.extend([b"x-tier: ".as_slice(), &form.tier, b"\r\n"].concat());
    }
    request.extend(b"\r\n");
    // Who has seen enough may hang up before all is written.
    let _ = stream.write_all(&request);
    let mut answer = [0; 12];
    if stream.read_exact(&mut answer).is_err() {
        return 0;
    }
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

#[test]
fn what_envoys_own_filters_stop_is_stopped() {
    let (envoy, forms) = (start(), forms());
    let (mut open, mut others) = (Vec::new(), Vec::new());
    let (mut stopped, mut stricter) = (0, 0);
    for form in &forms {
        let [ours, authn, rbac] = [0, 1, 2].map(|listener| status(envoy.listener(listener), form));
        let theirs = authn == 401 || rbac == 403;
        stopped += usize::from(ours == 401);
        let shown = || {
            let target: String = form.target.chars().take(60).collect();
            let tier = String::from_utf8_lossy(form.tier.get(..form.tier.len().min(20)).unwrap_or_default());
            format!(
                "{} {target} {} {tier:?}: weir {ours}, jwt_authn {authn}, rbac {rbac}",
                form.method, form.host
            )
        };
        match (ours == 401, theirs) {
            (false, true) => open.push(shown()),
            (true, false) => {
                stricter += 1;
                if !form.is_in_doubt() {
                    others.push(shown());
                }
            }
            // All of them answer alike what nobody stops.
            (false, false) => assert_eq!([ours; 2], [authn, rbac], "{}", shown()),
            (true, true) => {}
        }
    }
    println!("{} forms: {stopped} stopped, {} of them by Weir alone", forms.len(), stricter);
    assert!(open.is_empty(), "{} ways around:\n{}", open.len(), open.join("\n"));
    assert!(others.is_empty(), "{others:#?}");
    assert!(forms.len() >= 300 && stopped * 5 > forms.len() && stricter > 0, "{} {stopped}", forms.len());
}
