//! `weir run` up to where Envoy is needed. With a real one it is `tests/tests/rendered`'s to show.

use crate::support::{Folder, Run, weir, weir_in};
use std::os::unix::fs::PermissionsExt as _;

const CONFIG: &str =
    "routing: {rules: [{name: a, match: {uri: {prefix: /a}}, setHeaders: {x-weir-route: v2}}]}";

/// Runs it with a program of shell lines as Envoy. The module is never read.
fn run(configuration: &str, envoy: &str, options: &[&str]) -> (Folder, Run) {
    let folder = Folder::new();
    let config = folder.write("weir.yaml", configuration);
    let module = folder.write("weir.wasm", "");
    let program = folder.write("envoy", &format!("#!/bin/sh\n{envoy}\n"));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let usual = ["run", &config, "--module", &module, "--listen", "0", "--admin", "0"];
    let arguments = [&usual[..], &["--envoy", &program], options].concat();
    let temporary = folder.path("");
    let run = weir_in(&arguments, &[("TMPDIR", &temporary)]);
    (folder, run)
}

#[test]
fn problems_are_said_as_by_check_and_nothing_is_started() {
    let (folder, run) = run("routing: {rulez: []}", "touch \"$(dirname \"$0\")/started\"", &[]);
    let checked = weir(&["check", &folder.path("weir.yaml")]);
    assert_eq!((run.code, &run.out), (1, &checked.out));
    assert!(run.out.contains("routing.rulez"), "{run:?}");
    assert!(!std::fs::exists(folder.path("started")).unwrap());
}

#[test]
fn how_envoy_ends_is_given_on() {
    let (folder, run) = run(
        CONFIG,
        "echo \"$*\" >\"$(dirname \"$0\")/started\"; cp \"$2\" \"$(dirname \"$0\")/made.yaml\"; exit 7",
        &[],
    );
    assert_eq!(run.code, 7, "{run:?}");
    assert!(run.err.contains("Envoy has ended before it served: exit status: 7"), "{run:?}");
    let started = std::fs::read_to_string(folder.path("started")).unwrap();
    let file = started.split(' ').nth(1).unwrap();
    assert!(started.starts_with("-c ") && file.ends_with("envoy.yaml"), "{started}");
    assert!(!std::fs::exists(file).unwrap(), "{file} is left");
    let made = folder.path("made.yaml");
    assert_eq!(weir(&["check", &made]).code, 0);
    let text = std::fs::read_to_string(made).unwrap();
    assert!(text.contains("string_match: {exact: v2}") && text.contains(&folder.path("weir.wasm")), "{text}");
    let (_, run) = self::run(CONFIG, "kill -KILL $$", &[]);
    assert_eq!(run.code, 128 + 9, "{run:?}");
}

#[test]
fn what_is_missing_is_said() {
    let folder = Folder::new();
    let config = folder.write("weir.yaml", CONFIG);
    let nobody = weir_in(&["run", &config], &[("PATH", ""), ("ENVOY", "")]);
    assert_eq!(nobody.code, 2);
    assert!(nobody.err.contains("scripts/envoy path"), "{nobody:?}");
    let wrong = weir_in(&["run", &config], &[("ENVOY", &config)]);
    assert!(wrong.code == 2 && wrong.err.contains("ENVOY: "), "{wrong:?}");
    let no_module = weir_in(&["run", &config], &[("ENVOY", "/bin/sh")]);
    assert!(no_module.code == 2 && no_module.err.contains("make wasm"), "{no_module:?}");
    let (_, run) = run(CONFIG, "exit 0", &["--upstream", "a=b:1", "--upstream", "a=b:2"]);
    assert!(run.code == 2 && run.err.contains("a is given twice"), "{run:?}");
    let keys = "jwt: {providers: {a: {issuer: a, jwks: {remote: {cluster: id, uri: 'https://id/'}}}}}";
    let (_, run) = self::run(keys, "exit 0", &[]);
    assert!(run.code == 2 && run.err.contains("--upstream id="), "{run:?}");
    let (_, run) = self::run(keys, "exit 3", &["--upstream", "web=b:1", "--upstream", "id=https://id"]);
    assert_eq!(run.code, 3, "{run:?}");
}
