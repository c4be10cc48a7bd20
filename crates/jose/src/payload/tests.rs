use super::*;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test;

const NOTHING: [&str; 0] = [];

fn payload(text: &str) -> Payload {
    Payload::new(Object::read(text.as_bytes().to_vec()).unwrap())
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn numbers_come_out_as_written() {
    for number in [
        "0",
        "42",
        "-5",
        "1152921504606846977",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "18446744073709551615",
        "123456789012345678901234567890",
        "0.1",
        "1.0",
        "1.10",
        "-0.5",
        "1e21",
        "1E-7",
        "1e-400",
        "0.1000000000000000055511151231257827",
        "1.7976931348623157e308",
    ] {
        let payload = payload(&format!(r#"{{"n":{number},"l":[1,{{"n":{number}}},{number}]}}"#));
        assert_eq!(payload.scalar(&["n"]).as_deref(), Some(number));
        assert_eq!(payload.scalar(&["l", "1", "n"]).as_deref(), Some(number));
        assert_eq!(payload.json(&["l"]), Some(format!(r#"[1,{{"n":{number}}},{number}]"#)));
    }
    let list = payload(r#"{"l":[ 1.50, 2, "x", true, 1e3 ]}"#);
    assert_eq!(list.scalars(&["l"]).unwrap(), ["1.50", "2", "x", "true", "1e3"]);
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn paths_go_through_members_and_items() {
    let payload = payload(r#"{"a.b":{"c":["x",["y"]]},"":{"":1},"t":true,"f":false,"z":null,"s":"\u00e9"}"#);
    assert_eq!(payload.lookup(&["a.b", "c", "1", "0"]), Some(json!("y")));
    assert_eq!(payload.lookup(&["", ""]), Some(json!(1)));
    assert_eq!(payload.lookup(&NOTHING), serde_json::from_str(payload.text()).ok());
    assert_eq!(payload.scalar(&["t"]).as_deref(), Some("true"));
    assert_eq!(payload.scalar(&["f"]).as_deref(), Some("false"));
    assert_eq!(payload.scalar(&["s"]).as_deref(), Some("é"));
    for missing in
        [&["a"][..], &["a.b", "c", "2"], &["a.b", "c", "01"], &["a.b", "c", "-1"], &["t", "0"], &["a", "b"]]
    {
        assert_eq!(payload.lookup(missing), None, "{missing:?}");
        assert_eq!(payload.json(missing), None, "{missing:?}");
    }
    assert_eq!(payload.scalar(&["z"]), None);
    assert_eq!(payload.scalar(&["a.b"]), None);
    assert_eq!(payload.scalars(&["a.b", "c"]), None, "an item is an array");
    assert_eq!(payload.scalars(&["s"]), None, "no array");
    assert_eq!(payload.json(&["s"]).as_deref(), Some(r#""\u00e9""#));
}

#[test]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn registered_claims_are_of_their_types() {
    let good = payload(r#"{"iss":"i","sub":"s","aud":["a","b"],"exp":1.5,"nbf":0,"iat":2}"#);
    assert_eq!((good.iss(), good.sub()), (Ok(Some("i".into())), Ok(Some("s".into()))));
    assert_eq!((good.exp(), good.nbf(), good.iat()), (Ok(Some(1.5)), Ok(Some(0.0)), Ok(Some(2.0))));
    assert_eq!(good.aud().unwrap().iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(payload(r#"{"aud":"a"}"#).aud().unwrap().iter().collect::<Vec<_>>(), ["a"]);
    let empty = payload("{}");
    assert_eq!((empty.iss(), empty.sub(), empty.exp()), (Ok(None), Ok(None), Ok(None)));
    assert!(empty.aud().unwrap().is_empty());
    for bad in ["1", "null", "[1]", "{}", r#"["a",null]"#] {
        let bad = payload(&format!(r#"{{"iss":{bad},"sub":{bad},"aud":{bad}}}"#));
        assert_eq!(bad.iss(), Err(Refusal::ClaimType));
        assert_eq!(bad.sub(), Err(Refusal::ClaimType));
        assert_eq!(bad.aud().err(), Some(Refusal::ClaimType));
    }
}
