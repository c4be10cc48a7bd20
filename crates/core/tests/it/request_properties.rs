//! Whatever the bytes are, reading them never panics, and memory that was used before changes nothing.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::http_match_support::{Matcher, Services};
use proptest::prelude::*;
use weir_core::header::encode_pairs;
use weir_core::{AccessPlan, At, AttrId, AttributeMap, Compiler, Problems, Request, RequestView, Scratch};

/// A configuration that reads a part of every kind.
fn everything() -> (AccessPlan, Vec<AttrId>) {
    let named: AttributeMap = weir_core::load(
        br#"{"h": "header:x-a", "hl": {"header": "x-a", "lower": true}, "c": "cookie:a", "cl": {"cookie": "b", "lower": true},
            "q": "query:a", "ql": {"query": "b b", "lower": true}, "p": "path", "m": "method", "cookie": "header:cookie",
            "j": {"header": "x-b", "type": "json"}, "n": {"query": "a", "type": "number", "default": "1"},
            "l": {"header": "x-b", "type": "list"}, "y": "property:a"}"#,
        &mut Problems::default(),
);
    let env = |_: &str| None;
    let mut compiler = Compiler::new(&named, &env, Problems::default());
    let mut ids: Vec<AttrId> = named
        .iter()
        .map(|(name, _)| name)
        .map(|name| compiler.attribute(name, &At::root()).unwrap())
        .collect();
    ids.push(compiler.raw_query("a"));
    (compiler.finish().unwrap(), ids)
}

/// All that can be seen of the request in `raw`, as text.
fn seen(access_plan: &AccessPlan, ids: &[AttrId], raw: &[u8], scratch: &mut Scratch) -> String {
    scratch.read(access_plan, raw);
    let host = Services::default();
    let request = Request::new(access_plan, raw, scratch, &host);
    let all: Vec<_> = ids.iter().map(|id| (request.text(*id), request.value(*id))).collect();
    format!("{all:?} {:?}", request.path_and_query())
}

/// Headers that often have names and values which mean something.
fn headers() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof!["x-a", "x-b", "cookie", ":path", ":method", "other"];
    let value = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..30),
        "[ab]?=[ab\" %+=]{0,5}(; ?[ab]=[ab\"]{0,4}){0,3}".prop_map(String::into_bytes),
        "/[ab]{0,3}(\\?([ab%+]{0,4}(=[ab%0-9A-F+]{0,6})?&?){0,4})?(#.?)?".prop_map(String::into_bytes),
    ];
    proptest::collection::vec((name, value), 0..8).prop_map(|pairs| encode_pairs(&pairs))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_can_be_read(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (access_plan, ids) = everything();
        let _ = seen(&access_plan, &ids, &raw, &mut Scratch::default());
    }

    #[test]
    fn damaged_headers_can_be_read(mut raw in headers(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let (access_plan, ids) = everything();
        let at = at.index(raw.len());
        raw[at] = byte;
        raw.truncate(cut.index(raw.len() + 1));
        let _ = seen(&access_plan, &ids, &raw, &mut Scratch::default());
    }

    #[test]
    fn used_memory_changes_nothing(requests in proptest::collection::vec(headers(), 1..5)) {
        let (access_plan, ids) = everything();
        let mut used = Scratch::default();
        for raw in &requests {
            let fresh = seen(&access_plan, &ids, raw, &mut Scratch::default());
            prop_assert_eq!(seen(&access_plan, &ids, raw, &mut used), fresh);
        }
    }

    #[test]
    fn matches_decide_on_any_bytes(raw in prop_oneof![headers(), proptest::collection::vec(any::<u8>(), 0..200)]) {
        let matcher = Matcher::new(
            r#"[{"uri": {"regex": "/a.*b|[^x]+"}, "cookies": {"a": {"semver": ">1"}}, "headers": {"x-a": {"contains": "A", "ignoreCase": true}}},
                {"queryParams": {"a": {"in": ["A", "b"], "ignoreCase": true}}, "withoutHeaders": {"x-b": {"suffix": "b"}}}]"#,
        ).unwrap();
        let mut scratch = Scratch::default();
        let host = Services::default();
        scratch.read(&matcher.access_plan, &raw);
        let _ = matcher.predicate.judge(&Request::new(&matcher.access_plan, &raw, &scratch, &host));
    }

    /// The same headers in another order, as long as no name repeats, are the same request.
    #[test]
    fn the_order_of_different_headers_does_not_matter(a in ".{0,9}", b in "[ab]=[ab]", p in "/[ab]?[ab=&%]{0,9}") {
        let (access_plan, ids) = everything();
        let one = encode_pairs(&[("x-a", &a), ("cookie", &b), (":path", &p)]);
        let two = encode_pairs(&[(":path", &p), ("x-a", &a), ("cookie", &b)]);
        prop_assert_eq!(seen(&access_plan, &ids, &one, &mut Scratch::default()), seen(&access_plan, &ids, &two, &mut Scratch::default()));
    }
}
