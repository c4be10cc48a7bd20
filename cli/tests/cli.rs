//! The program as a user runs it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const GOOD: &str = "
# A comment.
routing:
  rules:
  - name: beta
    match:
    - headers: {x-user-group: {exact: beta-testers}}
    setHeaders: {x-weir-route: v2}
";

fn weir(arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What `weir check -` prints, and its exit code.
fn check(configuration: &str) -> (String, i32) {
    let output = weir(&["check", "-"], configuration);
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
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
        "routing.rules[0].name: \"a b\" is not a name",
        "routing.rules[0].mach: unknown field `mach`",
        "did you mean `match`?",
        "routing.rules[0].setHeaders.host: `host` belongs to the connection",
        "routing.rules[1].split.targets: 5 is not a list",
    ] {
        assert!(text.contains(expected), "{expected}\nis not in\n{text}");
    }
    assert!(text.lines().all(|line| line.starts_with("(standard input): ")), "{text}");
}

#[test]
fn broken_texts_are_problems_too() {
    for broken in ["routing: [", "a: 1\na: 2\n", "- routing", "", "# nothing\n", "{\"routing\": }"] {
        let (text, code) = check(broken);
        assert_eq!((text.lines().count(), code), (1, 1), "{broken:?}: {text}");
    }
}

#[test]
fn the_worst_file_decides_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (good, bad, absent) =
        (write("good.yaml", GOOD), write("bad.yaml", "x: 1"), folder.path().join("absent"));
    let [good, bad, absent] = [&good, &bad, &absent].map(|path| path.to_str().unwrap());
    for (files, code, lines) in [
        (vec![good], 0, 1),
        (vec![good, bad, good], 1, 3),
        (vec![absent, bad, good], 2, 2),
        (vec!["--nonsense"], 2, 0),
        (vec![], 2, 0),
    ] {
        let output = weir(&[vec!["check"], files.clone()].concat(), "");
        assert_eq!(output.status.code(), Some(code), "{files:?}");
        assert_eq!(output.stdout.iter().filter(|b| **b == b'\n').count(), lines, "{files:?}");
    }
}

#[test]
fn the_schema_is_closed_and_speaks_to_people() {
    let output = weir(&["schema"], "");
    assert!(output.status.success());
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema["title"], "Weir configuration");
    assert!(schema.get("$id").is_none());
    let definitions = schema["$defs"].as_object().unwrap();
    for (name, definition) in definitions.iter().chain([(&"top".to_owned(), &schema)]) {
        let Some(properties) = definition.get("properties").and_then(|p| p.as_object()) else { continue };
        assert_eq!(definition["additionalProperties"], false, "{name}");
        for (property, its) in properties {
            assert!(its["description"].is_string(), "{name}.{property} has no description");
        }
    }
    let rule = &definitions["Rule"]["properties"];
    assert_eq!(rule["cluster"]["type"], "string", "no null for editors to offer");
    assert_eq!(rule["split"]["$ref"], "#/$defs/Split");
}
