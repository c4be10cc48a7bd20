use super::*;

fn searching(pattern: &str) -> Regex {
    Regex::searching(pattern, Alphabet::Unicode).unwrap()
}

fn whole(pattern: &str) -> Regex {
    Regex::whole(&latin1(pattern.as_bytes()), Alphabet::Bytes).unwrap()
}

/// What RE2 accepts, with texts that match as a whole, and some that do not. That RE2 agrees, a test in Envoy shows.
#[test]
fn the_syntax_is_that_of_re2() {
    for (pattern, matching, others) in weir_testkit::regexes::VALID {
        let regex = whole(pattern);
        for (texts, expected) in [(matching, true), (others, false)] {
            for text in *texts {
                let found = regex.matches(text.as_bytes(), &Work::unbounded());
                assert_eq!(found, Some(expected), "{pattern:?} {text:?}");
            }
        }
    }
    for pattern in weir_testkit::regexes::INVALID.iter().chain(weir_testkit::regexes::UNSUPPORTED) {
        for alphabet in [Alphabet::Bytes, Alphabet::Unicode] {
            assert!(Regex::whole(pattern, alphabet).is_err(), "{pattern:?}");
            assert!(Regex::searching(pattern, alphabet).is_err(), "{pattern:?}");
        }
    }
}

#[test]
fn why_a_pattern_is_refused() {
    use InvalidSyntax::{
        BackReference, InvalidCode, InvalidName, InvalidRange, LookAround, NothingToRepeat,
        RepeatedRepetition, RepetitionSize, TooDeep, TooLarge, TrailingBackslash, UnclosedClass,
        UnclosedGroup, UnicodeClass, UnknownClass, UnknownEscape, UnknownFlag, UnopenedGroup,
    };
    let deep = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    for (pattern, expected) in [
        ("(a", UnclosedGroup),
        ("a)", UnopenedGroup),
        ("a)|(b", UnopenedGroup),
        ("[a", UnclosedClass),
        ("[]", UnclosedClass),
        ("[a-", UnclosedClass),
        ("*", NothingToRepeat('*')),
        ("a|+", NothingToRepeat('+')),
        ("({2})", NothingToRepeat('{')),
        ("a**", RepeatedRepetition),
        ("a{2}{3}", RepeatedRepetition),
        ("a{3,2}", RepetitionSize),
        ("a{1001}", RepetitionSize),
        ("a(?=b)", LookAround),
        ("(?<!b)a", LookAround),
        (r"(a)\1", BackReference),
        (r"(a)\9", BackReference),
        ("(?P<n>a)(?P=n)", BackReference),
        ("(?x)a", UnknownFlag),
        ("(?i-)a", UnknownFlag),
        ("(?i", UnknownFlag),
        ("(?P<>a)", InvalidName),
        ("(?P<a-b>a)", InvalidName),
        ("(?<n", InvalidName),
        (r"\pL", UnicodeClass),
        (r"[\P{Greek}]", UnicodeClass),
        ("[[:foo:]]", UnknownClass("foo".into())),
        ("[b-a]", InvalidRange),
        (r"[a-\d]", InvalidRange),
        (r"\y", UnknownEscape('y')),
        (r"[\b]", UnknownEscape('b')),
        (r"\x4", InvalidCode),
        (r"\x{}", InvalidCode),
        (r"\x{+41}", InvalidCode),
        (r"\x{110000}", InvalidCode),
        (r"\x{d800}", InvalidCode),
        ("a\\", TrailingBackslash),
        ("[\\", TrailingBackslash),
        (&deep(51), TooDeep),
        ("(a{1000}){1000}", TooLarge),
        ("((((a{0}){1000}){1000}){1000}){1000}", TooLarge),
        ("((((){1000}){1000}){1000}){1000}", TooLarge),
        ("a{1000}(?i){1000}(?i){1000}", TooLarge),
    ] {
        assert_eq!(Regex::searching(pattern, Alphabet::Unicode).err(), Some(expected), "{pattern}");
    }
    assert!(Regex::searching(&deep(50), Alphabet::Unicode).is_ok());
    // What is no byte is no character of texts made of bytes.
    for pattern in [r"\x{100}", r"\777"] {
        assert_eq!(Regex::whole(pattern, Alphabet::Bytes).err(), Some(InvalidCode), "{pattern}");
        assert!(Regex::whole(pattern, Alphabet::Unicode).is_ok(), "{pattern}");
    }
    assert_eq!(Regex::whole(r"\C", Alphabet::Unicode).err(), Some(UnknownEscape('C')));
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
    let states = regex.automaton().unwrap().size();
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
            "(?m)",
            "(?-m)",
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

        /// Whether a pattern is compiled on demand or at once, its program is within the bound.
        #[test]
        fn programs_are_within_their_bound(pattern in prop_oneof![pattern(), nearly()]) {
            for alphabet in [Alphabet::Bytes, Alphabet::Unicode] {
                let pattern = if alphabet == Alphabet::Bytes { latin1(pattern.as_bytes()) } else { (&*pattern).into() };
                let Ok(node) = parse::parse(&pattern, alphabet) else { continue };
                let most = program::most_steps(&node, alphabet);
                for program in [Program::searching(&node, alphabet), Program::whole(&node, alphabet)] {
                    let steps = program.map(|program| program.steps.len());
                    prop_assert!(steps.is_some_and(|steps| steps <= most), "{:?}: {:?}, at most {}", pattern, steps, most);
                }
            }
        }

        /// Between anchors, nothing that is valid is something else.
        #[test]
        fn what_is_nearly_a_pattern_is_one_or_none(pattern in nearly(), texts in prop::collection::vec(text(), 1..4)) {
            let Ok(regex) = Regex::whole(&pattern, Alphabet::Unicode) else { return Ok(()) };
            // A quotation goes on to the end, also over the bracket behind it.
            if pattern.contains("\\Q") {
                return Ok(());
            }
            let group = Regex::searching(&format!("^(?:{pattern})$"), Alphabet::Unicode);
            prop_assert!(group.is_ok(), "{:?}: {:?}", pattern, group.err());
            for text in texts {
                let expected = group.as_ref().unwrap().matches(text.as_bytes(), &Work::unbounded());
                prop_assert_eq!(regex.matches(text.as_bytes(), &Work::unbounded()), expected, "{:?} {:?}", pattern, text);
            }
        }
    }

    /// Patterns that are nearly none.
    fn nearly() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "(", ")", "[", "]", "^", "$", "|", "*", "+", "?", "{", "}", "-", "a", "z", ",", "1", ":", "<",
            "P", "&", "~", "=", "!", ".", "\\", "\\b", "\\d", "\\W", "\\x", "\\u", "(?", "(?:", "[^", "[:",
            ":]", "i", "é", "你", "#", " ", "\n", "\\Q", "\\E", "m", "\\1",
        ]);
        prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
    }
}

#[test]
fn a_pattern_is_compiled_for_the_first_text_that_could_match() {
    let regex = whole("/a/[0-9]+");
    assert_eq!(regex.matches(b"/b/7", &Work::unbounded()), Some(false));
    assert!(regex.automaton.get().is_none());
    assert_eq!(regex.matches(b"/a/7", &Work::unbounded()), Some(true));
    assert!(regex.automaton.get().is_some());
}

/// A long one would hold up the request that brings the first text.
#[test]
fn a_long_pattern_is_compiled_at_once() {
    for (pattern, ready) in [("a{400}", false), ("a{1000}b{1000}", true), ("(ab{100}){100}", true)] {
        assert_eq!(whole(pattern).automaton.get().is_some(), ready, "{pattern}");
    }
    let text = format!("{}{}", "a".repeat(1000), "b".repeat(1000));
    assert_eq!(whole("a{1000}b{1000}").matches(text.as_bytes(), &Work::unbounded()), Some(true));
    assert_eq!(searching(".{1,1000}b").matches(text.as_bytes(), &Work::unbounded()), Some(true));
}
