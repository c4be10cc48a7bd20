//! Tokens among WebSocket subprotocols.
#![allow(clippy::unwrap_used, reason = "tests stop where they fail")]

use crate::support::{Decided, Lab, base64url, token};

const NAME: &str = "sec-websocket-protocol";

fn lab(places: &str, more: &str) -> Lab {
    Lab::new(&format!(
        r#"{{"providers": {{"corp": {{"jwks": KEYS, "from": {{"subprotocols": {places}}}{more}}}}}}}"#
    ))
    .unwrap()
}

fn decide(lab: &Lab, protocols: &str) -> Decided {
    lab.decide(&[(NAME, &protocols.replace("TOKEN", &token(r#"{"sub": "ann"}"#)))])
}

/// The way, and what goes on of the header: nothing, as it was sent, or another value.
fn seen(decided: &Decided) -> (String, Option<&str>) {
    (decided.way(), if decided.keeps(NAME) { Some("as sent") } else { decided.header(NAME) })
}

fn told(way: &str, left: Option<&'static str>) -> (String, Option<&'static str>) {
    (way.to_owned(), left)
}

tests! {
    fn a_token_behind_a_subprotocol_is_taken_out_and_the_others_stay() {
        let lab = lab(r#"[{"after": "bearer"}]"#, "");
        for (protocols, expected) in [
            ("bearer, TOKEN", told("on", Some("bearer"))),
            ("Bearer,TOKEN", told("on", Some("Bearer"))),
            ("chat, bearer, TOKEN, v2.chat", told("on", Some("chat, bearer, v2.chat"))),
            ("bearer", told("401 missing", Some("as sent"))),
            ("chat", told("401 missing", Some("as sent"))),
            ("TOKEN", told("401 missing", Some("as sent"))),
            // Refused, and what may be a token is in no log.
            ("chat, bearer, nonsense", told("401 malformed", Some("chat, bearer"))),
            ("bearer, bearer, TOKEN", told("401 malformed", None)),
        ] {
            assert_eq!(seen(&decide(&lab, protocols)), expected, "{protocols}");
        }
        let decided = decide(&lab, "bearer, TOKEN");
        assert_eq!(decided.header("x-auth-user-id"), Some("ann"));
        // The same again is remembered, and taken out as well.
        let again = decide(&lab, "bearer, TOKEN");
        assert_eq!(again.counts, ["token=.=remembered;.;weir_jwt_allowed_total"]);
        assert_eq!(seen(&again), told("on", Some("bearer")));
        // Two lines are one list (RFC 6455 section 11.3.4).
        let lines = lab.decide(&[(NAME, "chat, bearer"), (NAME, &token(r#"{"sub": "ann"}"#))]);
        assert_eq!(seen(&lines), told("on", Some("chat, bearer")));
    }

    fn a_token_behind_a_prefix() {
        let lab = lab(r#"[{"prefix": "Bearer-"}]"#, "");
        assert_eq!(seen(&decide(&lab, "chat, bearer-TOKEN")), told("on", Some("chat")));
        assert_eq!(seen(&decide(&lab, "Bearer-TOKEN")), told("on", None));
        assert_eq!(decide(&lab, "Bearer-, TOKEN").way(), "401 missing");
    }

    fn a_token_as_kubernetes_has_it() {
        let lab = lab(r#"[{"prefix": "base64url.bearer.authorization.k8s.io.", "base64url": true}]"#, "");
        let protocols = |token: &str| format!("base64url.bearer.authorization.k8s.io.{token}, base64.binary.k8s.io");
        let good = protocols(&base64url(token(r#"{"sub": "ann"}"#).as_bytes()));
        for counted in ["verified", "remembered"] {
            let decided = decide(&lab, &good);
            assert_eq!(seen(&decided), told("on", Some("base64.binary.k8s.io")));
            assert_eq!(decided.header("x-auth-user-id"), Some("ann"));
            assert_eq!(decided.counts, [format!("token=.={counted};.;weir_jwt_allowed_total")]);
        }
        for (sent, way) in [
            (protocols("TOKEN"), "401 malformed"),
            (protocols("e30"), "401 malformed"),
            (protocols(&base64url(&[0xff; 9])), "401 malformed"),
            (protocols("a"), "401 malformed"),
            ("base64url.bearer.authorization.k8s.io.".to_owned(), "401 missing"),
        ] {
            assert_eq!(decide(&lab, &sent).way(), way, "{sent}");
        }
        // A token elsewhere is not taken for one in that encoding.
        let both = Lab::new(r#"{"providers": {"corp": {"jwks": KEYS, "from": {"headers": [{"name": "x-token"}], "subprotocols": [{"prefix": "b.", "base64url": true}]}}}}"#).unwrap();
        let encoded = base64url(token(r#"{"sub": "ann"}"#).as_bytes());
        assert_eq!(both.decide(&[("x-token", &encoded)]).way(), "401 malformed");
        assert_eq!(both.decide(&[("x-token", &encoded), (NAME, &format!("b.{encoded}"))]).way(), "401 malformed");
        assert_eq!(both.decide(&[("x-token", &token("{}")), (NAME, "b.nonsense")]).way(), "on");
        assert_eq!(both.decide(&[(NAME, &format!("b.{encoded}"))]).way(), "on");
    }

    fn several_places_and_other_places() {
        let lab = lab(r#"[{"after": "bearer"}, {"prefix": "jwt."}]"#, r#", "forward": false"#);
        assert_eq!(seen(&decide(&lab, "jwt.nonsense, bearer, TOKEN, chat")), told("on", Some("bearer, chat")), "the first place counts");
        let forwarding = self::lab(r#"[{"after": "bearer"}]"#, r#", "forward": true"#);
        let decided = decide(&forwarding, "bearer, TOKEN");
        assert_eq!((decided.way().as_str(), decided.header(NAME)), ("on", None), "it goes on as it was sent");
    }

    fn two_providers_do_not_undo_each_others_removal() {
        let two = r#"{"providers": {"a": {"jwks": KEYS, "issuer": "a", "from": {"subprotocols": [{"after": "a"}]}},
            "b": {"jwks": KEYS, "issuer": "b", "from": {"subprotocols": [{"after": "b"}]}}}, "rules": [{"requires": {"all": ["a", "b"]}}]}"#;
        let lab = Lab::new(two).unwrap();
        let protocols = format!("a, {}, b, {}, chat", token(r#"{"iss": "a"}"#), token(r#"{"iss": "b"}"#));
        assert_eq!(seen(&lab.decide(&[(NAME, &protocols)])), told("on", Some("a, b, chat")));
        // At one place, what comes behind the mark then is no token.
        let same = Lab::new(&two.replace(r#""after": "b""#, r#""after": "a""#).replace(r#", "issuer": "b""#, r#", "issuer": "a""#)).unwrap();
        let protocols = format!("a, {}, chat", token(r#"{"iss": "a"}"#));
        assert_eq!(seen(&same.decide(&[(NAME, &protocols)])), told("on", Some("a, chat")));
        assert_eq!(seen(&same.decide(&[(NAME, "a, nonsense, chat")])), told("401 malformed", Some("a, chat")));
    }
}
