//! `weir completions` and the manual pages.

use crate::support::weir;

#[test]
fn completions_know_commands_and_options() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = weir(&["completions", shell]);
        assert_eq!(run.code, 0, "{shell}");
        for word in ["simulate", "deny", "rollout"] {
            assert!(run.out.contains(word), "{shell}: no {word}");
        }
        assert!(!run.out.contains("\\u{"), "{shell}: the script is not as it was made");
    }
    assert_eq!(weir(&["completions", "cmd"]).code, 2);
}

#[test]
fn bash_takes_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("weir.bash");
    std::fs::write(&script, weir(&["completions", "bash"]).out).unwrap();
    // What Bash itself does when somebody has typed `weir simu` and presses the tabulator.
    let asked =
        "source \"$0\"; COMP_WORDS=(weir simu); COMP_CWORD=1; _weir weir simu weir; echo \"${COMPREPLY[@]}\"";
    let output = std::process::Command::new("bash").args(["-c", asked]).arg(&script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "simulate", "{output:?}");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(weir(&["man", folder.path().to_str().unwrap()]).code, 0);
    for (page, words) in
        [("weir.1", "experiment"), ("weir-check.1", "deny"), ("weir-rollout-run.1", "prometheus")]
    {
        let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(text.starts_with(".ie") && text.contains(".TH") && text.contains(words), "{page}: {text}");
    }
    let missing = weir(&["man", folder.path().join("nowhere").to_str().unwrap()]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("nowhere"), "{}", missing.err);
}
