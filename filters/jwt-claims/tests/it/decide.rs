//! Decisions about requests with and without tokens.
#![allow(clippy::unwrap_used, reason = "tests stop where they fail")]

use crate::support::{Lab, NOW, base64url, bearer, token, token_by};

/// A provider with one secret key and nothing else.
const PLAIN: &str = r#"{"providers": {"corp": {"jwks": KEYS}}}"#;

fn lab(section: &str) -> Lab {
    Lab::new(section).unwrap()
}

/// One provider with these members beside its keys.
fn provider(members: &str) -> Lab {
    lab(&format!(r#"{{"providers": {{"corp": {{"jwks": KEYS, {members}}}}}}}"#))
}

tests! {
    fn the_contract_works_out_of_the_box() {
        let decided = lab(PLAIN).decide(&[
            ("authorization", &bearer(r#"{"sub": "u1", "role": "admin"}"#)),
            ("x-auth-user-id", "forged"),
        ]);
        assert_eq!(decided.way(), "on");
        assert_eq!(decided.header("x-auth-user-id"), Some("u1"));
        assert_eq!(decided.header("x-auth-user-role"), Some("admin"));
        assert!(!decided.keeps("authorization"), "the token is not forwarded");
        assert_eq!(decided.counts, ["token=.=verified;.;weir_jwt_allowed_total"]);
    }

    fn forged_headers_go_from_unprotected_requests_too() {
        let lab = lab(r#"{"providers": {"corp": {"jwks": KEYS}}, "rules": [{"match": {"uri": {"prefix": "/a"}}, "requires": "corp"}]}"#);
        let decided = lab.decide(&[("x-auth-user-id", "forged"), ("authorization", "Basic x")]);
        assert_eq!((decided.way().as_str(), decided.header("x-auth-user-id")), ("on", None));
        assert!(!decided.keeps("x-auth-user-id"));
        assert!(decided.keeps("authorization"));
        assert_eq!(decided.counts, ["token=.=none;.;weir_jwt_allowed_total"]);
    }

    /// Many rules have an index. The first rule that is for a request is found; one that may be for it as well, and for
    /// a host with a port only the proxy knows, is not left out.
    fn an_index_finds_the_rule_of_a_request() {
        let one = |i: usize| match i % 3 {
            0 => format!(r#"{{"match": {{"uri": {{"prefix": "/open/{i}/"}}}}, "requires": "none"}}"#),
            1 => format!(r#"{{"match": {{"authority": {{"exact": "h{i}.example"}}}}, "requires": "corp"}}"#),
            _ => format!(r#"{{"match": {{"headers": {{"x-app": {{"exact": "app{i}"}}}}}}, "requires": "corp"}}"#),
        };
        let rules = (0..150).map(one).collect::<Vec<_>>().join(",");
        let lab = lab(&format!(r#"{{"providers": {{"corp": {{"jwks": KEYS}}}}, "rules": [{rules}, {{"match": {{"uri": {{"prefix": "/open/"}}}}, "requires": "none"}}, {{"requires": "corp"}}]}}"#));
        let way = |path: &str, host: &str, app: &str| lab.decide(&[(":path", path), (":authority", host), ("x-app", app)]).way();
        for i in 0..150 {
            let (path, host, app) = (format!("/open/{i}/"), format!("h{i}.example"), format!("app{i}"));
            let (by_path, by_host, by_app) = (i % 3 == 0, i % 3 == 1, i % 3 == 2);
            let way_of = |protected| if protected { "401 missing" } else { "on" };
            assert_eq!(way(&path, "x", "x"), "on");
            assert_eq!(way("/open/x", &host, "x"), way_of(by_host), "{host}");
            assert_eq!(way("/open/x", &format!("{host}:443"), "x"), way_of(by_host), "{host}:443");
            assert_eq!(way("/open/x", "x", &app), way_of(by_app), "{app}");
            // The first rule decides.
            assert_eq!(way("/open/75/", &host, "x"), way_of(by_host && i < 75), "{host} {by_path}");
        }
        assert_eq!(way("/", "x", "x"), "401 missing");
    }

    /// A token is read once, not once for each provider, and each refuses or takes it as it would alone.
    fn of_many_providers_that_of_the_issuer_is_found() {
        let one = |i: usize| {
            let from = if i.is_multiple_of(4) { r#", "from": {"headers": [{"name": "x-token"}]}"# } else { "" };
            let padding = if i.is_multiple_of(5) { r#", "padding": "accept""# } else { "" };
            let issuer = if i == 77 { String::new() } else { format!(r#", "issuer": ["i{i}", "j{i}"]"#) };
            format!(r#""p{i:02}": {{"jwks": KEYS{issuer}{from}{padding}, "claimsToHeaders": [{{"claim": "sub", "header": "x-p{i:02}"}}]}}"#)
        };
        let lab = lab(&format!(r#"{{"providers": {{{}}}}}"#, (0..80).map(one).collect::<Vec<_>>().join(",")));
        for i in 0..85 {
            for issuer in [format!("i{i}"), format!("j{i}")] {
                let token = token(&format!(r#"{{"iss": "{issuer}", "sub": "ann"}}"#));
                let bearer = format!("Bearer {token}");
                let request = match i % 4 {
                    0 => ("x-token", token.as_str()),
                    _ => ("authorization", bearer.as_str()),
                };
                for counted in ["verified", "remembered"] {
                    let decided = lab.decide(&[request]);
                    // One provider takes those of all issuers.
                    let provider = if i < 80 { i } else { 77 };
                    let expected = if i % 4 == 0 && i >= 80 { "401 issuer" } else { "on" };
                    assert_eq!(decided.way(), expected, "{issuer}");
                    if expected == "on" {
                        // It comes before those that are after it.
                        let provider = if i > 77 && i % 4 != 0 { 77 } else { provider };
                        assert_eq!(decided.header(&format!("x-p{provider:02}")), Some("ann"), "{issuer}");
                        assert_eq!(decided.counts, [format!("token=.={counted};.;weir_jwt_allowed_total")]);
                    }
                }
            }
        }
        // Not a text: wrong for each, and said as for one.
        assert_eq!(lab.way(r#"{"iss": 7}"#), "401 claim_type");
    }

    fn a_token_is_verified_once() {
        let lab = lab(PLAIN);
        let request = [("authorization", bearer(r#"{"sub": "u1", "exp": 1772323260}"#))];
        let request = [(request[0].0, request[0].1.as_str())];
        assert_eq!(lab.decide(&request).counts, ["token=.=verified;.;weir_jwt_allowed_total"]);
        let again = lab.decide(&request);
        assert_eq!(again.counts, ["token=.=remembered;.;weir_jwt_allowed_total"]);
        assert_eq!(again.header("x-auth-user-id"), Some("u1"));
        assert!(!again.keeps("authorization"));
        // Not beyond its expiry and the skew.
        assert_eq!(lab.at(NOW + 119).decide(&request).way(), "on");
        assert_eq!(lab.at(NOW + 120).decide(&request).way(), "401 expired");
        // One byte makes another token.
        let other = request[0].1.replace("Bearer e", "Bearer f");
        assert!(lab.at(NOW).decide(&[("authorization", &other)]).way().starts_with("401"));
    }

    fn nothing_is_remembered_when_nothing_may_be() {
        for cache in [r#"{"size": 0}"#, r#"{"maxTokenSize": 20}"#] {
            let lab = lab(&format!(r#"{{"providers": {{"corp": {{"jwks": KEYS}}}}, "cache": {cache}}}"#));
            for _ in 0..2 {
                let counts = lab.decide(&[("authorization", &bearer("{}"))]).counts;
                assert_eq!(counts, ["token=.=verified;.;weir_jwt_allowed_total"]);
            }
        }
    }

    fn without_a_token_nobody_passes() {
        let decided = lab(PLAIN).decide(&[]);
        assert_eq!(decided.way(), "401 missing");
        assert_eq!(decided.reply_header("www-authenticate").unwrap(), r#"Bearer realm="jwt""#);
        assert_eq!(decided.reply.as_ref().unwrap().grpc_status, Some(16));
        assert_eq!(decided.body(), "a token is required");
        assert_eq!(decided.counts, ["reason=.=missing;.;weir_jwt_denied_total"]);
    }

    fn wrong_tokens_are_told_apart() {
        let lab = lab(PLAIN);
        for (value, way) in [
            ("Basic abc", "401 missing"),
            ("Bearer", "401 missing"),
            ("Bearer abc", "401 malformed"),
            ("Bearer a.b.c", "401 header_base64"),
            (&format!("Bearer {}", token_by("other", "{}")), "401 unknown_key"),
            (&format!("Bearer {}=", token("{}")), "401 signature_base64"),
            (&format!("{},{}", bearer("{}"), bearer("{}")), "401 malformed"),
            (&bearer(r#"{"exp": 1000}"#), "401 expired"),
            (&bearer(r#"{"nbf": 2000000000}"#), "401 not_yet_valid"),
            (&bearer(r#"{"sub": 1}"#), "401 claim_type"),
            (&bearer("[]"), "401 payload_json"),
        ] {
            let decided = lab.decide(&[("authorization", value)]);
            assert_eq!(decided.way(), way, "{value}");
            if way != "401 missing" {
                let challenge = decided.reply_header("www-authenticate").unwrap();
                assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
            }
            assert!(decided.headers.is_empty(), "{decided:?}");
        }
        let none = format!("Bearer {}.{}.", base64url(br#"{"alg":"none"}"#), base64url(b"{}"));
        assert!(lab.decide(&[("authorization", &none)]).way().starts_with("401"));
    }

    fn a_long_token_is_refused() {
        let long = bearer(&format!(r#"{{"a": "{}"}}"#, "x".repeat(13_000)));
        assert_eq!(lab(PLAIN).decide(&[("authorization", &long)]).way(), "401 too_large");
    }

    fn issuers_audiences_and_subjects() {
        let lab = provider(r#""issuer": ["a", "b"], "audiences": ["https://api/"], "subjects": {"prefix": "user-"}"#);
        for (claims, way) in [
            (r#"{"iss": "a", "aud": "api", "sub": "user-1"}"#, "on"),
            (r#"{"iss": "b", "aud": ["x", "http://api"], "sub": "user-1"}"#, "on"),
            (r#"{"iss": "c", "aud": "api", "sub": "user-1"}"#, "401 issuer"),
            (r#"{"aud": "api", "sub": "user-1"}"#, "401 issuer"),
            (r#"{"iss": "a", "aud": "api2", "sub": "user-1"}"#, "403 audience"),
            (r#"{"iss": "a", "sub": "user-1"}"#, "403 audience"),
            (r#"{"iss": "a", "aud": "api", "sub": "root"}"#, "401 subject"),
            (r#"{"iss": "a", "aud": "api"}"#, "401 subject"),
        ] {
            assert_eq!(lab.way(claims), way, "{claims}");
        }
    }

    fn expiry_skew_and_lifetime() {
        let at = |offset: i64| (NOW as i64 + offset).to_string();
        let usual = lab(PLAIN);
        assert_eq!(usual.way(&format!(r#"{{"exp": {}}}"#, at(-30))), "on");
        assert_eq!(usual.way(&format!(r#"{{"exp": {}}}"#, at(-100))), "401 expired");
        let strict = provider(r#""clockSkew": "0s", "requireExpiration": true"#);
        assert_eq!(strict.way("{}"), "401 expiration_required");
        assert_eq!(strict.way(&format!(r#"{{"exp": {}}}"#, at(-1))), "401 expired");
        let short = provider(r#""clockSkew": "0s", "maxLifetime": "1h""#);
        assert_eq!(short.way(&format!(r#"{{"exp": {}}}"#, at(3600))), "on");
        assert_eq!(short.way(&format!(r#"{{"exp": {}}}"#, at(3601))), "401 lifetime");
        assert_eq!(short.way(&format!(r#"{{"exp": {}, "iat": {}}}"#, at(60), at(-4000))), "401 lifetime");
    }

    fn an_allow_list_of_algorithms() {
        assert_eq!(provider(r#""algorithms": ["HS256"]"#).way("{}"), "on");
        assert_eq!(provider(r#""algorithms": ["RS256", "HS512"]"#).way("{}"), "401 algorithm_not_allowed");
    }

    fn places_of_tokens_and_their_removal() {
        let lab = provider(r#""from": {"headers": [{"name": "x-jwt"}, {"name": "authorization", "valuePrefix": "JWT "}], "params": ["t"], "cookies": ["session"]}"#);
        let (one, cookie) = (token(r#"{"sub": "one"}"#), format!("a=1; session={}; b=2", token(r#"{"sub": "two"}"#)));
        let decided = lab.decide(&[("x-jwt", &one), ("cookie", &cookie), (":path", &format!("/p?x=1&t={one}&y=2&t=z")), ("authorization", "Basic q")]);
        assert_eq!((decided.way().as_str(), decided.header("x-auth-user-id")), ("on", Some("one")));
        assert_eq!(decided.path.as_deref(), Some("/p?x=1&y=2"));
        assert_eq!(decided.header("cookie"), Some("a=1; b=2"));
        assert!(decided.keeps("authorization") && !decided.keeps("x-jwt"), "{decided:?}");
        let decided = lab.decide(&[("cookie", &format!("session={one}"))]);
        assert_eq!(decided.header("x-auth-user-id"), Some("one"));
        assert!(decided.header("cookie").is_none() && !decided.keeps("cookie"));
        let decided = lab.decide(&[(":path", &format!("/p?t={one}"))]);
        assert_eq!((decided.header("x-auth-user-id"), decided.path.as_deref()), (Some("one"), Some("/p")));
        assert_eq!(lab.decide(&[("authorization", &format!("jwt  {one}"))]).way(), "on");
        // The usual place is no place any more.
        assert_eq!(lab.decide(&[("authorization", &bearer("{}"))]).way(), "401 missing");
    }

    fn the_usual_places_are_envoys() {
        let lab = lab(PLAIN);
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(lab.decide(&[("authorization", &format!("{scheme} {}", token("{}")))]).way(), "on");
        }
        let decided = lab.decide(&[(":path", &format!("/?access_token={}", token("{}")))]);
        assert_eq!((decided.way().as_str(), decided.path.as_deref()), ("on", Some("/")));
    }

    fn a_forwarded_token_stays_everywhere() {
        let decided = provider(r#""forward": true"#).decide(&[("authorization", &bearer("{}"))]);
        assert_eq!((decided.way().as_str(), decided.path), ("on", None));
        assert!(decided.headers.is_empty());
    }

    fn claims_become_headers() {
        let lab = provider(r#""payloadHeader": "x-payload", "padPayloadHeader": true, "claimsToHeaders": [
            {"claim": ["a", "b"], "header": "x-nested"}, {"claim": "https://x.y/z", "header": "x-url"},
            {"claim": "[roles][1]", "header": "x-second"}, {"claim": "roles", "header": "x-csv"},
            {"claim": "roles", "header": "x-json", "format": "json"},
            {"claim": "roles", "header": "x-b64", "format": "base64Json"},
            {"claim": "roles", "header": "x-repeat", "format": "repeat"},
            {"claim": "big", "header": "x-big"}, {"claim": "small", "header": "x-small"}, {"claim": "on", "header": "x-on"},
            {"claim": "no", "header": "x-omit"}, {"claim": "no", "header": "x-empty", "missing": "empty"},
            {"claim": "nil", "header": "x-default", "default": "guest"}]"#);
        let claims = r#"{"a": {"b": "n\u00e4"}, "https://x.y/z": 1, "roles": ["r1", "r2"], "big": 1152921504606846977000,
            "small": 1e-7, "on": true, "nil": null}"#;
        let decided = lab.decide(&[("authorization", &bearer(claims))]);
        let payload = base64url(claims.as_bytes());
        let padded = format!("{payload}{}", "=".repeat(payload.len().next_multiple_of(4) - payload.len()));
        let expected = [
            ("x-payload", padded.as_str()), ("x-nested", "n\u{e4}"), ("x-url", "1"), ("x-second", "r2"), ("x-csv", "r1,r2"),
            ("x-json", r#"["r1","r2"]"#), ("x-b64", "WyJyMSIsInIyIl0="), ("x-repeat", "r1\nr2"),
            ("x-big", "1152921504606846977000"), ("x-small", "1e-7"), ("x-on", "true"), ("x-empty", ""), ("x-default", "guest"),
        ];
        for (name, value) in expected {
            assert_eq!(decided.header(name), Some(value), "{name}");
        }
        assert_eq!(decided.header("x-omit"), None);
        assert_eq!(decided.counts, ["token=.=verified;.;weir_jwt_allowed_total"]);
    }

    fn what_is_not_safe_is_left_out_and_counted() {
        let lab = provider(r#""claimsToHeaders": [{"claim": "v", "header": "x-v", "maxBytes": 10}]"#);
        for (value, reason) in [
            (r#""a\nb""#, "unsafe"), (r#""a\u0000""#, "unsafe"), (r#"" padded""#, "unsafe"), (r#"["a,b"]"#, "unsafe"),
            (r#""CN=a,OU=b""#, "unsafe"),
            (r#"[["a"]]"#, "unsafe"), (r#"{"a": 1}"#, "unsafe"), (r#""12345678901""#, "too_long"),
        ] {
            let request = bearer(&format!(r#"{{"v": {value}}}"#));
            for _ in 0..2 {
                let decided = lab.decide(&[("authorization", &request)]);
                assert_eq!((decided.way().as_str(), decided.header("x-v")), ("on", None), "{value}");
                let count = format!("reason=.={reason};.;weir_jwt_headers_omitted_total");
                assert!(decided.counts.contains(&count), "{value} {decided:?}");
            }
        }
        let text = provider(r#""claimsToHeaders": [{"claim": "v", "header": "x-v", "format": "text"}]"#);
        assert_eq!(text.decide(&[("authorization", &bearer(r#"{"v": ["a"]}"#))]).header("x-v"), None);
        // One text is one text, commas and all, where it is asked for as one; so is a subject.
        assert_eq!(text.decide(&[("authorization", &bearer(r#"{"v": "CN=a,OU=b"}"#))]).header("x-v"), Some("CN=a,OU=b"));
        let usual = Lab::new(PLAIN).unwrap();
        let subject = usual.decide(&[("authorization", &bearer(r#"{"sub": "CN=a,OU=b", "role": "a,b"}"#))]);
        assert_eq!((subject.header("x-auth-user-id"), subject.header("x-auth-user-role")), (Some("CN=a,OU=b"), None));
    }

    fn a_claim_may_be_needed() {
        let lab = provider(r#""claimsToHeaders": [{"claim": "tenant", "header": "x-tenant", "missing": "refuse"}]"#);
        assert_eq!(lab.way("{}"), "403 claim_missing");
        assert_eq!(lab.way("{}"), "403 claim_missing");
        assert_eq!(lab.way(r#"{"tenant": 5}"#), "on");
    }

    fn attributes_and_filter_state_read_claims() {
        let section = r#"{"providers": {"corp": {"jwks": KEYS, "filterState": {"user": "sub", "roles": "roles"}}}}"#;
        let lab = Lab::watching(section, &["claim:sub", "claim:n", "claim:no"]).unwrap();
        for _ in 0..2 {
            let decided = lab.decide(&[("authorization", &bearer(r#"{"sub": "u", "n": 1.50, "roles": ["a"]}"#))]);
            assert_eq!((decided.value("claim:sub"), decided.value("claim:n"), decided.value("claim:no")), (Some("u"), Some("1.50"), None));
            let states = [("weir.jwt.roles", r#"["a"]"#), ("weir.jwt.user", "u")].map(|(a, b)| (a.to_owned(), b.to_owned()));
            assert_eq!(decided.states, states);
        }
        assert_eq!(lab.decide(&[]).value("claim:sub"), None);
    }

    fn rules_ask_for_roles() {
        let lab = lab(r#"{"providers": {"corp": {"jwks": KEYS}}, "rules": [
            {"match": {"uri": {"exact": "/health"}}, "requires": "none"},
            {"name": "user:delete", "match": {"method": {"exact": "DELETE"}}, "require": {"roles": {"$in": ["admin"]}}},
            {}]}"#);
        let (admin, user) = (bearer(r#"{"roles": ["admin", "x"]}"#), bearer(r#"{"roles": ["user"]}"#));
        let way = |method: &str, path: &str, token: &str| lab.decide(&[(":method", method), (":path", path), ("authorization", token)]);
        assert_eq!(way("GET", "/health", "").way(), "on");
        assert_eq!(way("GET", "/", &user).way(), "on");
        assert_eq!(way("GET", "/", "").way(), "401 missing");
        for _ in 0..2 {
            assert_eq!(way("DELETE", "/", &admin).way(), "on");
            let refused = way("DELETE", "/", &user);
            assert_eq!(refused.way(), "403 requirement_not_met");
            assert_eq!(refused.reply.as_ref().unwrap().grpc_status, Some(7));
            assert_eq!(refused.body(), "the claims do not meet what \"user:delete\" requires");
            assert!(refused.reply_header("www-authenticate").unwrap().contains(r#"error="insufficient_scope""#));
            assert_eq!(refused.counts, ["reason=.=requirement_not_met;.;weir_jwt_denied_total"]);
        }
        assert_eq!(way("DELETE", "/", "").way(), "401 missing");
    }

    fn providers_ask_for_claims() {
        let lab = provider(r#""require": {"email_verified": true, "[realm][plan]": "pro"}"#);
        assert_eq!(lab.way(r#"{"email_verified": true, "realm": {"plan": "pro"}}"#), "on");
        assert_eq!(lab.way(r#"{"email_verified": true, "realm": {"plan": "free"}}"#), "403 requirement_not_met");
        assert_eq!(lab.way("{}"), "403 requirement_not_met");
    }

    fn require_reads_the_claim_that_is_written() {
        const AUTH0: &str = "https://example.test/app_metadata";
        for (name, blocked, free) in [
            (&*format!("[{AUTH0}][blocked]"), format!(r#"{{"{AUTH0}": {{"blocked": true}}}}"#), format!(r#"{{"{AUTH0}": {{}}}}"#)),
            (&*format!("[{AUTH0}.blocked]"), format!(r#"{{"{AUTH0}.blocked": true}}"#), format!(r#"{{"{AUTH0}": {{"blocked": true}}}}"#)),
            ("[acme.io][suspended]", r#"{"acme.io": {"suspended": true}}"#.into(), r#"{"acme": {"io": {"suspended": true}}}"#.into()),
            ("[resource_access][web.client-1][banned]", r#"{"resource_access": {"web.client-1": {"banned": true}}}"#.into(), r#"{"resource_access": {"web": {}}}"#.into()),
        ] {
            let lab = provider(&format!(r#""require": {{"{name}": {{"$ne": true}}}}"#));
            assert_eq!(lab.way(&blocked), "403 requirement_not_met", "{name}");
            // `$ne` of a claim that is truly absent holds.
            assert_eq!((lab.way(&free), lab.way("{}")), ("on".into(), "on".into()), "{name}");
        }
        // Something is there in the place of what was expected, so that it cannot be judged.
        let lab = provider(r#""require": {"[a][b]": {"$ne": true}}"#);
        for claims in [r#"{"a": "b"}"#, r#"{"a": 5}"#, r#"{"a": true}"#, r#"{"a": [{"b": true}]}"#] {
            assert_eq!(lab.way(claims), "403 requirement_not_met", "{claims}");
        }
        for claims in [r#"{"a": {}}"#, r#"{"a": null}"#, r#"{"b": true}"#, r#"{"a": {"b": false}}"#] {
            assert_eq!(lab.way(claims), "on", "{claims}");
        }
    }

    fn what_cannot_be_judged_needs_more_and_not_less() {
        let long = format!("/admin/{}", "A".repeat(weir_core::regex::WORK_OF_A_REQUEST));
        let lab = |rules: &str| lab(&format!(r#"{{"providers": {{
            "corp": {{"issuer": "corp", "jwks": KEYS}}, "customer": {{"issuer": "customer", "jwks": KEYS}}}}, "rules": {rules}}}"#));
        let way = |lab: &Lab, issuer: &str| {
            let token = bearer(&format!(r#"{{"iss": "{issuer}", "role": "{issuer}"}}"#));
            let decided = lab.decide(&[(":path", &long), ("authorization", if issuer.is_empty() { "" } else { &token })]);
            assert!(decided.counts.contains(&"weir_jwt_undecided_total".to_owned()), "{decided:?}");
            decided.way()
        };
        let regex = r#""match": {"uri": {"regex": "/adm(in)?(/.*)?"}}"#;
        // A rule that asks for a token is for the request, and one that asks for none is not.
        let asks = lab(&format!(r#"[{{{regex}, "requires": "corp"}}]"#));
        assert_eq!((way(&asks, ""), way(&asks, "corp")), ("401 missing".into(), "on".into()));
        let lets_pass = lab(&format!(r#"[{{{regex}, "requires": "none"}}, {{"requires": "corp"}}]"#));
        assert_eq!((way(&lets_pass, ""), way(&lets_pass, "corp")), ("401 missing".into(), "on".into()));
        let then_none = lab(&format!(r#"[{{{regex}, "requires": "corp"}}, {{"requires": "none"}}]"#));
        assert_eq!((way(&then_none, ""), way(&then_none, "corp")), ("401 missing".into(), "on".into()));
        // It is no way from the rule of one provider to that of another either, nor round what claims must say.
        let other = lab(&format!(r#"[{{{regex}, "requires": "customer"}}, {{"requires": "corp"}}]"#));
        assert_ne!((way(&other, "customer"), way(&other, "corp")), ("on".into(), "on".into()));
        assert_eq!(way(&other, "customer"), "401 issuer");
        let roles = lab(&format!(r#"[{{{regex}, "requires": "corp"}}, {{"requires": "corp", "require": {{"role": "boss"}}}}]"#));
        assert_eq!(way(&roles, "corp"), "403 requirement_not_met");
        let optional = lab(&format!(r#"[{{{regex}, "requires": {{"optional": "corp"}}}}, {{"requires": "corp"}}]"#));
        assert_eq!((way(&optional, ""), way(&optional, "corp")), ("401 missing".into(), "on".into()));
    }

    fn several_providers() {
        let section = |needs: &str| {
            lab(&format!(r#"{{"providers": {{
                "a": {{"issuer": "a", "jwks": KEYS}},
                "b": {{"issuer": "b", "jwks": KEYS, "from": {{"headers": [{{"name": "x-b"}}]}}, "claimsToHeaders": [{{"claim": "sub", "header": "x-auth-user-id"}}, {{"claim": "sub", "header": "x-b-user"}}]}},
                "c": {{"issuer": "c", "jwks": KEYS}}}},
                "rules": [{{"requires": {needs}}}]}}"#))
        };
        let a = |extra: &str| bearer(&format!(r#"{{"iss": "a", "sub": "ua"{extra}}}"#));
        let (c, b) = (bearer(r#"{"iss": "c", "sub": "uc"}"#), token(r#"{"iss": "b", "sub": "ub"}"#));
        let way = |needs: &str, headers: &[(&str, &str)]| section(needs).decide(headers).way();
        for (needs, headers, expected) in [
            (r#"{"any": ["a", "c"]}"#, vec![("authorization", c.as_str())], "on"),
            (r#"{"any": ["a", "c"]}"#, vec![("x-b", b.as_str())], "401 missing"),
            (r#"{"any": ["c", "a"]}"#, vec![("authorization", &a(r#", "exp": 1"#))], "401 expired"),
            (r#"{"all": ["a", "b"]}"#, vec![("authorization", &a("")), ("x-b", &b)], "on"),
            (r#"{"all": ["a", "b"]}"#, vec![("authorization", &a(""))], "401 missing"),
            (r#"{"optional": "a"}"#, vec![], "on"),
            (r#"{"optional": "a"}"#, vec![("authorization", "Bearer x")], "401 malformed"),
            (r#"{"optionalOrFailed": "a"}"#, vec![("authorization", "Bearer x")], "on"),
            (r#"{"all": ["a", {"optional": "b"}]}"#, vec![("authorization", &a(""))], "on"),
            (r#"{"provider": "a", "audiences": ["z"]}"#, vec![("authorization", &a(r#", "aud": "z""#))], "on"),
            (r#"{"provider": "a", "audiences": ["z"]}"#, vec![("authorization", &a(""))], "403 audience"),
        ] {
            assert_eq!(way(needs, &headers), expected, "{needs} {headers:?}");
        }
        let both = section(r#"{"all": ["a", "b"]}"#).decide(&[("authorization", &a("")), ("x-b", &b)]);
        assert_eq!((both.header("x-auth-user-id"), both.header("x-b-user")), (Some("ua"), Some("ub")));
        assert!(!both.keeps("x-b") && !both.keeps("authorization"));
        let failed = section(r#"{"optionalOrFailed": "a"}"#).decide(&[("authorization", "Bearer x"), ("x-auth-user-id", "forged")]);
        assert!(failed.keeps("authorization") && failed.header("x-auth-user-id").is_none());
        assert_eq!(failed.counts, ["reason=.=malformed;.;weir_jwt_ignored_total", "token=.=none;.;weir_jwt_allowed_total"]);
    }

    fn an_optional_token_is_remembered_too() {
        let lab = lab(r#"{"providers": {"a": {"jwks": KEYS}}, "rules": [{"requires": {"optional": "a"}, "require": {"sub": "u"}}]}"#);
        let decide = |sub: &str| lab.decide(&[("authorization", &bearer(&format!(r#"{{"sub": "{sub}"}}"#)))]);
        assert_eq!(decide("u").counts, ["token=.=verified;.;weir_jwt_allowed_total"]);
        assert_eq!(decide("u").counts, ["token=.=remembered;.;weir_jwt_allowed_total"]);
        assert_eq!((decide("v").way(), decide("v").way()), ("403 requirement_not_met".into(), "403 requirement_not_met".into()));
        assert_eq!(lab.decide(&[]).way(), "401 missing");
    }

    fn preflights_may_pass() {
        let preflight = [(":method", "OPTIONS"), ("origin", "https://x"), ("access-control-request-method", "PUT")];
        let open = lab(r#"{"providers": {"corp": {"jwks": KEYS}}, "bypassCorsPreflight": true}"#);
        assert_eq!(open.decide(&preflight).way(), "on");
        assert_eq!(open.decide(&preflight[..2]).way(), "401 missing");
        assert_eq!(lab(PLAIN).decide(&preflight).way(), "401 missing");
    }

    fn errors_in_other_forms() {
        let with = |errors: &str| lab(&format!(r#"{{"providers": {{"corp": {{"jwks": KEYS}}}}, "errors": {errors}}}"#));
        let json = with(r#"{"format": "json", "realm": "api"}"#).decide(&[("authorization", "Bearer x")]);
        assert_eq!(json.body(), r#"{"error":"invalid_token","reason":"malformed","message":"the token is refused: malformed"}"#);
        assert_eq!(json.reply_header("content-type").unwrap(), "application/json");
        assert_eq!(json.reply_header("www-authenticate").unwrap(), r#"Bearer realm="api", error="invalid_token", error_description="malformed""#);
        let none = with(r#"{"format": "none"}"#).decide(&[]);
        assert_eq!((none.body(), none.reply.unwrap().headers), (String::new(), Vec::new()));
    }

    fn keys_from_the_environment_and_as_text() {
        let env = lab(r#"{"providers": {"corp": {"jwks": {"env": "WEIR_JWKS"}}}}"#);
        assert_eq!(env.way("{}"), "on");
        let text = crate::support::key_set(&["one"]).replace('"', "\\\"");
        assert_eq!(lab(&format!(r#"{{"providers": {{"corp": {{"jwks": {{"inline": "{text}"}}}}}}}}"#)).way("{}"), "on");
    }

    fn the_host_verifies_what_it_can() {
        // Any odd number of 2048 bits will do where the host alone has a say.
        let key = format!(r#"{{"keys": [{{"kty": "RSA", "kid": "r", "e": "AQAB", "n": "{}"}}]}}"#, base64url(&[0xff; 256]));
        let lab = lab(&format!(r#"{{"providers": {{"corp": {{"jwks": {{"inline": {key}}}}}}}, "cache": {{"size": 0}}}}"#));
        let header = base64url(br#"{"alg": "RS256", "kid": "r"}"#);
        let token = format!("Bearer {header}.{}.{}", base64url(b"{}"), base64url(&[1; 256]));
        lab.host.signature.set(Some(true));
        assert_eq!(lab.decide(&[("authorization", &token)]).way(), "on");
        assert!(lab.host.asked().contains(&"verify sha256".to_owned()));
        lab.host.signature.set(Some(false));
        assert_eq!(lab.decide(&[("authorization", &token)]).way(), "401 bad_signature");
    }

    fn nothing_of_a_token_is_told() {
        let lab = lab(r#"{"providers": {"corp": {"jwks": KEYS}}, "errors": {"format": "json"}}"#);
        let secret = bearer(r#"{"exp": 1, "sub": "hush"}"#);
        let decided = lab.decide(&[("authorization", &secret)]);
        let told = format!("{:?} {}", decided.reply.as_ref().unwrap(), decided.body());
        assert!(!told.contains("hush") && !told.contains(&secret[20..40]), "{told}");
        assert!(!format!("{:?}", lab.plan).contains("a secret of thirty-two"), "keys are not printed");
    }
}
