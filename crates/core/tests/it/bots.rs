//! The attribute `isBot`, and the table of user-agents in docs/bots.md.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::http_match_support::Services;
use weir_core::header::encode_pairs;
use weir_core::{At, AttributeMap, Compiler, Problems, Request, RequestView, Scratch, Targeting, Truth};

const PAGE: &str = include_str!("../../../../docs/bots.md");

/// What a condition says of a user-agent, and the attribute's text.
fn judged(condition: &str, attributes: &str, agents: &[&[u8]]) -> (Truth, Option<String>) {
    let named: AttributeMap = weir_core::load(attributes.as_bytes(), &mut Problems::default());
    let mut compiler = Compiler::new(&named, &|_| None, Problems::default());
    let condition = serde_json::from_str(condition).unwrap();
    let targeting = Targeting { condition: Some(condition), ..Default::default() };
    let predicate = targeting.compile(&mut compiler, &At::root());
    let id = compiler.attribute("isBot", &At::root()).unwrap();
    let access_plan = compiler.finish().unwrap();
    let headers: Vec<_> = agents.iter().map(|agent| ("user-agent", *agent)).collect();
    let raw = encode_pairs(&headers);
    let (mut scratch, host) = (Scratch::default(), Services::default());
    scratch.read(&access_plan, &raw);
    let request = Request::new(&access_plan, &raw, &scratch, &host);
    let text = request.text(id).map(|text| String::from_utf8(text.to_vec()).unwrap());
    (predicate.judge(&request), text)
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_table_of_the_page_is_right() {
    let (mut people, mut programs, mut mistaken) = (0, 0, 0);
    for line in PAGE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [agent, _, who, expected] = cells.as_slice() else { continue };
        if *agent == "`user-agent`" {
            continue;
        }
        let agent = agent.trim_matches('`');
        let (truth, text) = judged(r#"{"isBot": true}"#, "{}", &[agent.as_bytes()]);
        assert_eq!(
            (truth == Truth::True, text.as_deref()),
            (*expected == "true", Some(*expected)),
            "{agent}"
        );
        match (*who, *expected) {
            ("a person", "false") => people += 1,
            ("a program", "true") => programs += 1,
            _ => mistaken += 1,
        }
    }
    assert!(people >= 25 && programs >= 50 && mistaken <= 5, "{people} {programs} {mistaken}");
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_condition_has_three_answers() {
    let long = [b"Mozilla/5.0 ".as_slice(), &[b'x'; 3000]].concat();
    let not_utf8 = b"Mozilla/5.0 \xff\xfe".as_slice();
    for (agents, text, is_bot, is_no_bot) in [
        (&[b"Mozilla/5.0".as_slice()][..], Some("false"), Truth::False, Truth::True),
        (&[b"Twitterbot/1.0"], Some("true"), Truth::True, Truth::False),
        (&[b"Mozilla/5.0", b"Twitterbot/1.0"], Some("true"), Truth::True, Truth::False),
        (&[not_utf8], Some("false"), Truth::False, Truth::True),
        (&[&long], Some("unknown"), Truth::Unknown, Truth::Unknown),
        (&[b""], None, Truth::False, Truth::False),
        (&[], None, Truth::False, Truth::False),
    ] {
        let (truth, found) = judged(r#"{"isBot": true}"#, "{}", agents);
        assert_eq!((found.as_deref(), truth), (text, is_bot), "{agents:?}");
        assert_eq!(judged(r#"{"isBot": false}"#, "{}", agents).0, is_no_bot, "{agents:?}");
    }
    let with_default = r#"{"isBot": {"request": "isBot", "default": "false"}}"#;
    assert_eq!(judged(r#"{"isBot": false}"#, with_default, &[]).0, Truth::True);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn it_is_a_boolean_and_nothing_else() {
    let problems = |attributes: &str| {
        let named: AttributeMap = weir_core::load(attributes.as_bytes(), &mut Problems::default());
        let compiler = Compiler::new(&named, &|_| None, Problems::default());
        compiler.finish().err().map(|problems| problems.to_string()).unwrap_or_default()
    };
    let refused = problems(r#"{"a": {"request": "isBot", "type": "string"}}"#);
    assert_eq!(refused, "attributes.a.type: `isBot` is of type `boolean`");
    assert_eq!(problems(r#"{"a": {"request": "isBot", "type": "boolean"}, "b": "isBot"}"#), "");
    // A name of the configuration's own comes first.
    let own = r#"{"isBot": {"header": "x-bot", "type": "boolean"}}"#;
    assert_eq!(judged(r#"{"isBot": true}"#, own, &[b"Twitterbot/1.0"]), (Truth::False, None));
}
