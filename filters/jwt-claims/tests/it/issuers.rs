//! What single issuers do in their own way: keys in the header, padding, keys in PEM, values that a claim lists.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::support::{Lab, SECRET, base64url, bearer, padded, token_of};

fn lab(section: &str) -> Lab {
    Lab::new(section).unwrap()
}

/// One provider with these members beside its keys.
fn provider(members: &str) -> Lab {
    lab(&format!(r#"{{"providers": {{"corp": {{"jwks": KEYS, {members}}}}}}}"#))
}

fn ways(lab: &Lab, token: &str) -> [String; 2] {
    let header = format!("Bearer {token}");
    [(); 2].map(|()| {
        let decided = lab.decide(&[("authorization", &header)]);
        format!("{} {}", decided.way(), decided.counts.join(" "))
    })
}

const VERIFIED: &str = "on token=.=verified;.;weir_jwt_allowed_total";
const REMEMBERED: &str = "on token=.=remembered;.;weir_jwt_allowed_total";

tests! {
    fn a_key_in_the_header_is_refused_unless_it_is_to_be_ignored() {
        // The key in it is another one, with which it could be forged.
        let jwk = format!(r#"{{"kty": "oct", "k": "{}"}}"#, base64url(&[7; 32]));
        for member in [r#""jku": "https://evil.example/keys""#.to_owned(), format!(r#""jwk": {jwk}"#)] {
            let header = format!(r#"{{"alg": "HS256", "kid": "one", {member}}}"#);
            let token = token_of(&header, r#"{"sub": "u"}"#, base64url);
            assert_eq!(provider(r#""forward": false"#).decide(&[("authorization", &format!("Bearer {token}"))]).way(), "401 embedded_key");
            assert_eq!(provider(r#""embeddedKeys": "refuse""#).decide(&[("authorization", &format!("Bearer {token}"))]).way(), "401 embedded_key");
            assert_eq!(ways(&provider(r#""embeddedKeys": "ignore""#), &token), [VERIFIED, REMEMBERED]);
        }
        // Signed with the key that it brings: no key of ours, so it is forged.
        use hmac::{Hmac, Mac};
        let header = format!(r#"{{"alg": "HS256", "jwk": {jwk}}}"#);
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(br#"{"sub": "root"}"#));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&[7; 32]).unwrap();
        mac.update(signed.as_bytes());
        let forged = format!("Bearer {signed}.{}", base64url(&mac.finalize().into_bytes()));
        assert_eq!(provider(r#""embeddedKeys": "ignore""#).decide(&[("authorization", &forged)]).way(), "401 bad_signature");
    }

    fn a_provider_does_not_lend_its_leniency_to_another() {
        let lab = lab(r#"{"providers": {"a": {"jwks": KEYS, "issuer": "a", "embeddedKeys": "ignore"}, "b": {"jwks": KEYS, "issuer": "b"}}}"#);
        for (issuer, way) in [("a", "on"), ("b", "401 embedded_key")] {
            let token = token_of(r#"{"alg": "HS256", "kid": "one", "jku": "x"}"#, &format!(r#"{{"iss": "{issuer}"}}"#), base64url);
            assert_eq!(lab.decide(&[("authorization", &format!("Bearer {token}"))]).way(), way);
        }
    }

    fn padding_is_refused_unless_it_is_accepted() {
        let token = token_of(r#"{"alg": "HS256", "kid": "one"} "#, r#"{"sub": "ann"} "#, padded);
        assert!(token.contains("=.") && token.ends_with('='), "{token}");
        let strict = provider(r#""padding": "refuse""#);
        assert_eq!(strict.decide(&[("authorization", &format!("Bearer {token}"))]).way(), "401 header_base64");
        let lenient = provider(r#""padding": "accept", "payloadHeader": "x-payload""#);
        assert_eq!(ways(&lenient, &token), [VERIFIED, REMEMBERED]);
        // One without padding is as good as ever.
        assert_eq!(lenient.way(r#"{"sub": "bob"}"#), "on");
        let seen = lenient.decide(&[("authorization", &format!("Bearer {token}"))]);
        assert_eq!(seen.header("x-payload"), Some(base64url(br#"{"sub": "ann"} "#).as_str()), "as from any other token");
        let again = provider(r#""padding": "accept", "payloadHeader": "x-payload", "padPayloadHeader": true"#);
        let seen = again.decide(&[("authorization", &format!("Bearer {token}"))]);
        assert_eq!(seen.header("x-payload"), Some(padded(br#"{"sub": "ann"} "#).as_str()));
    }

    /// The signature of a padded token can be written in two ways. Each is a token of its own: what is remembered of
    /// one is not taken for the other, good or bad.
    fn two_spellings_of_a_signature_are_two_tokens() {
        let lab = provider(r#""padding": "accept""#);
        let long = token_of(r#"{"alg": "HS256", "kid": "one"}"#, r#"{"sub": "ann"}"#, padded);
        let short = long.trim_end_matches('=');
        assert_ne!(long, short);
        assert_eq!(ways(&lab, &long), [VERIFIED, REMEMBERED]);
        assert_eq!(ways(&lab, short), [VERIFIED, REMEMBERED]);
        let forged = |token: &str| token.replacen("eyJzdWIiOiAiYW5u", "eyJzdWIiOiAiZXZl", 1);
        for token in [&long, short].map(forged) {
            assert_eq!(ways(&lab, &token), [
                "401 bad_signature reason=.=bad_signature;.;weir_jwt_denied_total",
                "401 bad_signature reason=.=bad_signature;.;weir_jwt_denied_total weir_jwt_denied_remembered_total",
            ]);
        }
        // Padding of header and payload is signed: taken off, the signature is another's.
        let bare = |part: &str| part.trim_end_matches('=').to_owned();
        let off = long.split('.').map(bare).collect::<Vec<_>>().join(".");
        assert!(ways(&lab, &off)[0].starts_with("401 bad_signature"), "{off}");
        // Padding that belongs nowhere, or takes another's place, is no third spelling.
        for token in [format!("{short}=="), format!("{long}="), format!("{short}%3D"), long.replace("=.", "==.")] {
            let found = ways(&lab, &token);
            assert!(found[0].starts_with("401 ") && found[0].contains("_base64"), "{token}: {found:?}");
        }
    }

    fn members_of_the_header_must_be_what_the_provider_says() {
        let lab = provider(r#""tokenHeader": {"typ": "at+jwt", "signer": ["arn:1", "arn:2"]}"#);
        for (header, way) in [
            (r#""typ": "AT+jwt", "signer": "arn:2""#, "on"),
            (r#""typ": "application/at+jwt", "signer": "arn:1""#, "on"),
            (r#""typ": "JWT", "signer": "arn:1""#, "401 token_header"),
            (r#""typ": "at+jwt", "signer": "arn:3""#, "401 token_header"),
            (r#""typ": "at+jwt", "signer": ["arn:1"]"#, "401 token_header"),
            (r#""typ": "at+jwt""#, "401 token_header"),
        ] {
            let token = token_of(&format!(r#"{{"alg": "HS256", "kid": "one", {header}}}"#), "{}", base64url);
            assert_eq!(lab.decide(&[("authorization", &format!("Bearer {token}"))]).way(), way, "{header}");
        }
    }

    fn keys_may_be_in_pem() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../../../../tests/vectors/jwt/providers.json")).unwrap();
        let text = |at: &str| vectors.pointer(at).unwrap().to_string();
        let named = format!(r#"{{"k": {}}}"#, text("/pem/ed"));
        for keys in [text("/pem/ed"), text("/pem/ed certificate"), named] {
            let lab = lab(&format!(r#"{{"providers": {{"p": {{"jwks": {{"inline": {keys}}}}}}}}}"#));
            let token = vectors.pointer("/tokens/ed").unwrap().as_str().unwrap();
            let decided = lab.decide(&[("authorization", &format!("Bearer {token}"))]);
            assert_eq!((decided.way().as_str(), decided.header("x-auth-user-id")), ("on", Some("ed")), "{keys}");
            assert_eq!(lab.decide(&[("authorization", &bearer("{}"))]).way(), "401 unknown_key");
        }
    }

    fn a_value_of_the_request_must_be_in_a_claim() {
        let lab = lab(r#"{"providers": {"corp": {"jwks": KEYS}}, "rules": [{"name": "tenant", "requires": "corp",
            "requireInClaim": {"header:x-org": "tenants", "query:team": ["groups", "names"]}}]}"#);
        let way = |claims: &str, org: &str, path: &str| {
            let bearer = bearer(claims);
            let mut headers = vec![("authorization", bearer.as_str()), (":path", path)];
            if org != "absent" {
                headers.push(("x-org", org));
            }
            lab.decide(&headers).way()
        };
        let claims = r#"{"tenants": ["a", "b", 7], "groups": {"names": ["x", "y z"]}}"#;
        for (org, path, expected) in [
            ("a", "/?team=x", "on"),
            ("b", "/?team=y%20z", "on"),
            ("7", "/?team=x", "on"),
            ("c", "/?team=x", "403 requirement_not_met"),
            ("a,b", "/?team=x", "403 requirement_not_met"),
            ("A", "/?team=x", "403 requirement_not_met"),
            ("", "/?team=x", "403 requirement_not_met"),
            ("absent", "/?team=x", "403 requirement_not_met"),
            ("a", "/?team=z", "403 requirement_not_met"),
            ("a", "/", "403 requirement_not_met"),
        ] {
            assert_eq!(way(claims, org, path), expected, "{org} {path}");
        }
        assert_eq!(way(r#"{"tenants": "a", "groups": {"names": "x"}}"#, "a", "/?team=x"), "on", "a text is a list of one");
        for claims in ["{}", r#"{"tenants": null, "groups": {"names": ["x"]}}"#, r#"{"tenants": {"a": 1}, "groups": {"names": ["x"]}}"#,
            r#"{"tenants": ["a"], "groups": "x"}"#, r#"{"tenants": [["a"]], "groups": {"names": ["x"]}}"#] {
            assert_eq!(way(claims, "a", "/?team=x"), "403 requirement_not_met", "{claims}");
        }
        // Two lines are two values, whatever the upstream makes of them.
        let bearer = bearer(claims);
        let twice = [("authorization", bearer.as_str()), (":path", "/?team=x"), ("x-org", "a"), ("x-org", "b")];
        assert_eq!(lab.decide(&twice).way(), "403 requirement_not_met");
    }

    fn a_provider_may_ask_for_it_too() {
        let lab = provider(r#""requireInClaim": {"host": "hosts"}, "require": {"sub": "u"}"#);
        for (claims, way) in [
            (r#"{"sub": "u", "hosts": ["example.com"]}"#, "on"),
            (r#"{"sub": "v", "hosts": ["example.com"]}"#, "403 requirement_not_met"),
            (r#"{"sub": "u", "hosts": ["other.example"]}"#, "403 requirement_not_met"),
        ] {
            assert_eq!(lab.way(claims), way, "{claims}");
        }
    }

    fn a_list_has_an_item_by_any_operator_for_lists() {
        for (require, admin, both, text, none) in [
            (r#"{"roles": {"$in": ["admin"]}}"#, true, true, true, false),
            (r#"{"roles": {"$all": ["admin"]}}"#, true, true, false, false),
            (r#"{"roles": {"$elemMatch": {"$eq": "admin"}}}"#, true, true, false, false),
            (r#"{"roles": "admin"}"#, true, false, true, false),
            (r#"{"roles": {"$nin": ["banned"]}}"#, true, true, true, true),
        ] {
            let lab = provider(&format!(r#""require": {require}"#));
            let passes = |claims: &str| lab.way(claims) == "on";
            let found = [r#"{"roles": ["admin"]}"#, r#"{"roles": ["user", "admin"]}"#, r#"{"roles": "admin"}"#, "{}"].map(passes);
            assert_eq!(found, [admin, both, text, none], "{require}");
        }
    }

    fn what_is_wrong_with_the_options() {
        let problems = Lab::new(r#"{"providers": {"corp": {"jwks": KEYS, "embeddedKeys": "use", "padding": true, "tokenHeader": {"alg": "RS256", "typ": []},
            "from": {"subprotocols": [{}, {"after": "a", "prefix": "b"}, {"after": "a b"}, {"prefix": ""}]},
            "requireInClaim": {"tenant": "t", "header:x": "a.b", "header:a b": "c"}}},
            "rules": [{"requires": "none", "requireInClaim": {"header:x": "a"}}]}"#).err().unwrap().to_string();
        for expected in [
            "jwt.providers.corp.embeddedKeys: ", "jwt.providers.corp.padding: ", "jwt.providers.corp.tokenHeader.alg: is decided elsewhere",
            "jwt.providers.corp.tokenHeader.typ: is empty, so no token could pass",
            "jwt.providers.corp.from.subprotocols[0]: needs exactly one of after, prefix",
            "jwt.providers.corp.from.subprotocols[1]: needs exactly one of after, prefix",
            "jwt.providers.corp.from.subprotocols[2].after: invalid subprotocol \"a b\"",
            "jwt.providers.corp.from.subprotocols[3].prefix: invalid subprotocol \"\"",
            "jwt.providers.corp.requireInClaim.tenant: \"tenant\" is neither an attribute nor a source",
            "jwt.providers.corp.requireInClaim[\"header:x\"]: \"a.b\" can be read in more than one way",
            "jwt.providers.corp.requireInClaim[\"header:a b\"]: \"a b\" is not a header name",
            "jwt.rules[0].requireInClaim: has no effect, because the rule requires no token",
        ] {
            assert!(problems.lines().any(|line| line.starts_with(expected)), "{expected}\nis not in\n{problems}");
        }
        assert_eq!(problems.lines().count(), 12, "{problems}");
    }

    fn the_secret_is_in_no_message() {
        let secret = base64url(SECRET);
        for inline in [format!(r#""{secret}""#), format!(r#"{{"kty": "oct", "k": "{secret}"}}"#), format!(r#"["{secret}"]"#)] {
            let problems = Lab::new(&format!(r#"{{"providers": {{"p": {{"jwks": {{"inline": {inline}}}}}}}}}"#)).err().unwrap().to_string();
            assert!(problems.starts_with("jwt.providers.p.jwks.inline: ") && !problems.contains(&secret), "{problems}");
        }
    }
}
