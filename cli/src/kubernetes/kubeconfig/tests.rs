use super::*;
use crate::output::Refusal as _;

const FIRST: &str = "\
current-context: b
clusters:
- {name: one, cluster: {server: 'https://one.example', certificate-authority: ca.pem}}
- {name: two, cluster: {server: 'https://two.example', insecure-skip-tls-verify: true, proxy-url: 'http://p'}}
contexts:
- {name: a, context: {cluster: one, user: anna, namespace: shop}}
- {name: b, context: {cluster: two, user: bob}}
- {name: c, context: {cluster: one, user: cat}}
- {name: d, context: {cluster: one, user: dan}}
- {name: e, context: {cluster: none}}
users:
- {name: anna, user: {token: secret}}
- {name: bob, user: {client-certificate-data: YQ==, client-key-data: Yg==}}
";
const SECOND: &str = "\
current-context: other
users:
- {name: anna, user: {token: not-this}}
- {name: cat, user: {exec: {command: ./print, apiVersion: client.authentication.k8s.io/v1, env: [{name: A, value: b}]}}}
- {name: dan, user: {tokenFile: token}}
";

#[test]
fn kubeconfigs_are_read_as_kubectl_does() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let files = [write("first", FIRST), folder.path().join("absent"), write("second", SECOND)];
    write("ca.pem", "CA");
    write("token", "from-a-file\n");
    let of = |context: Option<&str>| read(&files, context);

    let current = of(None).unwrap();
    assert_eq!((current.server.as_str(), current.namespace.as_str()), ("https://two.example", "default"));
    assert_eq!(current.identity, Some(b"a\nb".to_vec()));
    assert!(current.insecure && current.authority.is_none() && current.proxy.as_deref() == Some("http://p"));
    assert_eq!(authorization(&current.credential).unwrap(), None);

    let a = of(Some("a")).unwrap();
    assert_eq!((a.namespace.as_str(), a.authority), ("shop", Some(b"CA".to_vec())));
    assert_eq!(authorization(&a.credential).unwrap().unwrap(), "Bearer secret", "the first counts");
    let d = of(Some("d")).unwrap();
    assert_eq!(authorization(&d.credential).unwrap().unwrap(), "Bearer from-a-file");

    let c = of(Some("c")).unwrap();
    let script = "#!/bin/sh\necho \"{\\\"status\\\": {\\\"token\\\": \\\"$A-token\\\"}}\"\n";
    let program = write("print", script);
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(authorization(&c.credential).unwrap().unwrap(), "Bearer b-token");
    fs::write(&program, "#!/bin/sh\necho secret; exit 3\n").unwrap();
    let failed = authorization(&c.credential).refusal();
    assert!(failed.contains("print: exit status: 3") && !failed.contains("secret"), "{failed}");
    fs::write(&program, "#!/bin/sh\necho secret\n").unwrap();
    let failed = authorization(&c.credential).refusal();
    assert!(failed.contains("not an ExecCredential") && !failed.contains("secret"), "{failed}");

    assert!(of(Some("e")).refusal().contains("no cluster \"none\""));
    assert!(of(Some("f")).refusal().contains("no context \"f\""));
    for (text, expected) in [
        ("a: [", "not YAML"),
        ("clusters: 1", "not as a kubeconfig has it"),
        ("contexts: []", "no current-context"),
    ] {
        let found = read(&[write("wrong", text)], None).refusal();
        assert!(found.contains(expected), "{expected}: {found}");
    }
    for (from, to, expected) in [
        ("token: secret", "token: [secret]", "user anna: not as a kubeconfig has it"),
        ("token: secret", "auth-provider: {name: gcp}", "use exec"),
        ("token: secret", "client-key-data: Yg==", "a key a certificate"),
        ("token: secret", "client-key-data: secret!", "client-key-data is not Base64"),
        ("server: 'https://one.example',", "", "the cluster has no server"),
        ("certificate-authority: ca.pem", "tls-server-name: x", "tls-server-name"),
        (
            "certificate-authority: ca.pem",
            "certificate-authority: ca.pem, insecure-skip-tls-verify: true",
            "remove one of the two",
        ),
        (
            "certificate-authority: ca.pem",
            "certificate-authority-data: YQ==, insecure-skip-tls-verify: true",
            "remove one of the two",
        ),
        ("certificate-authority: ca.pem", "certificate-authority: gone", "gone"),
    ] {
        assert!(FIRST.contains(from));
        let found = read(&[write("wrong", &FIRST.replace(from, to))], Some("a")).refusal();
        assert!(found.contains(expected) && !found.contains("secret"), "{expected}: {found}");
    }
}

/// Everything waits for it, the Lease too.
#[test]
fn a_credential_plugin_that_hangs_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("plugin");
    let pid = folder.path().join("pid");
    let took = |script: &str| {
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let env = vec![Variable { name: "PID".to_owned(), value: pid.display().to_string() }];
        let command = program.display().to_string();
        let begin = Instant::now();
        let found = run(&Exec { command, env: Some(env), ..Exec::default() }, Duration::from_secs(1));
        (found, begin.elapsed())
    };
    for script in [
        "sleep 60",
        // What it starts is ended with it.
        "sleep 60 & echo $! > $PID; wait",
        // It has printed, and does not end.
        "echo '{}'; exec >&-; exec sleep 60",
    ] {
        let (found, took) = took(script);
        assert!(found.refusal().contains("prints no credential within 1 s"), "{script}");
        assert!(took < Duration::from_secs(20), "{script}: {took:?}");
    }
    let child = fs::read_to_string(&pid).unwrap();
    let is_alive = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.trim())).unwrap_or_default();
        !status.is_empty() && !status.contains("State:\tZ")
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_alive() {
        assert!(Instant::now() < deadline, "{child}");
    }
    let (found, _) = took("echo '{\"status\": {\"token\": \"a\"}}'; sleep 0.2");
    assert_eq!(found.unwrap(), "a");
}

#[test]
fn a_pod_has_all_that_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("namespace", "shop"), ("ca.crt", "CA"), ("token", "one")] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let variables = |host: &'static str| {
        move |name: &str| Some(if name.ends_with("HOST") { host } else { "6443" }.to_owned())
    };
    let settings = pod(folder.path(), &variables("10.0.0.1")).unwrap();
    assert_eq!((settings.server.as_str(), settings.namespace.as_str()), ("https://10.0.0.1:6443", "shop"));
    assert_eq!(authorization(&settings.credential).unwrap().unwrap(), "Bearer one");
    // The kubelet renews it.
    fs::write(folder.path().join("token"), "two").unwrap();
    assert_eq!(authorization(&settings.credential).unwrap().unwrap(), "Bearer two");
    assert_eq!(pod(folder.path(), &variables("fd00::1")).unwrap().server, "https://[fd00::1]:6443");
    fs::remove_file(folder.path().join("ca.crt")).unwrap();
    assert!(pod(folder.path(), &variables("10.0.0.1")).refusal().contains("ca.crt"));
}
