//! The differences between the verdicts of both filters, each with its reason.

use super::corpus::Sample;
use super::sides::Verdict;

/// A token of which the filters say different things.
pub(crate) struct Difference<'a> {
    pub(crate) sample: &'a Sample,
    pub(crate) ours: &'a Verdict,
    pub(crate) theirs: &'a Verdict,
}

/// A kind of difference.
pub(crate) struct Class {
    pub(crate) name: &'static str,
    /// Who accepts such tokens.
    pub(crate) accepts: &'static str,
    /// Why, for the document.
    pub(crate) why: &'static str,
    is: fn(&Difference<'_>) -> bool,
}

/// The class of a difference, if it is known.
pub(crate) fn class(difference: &Difference<'_>) -> Option<&'static Class> {
    CLASSES.iter().find(|class| {
        let who = if difference.ours.accepted { "Weir" } else { "Envoy" };
        class.accepts == who && (class.is)(difference)
    })
}

/// Whether ours refuses it for this reason.
fn refused(difference: &Difference<'_>, reason: &str) -> bool {
    difference.ours.words == reason
}

/// Whether the token is of this group of the vectors.
fn of(difference: &Difference<'_>, group: &str) -> bool {
    difference.sample.name.starts_with(group)
}

pub(crate) const CLASSES: &[Class] = &[
    Class {
        name: "`ES256K`",
        accepts: "Weir",
        why: "jwt_authn does not support secp256k1 (RFC 8812)",
        is: |d| d.theirs.words == "Jwt header [alg] is not supported" && d.sample.name.contains("ES256K"),
    },
    Class {
        name: "HMAC without `kid`, if the key set also has an Ed25519 key",
        accepts: "Weir",
        why: "jwt_authn stops at the Ed25519 key, because the signature has another length; Weir tries only keys that fit the algorithm",
        is: |d| d.theirs.words == "Jwt ED25519 signature is wrong length",
    },
    Class {
        name: "the key is for another algorithm than `alg`",
        accepts: "Envoy",
        why: "jwt_authn takes the kind of verification from the key and only checks that `alg` is known; Weir requires that both match (RFC 8725 section 3.1)",
        is: |d| refused(d, "key_mismatch") && of(d, "confusion: "),
    },
    Class {
        name: "an algorithm not listed in `algorithms`",
        accepts: "Envoy",
        why: "jwt_authn has no list of allowed algorithms",
        is: |d| refused(d, "algorithm_not_allowed"),
    },
    Class {
        name: "`crit`",
        accepts: "Envoy",
        why: "unsupported extensions must be rejected (RFC 7515 section 4.1.11)",
        is: |d| refused(d, "critical_header") && of(d, "crit: "),
    },
    Class {
        name: "`b64`",
        accepts: "Envoy",
        why: "it changes what is signed (RFC 7797); others would read another payload",
        is: |d| refused(d, "critical_header") && of(d, "b64: "),
    },
    Class {
        name: "a key in the header: `jwk`, `jku`, `x5c`, `x5u`",
        accepts: "Envoy",
        why: "jwt_authn ignores it and uses the configured key; here such tokens are refused, so that no service behind can be misled by them; with `embeddedKeys: ignore` they are accepted too",
        is: |d| refused(d, "embedded_key"),
    },
    Class {
        name: "header or payload is not JSON: trailing commas, single or no quotes, control characters, `null`",
        accepts: "Envoy",
        why: "jwt_authn's parser is lenient; others may interpret the text differently (RFC 8259)",
        is: |d| {
            let words = &d.ours.words;
            (words == "header_json" && of(d, "header JSON: "))
                || (words == "payload_json" && of(d, "payload JSON: "))
        },
    },
    Class {
        name: "`typ` is not a string",
        accepts: "Envoy",
        why: "RFC 7515 section 4.1.9",
        is: |d| refused(d, "header_json") && of(d, "typ: "),
    },
    Class {
        name: "nested deeper than 32 levels",
        accepts: "Envoy",
        why: "a bound on the work for an unverified token; jwt_authn's is 100",
        is: |d| refused(d, "too_deep"),
    },
    Class {
        name: "an empty `kid`",
        accepts: "Envoy",
        why: "jwt_authn treats it as absent; Weir treats it as an unknown key ID",
        is: |d| refused(d, "unknown_key") && of(d, "kid: ''"),
    },
    Class {
        name: "`exp: 0`",
        accepts: "Envoy",
        why: "0 is 1970, not \"never\"",
        is: |d| refused(d, "expired") && d.sample.name == "claims: exp 0",
    },
    Class {
        name: "empty sections: a leading, trailing or double dot",
        accepts: "Envoy",
        why: "jwt_authn skips them; a token has exactly three sections (RFC 7515 section 7.1)",
        is: |d| refused(d, "malformed") && of(d, "sections: "),
    },
    Class {
        name: "base64url with padding, white space or unused bits",
        accepts: "Envoy",
        why: "a token has one spelling (RFC 7515 section 2), so that a list of revoked ones cannot be got round; with `padding: accept` the padding that belongs there is accepted too",
        is: |d| d.ours.words.ends_with("_base64") && of(d, "base64: "),
    },
    Class {
        name: "ECDSA signatures with excess bytes",
        accepts: "Envoy",
        why: "jwt_authn splits any length in half; a signature has exactly twice the length of the curve's order (RFC 7518 section 3.4)",
        is: |d| refused(d, "bad_signature") && (of(d, "ECDSA: ES") || of(d, "bit flip: ES")),
    },
];

#[test]
fn a_difference_of_no_class_is_unknown() {
    let sample = |name: &str| Sample {
        name: name.to_owned(),
        token: String::new(),
        provider: String::new(),
        expected: String::new(),
    };
    let verdict = |accepted, words: &str| Verdict { accepted, words: words.to_owned() };
    let find = |name, ours: &Verdict, theirs: &Verdict| {
        class(&Difference { sample: &sample(name), ours, theirs }).map(|class| class.name)
    };
    let accepted = verdict(true, "accepted");
    // Ours lets a forged signature pass, or refuses an honest token.
    assert_eq!(find("RSA: zero", &accepted, &verdict(false, "Jwt verification fails")), None);
    assert_eq!(find("ECDSA: ES256 zero", &accepted, &verdict(false, "Jwt verification fails")), None);
    assert_eq!(find("RS256 by PyJWT", &verdict(false, "bad_signature"), &accepted), None);
    assert_eq!(find("crit: exp", &verdict(false, "critical_header"), &accepted), Some("`crit`"));
}
