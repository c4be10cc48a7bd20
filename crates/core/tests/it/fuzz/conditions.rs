//! Conditions over JSON that a client sends.

use super::{damaged, hold};
use crate::http_match_support::Services;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use weir_core::condition::{self, Condition};
use weir_core::header::encode_pairs;
use weir_core::{AccessPlan, At, AttributeMap, Compiler, Problems, Request, Scratch, Truth};

/// Small documents with few names and values, so that conditions often meet them.
pub(crate) fn document() -> impl Strategy<Value = Json> {
    let word = || prop::sample::select(&["a", "b", "0", "1", "", "1.2.3", "true", "é", "length"][..]);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-2..3).prop_map(Json::from),
        // Not any number: serde_json reads the last bit of long ones as it likes.
        any::<i16>().prop_map(|n| Json::from(f64::from(n) / 8.0)),
        word().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 32, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            btree_map(word().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

const OPERATORS: [&str; 16] = [
    "$eq",
    "$ne",
    "$lt",
    "$gte",
    "$in",
    "$nin",
    "$exists",
    "$size",
    "$all",
    "$elemMatch",
    "$regex",
    "$vgt",
    "$not",
    "$type",
    "$ini",
    "$alli",
];

fn compiled(condition: &Json) -> Option<(AccessPlan, Condition)> {
    let named: AttributeMap = weir_core::load::load_value(
        &json!({"j": {"header": "x-j", "type": "json"}}),
        &mut Problems::default(),
    );
    let env = |_: &str| None;
    let mut compiler = Compiler::new(&named, &env, Problems::default());
    let condition = condition::compile(condition, &mut compiler, &At::root());
    Some((compiler.finish().ok()?, condition))
}

fn judge((access_plan, condition): &(AccessPlan, Condition), value: &[u8]) -> Truth {
    let raw = encode_pairs(&[("x-j", value)]);
    let (mut scratch, host) = (Scratch::default(), Services::default());
    scratch.read(access_plan, &raw);
    condition.judge(&Request::new(access_plan, &raw, &scratch, &host))
}

#[test]
fn any_document_is_judged_and_its_negation_the_other_way() {
    let field = prop::sample::select(&["j", "j.a", "j.0", "j.a.b", "j.length"][..]);
    let asked = (prop::sample::select(&OPERATORS[..]), document());
    let value = || document().prop_map(|json| json.to_string().into_bytes());
    let values = vec(prop_oneof![3 => value().boxed(), 1 => damaged(value()).boxed()], 1..4);
    hold((field, asked, values), |(field, (operator, literal), values)| {
        let condition = json!({field: {operator: literal}});
        let Some(plain) = compiled(&condition) else { return Ok(()) };
        let negated = compiled(&json!({"$not": condition})).unwrap();
        for value in values {
            let truth = judge(&plain, &value);
            prop_assert_eq!(judge(&negated, &value), !truth);
            // What is JSON is judged, unless an object has a name twice.
            let json = serde_json::from_slice::<Json>(&value).is_ok() && !has_a_name_twice(&value);
            prop_assert_eq!(truth == Truth::Unknown, !json && !value.trim_ascii().is_empty());
        }
        Ok(())
    });
}

/// Whether an object in this JSON has a name twice.
fn has_a_name_twice(json: &[u8]) -> bool {
    let mut problems = Problems::default();
    let _: Json = weir_core::load(json, &mut problems);
    problems.to_string().contains("an object has a member twice")
}

#[test]
fn a_document_equals_itself_and_only_itself() {
    hold((document(), document()), |(one, other)| {
        // What looks like operators, or is null or a Boolean, is asked for in other ways than by equality.
        if !(one.is_object() || one.is_array()) {
            return Ok(());
        }
        let same = compiled(&json!({"j": one})).unwrap();
        prop_assert_eq!(judge(&same, one.to_string().as_bytes()), Truth::True);
        let equal = with_floats(&one) == with_floats(&other);
        prop_assert_eq!(judge(&same, other.to_string().as_bytes()), equal.into());
        Ok(())
    });
}

/// JavaScript has one kind of number: `1` is `1.0`.
pub(crate) fn with_floats(json: &Json) -> Json {
    match json {
        Json::Number(n) => json!(n.as_f64().unwrap() + 0.0),
        Json::Array(items) => items.iter().map(with_floats).collect(),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(k, v)| (k.clone(), with_floats(v))).collect())
        }
        _ => json.clone(),
    }
}
