use super::*;

fn searching(pattern: &str) -> Regex {
    Regex::searching(pattern, Alphabet::Unicode).unwrap()
}

fn whole(pattern: &str) -> Regex {
    Regex::whole(&latin1(pattern.as_bytes()), Alphabet::Bytes).unwrap()
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
    let Engine::Automaton(automaton) = regex.engine() else { panic!("not an automaton: {regex:?}") };
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

    fn lite(pattern: &str) -> Option<regex_lite::Regex> {
        regex_lite::RegexBuilder::new(pattern).size_limit(1 << 20).build().ok()
    }

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
            let Ok(regex) = Regex::searching(&pattern, Alphabet::Unicode) else { return Ok(()) };
            for text in texts {
                prop_assert_eq!(regex.matches(text.as_bytes(), &Work::unbounded()), Some(lite.is_match(&text)), "{:?} {:?}", pattern, text);
            }
        }

        #[test]
        fn the_whole_in_bytes(pattern in pattern(), texts in prop::collection::vec(prop::collection::vec(prop::sample::select(b"abA_1 \n.-\xc3\xa9\xff".to_vec()), 0..12), 1..8)) {
            let characters = latin1(pattern.as_bytes()).into_owned();
            let (Some(_), Some(lite)) = (lite(&characters), lite(&format!("^(?:{characters})$"))) else { return Ok(()) };
            let Ok(regex) = Regex::whole(&characters, Alphabet::Bytes) else { return Ok(()) };
            for text in texts {
                let expected = lite.is_match(&latin1(&text));
                prop_assert_eq!(regex.matches(&text, &Work::unbounded()), Some(expected), "{:?} {:?}", pattern, text);
            }
        }

        /// What is compiled on demand, unseen by `regex-lite`, is right to it, also between anchors.
        #[test]
        fn what_is_certain_is_right(pattern in prop_oneof![pattern(), nearly()]) {
            for alphabet in [Alphabet::Bytes, Alphabet::Unicode] {
                let pattern = if alphabet == Alphabet::Bytes { latin1(pattern.as_bytes()) } else { (&*pattern).into() };
                if parse::parse(&pattern, alphabet).is_some_and(|parsed| parsed.certain) {
                    prop_assert!(super::super::lite(&pattern).is_ok(), "{:?}", pattern);
                    prop_assert!(super::super::lite(&format!("^(?:{pattern})$")).is_ok(), "{:?}", pattern);
                    let regex = Regex::searching(&pattern, alphabet).unwrap();
                    prop_assert!(!matches!(regex.engine(), Engine::Unavailable), "{:?}", pattern);
                }
            }
        }
    }

    /// Patterns that are nearly none.
    fn nearly() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "(", ")", "[", "]", "^", "$", "|", "*", "+", "?", "{", "}", "-", "a", "z", ",", "1", ":", "<",
            "P", "&", "~", "=", "!", ".", "\\", "\\b", "\\d", "\\W", "\\x", "\\u", "(?", "(?:", "[^", "[:",
            ":]", "i", "é", "你", "#", " ", "\n",
        ]);
        prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
    }
}

#[test]
fn the_largest_that_are_certain_are_within_the_limits() {
    let nested = |open: &str, close: &str| format!("{}a{}", open.repeat(8), close.repeat(8));
    let repeated = |part: &str| part.repeat(256 / part.len());
    for pattern in [
        repeated("a"),
        repeated("."),
        repeated("|"),
        repeated("a|"),
        repeated("()"),
        repeated("(|)"),
        repeated("()?"),
        repeated("(a)+"),
        repeated(r"\W"),
        repeated(r"\W+"),
        repeated("[^a]"),
        repeated("[^a]*"),
        repeated("(.?|)+"),
        format!("[{}]", "acegikmoqsuwy".repeat(19)),
        nested("(", ")"),
        nested("(", ")*"),
        nested("(b|", "c)+"),
        nested("(?:b|.?", "|)*?"),
        repeated(&nested("(|", ")+")),
    ] {
        for alphabet in [Alphabet::Bytes, Alphabet::Unicode] {
            assert!(parse::parse(&pattern, alphabet).unwrap().certain, "{pattern}");
            for pattern in [pattern.clone(), format!("^(?:{pattern})$")] {
                let lite = super::lite(&pattern);
                assert!(lite.is_ok(), "{pattern}: {:?}", lite.err());
            }
            for regex in [Regex::searching(&pattern, alphabet), Regex::whole(&pattern, alphabet)] {
                assert!(!matches!(regex.unwrap().engine(), Engine::Unavailable), "{pattern}");
            }
        }
    }
    for pattern in ["a".repeat(257), nested("((", "))"), "a**".into(), "a{2}".into(), "(?i)a".into()] {
        assert!(!parse::parse(&pattern, Alphabet::Bytes).unwrap().certain, "{pattern}");
    }
}

#[test]
fn what_is_certain_is_compiled_for_the_first_text_that_could_match() {
    let regex = whole("/a/[0-9]+");
    assert_eq!(regex.matches(b"/b/7", &Work::unbounded()), Some(false));
    assert!(regex.engine.get().is_none());
    assert_eq!(regex.matches(b"/a/7", &Work::unbounded()), Some(true));
    assert!(regex.engine.get().is_some());
    for invalid in [
        "(a", "a)", "[a", "*", "a**)", r"\y", r"\x+a", r"\u{+41}", "a{2", "(?i", "(?P<1>a)", r"\", "[z-a]",
        "[[a]", "a)|(b",
    ] {
        assert!(Regex::whole(invalid, Alphabet::Bytes).is_err(), "{invalid}");
        assert!(Regex::searching(invalid, Alphabet::Unicode).is_err(), "{invalid}");
    }
}
