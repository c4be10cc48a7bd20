//! `weir rollout` with a real API server: the resource is the target, an annotation of it the state.

mod house;
mod permissions;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::kubernetes::Cluster;
use weir_tests::paths;

use house::{House, KINDS};

/// The three kinds alone: what else there is does not matter here.
fn definitions() -> Vec<PathBuf> {
    let vectors = paths::root().join("tests/vectors");
    let files = ["istio/wasmplugin", "istio/trafficextension", "envoy-gateway/envoyextensionpolicy"];
    files.iter().map(|file| vectors.join(format!("{file}-crd.yaml"))).collect()
}

/// A cluster for tests that do not stop it; nothing drops it, as in `main.rs`.
fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(&definitions()))
}

const GOOD: [&str; 7] = ["started", "running", "advancing", "running", "advancing", "running", "completed"];

#[test]
fn a_good_release_of_each_kind_goes_through() {
    for (kind, (_, pointer)) in KINDS.iter().enumerate() {
        let house = House::start(shared(), kind, &format!("good-{kind}"), "0s");
        let before = house.get();
        let mut running = house.run(&[]);
        running.until_said("advancing");
        // Somebody has to do with the resource, but not with its configuration.
        house.patch(&json!({"metadata": {"labels": {"team": "shop"}, "annotations": {"note": "ours"}}}));
        assert_eq!(running.end(), Some(0), "{}", running.said());
        assert_eq!(house.kinds(), GOOD);
        let after = house.get();
        assert_eq!(after["metadata"]["labels"]["team"], "shop");
        assert_eq!(after["metadata"]["annotations"]["note"], "ours");
        assert_eq!(after["metadata"]["annotations"]["weir/rollout-status"], "complete");
        let text = house.text();
        assert!(text.contains(r#""ranges":[[0,1]]"#), "{text}");
        // Nothing else is different.
        let mut rest = after.clone();
        *rest.pointer_mut(pointer).unwrap() = before.pointer(pointer).unwrap().clone();
        assert_eq!(rest["spec"], before["spec"]);
        let reasons = house.reasons();
        let steps =
            ["RolloutRunning", "RolloutAdvancing", "RolloutRunning", "RolloutAdvancing", "RolloutRunning"];
        assert_eq!(reasons, [&["RolloutStarted"][..], &steps, &["RolloutCompleted"]].concat());
        let described = shared().run(&["--namespace", &house.namespace, "describe", house.kind, "weir"]);
        assert!(described.contains("all proxies run step 3"), "{described}");
    }
}

#[test]
fn a_bad_release_gets_the_very_configuration_back() {
    for kind in 0..KINDS.len() {
        let house = House::start(shared(), kind, &format!("bad-{kind}"), "1h");
        let before = house.text();
        let mut running = house.run(&[]);
        running.until_said("running");
        assert_ne!(house.text(), before);
        house.health(2.0);
        let since = Instant::now();
        assert_eq!(running.end(), Some(1), "{}", running.said());
        println!("rolled back after {:?}", since.elapsed());
        assert_eq!(house.text(), before);
        assert!(house.reasons().ends_with(&["RollingBack".to_owned(), "RolledBack".to_owned()]));
    }
}

#[test]
fn a_foreign_edit_holds_and_stays() {
    let house = House::start(shared(), 0, "foreign", "1h");
    let before = house.text();
    let running = house.run(&[]);
    running.until_said("running");
    let ours = house.text();
    let rule = |name: &str| {
        let rule = json!({"name": name, "variant": {"shop": "v2"}, "setHeaders": {"x-weir-route": "v2"}});
        json!({"spec": {"pluginConfig": {"routing": {"rules": [rule]}}}})
    };
    house.patch(&rule("version-2"));
    let foreign = house.text();
    house.until("held", |status| status["held"] == "foreign");
    house.health(2.0);
    house.until("restoring", |status| status["phase"]["phase"] == "restoring");
    assert_eq!(house.text(), foreign, "not even for a rollback");
    assert_eq!(house.command(&["status"]).output().unwrap().status.code(), Some(4), "it needs a person");
    assert!(house.reasons().contains(&"RolloutHeld".to_owned()));
    house.patch(&rule("v2"));
    house.until("rolled back", |status| status["phase"]["phase"] == "rolledBack");
    assert_eq!(house.text(), before);
    assert_ne!(ours, before);
}

#[test]
fn people_command_through_the_resource() {
    let house = House::start(shared(), 0, "people", "1h");
    let before = house.text();
    let mut running = house.run(&[]);
    running.until_said("running");
    let say = |command: &str| house.command(&[command]).output().unwrap().status.code();
    assert_eq!(
        (say("pause"), say("pause"), say("resume"), say("approve")),
        (Some(0), Some(2), Some(0), Some(2))
    );
    assert_eq!(say("abort"), Some(0));
    assert_eq!(house.text(), before, "at once");
    assert_eq!(running.end(), Some(1));
    // Without the annotation there is no rollout.
    house.patch(&json!({"metadata": {"annotations": {"weir/rollout": null}}}));
    assert_eq!(say("status"), Some(2));
}

#[test]
fn of_two_controllers_one_runs_and_the_other_takes_over() {
    let house = House::start(shared(), 0, "two", "1h");
    let mut first = house.run(&[]);
    first.until_said("running");
    let second = house.run(&[]);
    second.until_said("has the Lease: waiting");
    // Somebody who evaluates besides does no harm.
    for _ in 0..3 {
        assert_eq!(house.step().status.code(), Some(3));
    }
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let since = Instant::now();
    house.health(2.0);
    house.until("rolled back", |status| status["phase"]["phase"] == "rolledBack");
    let took = since.elapsed();
    println!("taken over and rolled back {took:?} after the first was killed");
    assert!(took < Duration::from_secs(60), "{took:?}");
    let reasons = house.reasons();
    assert_eq!(reasons.iter().filter(|reason| *reason == "RollingBack").count(), 1, "{reasons:?}");
}

#[test]
fn killed_at_any_point_it_comes_to_the_same_end() {
    let mut all = 0;
    for (health, namespace) in [(0.0, "killed-good"), (2.0, "killed-bad")] {
        let house = House::start(shared(), 0, namespace, "0s");
        let before = house.text();
        let deadline = Instant::now() + Duration::from_mins(4);
        let (mut kills, mut exit) = (0, None);
        while exit.is_none() {
            assert!(Instant::now() < deadline, "{}", house.status());
            // `step` needs no Lease, so that every life can do something.
            let mut child = house.command(&["step", "--prometheus", house.prometheus()]).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(kills * 7 % 160));
            match child.try_wait().unwrap().map(|status| status.code()) {
                Some(Some(3)) => {}
                Some(code) if house.is_over() => exit = code,
                Some(_) => {}
                None => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                }
            }
            kills += 1;
            if house.status()["phase"]["step"].as_u64() >= Some(2) {
                house.health(health);
            }
        }
        let status = house.status();
        println!("{kills} starts, then {}", status["phase"]);
        match health {
            0.0 => {
                assert_eq!(exit, Some(0));
                assert_eq!(house.kinds(), GOOD);
            }
            _ => {
                assert_eq!(exit, Some(1));
                assert_eq!(house.text(), before);
            }
        }
        all += kills;
    }
    assert!(all >= 20, "{all}");
}

#[test]
fn a_server_that_is_killed_loses_nothing() {
    let cluster = Cluster::start(&definitions());
    let house = House::start(&cluster, 0, "away", "3s");
    let mut running = house.run(&[]);
    running.until_said("step 1/3 running");
    cluster.kill_server();
    running.until_said("no answer of the API server");
    assert!(running.child.try_wait().unwrap().is_none(), "it waits");
    let step = house.step();
    assert_eq!(step.status.code(), Some(3), "{}", String::from_utf8_lossy(&step.stderr));
    cluster.start_server();
    assert_eq!(running.end(), Some(0), "{}", running.said());
    assert_eq!(house.kinds(), GOOD, "each once");

    // The same with a release that fails meanwhile.
    let house = House::start(&cluster, 0, "away-bad", "1h");
    let before = house.text();
    let mut running = house.run(&[]);
    running.until_said("step 1/3 running");
    cluster.kill_server();
    house.health(2.0);
    running.until_said("no answer of the API server");
    cluster.start_server();
    assert_eq!(running.end(), Some(1), "{}", running.said());
    assert_eq!(house.text(), before);
}

/// Kubernetes' limit is for all annotations together: the state gives way where others take the room.
#[test]
fn annotations_of_others_may_take_the_room() {
    let house = House::start(shared(), 0, "room", "0s");
    assert_eq!(house.step().status.code(), Some(3));
    let annotations = house.get()["metadata"]["annotations"].clone();
    let size = |(key, value): (&String, &Value)| key.len() + value.as_str().unwrap().len();
    let taken: usize = annotations.as_object().unwrap().iter().map(size).sum();
    let filled = |size: usize| json!({"metadata": {"annotations": {"filler": "x".repeat(size)}}});
    let last = (256 << 10) - taken - "filler".len();
    house.patch(&filled(last));
    assert!(house.try_patch(&filled(last + 1)).contains("annotations"), "one byte more is too much");
    house.patch(&filled(last - 16));
    let mut running = house.run(&[]);
    assert_eq!(running.end(), Some(0), "{}", running.said());
    let kinds = house.kinds();
    assert!(kinds.len() < GOOD.len(), "events are forgotten first: {kinds:?}");
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}
