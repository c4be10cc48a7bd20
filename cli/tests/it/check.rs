//! `weir check` as a user runs it.

use crate::support::{Folder, weir, weir_with};
use std::process::Command;

const GOOD: &str = "
# A comment.
routing:
  rules:
  - name: beta
    match:
    - headers: {x-user-group: {exact: beta-testers}}
    setHeaders: {x-weir-route: v2}
";

/// What `weir check -` prints, and its exit code.
fn check(configuration: &str) -> (String, i32) {
    let run = weir_with(&["check", "-"], configuration);
    (run.out, run.code)
}

#[test]
fn a_right_configuration_is_ok_in_yaml_and_in_json() {
    let json = r#"{"routing": {"default": {"setHeaders": {"x-a": "\ud83d\ude00"}},
	"rules": []}}"#;
    for configuration in [GOOD, json] {
        assert_eq!(check(configuration), ("(standard input): ok\n".into(), 0));
    }
}

#[test]
fn all_problems_are_printed_with_their_places() {
    let (text, code) = check(
        "routing:\n  rules:\n  - name: a b\n    mach: []\n    setHeaders: {host: x}\n  - name: c\n    split: {targets: 5}\n",
    );
    assert_eq!(code, 1);
    for expected in [
        "(standard input):3:5: routing.rules[0].name: \"a b\" is not a valid name",
        "(standard input):4:5: routing.rules[0].mach: unknown field `mach`",
        "did you mean `match`?",
        "(standard input):5:18: routing.rules[0].setHeaders.host: `host` belongs to the connection",
        "(standard input):7:13: routing.rules[1].split.targets: 5 is not a list",
        "5 problems in 1 file\n",
    ] {
        assert!(text.contains(expected), "{expected}\nis not in\n{text}");
    }
}

#[test]
fn plugins_that_take_headers_from_each_other_are_pointed_out() {
    let rule = |name: &str, header: &str| {
        format!(
            "routing: {{rules: [{{name: {name}, match: {{headers: {{x-{name}: {{}}}}}}, setHeaders: {{{header}: v2}}}}]}}\n"
        )
    };
    let experiments = "experiments: {list: [{key: checkout, variants: [{key: a}]}]}\n";
    let shared = "ownership: {shared: true}\n";
    let (one, two) = (rule("one", "x-weir-route"), rule("two", "x-weir-route"));
    let (text, code) = check(&format!("{one}---\n{two}"));
    let note = "(standard input):3:1: warning[W09]: `x-weir-route` belongs to the plugin of line 1 too: where both serve a request";
    assert!(code == 0 && text.contains(note), "{text}");
    let (text, _) = check(&format!("{experiments}---\n{}", experiments.replace("checkout", "search")));
    assert!(text.contains("`baggage` and 2 more belongs to the plugin of line 1 too"), "{text}");
    for apart in [
        format!("{shared}{one}---\n{shared}{two}"),
        format!("{one}---\n{experiments}"),
        format!("{}---\n{}", rule("one", "x-a"), rule("two", "x-b")),
        one.clone(),
    ] {
        let (text, code) = check(&apart);
        assert!(code == 0 && !text.contains("W09"), "{apart}: {text}");
    }
    let (text, _) = check(&format!("{shared}{one}---\n{two}"));
    assert!(text.contains("W09"), "both must say so: {text}");
}

#[test]
fn broken_texts_are_problems_too() {
    for (broken, place) in [
        ("routing: [", ":1:10: not valid YAML"),
        ("a: 1\na: 2\n", ":2:1: duplicate key `a`, already defined in line 1 column 1"),
        ("- routing", ":1:1: (top level): a list is not an object"),
        ("", ":1:1: (top level): no section"),
        ("# nothing\n", ":1:1: (top level): no section"),
        ("{\"routing\": }", ""),
        ("routing: {rules: *nowhere}", ":1:18: not valid YAML"),
        ("routing: {rules: [], default: &a {setHeaders: *a}}", "an alias of something around it"),
    ] {
        let (text, code) = check(broken);
        assert_eq!(code, 1, "{broken:?}: {text}");
        assert!(text.contains(place), "{broken:?}: {text}");
    }
}

#[test]
fn aliases_and_merge_keys_are_followed_and_bombs_are_not() {
    let (text, code) = check(
        "x: &t {setHeaders: {x-weir-route: v2}}\nrouting:\n  default: *t\n  rules: [{name: a, <<: *t}]\n",
    );
    assert_eq!((text.lines().count(), code), (2, 1), "{text}");
    assert!(text.contains(":1:1: x: unknown field `x`"), "{text}");
    let mut bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(",");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let (text, code) = check(&bomb);
    assert_eq!(code, 1);
    assert!(text.contains("more than 1000000 parts"), "{text}");
}

#[test]
fn words_that_proxies_take_for_booleans_are_found() {
    let (text, code) = check("routing: {default: {setHeaders: {x-a: on}}}");
    assert_eq!(code, 1);
    let expected =
        ":1:34: routing.default.setHeaders.x-a: `on` is a boolean in YAML 1.1, not a string: write \"on\"";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn the_worst_file_decides_the_exit_code() {
    let folder = Folder::new();
    let good = &folder.write("good.yaml", GOOD);
    let bad = &folder.write("bad.yaml", "x: 1");
    let service = &folder.write("service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n");
    let latin = &folder.path("latin1.yaml");
    std::fs::write(latin, b"a: \xe9").unwrap();
    let absent = &folder.path("absent");
    for (files, code, lines) in [
        (vec![good], 0, 1),
        (vec![good, bad, good], 1, 4),
        (vec![absent, bad, good], 2, 3),
        (vec![latin], 2, 0),
        (vec![good, service], 0, 2),
        (vec![service], 2, 1),
        (vec![&"--nonsense".to_owned()], 2, 0),
        (vec![], 2, 0),
    ] {
        let arguments: Vec<&str> =
            ["check"].into_iter().chain(files.iter().map(|file| file.as_str())).collect();
        let run = weir(&arguments);
        assert_eq!((run.code, run.out.lines().count()), (code, lines), "{run:?}");
    }
}

#[test]
fn json_has_everything() {
    let run = weir_with(
        &["check", "--output", "json", "-"],
        "routing:\n  default: {setHeaders: {x-a: b}}\n  rulez: []\n",
    );
    assert_eq!(run.code, 1);
    let json = run.json();
    assert_eq!((&json["problems"], &json["configurations"]), (&1.into(), &1.into()));
    let problem = &json["files"][0]["configurations"][0]["problems"][0];
    assert_eq!((&problem["line"], &problem["column"]), (&3.into(), &3.into()));
    assert_eq!(problem["path"], "routing.rulez");
    assert!(problem["message"].as_str().unwrap().starts_with("unknown field `rulez`"));
    let run = weir(&["check", "--output", "json", "/does/not/exist"]);
    assert_eq!(run.code, 2);
    assert!(run.json()["files"][0]["error"].is_string());
}

/// In the forms in which people write secrets wrongly; `filters/pipeline/tests/secrets.rs` has all of them.
#[test]
fn secrets_are_never_shown() {
    const FORMS: [&str; 16] = [
        "experiments: {secret: hushSECRET-0123456789abcdef}",
        "experiments: {secret: {hushSECRET-0123456789abcdef}}",
        "experiments: {secret: [hushSECRET-0123456789abcdef]}",
        "experiments: {secret: {env: hushSECRET-0123456789abcdef, value: hushSECRET-0123456789abcdef}}",
        "experiments: {overrides: hushSECRET-0123456789abcdef}",
        "experiments: {overrides: {secret: hushSECRET-0123456789abcdef}}",
        "metrics: {accessLog: {unit: {source: path, secret: hushSECRET-0123456789abcdef}}}",
        "jwt: {providers: {a: hushSECRET-0123456789abcdef}}",
        "jwt: {providers: {a: {jwks: hushSECRET-0123456789abcdef}}}",
        "jwt: {providers: {a: {jwks: {inline: hushSECRET-0123456789abcdef}}}}",
        "jwt: {providers: {a: {jwks: {remote: 'https://me:hushSECRET-0123456789abcdef@id/'}}}}",
        "jwt: {providers: {a: {jwks: {remote: {cluster: a, uri: 'https://me:hushSECRET-0123456789abcdef@id/'}}}}}",
        // What YAML itself has to say.
        "experiments: {secret: 'hushSECRET-0123456789abcdef",
        "experiments: {secret: {value: *hushSECRET-0123456789abcdef}}",
        "experiments: {secret: {value: %hushSECRET-0123456789abcdef}}",
        "{\"experiments\": {\"secret\": \"hushSECRET-0123456789abcdef}}",
    ];
    for form in FORMS {
        let run = weir_with(&["check", "-"], form);
        assert_eq!(run.code, 1, "{form}: {run:?}");
        assert!(!format!("{run:?}").contains("hushSECRET"), "{form}: {run:?}");
        let run = weir_with(&["assign", "-", "--all"], form);
        assert_eq!(run.code, 2, "{form}: {run:?}");
        assert!(!format!("{run:?}").contains("hushSECRET"), "{form}: {run:?}");
    }
}

/// Names that others chose, in every part of a file that is reported.
#[test]
fn nothing_in_a_file_acts_on_a_terminal() {
    let hostile = "x\\e[2J\\e]0;owned\\a\\r\\nforged: ok\\u009b31m\\u202e";
    for file in [
        format!("\"{hostile}\": 1"),
        format!("routing: {{\"{hostile}\": 1, \"{hostile}\": 2}}"),
        format!("routing: {{default: {{setHeaders: {{\"{hostile}\": \"{hostile}\"}}}}}}"),
        format!(
            "apiVersion: v1\nkind: WasmPlugin\nmetadata: {{name: \"{hostile}\"}}\nspec: {{pluginConfig: {{a: 1}}}}"
        ),
        format!(
            "apiVersion: v1\nkind: WasmPlugin\nmetadata: {{name: \"{hostile}\"}}\nspec: {{pluginConfig: {{routing: {{default: {{setHeaders: {{x-a: b}}}}}}}}}}"
        ),
        format!(
            "http_filters: [{{name: weir, typed_config: {{config: {{name: \"{hostile}\", vm_config: {{}}, configuration: {{\"@type\": \"{hostile}\", value: 1}}}}}}}}]"
        ),
        format!("a: &\"{hostile}\" 1"),
        "a: *b\u{1b}[31m".to_owned(),
    ] {
        for arguments in
            [&["check", "-"][..], &["check", "--all-plugins", "-"], &["check", "--output", "json", "-"]]
        {
            let run = weir_with(arguments, &file);
            let all = run.out.clone() + &run.err;
            assert!(
                !all.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')),
                "{file}: {run:?}"
            );
            assert!(!all.lines().any(|line| line.starts_with("forged")), "{file}: {run:?}");
        }
    }
}

/// Ten times the mapping takes about ten times the processor's time, not a hundred times. Time on a wall would be that of
/// other programs too.
#[test]
fn large_mappings_take_time_in_proportion() {
    let files = |count: usize| {
        let many = |text: fn(usize) -> String| (0..count).map(text).collect::<String>();
        let plain = many(|i| format!("k{i}: 1\n"));
        let merged = format!(
            "a: &a\n{}b: &b\n{}c: {{<<: [*a, *b]}}\n",
            many(|i| format!("  k{i}: 1\n")),
            many(|i| format!("  j{i}: 1\n"))
        );
        [
            ("inner", format!("attributes:\n{}", many(|i| format!("  k{i}: header:x\n")))),
            ("wrong", format!("attributes:\n{}", many(|i| format!("  k{i}: haeder:x\n")))),
            ("merged", merged),
            ("twice", plain.repeat(2)),
            ("plain", plain),
        ]
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    let time = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let (script, weir) =
            (r#"TIMEFORMAT=%U; time "$0" check "$1" >"$1.out" 2>&1"#, env!("CARGO_BIN_EXE_weir"));
        let run = Command::new("bash").args(["-c", script, weir]).arg(&file).output().unwrap();
        let lines = std::fs::read_to_string(file.with_extension("yaml.out")).unwrap().lines().count();
        assert!((1..200).contains(&lines), "{lines} lines");
        String::from_utf8(run.stderr).unwrap().trim().parse::<f64>().unwrap()
    };
    let mut times = Vec::new();
    for ((name, few), (_, many)) in files(2_000).iter().zip(&files(20_000)) {
        let fewest = (0..3).map(|_| time(few)).fold(f64::MAX, f64::min);
        let most = 40.0 * fewest.max(0.02);
        // Once more where the first time is too long: by chance it is not twice.
        let taken = (0..2).map(|_| time(many)).find(|taken| *taken < most);
        println!("{name}: {fewest:.2} s, {taken:?} s");
        assert!(taken.is_some(), "{name}: {fewest:.2} s, ten times as much more than {most:.2} s");
        times.extend(taken);
    }
    // Of thousands of mistakes only those are described that are shown.
    let [inner, wrong, ..] = times[..] else { panic!("{times:?}") };
    assert!(wrong < 8.0 * inner.max(0.1), "{inner:.2} s where nothing is wrong, {wrong:.2} s where all is");
}

#[test]
fn files_are_bounded() {
    let long = format!("a: &a {}\nb: [{}]", "x".repeat(1 << 20), vec!["*a"; 200].join(", "));
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let nested =
        format!("x: &a {}1{}\ny: {}*a{}", "[".repeat(100), "]".repeat(100), "[".repeat(100), "]".repeat(100));
    for (text, expected) in [
        (long, "more than 64 MiB of text, copies by aliases included"),
        (deep, "nested more than 128 levels deep"),
        (nested, "nested more than 128 levels deep"),
        ("a: {<<: 5}".to_owned(), "`<<` takes an object"),
    ] {
        let (out, code) = check(&text);
        assert!(code == 1 && out.contains(expected), "{expected}: {}", &out[..out.len().min(500)]);
    }
    let endless = weir(&["check", "/dev/zero"]);
    assert!(endless.code == 2 && endless.err.contains("is longer than 64 MiB"), "{endless:?}");
}

#[test]
fn variables_are_taken_as_right_unless_they_are_given() {
    const KEYS: &str = "jwt: {providers: {corp: {issuer: 'https://id', jwks: {env: CORP_KEYS}}}, rules: [{requires: corp}]}\n";
    const ALL: &str = "attributes: {pod: 'env:POD'}\n\
        jwt: {providers: {corp: {issuer: a, jwks: {env: CORP_KEYS}}}}\n\
        experiments: {unit: 'header:x', mintCookie: {name: c}, secret: {env: SECRET}, overrides: {header: x-o, secret: {env: OTHER}}, \
        list: [{key: e, variants: [{key: a, weight: 50}, {key: b, weight: 50}]}]}\n\
        faults: [{killSwitch: {env: NO_FAULTS}, abort: {httpStatus: 500, percentage: 1%}}]\n\
        metrics: {accessLog: {unit: {source: 'header:x', secret: {env: LOG}}}}\n";
    const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"cQmOmp7YyAtrHVSsB-m_WrjTJIQAkb313Gz_-TPEEAc"}]}"#;
    let folder = Folder::new();
    let file = folder.write("weir.yaml", KEYS);
    let all = folder.write("all.yaml", ALL);
    let upstream = ["--upstream", "v1=127.0.0.1:1"];
    for file in [&file, &all] {
        for command in [
            vec!["check", file],
            vec!["render", "istio", file],
            vec!["render", "bootstrap", file],
            [&["render", "envoy", file][..], &upstream].concat(),
        ] {
            let run = weir(&command);
            // A configuration without metrics has no part of a bootstrap.
            assert!(run.code == 0 || command[1] == "bootstrap", "{command:?}: {run:?}");
            assert!(!run.out.contains("key set") && !run.err.contains("key set"), "{command:?}: {run:?}");
        }
    }
    let good = folder.write("good.env", &format!("# keys\nCORP_KEYS='{SET}'\n"));
    let bad = folder.write("bad.env", "CORP_KEYS=hushSECRET-0123456789abcdef\nSECRET=short\n");
    let broken = folder.write("broken.env", "hushSECRET-0123456789abcdef\n");
    assert_eq!(weir(&["check", "--env", &good, &file]).code, 0);
    let run = weir(&["check", "--env", &bad, &all]);
    assert!(run.code == 1 && run.out.contains("the key set is not JSON"), "{run:?}");
    assert!(
        run.out.contains("use at least 16 bytes") && !format!("{run:?}").contains("hushSECRET"),
        "{run:?}"
    );
    assert_eq!(weir(&["render", "istio", "--env", &bad, &file]).code, 2);
    let run = weir(&["check", "--env", &broken, &file]);
    assert!(run.code == 2 && run.err.contains("broken.env:1:1: expected NAME=VALUE"), "{run:?}");
    assert!(!run.err.contains("hushSECRET"), "{run:?}");
}

#[test]
fn an_address_that_clients_choose_is_noted() {
    let proxy = |settings: &str, configuration: &str| {
        format!(
            "static_resources:\n  listeners:\n  - filter_chains:\n    - filters:\n      - typed_config:\n          stat_prefix: http\n{settings}          \
             http_filters:\n          - name: weir\n            typed_config:\n              config:\n                name: weir\n                \
             vm_config: {{code: {{local: {{filename: weir.wasm}}}}}}\n                configuration:\n                  \"@type\": type.googleapis.com/google.protobuf.Struct\n                  \
             value: {configuration}\n"
        )
    };
    const TRUST: &str = "{experiments: {unit: path, trust: {match: {remoteIp: ['10.0.0.0/8']}}, list: [{key: e, variants: [{key: a, weight: 50}, {key: b, weight: 50}]}]}}";
    const ROUTE: &str =
        "{routing: {rules: [{name: a, match: {remoteIp: ['10.0.0.0/8']}, setHeaders: {x-weir-route: v2}}]}}";
    const REMOTE: &str = "          use_remote_address: true\n";
    for (settings, configuration, noted) in [
        ("", TRUST, true),
        ("          use_remote_address: false\n", TRUST, true),
        (REMOTE, TRUST, false),
        // It protects nothing.
        ("", ROUTE, false),
        ("          original_ip_detection_extensions: [{name: a}]\n", TRUST, false),
    ] {
        let (out, code) = check(&proxy(settings, configuration));
        assert_eq!(code, 0, "{out}");
        assert_eq!(
            out.contains("warning[W08]: experiments.trust.match.remoteIp: "),
            noted,
            "{settings}{configuration}: {out}"
        );
    }
    // Nobody knows what precedes it.
    assert!(!check(TRUST).0.contains("W08"));
}

#[test]
fn what_is_hardly_meant_is_warned_of() {
    let config = "
experiments:
  unit: header:x-user-id
  holdouts: [{name: nobody, share: 5%}]
  list:
  - {key: checkout, variants: [{key: a, weight: 1}, {key: b, weight: 1}]}
  - {key: search, layer: {name: page, seed: checkout, ranges: [[0, 0.5]]}, variants: [{key: a, weight: 1}]}
  - {key: rests, status: paused, winner: a, variants: [{key: a, weight: 1}]}
  - {key: over, status: ended, variants: [{key: a, weight: 1}]}
routing:
  rules:
  - {name: gone, variant: {over: a}, setHeaders: {x-weir-route: v2}}
  - name: checkout
    split:
      seed: checkout
      stickyBy: header:x-user-id
      targets: [{name: v1, weight: 1}, {name: v2, weight: 1}]
";
    let run = weir_with(&["check", "-", "--output", "json"], config);
    assert_eq!(run.code, 0, "{run:?}");
    let json = run.json();
    let warnings = json["files"][0]["configurations"][0]["warnings"].as_array().unwrap();
    let found: Vec<(&str, &str)> =
        warnings.iter().map(|it| (it["code"].as_str().unwrap(), it["path"].as_str().unwrap())).collect();
    let expected = [
        ("W02", "experiments.holdouts[0].name"),
        ("W01", "experiments.list[1].layer.seed"),
        ("W03", "experiments.list[2].status"),
        ("W04", "experiments.list[2].winner"),
        ("W05", "routing.rules[0].variant.over"),
        ("W01", "routing.rules[1].split.seed"),
    ];
    assert_eq!(found, expected, "{json}");
    assert_eq!(json["warnings"], 6);
    let run = weir_with(&["check", "-", "--deny", "warnings"], config);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(
        run.out.contains(
            "warning[W01]: routing.rules[1].split.seed: split checkout and experiment checkout divide"
        ),
        "{run:?}"
    );
    // The same names are no matter, nor is a seed that both of them write.
    let apart = "
experiments:
  unit: header:x-user-id
  list: [{key: checkout, seed: s, layer: {name: checkout, ranges: [[0, 0.5]]}, variants: [{key: a, weight: 1}, {key: b, weight: 1}]}]
routing:
  rules:
  - name: checkout
    match: {uri: {prefix: /checkout}}
    split: {stickyBy: header:x-user-id, targets: [{name: v1, weight: 1}, {name: v2, weight: 1}]}
  - name: meant
    split: {seed: s, stickyBy: header:x-user-id, targets: [{name: v1, weight: 1}, {name: v2, weight: 1}]}
";
    let run = weir_with(&["check", "-", "--deny", "warnings"], apart);
    assert_eq!((run.code, run.out.contains("warning")), (0, false), "{run:?}");
}

#[test]
fn keys_that_are_skipped_are_warned_of() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/jwt/providers.json");
    let vectors: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let good = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let encryption = good.replace("{", r#"{"use":"enc","#);
    let long = &vectors["long"]["8200"]["keys"][0];
    let config = format!(
        r#"{{"jwt": {{"providers": {{"corp": {{"jwks": {{"inline": {{"keys": [{good}, {encryption}, {long}]}}}}}}}}}}}}"#
    );
    let run = weir_with(&["check", "-", "--deny", "warnings"], &config);
    assert_eq!(run.code, 1, "{run:?}");
    let line = "warning[W07]: jwt.providers.corp.jwks.inline: keys[2] (kid long): the RSA key is longer than 8192 bits: tokens of this key are refused";
    assert!(run.out.contains(line), "{run:?}");
    assert_eq!(run.out.matches("warning[").count(), 1, "another purpose is meant: {run:?}");
}
