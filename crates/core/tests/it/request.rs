//! What a request's attributes hold: from the bytes of the host to text and typed values.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::http_match_support::{Header, Services, request};
use weir_core::header::encode_pairs;
use weir_core::{
    AccessPlan, At, AttrId, AttributeMap, Compiler, Problems, Request, RequestView, Scratch, Value,
};

/// One attribute, ready to be read from requests.
struct Reader {
    access_plan: AccessPlan,
    id: AttrId,
}

impl Reader {
    /// `source` is the short form as text or the long form as an object.
    fn new(source: &str) -> Self {
        let named: AttributeMap =
            weir_core::load(format!(r#"{{"it": {source}}}"#).as_bytes(), &mut Problems::default());
        let env = |name: &str| (name == "STAGE").then(|| "canary".to_owned());
        let mut compiler = Compiler::new(&named, &env, Problems::default());
        let id = compiler.attribute("it", &At::root());
        let access_plan = compiler.finish().unwrap_or_else(|problems| panic!("{source}: {problems}"));
        Self { access_plan, id: id.unwrap() }
    }

    fn text(&self, headers: &[Header<'_>]) -> Option<Vec<u8>> {
        let raw = encode_pairs(headers);
        let (mut scratch, host) = (Scratch::default(), Services::default());
        scratch.read(&self.access_plan, &raw);
        Request::new(&self.access_plan, &raw, &scratch, &host).text(self.id).map(<[u8]>::to_vec)
    }

    /// Hands the value to `look`, because it borrows from the request.
    fn value<T>(&self, headers: &[Header<'_>], host: &Services, look: impl Fn(Value<'_>) -> T) -> T {
        let raw = encode_pairs(headers);
        let mut scratch = Scratch::default();
        scratch.read(&self.access_plan, &raw);
        look(Request::new(&self.access_plan, &raw, &scratch, host).value(self.id))
    }
}

fn texts(source: &str, cases: &[(&[Header<'_>], Option<&[u8]>)]) {
    let reader = Reader::new(source);
    for (headers, expected) in cases {
        assert_eq!(reader.text(headers).as_deref(), *expected, "{source} {headers:?}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn headers_of_several_lines_are_joined() {
    texts(
        r#""header:X-A""#,
        &[
            (&[], None),
            (&[("x-a", b"")], Some(b"")),
            (&[("x-a", b"1")], Some(b"1")),
            (&[("x-a", b"1"), ("x-a", b"2")], Some(b"1,2")),
            (&[("x-a", b""), ("x-b", b"x"), ("x-a", b""), ("x-a", b"3")], Some(b",,3")),
            (&[("x-a", b"\xff"), ("x-a", b"\0")], Some(b"\xff,\0")),
            (&[("x-aa", b"1"), ("x", b"2")], None),
        ],
    );
    texts(
        r#"{"header": "x-a", "lower": true}"#,
        &[(&[("x-a", b"A\xc3\x84"), ("x-a", b"B")], Some(b"a\xc3\x84,b"))],
    );
    // Cookies are joined as cookies are, whether single cookies are read or not.
    texts(r#""header:cookie""#, &[(&[("cookie", b"a=1"), ("cookie", b"b=2")], Some(b"a=1; b=2"))]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_hundred_lines_are_copied_once() {
    // Two headers that alternate: neither can be extended where it ends.
    let line = [b'x'; 600];
    let headers: Vec<Header<'_>> =
        (0..100).map(|i| (if i % 2 == 0 { "x-a" } else { "x-b" }, &line[..])).collect();
    let text = Reader::new(r#""header:x-a""#).text(&headers).unwrap();
    assert_eq!(text.len(), 50 * 600 + 49);
    assert_eq!(text.iter().filter(|b| **b == b',').count(), 49);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn cookies_are_read_as_browsers_send_them() {
    texts(
        r#""cookie:uid""#,
        &[
            (&[], None),
            (&[("cookie", b"")], None),
            (&[("cookie", b"uid")], None),
            (&[("cookie", b"uid=")], Some(b"")),
            (&[("cookie", b"uid=7")], Some(b"7")),
            (&[("cookie", b"  uid = 7 ; x=1")], Some(b"7")),
            (&[("cookie", b"x=uid=3;uid=7;uid=8")], Some(b"7")),
            (&[("cookie", b"uid=a=b==")], Some(b"a=b==")),
            (&[("cookie", b"uid=\"a b\"")], Some(b"a b")),
            (&[("cookie", b"uid=\"\"")], Some(b"")),
            (&[("cookie", b"uid=\"")], Some(b"\"")),
            (&[("cookie", b"uid=\"a")], Some(b"\"a")),
            (&[("cookie", b"UID=7; uidx=8; xuid=9")], None),
            (&[("cookie", b"uid=%41+\xff")], Some(b"%41+\xff")),
            (&[("cookie", b"a=1"), ("cookie", b"b=2;uid= 7 ")], Some(b"7")),
            (&[("cookie", b"uid=1"), ("cookie", b"uid=2"), ("cookie", b"uid=3")], Some(b"1")),
            (&[("cookie", b";;=;=x; ;uid=7;")], Some(b"7")),
        ],
    );
    texts(
        r#"{"cookie": "uid", "lower": true}"#,
        &[(&[("cookie", b"a=1"), ("cookie", b"uid=\"AB\"")], Some(b"ab"))],
    );
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn query_parameters_are_decoded_as_forms_are() {
    for (path, expected) in [
        (&b"/"[..], None),
        (b"", None),
        (b"?", None),
        (b"/?", None),
        (b"/?q", Some(&b""[..])),
        (b"/?q=", Some(b"")),
        (b"/?q=1", Some(b"1")),
        (b"/?a=2&q=1", Some(b"1")),
        (b"/?q=1&q=2", Some(b"1")),
        (b"/?q=&q=2", Some(b"")),
        (b"/?q=a=b", Some(b"a=b")),
        (b"/?q=a%20b+c", Some(b"a b c")),
        (b"/?%71=1", Some(b"1")),
        (b"/?q=%", Some(b"%")),
        (b"/?q=%4", Some(b"%4")),
        (b"/?q=%zz%41%ff%00", Some(b"%zzA\xff\0")),
        (b"/?q=%e4%bd%A0", Some("你".as_bytes())),
        (b"/?q=1#f", Some(b"1")),
        (b"/#?q=1", None),
        (b"/?a#&q=1", None),
        (b"/?&&=&q=1&", Some(b"1")),
        (b"/?Q=1", None),
        (b"/?qq=1&q=\xff", Some(b"\xff")),
        (b"/?a?q=1&q=x?y", Some(b"x?y")),
        (b"/a;q=1?b", None),
    ] {
        texts(r#""query:q""#, &[(&[(":path", path)], expected)]);
    }
    texts(
        r#""query:a b""#,
        &[(&[(":path", b"/?a+b=1")], Some(b"1")), (&[(":path", b"/?a%20b=2")], Some(b"2"))],
    );
    texts(r#"{"query": "q", "lower": true}"#, &[(&[(":path", b"/?q=%41B")], Some(b"ab"))]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_request_line_is_at_hand() {
    let line = request(&[(":path", b"/a/b?c#d")]);
    texts(r#""path""#, &[(&line, Some(b"/a/b")), (&[(":path", b"/#?")], Some(b"/")), (&[], None)]);
    texts(r#""method""#, &[(&line, Some(b"GET")), (&[], None)]);
    texts(r#""host""#, &[(&line, Some(b"shop.example.com"))]);
    texts(r#""scheme""#, &[(&line, Some(b"https"))]);
    texts(r#""env:STAGE""#, &[(&line, Some(b"canary"))]);
    texts(r#""env:NONE""#, &[(&line, None)]);
    texts(r#"{"env": "NONE", "default": "x"}"#, &[(&line, Some(b"x"))]);
    texts(r#"{"constant": "k"}"#, &[(&[], Some(b"k"))]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_default_stands_for_what_is_absent_but_not_for_what_is_empty() {
    texts(
        r#"{"header": "x-a", "default": "D", "lower": true}"#,
        &[(&[], Some(b"D")), (&[("x-a", b"")], Some(b"")), (&[("x-a", b"V")], Some(b"v"))],
    );
    texts(r#"{"cookie": "uid", "default": "D"}"#, &[(&[("cookie", b"a=1")], Some(b"D"))]);
    texts(
        r#"{"query": "q", "default": "D"}"#,
        &[(&[(":path", b"/?r")], Some(b"D")), (&[(":path", b"/?q")], Some(b""))],
    );
    let number = Reader::new(r#"{"header": "x-n", "type": "number", "default": "7"}"#);
    let host = Services::default();
    assert!(number.value(&[], &host, |v| v == Value::Number(7.0)));
    assert!(number.value(&[("x-n", b"x")], &host, |v| v == Value::Unreadable));
    let property = Reader::new(r#"{"property": "a.b", "type": "number", "default": "7"}"#);
    assert!(property.value(&[], &host, |v| v == Value::Number(7.0)));
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn properties_are_numbers_booleans_and_texts() {
    let eight = |n: i64| n.to_le_bytes().to_vec();
    for (source, path, bytes, expected) in [
        (r#"{"property": "source.port", "type": "number"}"#, "source.port", eight(443), Value::Number(443.0)),
        (r#"{"property": "source.port", "type": "number"}"#, "source.port", eight(-1), Value::Number(-1.0)),
        (r#"{"property": "source.port", "type": "number"}"#, "source.port", vec![1, 2], Value::Unreadable),
        (r#"{"property": "a", "type": "number"}"#, "a", b"17".to_vec(), Value::Number(17.0)),
        // Eight digits in a text are no eight bytes of a number.
        (r#"{"property": "a", "type": "number"}"#, "a", b"12345678".to_vec(), Value::Number(12_345_678.0)),
        (
            r#"{"routeMetadata": "weir.share", "type": "number"}"#,
            "xds.route_metadata.filter_metadata.weir.share",
            0.25f64.to_le_bytes().to_vec(),
            Value::Number(0.25),
        ),
        (
            r#"{"routeMetadata": "weir.share", "type": "number"}"#,
            "xds.route_metadata.filter_metadata.weir.share",
            b"20261121".to_vec(),
            Value::Number(20_261_121.0),
        ),
        (
            r#"{"property": "connection.mtls", "type": "boolean"}"#,
            "connection.mtls",
            vec![1],
            Value::Bool(true),
        ),
        (
            r#"{"property": "connection.mtls", "type": "boolean"}"#,
            "connection.mtls",
            vec![0],
            Value::Bool(false),
        ),
        (
            r#"{"property": "connection.mtls", "type": "boolean"}"#,
            "connection.mtls",
            vec![2],
            Value::Unreadable,
        ),
        (r#"{"property": "a", "type": "boolean"}"#, "a", b"true".to_vec(), Value::Bool(true)),
        (r#"{"property": "a", "lower": true}"#, "a", b"X\xff".to_vec(), Value::Text(b"x\xff")),
        (r#"{"property": "other"}"#, "a", b"x".to_vec(), Value::Null),
    ] {
        let host = Services::with(&[(path, &bytes)]);
        assert!(Reader::new(source).value(&[], &host, |v| v == expected), "{source} {bytes:?}");
    }
    let lowered = Reader::new(r#"{"property": "source.port", "type": "number", "lower": true}"#);
    assert!(
        lowered.value(&[], &Services::with(&[("source.port", &eight(65))]), |v| v == Value::Number(65.0))
    );
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn each_property_is_asked_for_once_even_when_absent() {
    let named: AttributeMap = weir_core::load(
        br#"{"port": {"property": "source.port", "type": "number"}, "text": "property:source.port",
            "lower": {"property": "source.port", "lower": true}, "none": "property:none"}"#,
        &mut Problems::default(),
    );
    let env = |_: &str| None;
    let mut compiler = Compiler::new(&named, &env, Problems::default());
    let ids = ["port", "text", "lower", "none"].map(|name| compiler.attribute(name, &At::root()).unwrap());
    let access_plan = compiler.finish().unwrap();
    let (raw, mut scratch) = (encode_pairs::<&str, &str>(&[]), Scratch::default());
    let host = Services::with(&[("source.port", b"AB")]);
    scratch.read(&access_plan, &raw);
    let request = Request::new(&access_plan, &raw, &scratch, &host);
    assert!(host.asked().is_empty(), "nothing is asked before it is needed");
    for _ in 0..3 {
        for id in &ids {
            let _ = (request.text(*id), request.value(*id));
        }
    }
    let mut asked = host.asked();
    asked.sort();
    assert_eq!(asked, ["none", "source.port"]);
    let texts: Vec<Option<&[u8]>> = ids.iter().map(|id| request.text(*id)).collect();
    assert_eq!(texts, [Some(&b"AB"[..]), Some(b"AB"), Some(b"ab"), None]);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn json_is_read_within_limits() {
    let reader = Reader::new(r#"{"header": "x-user", "type": "json"}"#);
    let host = Services::default();
    let is_json = |text: &[u8]| reader.value(&[("x-user", text)], &host, |v| matches!(v, Value::Json(_)));
    let of_size = |n: usize| format!("\"{}\"", "a".repeat(n - 2)).into_bytes();
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n)).into_bytes();
    assert!(reader.value(&[("x-user", br#"{"plan": "pro"}"#)], &host, |v| match v {
        Value::Json(json) => json["plan"] == "pro",
        _ => false,
    }));
    assert!(is_json(&of_size(16 * 1024)) && !is_json(&of_size(16 * 1024 + 1)));
    assert!(is_json(&nested(100)) && !is_json(&nested(5000)));
    for bad in [&b""[..], b"{", b"\xff", b"{\"a\": 1} x", b"nope", b"\"\xff\"", b"1e999"] {
        assert!(!is_json(bad), "{bad:?}");
    }
    assert!(reader.value(&[], &host, |v| v == Value::Null));
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn lists_and_numbers_are_typed_views_of_the_text() {
    let host = Services::default();
    let list = Reader::new(r#"{"header": "x-l", "type": "list", "separator": "|"}"#);
    let items = list.value(&[("x-l", b"a | b,c|")], &host, |v| match v {
        Value::List(list) => list.items().map(<[u8]>::to_vec).collect(),
        _ => Vec::new(),
    });
    assert_eq!(items, [&b"a"[..], b"b,c", b""]);
    let number = Reader::new(r#"{"query": "n", "type": "number"}"#);
    assert!(number.value(&[(":path", b"/?n=%2B1.5e1")], &host, |v| v == Value::Number(15.0)));
    assert!(number.value(&[(":path", b"/?n=NaN")], &host, |v| v == Value::Unreadable));
}

/// Ids have 16 bits. What does not fit is refused, so that nothing ever has the id of something else.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn what_has_no_id_is_refused() {
    type Declare = fn(&mut Compiler<'_>, &str);
    let kinds: [(&str, usize, Declare); 7] = [
        ("counters", 65_535, |compiler, name| {
            let _ = compiler.counter(name);
        }),
        ("gauges", 65_535, |compiler, name| {
            let _ = compiler.gauge(name);
        }),
        ("names of filter state", 65_535, |compiler, name| {
            let _ = compiler.state(name);
        }),
        ("experiments", 65_535, |compiler, name| {
            let _ = compiler.experiment(name, Vec::new());
        }),
        ("CEL expressions", 65_535, |compiler, name| {
            let _ = compiler.cel(name, &At::root());
        }),
        ("texts", 4096, |compiler, name| {
            let _ = compiler.text(name.as_bytes());
        }),
        ("query parameters", 4096, |compiler, name| {
            let _ = compiler.raw_query(name);
        }),
    ];
    let named = AttributeMap::default();
    for (kind, most, declare) in kinds {
        let compile = |count: usize| {
            let mut compiler = Compiler::new(&named, &|_| None, Problems::default());
            // Each of them twice: the same is one.
            (0..count).chain(0..count).for_each(|i| declare(&mut compiler, &format!("name-{i}")));
            compiler.finish().map(drop)
        };
        assert!(compile(most).is_ok(), "{most} {kind}");
        let refused = compile(most + 1).unwrap_err().to_string();
        assert!(refused.contains(&format!("more than {most} different {kind}")), "{refused}");
    }
}
