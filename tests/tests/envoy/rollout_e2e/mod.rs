//! The example of `weir rollout` with the real Envoy and the real Prometheus: a release that goes through, one that is
//! taken back, and what happens when Prometheus is gone or something else writes the file.

mod house;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use house::{House, users};

/// 2, 10, 40 and 100 % of all users, while `weir rollout run` is killed again and again. No user goes back.
#[test]
fn a_good_release_goes_through() {
    let house = House::start();
    let (visits, (kills, code)) = house.visits_while(|| {
        let deadline = Instant::now() + Duration::from_secs(300);
        for kills in 0_u64.. {
            let mut running = house.run();
            // From the middle of its start up to some evaluations.
            let lives = Duration::from_millis(300 + kills * 370 % 1500);
            let killed = Instant::now() + lives;
            let mut code = None;
            while code.is_none() && Instant::now() < killed {
                code = running.child.try_wait().unwrap();
                std::thread::sleep(Duration::from_millis(5));
            }
            if let Some(code) = code {
                return (kills, code.code());
            }
            drop(running);
            // However slow this machine is: every step is seen by all users, as nothing goes on meanwhile.
            house.next_visit();
            assert!(Instant::now() < deadline, "it does not come to its end: {}", house.stored()["state"]);
        }
        unreachable!()
    });
    assert_eq!((code, house.phase().as_str()), (Some(0), "completed"));
    let expected = [
        "started",
        "running",
        "advancing",
        "running",
        "advancing",
        "running",
        "advancing",
        "running",
        "completed",
    ];
    let events: Vec<String> =
        house.events().into_iter().filter(|kind| !["held", "released"].contains(&kind.as_str())).collect();
    assert_eq!(events, expected);

    let mut flips = 0;
    let mut shares = vec![0];
    for pair in visits.windows(2) {
        let users = pair[0].versions.iter().zip(&pair[1].versions);
        flips += users.filter(|(before, after)| **before == 2 && **after == 1).count();
        shares.push(pair[1].new_version());
    }
    let last = house.visit();
    assert_eq!(last.new_version(), users(), "everybody has the new version");
    assert!(last.versions.iter().zip(&visits.last().unwrap().versions).all(|(now, before)| now >= before));
    assert_eq!(flips, 0, "users went back");
    for part in [0.02, 0.1, 0.4] {
        let about = part * users() as f64;
        let seen = shares.iter().any(|share| (*share as f64 - about).abs() < 5.0 * about.sqrt());
        assert!(seen, "{part} of the users: {shares:?}");
    }
    shares.dedup();
    println!("{kills} times killed; {} requests, none lost; users of v2: {shares:?}", visits.len() * users());
    assert!(kills >= 5, "{kills}");
}

/// A fifth of the new version's answers are errors: it is taken back, and nobody sees it afterwards.
#[test]
fn a_bad_release_is_taken_back() {
    let house = House::start();
    let before = house.text();
    house.fail(5);
    let (visits, took) = house.visits_while(|| {
        let running = house.run();
        running.until("running");
        let since = Instant::now();
        let event = running.until("rollingBack");
        assert!(event["message"].as_str().unwrap().contains("the gate errors failed: v2 "), "{event}");
        let decided = since.elapsed();
        assert_eq!(running.end(), Some(1));
        (decided, since.elapsed())
    });
    assert_eq!((house.phase().as_str(), house.text()), ("rolledBack", before.clone()));
    // The visit that was under way then may have begun earlier; this one has not.
    for _ in 0..2 {
        let after = house.visit();
        assert_eq!((after.new_version(), after.failed), (0, 0), "answers of v2 after the rollback");
    }
    let failed: usize = visits.iter().map(|visit| visit.failed).sum();
    println!("{} requests, {failed} failed, none lost; decided after {took:?}", visits.len() * users());
    assert!(failed > 0);
}

/// With little traffic too: fifty requests a second, a fifth of which get the new version.
#[test]
fn fifty_requests_a_second_are_enough() {
    let house = House::start();
    let spec = std::fs::read_to_string(&house.spec).unwrap().replace("coverage: 4%", "coverage: 40%");
    std::fs::write(&house.spec, spec).unwrap();
    house.fail(5);
    let over = AtomicBool::new(false);
    let (decided, after) = std::thread::scope(|scope| {
        let over = &over;
        let visitors = scope.spawn(|| {
            let begin = Instant::now();
            for number in 0.. {
                if over.load(Ordering::Relaxed) {
                    return number;
                }
                house.visitor(number);
                let next = Duration::from_millis(20) * u32::try_from(number).unwrap();
                std::thread::sleep(next.saturating_sub(begin.elapsed()));
            }
            unreachable!()
        });
        let running = house.run();
        running.until("running");
        let since = Instant::now();
        running.until("rollingBack");
        let decided = since.elapsed();
        assert_eq!(running.end(), Some(1));
        over.store(true, Ordering::Relaxed);
        (decided, visitors.join().unwrap())
    });
    println!("decided after {decided:?} and {after} requests");
    assert!(decided < Duration::from_secs(60), "{decided:?}");
    assert!((0..500).all(|number| house.visitor(after + number) == 1), "answers of v2 after the rollback");
}

/// Without measurements nothing goes on, what somebody else writes stays, and a person can take it back nevertheless.
#[test]
fn without_prometheus_and_after_an_edit_it_holds() {
    let mut house = House::start();
    let before = house.text();
    let running = house.run();
    running.until("running");
    let prometheus = house.prometheus.take();
    drop(prometheus);
    house.until_held("noData");
    assert_eq!(house.phase(), "watching");
    let ours = house.text();
    assert_ne!(ours, before);
    let revision = |house: &House| house.stored()["revision"].as_u64().unwrap();
    let waits = revision(&house);

    // Somebody else edits the file, as an editor does.
    let foreign = ours.replace("name: v2\n", "name: version-2\n");
    assert_ne!(foreign, ours);
    house.envoy.replace("weir.yaml", &foreign).unwrap();
    house.until_held("foreign");
    assert_eq!(revision(&house), waits + 1, "meanwhile nothing happened");
    let status = house.command(&["status"]).output().unwrap();
    assert_eq!(status.status.code(), Some(4), "it needs a person");
    let abort = house.command(&["abort"]).output().unwrap();
    assert!(abort.status.success());
    assert_eq!(house.text(), foreign, "not even then");

    // The edit is undone: now it is rolled back, and waits for proxies that nobody can ask.
    house.envoy.replace("weir.yaml", &ours).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while house.text() != before {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    while house.phase() != "confirmingRestore" {
        assert!(Instant::now() < deadline, "{}", house.stored()["state"]);
        std::thread::sleep(Duration::from_millis(20));
    }
    let gone = |house: &House| house.visit().new_version() == 0;
    while !gone(&house) {
        assert!(Instant::now() < deadline);
    }
    drop(running);
}
