use super::*;

fn lite(pattern: &str) -> Option<regex_lite::Regex> {
    regex_lite::RegexBuilder::new(pattern).size_limit(1 << 20).build().ok()
}

fn searching(pattern: &str) -> Regex {
    Regex::searching(pattern, Alphabet::Unicode, lite(pattern).unwrap())
}

fn whole(pattern: &str) -> Regex {
    let characters = latin1(pattern.as_bytes());
    let lite = lite(&format!("^(?:{characters})$")).unwrap();
    Regex::whole(&characters, Alphabet::Bytes, || Ok::<_, ()>(lite)).unwrap()
}

#[test]
fn ordinary_patterns_run_in_the_automaton() {
    for pattern in [
        "[Bb]ot|[Cc]rawler|[Ss]pider",
        r"(?i)\bgoogle(bot)?\b",
        r"^/api/v[0-9]+/(users|orders)/[^/]+$",
        r"(?P<name>a+?)b{2,5}c{3}d{1,}",
        r"[[:alpha:]_-]+@[\w.]+\x41\u0042\x{43}",
        "(a*)*(|b)",
        "(?is:A.b)",
    ] {
        assert!(searching(pattern).is_fast(), "{pattern}");
        assert!(whole(pattern).is_fast(), "{pattern}");
    }
    for pattern in [r"(?m)^a$", r"(?x) a b", r"\b{start}a"] {
        assert!(!searching(pattern).is_fast(), "{pattern}");
    }
}

#[test]
fn long_texts_cost_a_step_a_byte() {
    for (pattern, text) in [
        ("[Bb]ot|[Cc]rawler|[Ss]pider", "Bo crawle spide ".repeat(1024)),
        (r"(x+x+)+y", "x".repeat(16 * 1024)),
        ("(a|b)*a(a|b){8}c", "abbabaab".repeat(2048)),
    ] {
        let regex = searching(pattern);
        for round in 0..2 {
            let work = Work::of_a_request();
            assert_eq!(regex.matches(text.as_bytes(), &work), Some(false), "{pattern}");
            let spent = WORK_OF_A_REQUEST - work.left();
            assert!(spent < if round == 0 { 20 } else { 2 } * text.len(), "{pattern}: {spent}");
        }
    }
}

/// Sets of places that never come again: each byte makes a state, and they are forgotten again and again.
#[test]
fn what_makes_states_without_end_ends_with_the_work() {
    let regex = searching("(a|b)*a(a|b){40}c");
    let mut number = 1u64;
    let mut random = || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if number >> 63 == 0 { b'a' } else { b'b' }
    };
    let text: Vec<u8> = (0..60_000).map(|_| random()).collect();
    let work = Work::of_a_request();
    assert_eq!(regex.matches(&text, &work), None);
    assert_eq!(work.left(), 0);
    assert_eq!(regex.matches(b"a", &work), None, "nothing is left for others either");
    let work = Work::unbounded();
    assert_eq!(regex.matches(&text, &work), Some(false));
    let Engine::Automaton(automaton) = &regex.engine else { panic!("not an automaton: {regex:?}") };
    let states = automaton.size();
    assert!(states < 40_000, "{states} bytes");
}

#[test]
fn bytes_that_are_no_characters_are_not_known_in_unicode() {
    assert_eq!(searching("a").matches(b"a\xff", &Work::unbounded()), None);
    assert_eq!(whole("a.").matches(b"a\xff", &Work::unbounded()), Some(true));
}

#[cfg(not(target_arch = "wasm32"))]
mod same_as_the_other_engine {
    use super::*;
    use proptest::prelude::*;

    /// Patterns of everything that there is, well-formed or nearly.
    fn pattern() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "a",
            "b",
            "A",
            "é",
            "你",
            "_",
            "1",
            " ",
            ".",
            "^",
            "$",
            r"\b",
            r"\B",
            r"\d",
            r"\W",
            r"\s",
            r"\w",
            "[a-b]",
            "[^a]",
            "[^é]",
            "[a-zé你]",
            r"[\w-]",
            "[]a]",
            "[^]]",
            "[[:upper:]]",
            r"[^\d\s]",
            r"\x41",
            r"\u{e9}",
            r"\n",
            "\n",
            "(?i)",
            "(?s)",
            "(?-i)",
            r"\A",
            r"\z",
            "",
            r"[^\n\r\u{2028}\u{2029}]",
            r"\.",
            "-",
        ]);
        leaf.prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join("|"))),
                (
                    inner.clone(),
                    prop::sample::select(vec![
                        "*", "+", "?", "{2}", "{1,}", "{0,3}", "*?", "+?", "**", "{2}?"
                    ])
                )
                    .prop_map(|(part, times)| format!("(?:{part}){times}")),
                (inner.clone(), prop::sample::select(vec!["*", "+", "?", "{1,2}"]))
                    .prop_map(|(part, times)| part + times),
                inner.prop_map(|part| format!("(?i:{part})")),
            ]
        })
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec![
                'a', 'b', 'A', 'é', 'É', '你', '_', '1', ' ', '\n', '.', '-', '\u{2028}',
            ]),
            0..12,
        )
        .prop_map(String::from_iter)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 3000 } else { 20_000 }))]

        #[test]
        fn anywhere_in_unicode(pattern in pattern(), texts in prop::collection::vec(text(), 1..8)) {
            let Some(lite) = lite(&pattern) else { return Ok(()) };
            let regex = Regex::searching(&pattern, Alphabet::Unicode, lite.clone());
            for text in texts {
                prop_assert_eq!(regex.matches(text.as_bytes(), &Work::unbounded()), Some(lite.is_match(&text)), "{:?} {:?}", pattern, text);
            }
        }

        #[test]
        fn the_whole_in_bytes(pattern in pattern(), texts in prop::collection::vec(prop::collection::vec(prop::sample::select(b"abA_1 \n.-\xc3\xa9\xff".to_vec()), 0..12), 1..8)) {
            let characters = latin1(pattern.as_bytes()).into_owned();
            let (Some(_), Some(lite)) = (lite(&characters), lite(&format!("^(?:{characters})$"))) else { return Ok(()) };
            let regex = Regex::whole(&characters, Alphabet::Bytes, || Ok::<_, ()>(lite.clone())).unwrap();
            for text in texts {
                let expected = lite.is_match(&latin1(&text));
                prop_assert_eq!(regex.matches(&text, &Work::unbounded()), Some(expected), "{:?} {:?}", pattern, text);
            }
        }
    }
}
