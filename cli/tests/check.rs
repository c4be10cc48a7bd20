//! `weir check` as a user runs it.

mod support;

use support::{Folder, weir, weir_with};

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
        "(standard input):3:5: routing.rules[0].name: \"a b\" is not a name",
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
fn broken_texts_are_problems_too() {
    for (broken, place) in [
        ("routing: [", ":1:10: not valid YAML"),
        ("a: 1\na: 2\n", ":2:1: the key `a` stands here a second time, after line 1 column 1"),
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
    assert!(text.contains(":1:34: routing.default.setHeaders.x-a: true is not a string"), "{text}");
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
    split: {stickyBy: header:x-user-id, targets: [{name: v1, weight: 1}, {name: v2, weight: 1}]}
  - name: meant
    split: {seed: s, stickyBy: header:x-user-id, targets: [{name: v1, weight: 1}, {name: v2, weight: 1}]}
";
    let run = weir_with(&["check", "-", "--deny", "warnings"], apart);
    assert_eq!((run.code, run.out.contains("warning")), (0, false), "{run:?}");
}
