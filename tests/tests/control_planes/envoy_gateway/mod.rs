//! Envoy Gateway: what docs/install-envoy-gateway.md says.

mod plane;

use std::collections::BTreeMap;

use plane::{ADMIN, Plane};
use serde_json::{Value, json};
use weir_tests::client::Request;

use super::shop::{USERS, counts};
use super::{eventually, weir, weir_status};

const REJECTED: &str = "listener_manager.lds.update_rejected";
/// What no module takes.
const MISTAKE: &str = "/spec/wasm/0/config/routing/rules/0/split/targets/0/weight";

fn as_shipped(_: &mut Value) {}

/// Both forms of an address are good.
fn with_scheme(policy: &mut Value) {
    let url = policy.pointer_mut("/spec/wasm/0/code/image/url").unwrap();
    *url = json!(format!("oci://{}", url.as_str().unwrap()));
}

fn all(answer: &str) -> BTreeMap<&str, usize> {
    BTreeMap::from([(answer, USERS)])
}

/// All users get this.
fn everybody_gets(plane: &Plane, answer: &str) {
    let seen = || plane.door.answers(&[]);
    eventually(
        &format!("everybody gets {answer}"),
        || format!("{:?}\n{}", counts(&seen()), plane.logs()),
        || counts(&seen()) == all(answer),
    );
}

#[test]
fn users_are_split_and_an_edit_arrives() {
    let mut plane = Plane::start(as_shipped);
    let policy = plane.policy();
    plane.door.becomes("the policy is effective", &policy, || plane.logs());
    plane.door.is_split_as(&policy);
    assert_eq!(plane.accepted(), ("True".to_owned(), "Policy has been accepted.".to_owned()));
    assert!(plane.fetched() > 0, "the image did not come from the registry");
    let visitor = plane.door.send(Request::get("/")).unwrap();
    let cookie = String::from_utf8_lossy(visitor.header("set-cookie").unwrap_or_default()).into_owned();
    assert!(cookie.starts_with("weir-id="), "{cookie:?}");
    plane.patch_weight(10);
    let edited = plane.policy();
    plane.door.becomes("an edit arrives", &edited, || plane.logs());
    plane.door.is_split_as(&edited);
    let (state, said, code) = weir_status(&edited, ADMIN);
    assert_eq!((state.as_str(), code), ("runs", Some(0)), "{said}");
    let minor = plane.start_deployed_proxy();
    plane.door.becomes(&format!("a new proxy with Envoy {minor}"), &edited, || plane.logs());
    let (_, said, _) = weir_status(&edited, ADMIN);
    assert!(said.contains(&format!("/{minor}.")), "{said}");
}

/// The status of the policy stays as it was, and the proxy takes no other change of its listener.
#[test]
fn a_refused_configuration_stops_all_changes_of_the_listener() {
    let plane = Plane::start(with_scheme);
    assert!(plane.fetched() > 0, "the image did not come from the registry");
    let before = plane.policy();
    plane.door.becomes("the policy is effective", &before, || plane.logs());
    // A name with an underscore, which Envoy Gateway has proxies refuse unless a policy allows it.
    let underscore = || plane.door.answer(Request::get("/").header("x-user-id", "user-0").header("a_b", "1"));
    assert_eq!(underscore(), "400");
    for fail_open in [true, false] {
        let rejected = plane.stat(REJECTED);
        plane.patch(
            "envoyextensionpolicy",
            "weir",
            &json!([{"op": "replace", "path": MISTAKE, "value": -1},
                {"op": "replace", "path": "/spec/wasm/0/failOpen", "value": fail_open}]),
        );
        eventually("the proxy rejects it", || plane.logs(), || plane.stat(REJECTED) > rejected);
        assert_eq!(plane.accepted(), ("True".to_owned(), "Policy has been accepted.".to_owned()));
        plane.door.is_split_as(&before);
    }
    for said in ["targets[0].weight", "Listener rejected"] {
        assert!(plane.proxy_log().contains(said), "{said}\n{}", plane.logs());
    }
    let rejected = plane.stat(REJECTED);
    plane.allow_underscores();
    eventually("the proxy rejects the other change", || plane.logs(), || plane.stat(REJECTED) > rejected);
    assert_eq!(underscore(), "400", "another change of the listener arrived");
    // Routes are not a part of it.
    plane.patch(
        "httproute",
        "web",
        &json!([{"op": "add", "path": "/spec/rules/-", "value": {
        "matches": [{"path": {"type": "Exact", "value": "/new"}}],
        "backendRefs": [{"name": "web-canary", "port": 80}]}}]),
    );
    let new = || plane.door.answer(Request::get("/new").header("x-user-id", "user-0"));
    eventually("a change of the routes arrives", || plane.logs(), || new() == "canary");
    plane.door.is_split_as(&before);

    let (state, said, code) = weir_status(&before, ADMIN);
    assert_eq!((state.as_str(), code), ("refuses", Some(1)), "{said}");
    assert_eq!(said.matches("listener shop/shop/http: an update was rejected").count(), 1, "{said}");
    let checked = weir("check", &plane.policy(), &[]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains("targets[0].weight"), "{said}");

    plane.patch_weight(30);
    let after = plane.policy();
    plane.door.becomes("the corrected policy arrives", &after, || plane.logs());
    eventually("the other change arrives", || plane.logs(), || underscore() == "stable");
    let (state, said, code) = weir_status(&after, ADMIN);
    assert_eq!((state.as_str(), code), ("runs", Some(0)), "{said}");
}

#[test]
fn a_new_proxy_has_no_older_configuration_to_keep() {
    let with = |fail_open: bool| {
        move |policy: &mut Value| {
            *policy.pointer_mut(MISTAKE).unwrap() = json!(-1);
            *policy.pointer_mut("/spec/wasm/0/failOpen").unwrap() = json!(fail_open);
        }
    };
    let mut plane = Plane::start(with(true));
    let mut good = plane.policy();
    *good.pointer_mut(MISTAKE).unwrap() = json!(90);
    everybody_gets(&plane, "stable");
    assert_eq!(plane.accepted(), ("True".to_owned(), "Policy has been accepted.".to_owned()));
    let (state, said, code) = weir_status(&good, ADMIN);
    assert_eq!((state.as_str(), code), ("nothing", Some(1)), "{said}");
    plane.apply_policy(with(false));
    drop(plane.policy());
    plane.start_proxy();
    everybody_gets(&plane, "503");
    assert_eq!(plane.accepted(), ("True".to_owned(), "Policy has been accepted.".to_owned()));
    assert!(plane.proxy_log().contains("targets[0].weight"), "{}", plane.logs());
}

#[test]
fn an_image_with_another_digest_is_in_the_status() {
    let mut plane = Plane::start(as_shipped);
    let policy = plane.policy();
    plane.door.becomes("the policy is effective", &policy, || plane.logs());
    let replace = |path: &str, value: Value| {
        let patch = json!([{"op": "replace", "path": path, "value": value}]);
        plane.patch("envoyextensionpolicy", "weir", &patch);
        plane.accepted()
    };
    let (status, message) = replace("/spec/wasm/0/code/image/sha256", json!("1".repeat(64)));
    assert_eq!(status, "False", "{message}");
    assert!(message.contains("has checksum") && message.contains("which does not match"), "{message}");
    everybody_gets(&plane, "stable");
    let (status, message) = replace("/spec/wasm/0/failOpen", json!(false));
    assert_eq!(status, "False", "{message}");
    everybody_gets(&plane, "500");
    plane.start_proxy();
    everybody_gets(&plane, "500");
    plane.patch(
        "envoyextensionpolicy",
        "weir",
        &json!([{"op": "replace", "path": "/spec/wasm/0/failOpen", "value": true}]),
    );
    plane.start_proxy();
    everybody_gets(&plane, "stable");
}
