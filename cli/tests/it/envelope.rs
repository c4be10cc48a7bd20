//! What surrounds a configuration: refused as an API server and Envoy refuse it, with positions. The differential
//! tests are `tests/tests/istio/admitted.rs` and `tests/tests/envoy/checked.rs`.

use crate::support::weir_with;

const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A WasmPlugin with further lines in its `spec`.
fn plugin(lines: &str) -> String {
    format!(
        "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {{name: weir}}\nspec:\n  \
         pluginConfig: {{routing: {{default: {{setHeaders: {{x-weir-route: v2}}}}}}}}\n  match: [{{mode: CLIENT}}]\n{lines}"
    )
}

const URL: &str = "  url: oci://registry.example.com/weir@sha256:00\n";

/// Line, column and text of each problem.
fn refused(text: &str) -> Vec<String> {
    let run = weir_with(&["check", "-"], text);
    let lines = run.out.lines().filter(|line| !line.contains(" in 1 file") && !line.contains(": ok"));
    lines.map(|line| line.strip_prefix("(standard input):").unwrap_or(line).to_owned()).collect()
}

/// Strict API servers answer "no such kind"; without its kind or version a resource is still not taken for a plain
/// configuration, nor for a file that has nothing of Weir's.
#[test]
fn kind_and_version_are_required() {
    let whole = plugin(URL);
    let without = |line: &str| whole.replacen(line, "", 1);
    let version = "apiVersion: extensions.istio.io/v1alpha1\n";
    let kinds = "write `TrafficExtension` or `WasmPlugin`";
    let unknown = "extensions.istio.io/v1alpha1 has no kind `WasmPlugn`";
    let missing =
        "1:1: apiVersion: the version is required: write `apiVersion: extensions.istio.io/v1alpha1`";
    for (text, expected) in [
        (without(version), missing.to_owned()),
        (whole.replacen("apiVersion:", "apiVresion:", 1), missing.to_owned()),
        (without("kind: WasmPlugin\n"), format!("1:1: kind: the kind of the resource is required: {kinds}")),
        (whole.replacen("kind: WasmPlugin", "kind: WasmPlugn", 1), format!("2:1: kind: {unknown}: {kinds}")),
    ] {
        for arguments in [&["check", "-"][..], &["check", "--allow-none", "-"]] {
            let run = weir_with(arguments, &text);
            assert!(run.code == 1 && run.out.contains(&expected), "{arguments:?}\n{text}\n{}", run.out);
        }
    }
}

#[test]
fn fields_types_and_words() {
    for (lines, expected) in [
        ("", vec![]),
        ("  phase: AUTHN\n  priority: -3\n  sha256: \"\"\n", vec![]),
        ("  phase:\n  selector: {matchLabels: {app: web}}\n", vec![]),
        ("  phase: AUTHX\n", vec!["8:3: spec.phase: unknown value \"AUTHX\", did you mean `AUTHN`?"]),
        (
            "  failStrategy: CLOSED\n",
            vec![
                "8:3: spec.failStrategy: unknown value \"CLOSED\" (known: FAIL_CLOSE, FAIL_OPEN, FAIL_RELOAD)",
            ],
        ),
        ("  prority: 5\n", vec!["8:3: spec.prority: unknown field `prority`, did you mean `priority`?"]),
        ("  priority: high\n", vec!["8:3: spec.priority: \"high\" is not a whole number"]),
        ("  priority: \"5\"\n", vec!["8:3: spec.priority: \"5\" is not a whole number: remove the quotes"]),
        (
            "  priority: 3000000000\n",
            vec!["8:3: spec.priority: 3000000000 is out of range: -2147483648 to 2147483647"],
        ),
        ("  pluginName: 5\n", vec!["8:3: spec.pluginName: 5 is not a string: put it in quotes"]),
        (
            "  sha256: sha256:abc\n",
            vec![
                "8:3: spec.sha256: \"sha256:abc\" is not 64 hexadecimal digits in lower case, without `sha256:`",
            ],
        ),
        ("  targetRefs: [{name: web}]\n", vec!["8:16: spec.targetRefs[0].kind: `kind` is required"]),
        (
            "  vmConfig: {env: [{name: A, value: 1}]}\n",
            vec![
                "8:30: spec.vmConfig.env[0].value: this value (not shown here) is not a string: put it in quotes",
            ],
        ),
        (
            "  vmConfig: {env: [{name: A}, {name: A}]}\n",
            vec!["8:31: spec.vmConfig.env[1]: another entry has this name already"],
        ),
        (
            "  selector: {}\n  targetRefs: [{kind: Gateway, name: a}]\n",
            vec![
                "4:1: spec: `selector` and `targetRefs` exclude each other: `selector` is for sidecars and gateways by their \
             pods' labels, `targetRefs` for waypoints and gateways of the Gateway API",
            ],
        ),
    ] {
        assert_eq!(refused(&plugin(&format!("{URL}{lines}"))), expected, "{lines}");
    }
}

#[test]
fn one_cause_is_one_problem() {
    // A misspelt name is not missing as well, and what is in it is not.
    let text =
        plugin("").replace("  pluginConfig:", "  urll: oci://registry.example.com/weir\n  pluginConfig:");
    assert_eq!(refused(&text), ["5:3: spec.urll: unknown field `urll`, did you mean `url`?"]);
    let text = plugin(URL).replace("pluginConfig", "pluginConfg");
    assert_eq!(
        refused(&text),
        ["5:3: spec.pluginConfg: unknown field `pluginConfg`, did you mean `pluginConfig`?"]
    );
    assert_eq!(refused(&plugin("").replace("weir}", "weir-routing}")), ["4:1: spec.url: `url` is required"]);
}

#[test]
fn metadata_and_version() {
    for (from, to, expected) in [
        (
            "{name: weir}",
            "{name: Weir}",
            "3:12: metadata.name: \"Weir\" is not a DNS name: lower-case letters, digits, `-` and `.`",
        ),
        ("{name: weir}", "{}", "3:1: metadata.name: the name of the resource is required"),
        (
            "{name: weir}",
            "{name: weir, lables: {a: b}}",
            "3:24: metadata.lables: unknown field `lables`, did you mean `labels`?",
        ),
        (
            "{name: weir}",
            "{name: weir, labels: {a: 1}}",
            "3:33: metadata.labels.a: 1 is not a string: put it in quotes",
        ),
        (
            "v1alpha1",
            "v1",
            "1:1: apiVersion: a WasmPlugin has no version `extensions.istio.io/v1`: write `extensions.istio.io/v1alpha1`",
        ),
    ] {
        assert_eq!(refused(&plugin(URL).replacen(from, to, 1)), [expected], "{to}");
    }
}

#[test]
fn traffic_extensions_and_policies() {
    let extension = |wasm: &str| {
        format!(
            "apiVersion: extensions.istio.io/v1alpha1\nkind: TrafficExtension\nmetadata: {{name: weir}}\nspec:\n  match: [{{mode: CLIENT}}]\n  \
             wasm:\n    url: oci://registry.example.com/weir@sha256:00\n    pluginConfig: {{routing: {{default: {{setHeaders: {{x-weir-route: v2}}}}}}}}\n{wasm}"
        )
    };
    assert_eq!(refused(&extension("")), [""; 0]);
    assert_eq!(
        refused(&extension("    phase: AUTHN\n")),
        [
            "9:5: spec.wasm.phase: unknown field `phase` (known: failStrategy, imagePullPolicy, imagePullSecret, pluginConfig, pluginName, …)"
        ]
    );
    assert_eq!(
        refused(&extension("  lua: {inlineCode: x}\n")),
        ["4:1: spec: needs exactly one of wasm, lua"]
    );
    let policy = |code: &str, rest: &str| {
        format!(
            "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyExtensionPolicy\nmetadata: {{name: weir}}\nspec:\n{rest}  wasm:\n  - code: {code}\n    \
             config: {{routing: {{default: {{setHeaders: {{x-weir-route: v2}}}}}}}}\n"
        )
    };
    let target = "  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}]\n";
    let code = format!("{{type: Image, image: {{url: registry.example.com/weir, sha256: \"{DIGEST}\"}}}}");
    assert_eq!(refused(&policy(&code, target)), [""; 0]);
    assert_eq!(
        refused(&policy(&code, "")),
        ["4:1: spec: needs `targetRefs`, or `targetSelectors`: what the policy is for"]
    );
    assert_eq!(refused(&policy(&code.replacen("Image", "HTTP", 1), target)).len(), 1);
    // The word, and the member that it does not fit.
    assert_eq!(refused(&policy(&code.replacen("Image", "ConfigMap", 1), target)).len(), 2);
    let service = target.replace("HTTPRoute", "Service");
    assert_eq!(refused(&policy(&code, &service)).len(), 1);
}

#[test]
fn envoys_messages_in_both_spellings() {
    let filter = |config: &str| {
        format!(
            "typed_config:\n  \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n  config:\n{config}    configuration:\n      \
             \"@type\": type.googleapis.com/google.protobuf.Struct\n      value: {{routing: {{default: {{setHeaders: {{x-weir-route: v2}}}}}}}}\n"
        )
    };
    let vm = "    vm_config: {code: {local: {filename: weir.wasm}}}\n";
    for (config, expected) in [
        (vm.to_owned(), vec![]),
        ("    vmConfig: {vmId: a, code: {local: {filename: weir.wasm}}}\n    rootId: weir\n    failurePolicy: 2\n".to_owned(), vec![]),
        (format!("{vm}    rootid: weir\n"), vec!["5:5: config.rootid: unknown field `rootid`, did you mean `root_id`?"]),
        (format!("{vm}    root_id: a\n    rootId: b\n"), vec!["6:5: config.rootId: `root_id` is there twice, in its two spellings"]),
        (format!("{vm}    failure_policy: FAIL_CLOSE\n"), vec!["5:5: config.failure_policy: unknown value \"FAIL_CLOSE\", did you mean `FAIL_CLOSED`?"]),
        (vm.replace("vm_config", "vm_confg"), vec!["4:5: config.vm_confg: unknown field `vm_confg`, did you mean `vm_config`?"]),
        (vm.replace("local", "locl"), vec!["4:24: config.vm_config.code.locl: unknown field `locl`, did you mean `local`?"]),
    ] {
        assert_eq!(refused(&filter(&config)), expected, "{config}");
    }
}
