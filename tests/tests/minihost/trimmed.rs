//! Modules that `weir trim` has taken callbacks from: they refuse what needs them. That they serve all others is what every
//! case file shows (`tests/src/driver/minihost.rs`).

use weir_core::Callbacks;
use weir_tests::driver::minihost::Modules;
use weir_tests::minihost::{ConfigureError, Options};

const HEADERS: &str = "proxy_on_response_headers";
const BODY: &str = "proxy_on_response_body proxy_on_response_trailers";
const LOG: &str = "proxy_on_log";

/// A configuration, and what it needs.
const NEED: [(&str, &[&str]); 16] = [
    (r#"{"routing": {"default": {"cluster": "a"}}}"#, &[]),
    (r#"{"routing": {"default": {"cluster": "a"}, "response": {"debugHeader": "x-rule"}}}"#, &[HEADERS]),
    (r#"{"routing": {"default": {"cluster": "a"}, "response": {"vary": true}}}"#, &[HEADERS]),
    (
        r#"{"routing": {"rules": [{"name": "r", "split": {"mintCookie": {"name": "id"}, "targets": [
            {"name": "a", "weight": 1}, {"name": "b", "weight": 1}]}}]}}"#,
        &[HEADERS],
    ),
    (r#"{"experiments": {"unit": "header:x-user", "list": [LIST]}}"#, &[]),
    (r#"{"experiments": {"mintCookie": {"name": "id"}, "list": [LIST]}}"#, &[HEADERS]),
    (
        r#"{"experiments": {"unit": "header:x-user", "list": [LIST], "output": {"responseHeader": "x-e"}}}"#,
        &[HEADERS],
    ),
    (
        r#"{"experiments": {"unit": "header:x-user", "list": [LIST], "output": {"responseCookie": {"name": "e"}}}}"#,
        &[HEADERS],
    ),
    (
        r#"{"experiments": {"unit": "header:x-user", "list": [LIST],
            "overrides": {"header": "x-o", "responseHeader": "x-p", "secret": {"value": "only for tests, and long"}}}}"#,
        &[HEADERS],
    ),
    (r#"{"faults": [{"abort": {"httpStatus": 503, "percentage": "10%"}}]}"#, &[]),
    (r#"{"faults": [{"responseRateLimit": {"limitKbps": 8, "percentage": "10%"}}]}"#, &[HEADERS, BODY]),
    (r#"{"faults": [{"response": {"status": 500, "percentage": "10%"}}]}"#, &[HEADERS, BODY]),
    (r#"{"metrics": {"list": [{"name": "hits_total", "when": "request"}]}}"#, &[]),
    (r#"{"metrics": {"list": [{"name": "hits_total"}]}}"#, &[LOG]),
    (r#"{"metrics": {"red": {}}}"#, &[LOG]),
    (r#"{"metrics": {"accessLog": {}}}"#, &[LOG]),
];

const LIST: &str = r#"{"key": "e", "variants": [{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]}"#;

#[test]
fn what_was_trimmed_off_is_refused_by_name() {
    let modules = Modules::default();
    let refusal = |trimmed: Callbacks, configuration: &str| {
        let vm = modules.trimmed("weir", trimmed).unwrap().start(&Options::default()).unwrap();
        match vm.configure(configuration) {
            Ok(_) => None,
            Err(ConfigureError::Refused(log)) => {
                Some(log.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
            }
            Err(ConfigureError::Trap(trap)) => panic!("{trap}"),
        }
    };
    for (configuration, needed) in NEED {
        let configuration = configuration.replace("LIST", LIST);
        assert_eq!(refusal(Callbacks::ALL, &configuration), None, "{configuration}");
        let refused = refusal(Callbacks::NONE, &configuration);
        if needed.is_empty() {
            assert_eq!(refused, None, "{configuration}");
            continue;
        }
        let log = refused.unwrap_or_else(|| panic!("accepted: {configuration}"));
        let expected =
            format!("was trimmed (`weir trim`) of what this configuration needs: {}", needed.join(" "));
        assert!(log.contains(&format!("{expected}\n")) || log.ends_with(&expected), "{configuration}: {log}");
    }
    let red = r#"{"metrics": {"red": {}}}"#;
    assert_eq!(refusal(Callbacks::LOG, red), None);
    assert!(refusal(Callbacks::RESPONSE_HEADERS.with(Callbacks::RESPONSE_BODY), red).is_some());
}
