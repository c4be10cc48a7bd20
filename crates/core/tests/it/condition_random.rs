//! Whatever the JSON, compiling and asking do not panic, and the laws of logic hold.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop where they fail"
)]

use crate::condition_support::{Compiled, attributes};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use weir_core::{AttributeMap, Truth};

/// Names, operators and texts from which conditions are made; enough sense that many compile.
const WORDS: [&str; 44] = [
    "j",
    "t",
    "l",
    "n",
    "j.a",
    "l.0",
    "",
    "a",
    "b",
    "0",
    "5",
    "1.2.3",
    "true",
    "null",
    "é",
    "😀",
    "[",
    "(a|b)*$",
    "\\d+",
    "[\\w-.]",
    "$and",
    "$or",
    "$nor",
    "$not",
    "$eq",
    "$ne",
    "$lt",
    "$gte",
    "$in",
    "$nini",
    "$exists",
    "$type",
    "$size",
    "$all",
    "$alli",
    "$elemMatch",
    "$regex",
    "$regexi",
    "$veq",
    "$vlt",
    "$foo",
    "$inGroup",
    "$savedGroup",
    "ΟΔΟΣ",
];

fn declared() -> AttributeMap {
    attributes(json!({
        "j": {"header": "x-j", "type": "json"},
        "t": "header:x-t",
        "l": {"header": "x-l", "type": "list"},
        "n": {"header": "x-n", "type": "number"},
    }))
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![9 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

fn document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        (-3..12).prop_map(Json::from),
        word().prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 48, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Json::from),
            btree_map(word(), inner, 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// What is more often right than wrong.
fn operator() -> impl Strategy<Value = Json> {
    let literal = || document().boxed();
    let one = |name: &'static str, json: BoxedStrategy<Json>| {
        json.prop_map(move |json| json!({name: json})).boxed()
    };
    let list = || vec(literal(), 0..4).prop_map(Json::from).boxed();
    let leaf = prop_oneof![
        literal(),
        one("$eq", literal()),
        one("$lt", literal()),
        one("$gte", literal()),
        one("$in", list()),
        one("$nini", list()),
        one("$exists", any::<bool>().prop_map(Json::from).boxed()),
        one("$regex", word().prop_map(Json::from).boxed()),
        one("$regexi", ".{0,12}".prop_map(Json::from).boxed()),
        one("$vgt", word().prop_map(Json::from).boxed()),
    ];
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let list = vec(inner.clone(), 0..3).prop_map(Json::from).boxed();
        prop_oneof![
            one("$not", inner.clone().boxed()),
            one("$size", inner.clone().boxed()),
            one("$elemMatch", inner.boxed()),
            one("$all", list.clone()),
            one("$alli", list),
        ]
    })
}

fn condition() -> impl Strategy<Value = Json> {
    let field = prop::sample::select(&["j", "j.a", "j.0", "t", "l", "l.0", "n"][..]);
    (field, operator()).prop_map(|(field, json)| json!({field: json}))
}

fn request() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let bytes = || prop_oneof![word().prop_map(String::into_bytes), vec(any::<u8>(), 0..12)];
    (prop::option::of(document()), prop::option::of(bytes()), bytes(), bytes()).prop_map(|(j, t, l, n)| {
        let mut headers = vec![("x-l".to_owned(), l), ("x-n".to_owned(), n)];
        headers.extend(j.map(|j| ("x-j".to_owned(), j.to_string().into_bytes())));
        headers.extend(t.map(|t| ("x-t".to_owned(), t)));
        headers
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_json_is_compiled_or_refused(json in document(), request in request()) {
        if let Ok(compiled) = Compiled::new(&declared(), &json) {
            compiled.holds(&request);
        }
    }

    #[test]
    fn negation_negates(json in condition(), request in request()) {
        let not = json!({"$not": json});
        let nor = json!({"$nor": [json]});
        if let Ok(compiled) = Compiled::new(&declared(), &json) {
            let truth = compiled.judge(&request);
            prop_assert_eq!(Compiled::new(&declared(), &not).unwrap().judge(&request), !truth);
            prop_assert_eq!(Compiled::new(&declared(), &nor).unwrap().judge(&request), !truth);
        }
    }

    #[test]
    fn and_and_or_combine(a in condition(), b in condition(), request in request()) {
        let compiled = |json: &Json| Compiled::new(&declared(), json);
        if let (Ok(one), Ok(two)) = (compiled(&a), compiled(&b)) {
            let both = [one.judge(&request), two.judge(&request)];
            prop_assert_eq!(compiled(&json!({"$and": [a, b]})).unwrap().judge(&request), Truth::all(both));
            prop_assert_eq!(compiled(&json!({"$or": [a, b]})).unwrap().judge(&request), Truth::any(both));
        }
    }

    #[test]
    fn any_pattern_is_compiled_or_refused(pattern in r"([\[\]()\\^$.|?*+{}a-c0-9é,:<=!-]|\\[a-zA-Z]){0,16}", ignore_case: bool, text in any::<String>()) {
        let operator = if ignore_case { "$regexi" } else { "$regex" };
        if let Ok(compiled) = Compiled::new(&declared(), &json!({"t": {operator: pattern}})) {
            compiled.holds(&[("x-t".to_owned(), text.into_bytes())]);
        }
    }
}
