//! The target in a cluster, with a server that refuses, is away, or is changed by something else at the worst time.

use super::cluster::{Fake, SPEC, configuration};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _};
use std::time::{Duration, Instant};

#[test]
fn a_resource_is_released_step_by_step() {
    let fake = Fake::new(SPEC);
    assert!(fake.say("status").err.contains("WasmPlugin shop/weir: no rollout of it has begun"));
    let run = fake.step(&["--dry-run"]);
    assert!(
        run.code == 3 && run.out.contains("would write step 1 (coverage 10 %) into WasmPlugin shop/weir")
    );
    assert!(!fake.has_state() && fake.stored.lock().unwrap().patches == 0, "nothing is written");
    let run = fake.step(&[]);
    assert!(run.code == 3 && run.out.contains("started: the rollout begins: 3 steps"), "{run:?}");
    let first = fake.configuration();
    assert_eq!(first["experiments"]["list"][0]["variants"][1]["ranges"], json!([[0.049751, 0.1]]));
    let status = fake.stored.lock().unwrap().plugin["metadata"]["annotations"]["weir/rollout-status"].clone();
    assert_eq!(status, "1/3: step 1 (coverage 10 %) is being written");
    assert_eq!(fake.until("completed").code, 0);
    assert_ne!(fake.configuration(), first);
    let stored = fake.stored.lock().unwrap();
    let reasons: Vec<&str> = stored.events.iter().map(|event| event["reason"].as_str().unwrap()).collect();
    let (running, advancing) = ("RolloutRunning", "RolloutAdvancing");
    assert_eq!(
        reasons,
        ["RolloutStarted", running, advancing, running, advancing, running, "RolloutCompleted"],
        "each once"
    );
    assert_eq!(stored.events[0]["regarding"]["uid"], "1-2-3");
    assert_eq!(stored.plugin["spec"]["url"], "oci://registry.example.com/weir", "all else stays");
}

#[test]
fn a_failure_puts_back_the_configuration() {
    let fake = Fake::new(SPEC);
    fake.until("watching");
    fake.change(|plugin| plugin["metadata"]["labels"] = json!({"team": "shop"}));
    fake.house.said.lock().unwrap().health = Some(2.0);
    assert_eq!(fake.step(&[]).code, 1);
    assert_eq!(fake.configuration().to_string(), configuration().to_string());
    assert_eq!(fake.until("rolledBack").code, 1);
    let stored = fake.stored.lock().unwrap();
    let last = stored.events.iter().rev().take(2).map(|event| (&event["reason"], &event["type"]));
    let (back, backing, warning) = (json!("RolledBack"), json!("RollingBack"), json!("Warning"));
    assert_eq!(last.collect::<Vec<_>>(), [(&back, &warning), (&backing, &warning)]);
    assert_eq!(stored.plugin["metadata"]["labels"]["team"], "shop");
}

fn foreign(plugin: &mut Value) {
    plugin["spec"]["pluginConfig"]["routing"]["rules"][0]["name"] = json!("version-2");
}

fn label(plugin: &mut Value) {
    plugin["metadata"]["labels"] = json!({"team": "shop"});
    plugin["status"] = json!({"observedGeneration": 7});
}

/// The request names the version that was read: what comes between is seen, and stays.
#[test]
fn what_is_changed_in_the_moment_of_a_write_is_not_overwritten() {
    for health in [0.0, 2.0] {
        let fake = Fake::new(SPEC);
        fake.until("watching");
        let mut expected = fake.configuration();
        fake.house.said.lock().unwrap().health = Some(health);
        fake.stored.lock().unwrap().before_patch = Some(foreign);
        let run = fake.step(&[]);
        assert_eq!(run.code, 4, "{run:?}");
        assert!(
            run.out.contains("the target was changed by something else, and is not overwritten"),
            "{run:?}"
        );
        expected["routing"]["rules"][0]["name"] = json!("version-2");
        assert_eq!(fake.configuration(), expected);
        assert_eq!(fake.step(&[]).code, 4, "it stays so");
        assert_eq!(fake.say("abort").code, i32::from(health > 1.0) * 2, "not even then");
        assert_eq!(fake.configuration(), expected);
        // As soon as it is ours again, it is rolled back.
        fake.change(|plugin| plugin["spec"]["pluginConfig"]["routing"]["rules"][0]["name"] = json!("v2"));
        fake.step(&[]);
        assert_eq!(fake.configuration(), configuration());
    }
}

#[test]
fn labels_and_status_of_others_are_no_foreign_edit() {
    let fake = Fake::new(SPEC);
    fake.until("watching");
    fake.stored.lock().unwrap().before_patch = Some(label);
    let run = fake.step(&[]);
    assert!(run.code == 3 && run.out.contains("step 2/3 advancing"), "{run:?}");
    assert_eq!(fake.stored.lock().unwrap().plugin["metadata"]["labels"]["team"], "shop");
    // Its order and the form of its numbers say nothing.
    fake.change(|plugin| {
        let list = &mut plugin["spec"]["pluginConfig"]["experiments"]["list"][0];
        let variants = list["variants"].take();
        list.as_object_mut().unwrap().remove("variants");
        list["variants"] = variants;
    });
    assert_eq!(fake.until("completed").code, 0);
}

/// Every refusal holds: nothing is lost, nothing is rolled back, and the next evaluation goes on.
#[test]
fn refusals_hold() {
    for (method, code, exit) in [
        ("GET", 401, 3),
        ("GET", 403, 2),
        ("GET", 404, 2),
        ("GET", 429, 3),
        ("GET", 500, 3),
        ("GET", 503, 3),
        ("PATCH", 401, 3),
        ("PATCH", 403, 2),
        ("PATCH", 404, 2),
        ("PATCH", 422, 2),
        ("PATCH", 429, 3),
        ("PATCH", 500, 3),
        ("PATCH", 504, 3),
    ] {
        let fake = Fake::new(SPEC);
        fake.until("watching");
        let (before, state) = (fake.configuration(), fake.status()["phase"].clone());
        fake.refuse(method, code, usize::MAX);
        for _ in 0..2 {
            let run = fake.step(&[]);
            assert_eq!(run.code, exit, "{method} {code}: {run:?}");
            assert!(run.err.contains(&format!("status {code} of the API server")), "{run:?}");
            assert!(run.err.contains("WasmPlugin shop/weir"), "{run:?}");
            assert!(!run.err.contains("secret"), "{run:?}");
        }
        if method == "GET" {
            let run = fake.say("status");
            assert!(run.code == exit && run.err.contains(&format!("status {code}")), "{run:?}");
        }
        assert_eq!(fake.configuration(), before, "{method} {code}");
        fake.refuse(method, code, 0);
        assert_eq!(fake.status()["phase"], state, "{method} {code}");
        assert_eq!(fake.until("completed").code, 0, "{method} {code}");
    }
}

#[test]
fn conflicts_without_end_hold() {
    let fake = Fake::new(SPEC);
    fake.until("watching");
    let before = fake.configuration();
    fake.refuse("PATCH", 409, usize::MAX);
    let run = fake.step(&[]);
    assert!(run.code == 3 && run.err.contains("something else is always quicker"), "{run:?}");
    assert_eq!(fake.configuration(), before);
    fake.refuse("PATCH", 409, 3);
    assert!(fake.step(&[]).out.contains("step 2/3 advancing"));
}

/// The write was carried out, and nobody knows: the next evaluation reads it.
#[test]
fn an_answer_that_is_lost_loses_nothing() {
    for health in [0.0, 2.0] {
        let fake = Fake::new(SPEC);
        fake.until("watching");
        fake.house.said.lock().unwrap().health = Some(health);
        fake.stored.lock().unwrap().lose_answer = true;
        assert_eq!(fake.step(&[]).code, 3);
        let (phase, exit) = if health > 1.0 { ("rolledBack", 1) } else { ("completed", 0) };
        assert_eq!(fake.until(phase).code, exit);
        let stored = fake.stored.lock().unwrap();
        let started = stored.events.iter().filter(|event| event["reason"] == "RolloutStarted").count();
        assert_eq!(started, 1);
    }
}

/// A policy of the cluster does not admit the configuration: that it failed is stored nevertheless.
#[test]
fn a_rollback_that_is_not_admitted_is_not_forgotten() {
    let fake = Fake::new(SPEC);
    fake.until("watching");
    let before = fake.configuration();
    fake.house.said.lock().unwrap().health = Some(2.0);
    fake.stored.lock().unwrap().refuse_configuration = Some(422);
    let run = fake.step(&[]);
    assert!(run.code == 2 && run.err.contains("status 422"), "{run:?}");
    assert!(run.out.contains("rolling back: the gate query failed: 2 is above 1"), "{run:?}");
    assert_eq!((fake.configuration(), &fake.status()["phase"]["phase"]), (before, &json!("restoring")));
    // Although the gate passes again meanwhile.
    fake.house.said.lock().unwrap().health = Some(0.0);
    fake.stored.lock().unwrap().refuse_configuration = None;
    assert_eq!(fake.step(&[]).code, 1);
    assert_eq!(fake.configuration(), configuration());
    // A person's command too.
    let fake = Fake::new(SPEC);
    fake.until("watching");
    fake.stored.lock().unwrap().refuse_configuration = Some(422);
    let run = fake.say("abort");
    assert!(run.code == 2 && run.err.contains("status 422"), "{run:?}");
    assert!(run.out.contains("rolling back: it was aborted"), "{run:?}");
    // And a program that goes on prints it before it tries again.
    let fake = Fake::new(&SPEC.replace("- {coverage: 10%}", "- {coverage: 10%, hold: 1h}"));
    let child = fake.run(&[]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !fake.say("status").out.contains("is watched") {
        assert!(Instant::now() < deadline);
    }
    fake.stored.lock().unwrap().refuse_configuration = Some(422);
    fake.house.said.lock().unwrap().health = Some(2.0);
    while !fake.say("status").out.contains("rolling back: the gate") {
        assert!(Instant::now() < deadline);
    }
    fake.stored.lock().unwrap().refuse_configuration = None;
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out} {err}");
    assert!(out.matches("rolling back: the gate").count() == 1 && err.contains("status 422"), "{out} {err}");
}

/// A Git tool whose manifest has an old state puts back the configuration and the state: nothing but what this program
/// remembers shows that.
#[test]
fn a_state_that_goes_back_holds() {
    let fake = Fake::new(&SPEC.replace("- {coverage: 50%}", "- {coverage: 50%, approval: true}"));
    fake.step(&[]);
    let old = fake.stored.lock().unwrap().plugin.clone();
    let mut child = fake.run(&[]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while fake.say("status").code != 4 {
        assert!(Instant::now() < deadline);
    }
    let newest = fake.stored.lock().unwrap().plugin.clone();
    fake.change(|plugin| *plugin = old.clone());
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = err.next().unwrap().unwrap();
    assert!(said.contains("its state is an older one (revision 1) than it was"), "{said}");
    std::thread::sleep(Duration::from_millis(500));
    {
        let stored = fake.stored.lock().unwrap();
        assert_eq!(stored.plugin["spec"], old["spec"]);
        assert_eq!(
            stored.plugin["metadata"]["annotations"], old["metadata"]["annotations"],
            "nothing is done"
        );
    }
    assert!(child.try_wait().unwrap().is_none());
    // What is said again and again must not fill the pipe.
    std::thread::spawn(move || err.map_while(Result::ok).for_each(drop));
    fake.change(|plugin| *plugin = newest);
    assert_eq!(fake.say("approve").code, 0);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A Role that is applied again, a webhook of the cluster: a permission may be away for a moment, also that of the Lease.
#[test]
fn a_lease_that_is_refused_for_a_while_ends_nothing() {
    let fake = Fake::new(&SPEC.replace("- {coverage: 50%}", "- {coverage: 50%, approval: true}"));
    let mut child = fake.run(&[]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while fake.say("status").code != 4 {
        assert!(Instant::now() < deadline);
    }
    fake.refuse("PUT", 403, usize::MAX);
    // An older renewal holds for ten seconds.
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = err.next().unwrap().unwrap();
    assert!(said.contains("Lease weir-rollout-wasmplugin-weir: status 403"), "{said}");
    assert_eq!(fake.say("approve").code, 0);
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    assert_eq!(fake.status()["phase"]["phase"], "waiting", "without the Lease nothing is done");
    fake.refuse("PUT", 403, 0);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(err.next().unwrap().unwrap().contains("this program has the Lease"));
    // What never worked is a mistake.
    let fake = Fake::new(SPEC);
    fake.refuse("POST", 403, usize::MAX);
    let output = fake.run(&[]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// Prometheus is asked between two looks at the resource: what was edited meanwhile is what a rollback puts back.
#[test]
fn an_edit_while_it_begins_is_part_of_what_was_there_before() {
    let fake = Fake::new(SPEC);
    fake.stored.lock().unwrap().before_get = Some((1, foreign));
    let run = fake.step(&[]);
    assert!(run.code == 3 && run.out.contains("started: "), "{run:?}");
    assert_eq!(fake.stored.lock().unwrap().events.len(), 1, "it begins once");
    assert_eq!(fake.say("abort").code, 0);
    let mut expected = configuration();
    expected["routing"]["rules"][0]["name"] = json!("version-2");
    assert_eq!(fake.configuration(), expected);
}

#[test]
fn a_connection_that_is_not_verified_is_said() {
    let fake = Fake::new(SPEC);
    assert!(!fake.step(&["--dry-run"]).err.contains("insecure-skip-tls-verify"));
    let kubeconfig = std::fs::read_to_string(&fake.kubeconfig).unwrap();
    let mut kubeconfig: Value = serde_json::from_str(&kubeconfig).unwrap();
    kubeconfig["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = json!(true);
    std::fs::write(&fake.kubeconfig, kubeconfig.to_string()).unwrap();
    let run = fake.step(&["--dry-run"]);
    assert!(run.code == 3 && run.err.contains("insecure-skip-tls-verify"), "{run:?}");
    kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"] = json!("YQ==");
    std::fs::write(&fake.kubeconfig, kubeconfig.to_string()).unwrap();
    let run = fake.step(&["--dry-run"]);
    assert!(run.code == 2 && run.err.contains("remove one of the two"), "{run:?}");
}

#[test]
fn without_a_server_it_holds_and_goes_on() {
    let fake = Fake::new(&SPEC.replace("- {coverage: 10%}", "- {coverage: 10%, hold: 1s}"));
    // Away at the start.
    fake.refuse("GET", 503, usize::MAX);
    let mut child = fake.run(&[]);
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    fake.refuse("GET", 503, 0);
    let deadline = Instant::now() + Duration::from_secs(60);
    while fake.say("status").code != 3 {
        assert!(Instant::now() < deadline);
    }
    // Away in the middle.
    fake.refuse("PATCH", 500, 20);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("status 503") && said.contains("status 500"), "{said}");
}

/// Of three programs one runs; when it is killed another one takes over, and the events are each there once.
#[test]
fn one_of_several_controllers_runs() {
    let fake = Fake::new(&SPEC.replace("- {coverage: 10%}", "- {coverage: 10%, hold: 3s}"));
    let mut children: Vec<_> = (0..3).map(|_| fake.run(&[])).collect();
    let codes: Vec<_> = children.iter_mut().map(|child| child.wait().unwrap().code()).collect();
    assert_eq!(codes, [Some(0); 3]);
    let lines: Vec<usize> = children
        .iter_mut()
        .map(|child| {
            let mut out = String::new();
            child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
            out.lines().filter(|line| line.contains("advancing: ")).count()
        })
        .collect();
    // The others show the rollout that is over.
    let mut said = String::new();
    for child in &mut children {
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    }
    assert!(said.contains("has the Lease: waiting"), "{lines:?} {said}");
    let stored = fake.stored.lock().unwrap();
    assert_eq!(stored.events.len(), 7, "{:?}", stored.events);
    assert_eq!(stored.lease["spec"]["holderIdentity"], "", "it is given away");
    // One that starts late finds a rollout that is over, and needs no Lease.
    let transitions = stored.lease["spec"]["leaseTransitions"].as_u64();
    assert!(transitions.is_some_and(|number| number <= 2), "each had it once at most: {transitions:?}");
}

/// A Deployment stays, goes on with what it began, and then begins what its ConfigMap says now.
#[test]
fn it_stays_for_the_next_specification() {
    let spec = SPEC.replace("- {coverage: 10%}", "- {coverage: 10%, hold: 1h}");
    let fake = Fake::new(&spec);
    let mut child = fake.run(&["--stay"]);
    let deadline = Instant::now() + Duration::from_secs(60);
    let until = |what: &dyn Fn() -> bool| {
        while !what() {
            assert!(Instant::now() < deadline, "{}", fake.status());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let phase = |name: &str| {
        fake.weir(&["rollout", "status", &fake.house.spec(), "--output", "json"]).out.contains(name)
    };
    until(&|| phase("\"watching\""));
    child.kill().unwrap();
    child.wait().unwrap();
    // The ConfigMap changes while nothing runs: the rollout that is under way is the old one's.
    let next = SPEC.replace("{check: query, query: health, max: 1}", "{check: query, query: health, max: 3}");
    fake.house.folder.write("rollout.yaml", &next);
    fake.house.said.lock().unwrap().health = Some(2.0);
    fake.stored.lock().unwrap().lease["spec"]["holderIdentity"] = json!("");
    let mut child = fake.run(&["--stay"]);
    until(&|| fake.stored.lock().unwrap().events.iter().any(|event| event["reason"] == "RolledBack"));
    until(&|| phase("\"completed\""));
    assert!(child.try_wait().unwrap().is_none(), "it stays");
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn what_cannot_work_in_a_cluster_is_refused() {
    for (from, to, message) in [
        ("experiment: shop", "experiment: shp", "unknown experiment shp"),
        ("kind: WasmPlugin", "kind: WasmPlugins", "unknown word `WasmPlugins`, did you mean `WasmPlugin`?"),
        ("name: weir", "name: We/ir", "invalid name"),
        ("name: weir", "wasm: weir", "target.kubernetes.name: missing"),
        ("{kubernetes:", "{file: a, kubernetes:", "expected either `file` or `kubernetes`"),
    ] {
        let fake = Fake::new(&SPEC.replace(from, to));
        let run = fake.step(&[]);
        assert!(run.code == 2 && run.err.contains(message), "{message}: {run:?}");
        assert!(!fake.has_state());
    }
    let fake = Fake::new(SPEC);
    let run = fake.step(&["--context", "other"]);
    assert!(run.code == 2 && run.err.contains("Kubernetes: ") && run.err.contains("other"), "{run:?}");
    // Too large for an annotation, and known before anything is written.
    fake.change(|plugin| {
        let mut random = fastrand::Rng::with_seed(7);
        let mut rule = |at: usize| {
            let noise: String = (0..200).map(|_| random.alphanumeric()).collect();
            let prefix = format!("/{noise}");
            json!({"name": format!("r{at}"), "match": {"uri": {"prefix": prefix}}, "setHeaders": {"x-a": "1"}})
        };
        plugin["spec"]["pluginConfig"]["routing"]["rules"] = (0..1000).map(&mut rule).collect();
    });
    let run = fake.step(&[]);
    assert!(run.code == 2 && run.err.contains("the state of the rollout does not fit"), "{run:?}");
    assert!(!fake.has_state());
    fake.change(|plugin| {
        plugin["spec"]["pluginConfig"] = configuration();
        plugin["metadata"]["annotations"] = json!({"weir/rollout": "something"});
    });
    let run = fake.step(&[]);
    assert!(
        run.code == 2 && run.err.contains("it is the state of a rollout, and written by weir only"),
        "{run:?}"
    );
}
