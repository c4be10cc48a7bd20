//! `weir rollout` with a server that answers as Prometheus does. The real Prometheus and the real Envoy are
//! `tests/tests/envoy`'s to show.

mod cluster;
mod house;
mod kubernetes;

use crate::support::{Folder, weir};
use house::{CONFIG, House, SPEC, Said};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn share(text: &str, unit: &str) -> String {
    let folder = Folder::new();
    let file = folder.write("weir.yaml", text);
    let run = weir(&["assign", &file, "--all", "--header", &format!("x-user-id:{unit}"), "--output", "json"]);
    run.json()["experiments"][0]["variant"].as_str().unwrap_or("-").to_owned()
}

#[test]
fn a_rollout_goes_step_by_step() {
    let house = House::new(SPEC);
    // Nothing happens before it is really meant.
    let run = house.step(&["--dry-run"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.out.contains("dry run: would write step 1 (coverage 10 %) into weir.yaml"), "{run:?}");
    assert_eq!(house.config(), CONFIG);
    assert!(!std::fs::exists(house.folder.path("weir.yaml.rollout.json")).unwrap());

    let run = house.step(&[]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.out.contains("started: the rollout begins: 3 steps"), "{run:?}");
    let first = house.config();
    assert!(first.contains("# The shop.") && first.contains("# nobody yet"), "comments stay: {first}");
    assert_ne!(first, CONFIG);
    let run = house.step(&[]);
    assert!(run.out.contains("step 1/3 running: all proxies run step 1"), "{run:?}");
    let run = house.step(&[]);
    assert!(run.out.contains("step 2/3 advancing: step 2 begins: coverage 50 %"), "{run:?}");
    let second = house.config();
    let run = house.until("completed");
    assert_eq!(run.code, 0, "{run:?}");
    let last = house.config();

    // The number that proxies report is that of the file.
    let hashes = house.status()["hashes"].clone();
    assert_eq!(hashes.as_array().unwrap().len(), 4);
    assert_eq!(weir(&["rollout", "hash", &house.folder.path("weir.yaml")]).out.trim(), hashes[3].to_string());
    // Who has the new version keeps it, and nobody has the old one in the end.
    let units: Vec<String> = (0..60).map(|unit| format!("user-{unit}")).collect();
    let mut new = 0;
    for unit in &units {
        let path: Vec<String> =
            [CONFIG, &first, &second, &last].iter().map(|text| share(text, unit)).collect();
        let since =
            path.iter().position(|variant| variant == "v2").unwrap_or_else(|| panic!("{unit} {path:?}"));
        assert!(path[since..].iter().all(|variant| variant == "v2"), "{unit} {path:?}");
        new += usize::from(path[2] == "v2");
        assert_eq!(path[0], "-");
    }
    assert!(new > 5 && new < 30, "{new}: a quarter of all");

    // It is over: nothing is done until a command begins it again.
    let run = house.step(&[]);
    assert!(run.code == 0 && run.out.contains("experiment shop in weir.yaml: complete"), "{run:?}");
    assert_eq!(house.config(), last);
    let run = house.step(&["--restart"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("changes nothing, or leads back"), "it is at the end already: {run:?}");
}

#[test]
fn a_failure_puts_back_the_very_bytes() {
    let house = House::new(SPEC);
    house.until("watching");
    house.said.lock().unwrap().health = Some(2.0);
    let run = house.step(&[]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.contains("rolling back: the gate query failed: 2 is above 1"), "{run:?}");
    assert_eq!(house.config(), CONFIG);
    // It is done when proxies say so.
    house.said.lock().unwrap().strangers = 1;
    for _ in 0..3 {
        let run = house.step(&["--output", "json"]);
        assert_eq!((run.code, &run.json()["phase"]["phase"]), (1, &json!("confirmingRestore")), "{run:?}");
    }
    house.said.lock().unwrap().strangers = 0;
    let run = house.step(&["--output", "json"]);
    assert_eq!((run.code, &run.json()["phase"]["phase"]), (1, &json!("rolledBack")), "{run:?}");
    assert_eq!(house.step(&[]).code, 1);
    // The next attempt begins with --restart, from what is there then.
    house.said.lock().unwrap().health = Some(0.0);
    let run = house.step(&["--restart"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert_eq!(house.until("completed").code, 0);
}

#[test]
fn what_is_not_known_holds() {
    for (what, change) in [
        ("no number", (|said: &mut Said| said.health = None) as fn(&mut Said)),
        ("no answer", |said| said.up = false),
        ("other proxies", |said| said.strangers = 1),
    ] {
        let house = House::new(SPEC);
        house.until("watching");
        let before = house.config();
        change(&mut house.said.lock().unwrap());
        for _ in 0..5 {
            let run = house.step(&["--output", "json"]);
            assert_eq!((run.code, &run.json()["phase"]["phase"]), (3, &json!("watching")), "{what}: {run:?}");
            let held = if what == "no answer" { json!("noData") } else { Value::Null };
            assert_eq!(run.json()["held"], held, "{what}");
            assert_eq!(run.err.contains("answered with status 503"), what == "no answer", "{run:?}");
        }
        assert_eq!(house.config(), before);
    }
}

#[test]
fn what_somebody_else_wrote_stays() {
    let house = House::new(SPEC);
    house.until("watching");
    let ours = house.config();
    let foreign = format!("{ours}# somebody was here\n");
    house.folder.write("weir.yaml", &foreign);
    for health in [0.0, 2.0] {
        house.said.lock().unwrap().health = Some(health);
        let run = house.step(&[]);
        assert_eq!(run.code, 4, "{run:?}");
        assert!(
            run.out.contains("the target was changed by something else, and is not overwritten"),
            "{run:?}"
        );
        assert_eq!(house.config(), foreign);
    }
    // The failure is remembered: as soon as the file is ours again, it is rolled back.
    house.folder.write("weir.yaml", &ours);
    assert_eq!(house.step(&[]).code, 1);
    assert_eq!(house.config(), CONFIG);
}

#[test]
fn people_approve_pause_and_abort() {
    let house = House::new(&SPEC.replace("- {coverage: 50%}", "- {coverage: 50%, approval: true}"));
    assert!(house.say("status").err.contains("no rollout of it has begun"));
    assert!(house.say("abort").err.contains("no rollout of it has begun"));
    let run = house.until("waiting");
    assert_eq!(run.code, 4, "{run:?}");
    assert!(house.say("status").out.contains("step 2 (coverage 50 %) waits for approval"));
    assert_eq!(house.say("resume").code, 2);
    assert_eq!(house.say("pause").code, 0);
    assert_eq!(house.say("approve").code, 0);
    assert_eq!(house.say("approve").code, 2);
    let run = house.step(&[]);
    assert!(run.code == 4 && run.out.contains("nothing goes on: it is paused"), "{run:?}");
    assert_eq!(house.say("resume").code, 0);
    house.until("watching");
    assert!(house.config() != CONFIG);
    // Without Prometheus, and although the specification has changed.
    house.folder.write("rollout.yaml", &SPEC.replace("5ms", "6ms"));
    let run = house.step(&[]);
    assert!(run.code == 2 && run.err.contains("it has changed since the rollout began"), "{run:?}");
    assert_eq!(house.say("pause").code, 2);
    let run = house.say("abort");
    assert!(run.code == 0 && run.out.contains("rolling back: it was aborted"), "{run:?}");
    assert_eq!(house.config(), CONFIG);
    house
        .folder
        .write("rollout.yaml", &SPEC.replace("- {coverage: 50%}", "- {coverage: 50%, approval: true}"));
    assert_eq!(house.until("rolledBack").code, 1);
    assert_eq!(house.say("abort").code, 2, "it is over");
}

#[test]
fn events_are_sent_until_they_are_taken() {
    let house = House::new(SPEC);
    let spec = format!("{SPEC}webhook: {}/hook\n", house.url());
    house.folder.write("rollout.yaml", &spec);
    house.said.lock().unwrap().takes = false;
    house.step(&[]);
    let run = house.step(&[]);
    assert!(run.code == 3 && run.err.contains("webhook: answered with status 500"), "{run:?}");
    assert_eq!(house.stored()["unsent"].as_array().unwrap().len(), 2);
    house.said.lock().unwrap().takes = true;
    house.until("completed");
    let said = house.said.lock().unwrap();
    let kinds: Vec<&str> = said.sent.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["started", "running", "advancing", "running", "advancing", "running", "completed"],
        "each once, in order"
    );
    assert_eq!((&said.sent[0]["target"], &said.sent[0]["steps"]), (&json!("weir.yaml"), &json!(3)));
}

/// `weir rollout run` in the background.
fn start(house: &House) -> std::process::Child {
    let url = house.url();
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["rollout", "run", &house.spec(), "--prometheus", &url, "--output", "json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_at_any_point_it_comes_to_the_same_end() {
    let steps: String =
        ["10", "20", "30", "50", "70", "90"].map(|part| format!("- {{coverage: {part}%}}\n")).concat();
    let spec = SPEC.replace("- {coverage: 10%}\n- {coverage: 50%}\n", &steps);
    for health in [0.0, 2.0] {
        let house = House::new(&spec);
        let begin = Instant::now();
        house.step(&["--dry-run"]);
        let takes = begin.elapsed();
        // An evaluation or two in the life of a program.
        house.folder.write("rollout.yaml", &spec.replace("5ms", &format!("{}ms", takes.as_millis().max(1))));
        let deadline = Instant::now() + Duration::from_secs(120);
        let (mut kills, mut exit) = (0, None);
        // From the first moment on, up to twice the time of an evaluation: it is killed while it starts, while it asks,
        // between storing and writing, and while it waits.
        while exit.is_none() {
            assert!(Instant::now() < deadline, "{}", house.status());
            let mut child = start(&house);
            let lives = takes * (kills * 7 % 20) / 10;
            std::thread::sleep(lives);
            match child.try_wait().unwrap() {
                Some(status) => exit = status.code(),
                None => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    kills += 1;
                }
            }
            if kills > 3 && house.state()["phase"]["step"].as_u64() >= Some(3) {
                house.said.lock().unwrap().health = Some(health);
            }
        }
        let phase = house.status()["phase"]["phase"].clone();
        println!("an evaluation takes {takes:?}; {kills} times killed, then {phase}");
        match health {
            0.0 => assert_eq!((exit, &phase), (Some(0), &json!("completed"))),
            _ => {
                assert_eq!((exit, &phase), (Some(1), &json!("rolledBack")));
                assert_eq!(house.config(), CONFIG);
            }
        }
        let mut left: Vec<String> = std::fs::read_dir(house.folder.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with(".weir-"))
            .collect();
        left.sort();
        assert_eq!(left, ["rollout.yaml", "weir.yaml", "weir.yaml.rollout.json", "weir.yaml.rollout.lock"]);
        assert!(kills >= 10, "{kills}");
    }
}

#[test]
fn several_controllers_take_turns() {
    let house = House::new(SPEC);
    let mut children: Vec<_> = (0..3).map(|_| start(&house)).collect();
    for child in &mut children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    let stored = house.stored();
    let kinds: Vec<&str> =
        stored["events"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["started", "running", "advancing", "running", "advancing", "running", "completed"]);
}

#[test]
fn a_signal_stops_it_and_the_next_start_goes_on() {
    let house = House::new(&SPEC.replace("- {coverage: 10%}", "- {coverage: 10%, hold: 1h}"));
    let mut child = start(&house);
    let deadline = Instant::now() + Duration::from_secs(60);
    let watching = || {
        let run = weir(&["rollout", "status", &house.spec(), "--output", "json"]);
        run.code == 3 && run.json()["phase"]["phase"] == "watching"
    };
    while !watching() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_written() {
    let config = |from: &str, to: &str| CONFIG.replace(from, to);
    let gates = |gates: &str| SPEC.replace("- {check: query, query: health, max: 1}", gates);
    for (spec, text, message) in [
        (
            SPEC.replace("coverage: 10%", "covrage: 10%"),
            CONFIG.to_owned(),
            "rollout.yaml:3:4: steps[0].covrage: unknown field `covrage`, did you mean `coverage`?",
        ),
        (SPEC.replace("experiment: shop", "experiment: shp"), CONFIG.to_owned(), "unknown experiment shp"),
        (
            SPEC.replace("v2: 100", "v3: 100"),
            CONFIG.to_owned(),
            "rollout.yaml:5:41: steps[2].weights.v3: unknown variant \"v3\"",
        ),
        (SPEC.replace("50%", "10%"), CONFIG.to_owned(), "steps[1]: coverage 10 %: changes nothing"),
        (gates("- {check: srm}"), CONFIG.to_owned(), "set experiments.assignmentCookie"),
        (gates("- {check: errors}"), CONFIG.to_owned(), "the gate `errors` needs requests by variant"),
        (gates("- {check: latency}"), CONFIG.to_owned(), "the gate `latency` needs durations"),
        (SPEC.to_owned(), config("key: stable,", "kee: stable,"), "weir.yaml:8:"),
        (SPEC.replace("file: weir.yaml", "file: absent.yaml"), CONFIG.to_owned(), "absent.yaml"),
        (String::new(), CONFIG.to_owned(), "rollout.yaml"),
        ("a: [".to_owned(), CONFIG.to_owned(), "rollout.yaml:1:"),
    ] {
        let house = House::new(&spec);
        house.folder.write("weir.yaml", &text);
        let run = house.step(&[]);
        assert_eq!(run.code, 2, "{message}: {run:?}");
        assert!(run.err.contains(message), "{message}: {run:?}");
        assert_eq!(house.config(), text);
        assert!(!std::fs::exists(house.folder.path("weir.yaml.rollout.json")).unwrap(), "{message}");
    }
    let house = House::new(SPEC);
    house.step(&[]);
    let stored = house.folder.path("weir.yaml.rollout.json");
    for broken in ["", "{}", "{\"format\": 2}"] {
        std::fs::write(&stored, broken).unwrap();
        let run = house.step(&[]);
        assert!(run.code == 2 && run.err.contains("it is the state of a rollout"), "{run:?}");
    }
}

#[test]
fn a_split_of_a_routing_rule_is_released_too() {
    let house = House::new(
        &SPEC
            .replace("experiment: shop", "split: shop")
            .replace("- {coverage: 10%}", "- {weights: {stable: 90, v2: 10}}")
            .replace("- {coverage: 50%}", "- {weights: {stable: 50, v2: 50}}")
            .replace("coverage: 100%, ", ""),
    );
    let config = "\
routing:
  rules:
  - name: shop
    split:
      stickyBy: header:x-user-id
      targets:
      - {name: stable, weight: 100}
      - {name: v2, weight: 0, setHeaders: {x-weir-route: v2}}
";
    house.folder.write("weir.yaml", config);
    assert_eq!(house.until("completed").code, 0);
    assert!(house.config().contains("- {name: v2, weight: 100,"), "{}", house.config());
}
