//! Configurations: JSON, and the protobuf `Struct` that Envoy makes of YAML.

use super::conditions::{document, with_floats};
use super::{damaged, hold};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use weir_core::{Problems, load};

/// A field of bytes in protobuf's wire format.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 127 {
        out.push((length & 127) as u8 | 128);
        length >>= 7;
    }
    out.push(length as u8);
    [out, bytes.to_vec()].concat()
}

/// A `google.protobuf.Value`.
fn value(json: &Json) -> Vec<u8> {
    match json {
        Json::Null => vec![1 << 3, 0],
        Json::Number(n) => [&[2 << 3 | 1][..], &n.as_f64().unwrap().to_le_bytes()].concat(),
        Json::String(text) => field(3, text.as_bytes()),
        Json::Bool(flag) => vec![4 << 3, u8::from(*flag)],
        Json::Object(_) => field(5, &structure(json)),
        Json::Array(items) => field(6, &items.iter().flat_map(|i| field(1, &value(i))).collect::<Vec<_>>()),
    }
}

/// A `google.protobuf.Struct`.
fn structure(json: &Json) -> Vec<u8> {
    let entry = |(key, item): (&String, &Json)| {
        field(1, &[field(1, key.as_bytes()), field(2, &value(item))].concat())
    };
    json.as_object().unwrap().iter().flat_map(entry).collect()
}

fn read(bytes: &[u8]) -> Result<Json, Problems> {
    let mut problems = Problems::default();
    let json: Json = load(bytes, &mut problems);
    if problems.is_empty() { Ok(json) } else { Err(problems) }
}

#[test]
fn documents_come_back_from_both_encodings() {
    hold(document(), |inner| {
        let document = json!({"k": inner});
        for bytes in [structure(&document), document.to_string().into_bytes()] {
            prop_assert_eq!(with_floats(&read(&bytes).unwrap()), with_floats(&document));
        }
        Ok(())
    });
}

/// The document with all its numbers the same.
fn numbers_alike(json: &Json) -> Json {
    match json {
        Json::Number(_) => json!(0),
        Json::Array(items) => items.iter().map(numbers_alike).collect(),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(k, v)| (k.clone(), numbers_alike(v))).collect())
        }
        _ => json.clone(),
    }
}

#[test]
fn damaged_documents_are_read_or_refused() {
    let whole = || document().prop_map(|inner| json!({"k": inner}));
    let bytes = prop_oneof![
        whole().prop_map(|json| structure(&json)),
        whole().prop_map(|json| json.to_string().into_bytes()),
        vec(any::<u8>(), 0..80),
    ];
    hold(damaged(bytes), |bytes| {
        if let Ok(json) = read(&bytes) {
            // What was read can be written, and read again. Damage makes long numbers: see `document`.
            let again = read(json.to_string().as_bytes()).unwrap();
            prop_assert_eq!(numbers_alike(&again), numbers_alike(&json));
        }
        Ok(())
    });
}
