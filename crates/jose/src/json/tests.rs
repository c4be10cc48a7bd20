use super::*;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn values_come_out_as_serde_json_reads_them() {
    for text in [
        "{}",
        "[]",
        " {\"a\" : [1, -2, 3.5, 1e3, true, false, null, \"x\"] } ",
        r#"{"esc":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","ünï":"ç"}"#,
        r#"{"a":{"b":{"c":[[],[{}]]}}}"#,
        "18446744073709551615",
        "-9223372036854775808",
        "1152921504606846977",
        "123456789012345678901234567890",
        "0.1",
        "-0.0",
        "1E-7",
        "\"\"",
    ] {
        assert_eq!(parse(text), Ok(serde_json::from_str(text).unwrap()), "{text}");
    }
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "-Infinity",
        "tru",
        "nul",
        "truex",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800x\"",
        "\"\n\"",
        "\"\0\"",
        "{} {}",
        "{}x",
        "{}\0",
        "\u{feff}{}",
        "1e999",
        "-1e999",
        "/**/{}",
        "{\"a\":1}//",
        "\u{a0}1",
    ] {
        assert_eq!(parse(text), Err(Fault::Syntax), "{text:?}");
    }
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn a_member_cannot_come_twice_at_any_depth_in_any_spelling() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#,
        r#"{"":1,"":2}"#,
    ] {
        assert_eq!(parse(text), Err(Fault::Duplicate), "{text}");
    }
    // Names are compared as they are: no folding of case, no Unicode normalisation.
    assert!(parse("{\"a\":1,\"A\":1,\"\u{e1}\":1,\"a\u{301}\":1}").is_ok());
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn depth_is_bounded() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(parse(&nested(32)).is_ok());
    assert_eq!(parse(&nested(33)), Err(Fault::TooDeep));
    assert_eq!(parse(&"[".repeat(1_000_000)), Err(Fault::TooDeep));
    assert_eq!(parse(&"{\"a\":".repeat(1_000_000)), Err(Fault::TooDeep));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn the_text_of_a_value_is_found_by_its_path() {
    let text = r#" {"a": {"b.c": [ 1.10 , {"d" : 1e21}, [ ] ]}, "\u0065": "x\"y" , "n":-0 } "#;
    let at = |path: &[&str]| find(text, path.iter().copied());
    assert_eq!(at(&["a", "b.c", "0"]), Some("1.10"));
    assert_eq!(at(&["a", "b.c", "1", "d"]), Some("1e21"));
    assert_eq!(at(&["a", "b.c", "2"]), Some("[ ]"));
    assert_eq!(at(&["e"]), Some(r#""x\"y""#));
    assert_eq!(at(&["n"]), Some("-0"));
    for missing in [
        &["z"][..],
        &["a", "b.c", "3"],
        &["a", "b.c", "00"],
        &["a", "b.c", "+1"],
        &["n", "0"],
        &["a", "0"],
        &["a", "b.c", "2", "0"],
    ] {
        assert_eq!(at(missing), None, "{missing:?}");
    }
    let mut out = String::new();
    compact(text, &mut out);
    assert_eq!(out, r#"{"a":{"b.c":[1.10,{"d":1e21},[]]},"\u0065":"x\"y","n":-0}"#);
    assert_eq!(parse(&out), parse(text));
    let mut spaces = String::new();
    compact(r#"{"a \\" : " \" , \\" }"#, &mut spaces);
    assert_eq!(spaces, r#"{"a \\":" \" , \\"}"#);
    assert_eq!(parse(&spaces), Ok(json!({"a \\": " \" , \\"})));
}

#[cfg(not(target_arch = "wasm32"))]
mod random {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Text near JSON: both readers take the same ones, apart from duplicates and depth.
        #[test]
        fn agrees_with_serde_json(text in r#"([\[\]{}",:\\utfn0-9eE.+ -]|true|null|"a"|"b"|\{"a":|\[1,|\\u00e9){0,14}"#) {
            match (parse(&text), serde_json::from_str::<Value>(&text)) {
                (Ok(ours), Ok(theirs)) => prop_assert!(ours == theirs || text.contains("-0"), "{ours} {theirs}"),
                (Err(Fault::Duplicate | Fault::TooDeep), _) | (Err(Fault::Syntax), Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{text:?}: {ours:?} {theirs:?}"),
            }
        }

        /// What serde_json writes comes back, and every leaf is found by its path.
        #[test]
        fn round_trip(keys in proptest::collection::btree_map(".{0,4}", any::<f64>(), 0..6), tail in any::<String>()) {
            let value = json!({"k": keys, "t": [tail]});
            let text = value.to_string();
            prop_assert_eq!(parse(&text), serde_json::from_str(&text).map_err(|_| Fault::Syntax));
            for (key, number) in &keys {
                let found = find(&text, ["k", key.as_str()].into_iter());
                let written = json!(number).to_string();
                prop_assert_eq!(found, Some(written.as_str()));
            }
        }
    }
}
