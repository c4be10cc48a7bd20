//! Invalid sections: each error is found, with its path, and all at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop where they fail")]

use crate::support::Lab;

/// The problems of a section, which must be exactly these, in any order: the place, and how the message starts.
fn refused(section: &str, expected: &[(&str, &str)]) {
    let problems = Lab::new(section).err().unwrap_or_else(|| panic!("accepted: {section}")).to_string();
    for (place, message) in expected {
        let line = format!("jwt.{place}: {message}");
        assert!(problems.lines().any(|found| found.starts_with(&line)), "{line}\nis not in\n{problems}");
    }
    assert_eq!(problems.lines().count(), expected.len(), "{problems}");
}

/// One provider `p` with these members.
fn provider(members: &str, expected: &[(&str, &str)]) {
    let expected: Vec<(String, &str)> =
        expected.iter().map(|(place, message)| (format!("providers.p.{place}"), *message)).collect();
    let expected: Vec<(&str, &str)> =
        expected.iter().map(|(place, message)| (place.as_str(), *message)).collect();
    refused(&format!(r#"{{"providers": {{"p": {{{members}}}}}}}"#), &expected);
}

tests! {
    fn providers() {
        refused("{}", &[("providers", "specify at least one provider")]);
        refused(r#"{"providers": {"none": {"jwks": KEYS}, "a b": {"jwks": KEYS}}}"#,
            &[("providers.none", "`none` is not a valid provider name"), ("providers[\"a b\"]", "\"a b\" is not a valid name")]);
        provider(r#""jwks": KEYS, "algorithms": ["RS256", "rs256", "none"], "clockSkew": "2h", "maxLifetime": "0s", "subjects": {"exact": "a", "prefix": "b"}"#,
            &[("algorithms[1]", "unknown algorithm \"rs256\", did you mean `RS256`?"), ("algorithms[2]", "unknown algorithm \"none\""),
              ("clockSkew", "\"2h\" is more than 3600s"), ("maxLifetime", "must be more than 0"), ("subjects", "has exact and prefix")]);
        provider(r#""jwks": KEYS, "clockSkew": "5", "isuer": "a""#,
            &[("clockSkew", "\"5\" is not a duration"), ("isuer", "unknown field `isuer`")]);
    }

    fn keys() {
        provider("", &[("jwks", "needs exactly one of inline, env, remote")]);
        provider(r#""jwks": {"env": "NOT_SET", "inline": {}}"#, &[("jwks", "needs exactly one of inline, env, remote")]);
        provider(r#""jwks": {"env": "NOT_SET"}"#, &[("jwks.env", "this environment variable is not set in the VM")]);
        provider(r#""jwks": {"inline": "nonsense"}"#, &[("jwks.inline", "the key set is not JSON")]);
        provider(r#""jwks": {"inline": {"keys": [{"kty": "oct", "kid": "short", "k": "aHVzaA"}]}}"#,
            &[("jwks.inline", "the key set has no key that can verify a signature; keys[0] (kid short): ")]);
        let problems = Lab::new(r#"{"providers": {"p": {"jwks": {"inline": {"keys": [{"kty": "oct", "k": "aHVzaA"}]}}}}}"#).err().unwrap().to_string();
        assert!(!problems.contains("aHVzaA"), "{problems}");
    }

    fn servers() {
        provider(r#""jwks": {"remote": {}}"#,
            &[("jwks.remote.cluster", "specify the name of the Envoy cluster"), ("jwks.remote.uri", "is required, such as")]);
        for uri in ["id.example.com/keys", "ftp://a/b", "https://", "https:///keys", "https://u:p@host/", "https://host/a b", "https://host/#a", "https://host?x"] {
            provider(&format!(r#""jwks": {{"remote": {{"cluster": "c", "uri": "{uri}"}}}}"#), &[("jwks.remote.uri", "not an address such as https://id.example.com/jwks.json")]);
        }
        provider(r#""jwks": {"remote": {"cluster": "c", "uri": "https://h", "timeout": "2m", "refresh": "0s", "maxStale": "x", "retry": "2m",
            "unknownKeyInterval": "0s", "wait": "90s", "maxWaiting": 10001}}"#,
            &[("jwks.remote.timeout", "\"2m\" is more than 60s"), ("jwks.remote.refresh", "must be more than 0"),
              ("jwks.remote.maxStale", "\"x\" is not a duration"), ("jwks.remote.retryMax", "is less than `retry`"),
              ("jwks.remote.unknownKeyInterval", "must be more than 0"), ("jwks.remote.wait", "\"90s\" is more than 60s"),
              ("jwks.remote.maxWaiting", "10001 is more than 10000")]);
    }

    fn places() {
        provider(r#""jwks": KEYS, "from": {}"#, &[("from", "is empty, so there could be no token")]);
        provider(r#""jwks": KEYS, "from": {"headers": [{}, {"name": "a b"}], "params": ["", "a=b"], "cookies": ["a;b"]}"#,
            &[("from.headers[0].name", "expected a header name"), ("from.headers[1].name", "\"a b\" is not a header name"),
              ("from.params[0]", "\"\" is not a valid name"), ("from.params[1]", "\"a=b\" is not a valid name"), ("from.cookies[0]", "\"a;b\" is not the name of a cookie")]);
    }

    fn outputs() {
        provider(r#""jwks": KEYS, "padPayloadHeader": true, "filterState": {"a b": "sub", "c": []}, "claimsToHeaders": [
            {"header": "x-a"}, {"claim": ["a", ""], "header": "x-b"}, {"claim": "a"}, {"claim": "a", "header": "host"},
            {"claim": "a", "header": "X-A"}, {"claim": "a", "header": "x-d", "default": "a\nb", "missing": "omit"},
            {"claim": "a", "header": "x-e", "maxBytes": 0}, {"claim": "a", "header": "x-f", "format": "xml"}]"#,
            &[("padPayloadHeader", "is only valid with `payloadHeader`"), ("filterState[\"a b\"]", "\"a b\" is not a valid name"), ("filterState.c", "expected a claim"),
              ("claimsToHeaders[0].claim", "expected a claim"), ("claimsToHeaders[1].claim", "a part of the claim's name is empty"),
              ("claimsToHeaders[2].header", "expected a header name"), ("claimsToHeaders[3].header", "`host` belongs to the connection"),
              ("claimsToHeaders[4].header", "\"X-A\" already gets another claim"), ("claimsToHeaders[5].missing", "cannot be combined with `default`"),
              ("claimsToHeaders[5].default", "\"a\\nb\" has control characters"), ("claimsToHeaders[6].maxBytes", "0 is not between 1 and 65536"),
              ("claimsToHeaders[7].format", "")]);
    }

    fn rules() {
        refused(r#"{"providers": {"corp": {"jwks": KEYS}}, "rules": [
            {"requires": "crop"}, {"requires": {}}, {"requires": {"any": []}}, {"requires": {"any": ["corp"], "all": ["corp"]}},
            {"requires": {"any": ["corp"], "audiences": ["a"]}}, {"requires": "none", "require": {"role": "admin"}},
            {"require": {"role": {"$foo": 1}}}, {"match": {"urii": "x"}}, {"requires": {"all": ["corp", {"optional": "no"}]}}]}"#,
            &[("rules[0].requires", "unknown provider \"crop\", did you mean `corp`?"),
              ("rules[1].requires", "needs exactly one of provider, any, all, optional, optionalOrFailed"), ("rules[2].requires.any", "is empty"),
              ("rules[3].requires", "needs exactly one of"), ("rules[4].requires.audiences", "is only valid with `provider`"),
              ("rules[5].require", "has no effect, because the rule requires no token"), ("rules[6].require.role.$foo", "`$foo` is not an operator here"),
              ("rules[7].match.urii", "unknown field `urii`"), ("rules[8].requires.all[1].optional", "unknown provider \"no\"")]);
        let deep = (0..12).fold("\"corp\"".to_owned(), |inner, _| format!(r#"{{"any": [{inner}]}}"#));
        let problems = Lab::new(&format!(r#"{{"providers": {{"corp": {{"jwks": KEYS}}}}, "rules": [{{"requires": {deep}}}]}}"#)).err().unwrap().to_string();
        assert!(problems.contains("nested deeper than 8 levels"), "{problems}");
    }

    fn what_is_not_known_yet() {
        const WHY: &str = "no token is verified yet where rules are chosen";
        refused(r#"{"providers": {"corp": {"jwks": KEYS}}, "rules": [
            {"condition": {"claim:role": "guest"}, "requires": "corp"}, {"condition": {"$not": {"claim:role": "guest"}}},
            {"match": {"claims": {"role": {"exact": "guest"}}}}, {"match": {"headers": {"@request.auth.claims.role": {}}}},
            {"match": {"withoutHeaders": {"@request.auth.claims[role]": {}}}}, {"cel": "response.code == 200"},
            {"condition": {"property:response.code": "200"}}, {"requires": "corp"}]}"#,
            &[("rules[0].condition[\"claim:role\"]", WHY), ("rules[1].condition.$not[\"claim:role\"]", WHY),
              ("rules[2].match[0].claims.role", WHY), ("rules[3].match[0].headers[\"@request.auth.claims.role\"]", WHY),
              ("rules[4].match[0].withoutHeaders[\"@request.auth.claims[role]\"]", WHY),
              ("rules[5].cel", "`response.code` is not available when a request arrives"),
              ("rules[6].condition[\"property:response.code\"]", "`response.code` is not known yet when a request comes")]);
    }

    fn names_that_can_be_read_in_two_ways() {
        refused(r#"{"providers": {"corp": {"jwks": KEYS, "require": {"plan.tier": 3}, "filterState": {"roles": "realm_access.roles"}}},
            "rules": [{"require": {"https://example.test/app_metadata.blocked": {"$ne": true}}}, {"require": {"$nor": [{"kubernetes.io": 1}]}}]}"#,
            &[("providers.corp.require[\"plan.tier\"]", "\"plan.tier\" can be read in more than one way: write \"[plan][tier]\" for a claim inside of another (dots that belong to a name stay in its brackets), or \"[plan.tier]\" for one claim of this name"),
              ("providers.corp.filterState.roles", "\"realm_access.roles\" can be read in more than one way: write \"[realm_access][roles]\""),
              ("rules[0].require[\"https://example.test/app_metadata.blocked\"]", "\"https://example.test/app_metadata.blocked\" can be read in more than one way: write \"[https://example.test/app_metadata][blocked]\""),
              ("rules[1].require.$nor[0][\"kubernetes.io\"]", "\"kubernetes.io\" can be read in more than one way")]);
    }

    fn the_rest() {
        refused(r#"{"providers": {"corp": {"jwks": KEYS}}, "cache": {"size": 65537}, "errors": {"realm": "a\"b"}}"#,
            &[("cache.size", "65537 is more than 65536"), ("errors.realm", "\"a\\\"b\" has characters other than ASCII")]);
        refused(r#"{"providers": {"corp": {"jwks": KEYS}}, "errors": {"realm": "a", "format": "none"}}"#,
            &[("errors.realm", "has no effect with `format: none`")]);
    }
}
