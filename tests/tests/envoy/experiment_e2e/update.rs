//! A configuration that changes under load: no request fails, each answer is the old or the new one's, and a
//! ramp moves exactly the users that it should.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use weir_tests::client::runtime;
use weir_tests::envoy::Filter;

use super::*;

const PATIENCE: Duration = weir_tests::PATIENCE;
const USERS: usize = 4_000;
const LOADING: usize = 8;
const WEIGHTS: &[(&str, f64)] = &[("a", 70.0), ("b", 30.0)];
/// The ramp, in percent.
const COVERAGES: [f64; 4] = [10.0, 40.0, 70.0, 100.0];

fn ramp(coverage: f64) -> Plugin {
    plugin(&json!({"unit": "header:x-user-id", "list": [
        {"key": "checkout", "coverage": format!("{coverage}%"), "variants": variants(WEIGHTS)},
    ]}))
}

/// How far the ramp is: answers may be those of the steps from `settled` to `written`.
#[derive(Default)]
struct Progress {
    written: AtomicUsize,
    settled: AtomicUsize,
    over: AtomicBool,
    answers: AtomicUsize,
}

/// Sends requests one after the other until it is over; what was wrong with the answers.
async fn load(envoy_at: std::net::SocketAddr, first: usize, progress: Arc<Progress>) -> Vec<String> {
    let client = Client::http1();
    let laws = COVERAGES.map(|coverage| Law::new("checkout", coverage, WEIGHTS));
    let (mut wrong, mut number) = (Vec::new(), first);
    while !progress.over.load(SeqCst) {
        number = (number + LOADING) % USERS;
        let user = user(number);
        let from = progress.settled.load(SeqCst);
        let answer = client.send_async(envoy_at, &by(&user)).await;
        let to = progress.written.load(SeqCst);
        progress.answers.fetch_add(1, SeqCst);
        match answer {
            Ok(answer) if answer.status == 200 => {
                let given = checkout(&answer);
                if !(from..=to).any(|step| laws[step].variant(&user) == given.as_deref()) {
                    wrong.push(format!("{user} got {given:?} between step {from} and {to}"));
                }
            }
            Ok(answer) => wrong.push(format!("{user}: {}", answer.status)),
            Err(error) => wrong.push(format!("{user}: {error}")),
        }
    }
    wrong
}

/// Waits until all workers have this step: a user who takes part from it on does so over many connections.
fn wait_until_settled(envoy: &Envoy, step: usize) {
    let laws = [step - 1, step].map(|step| Law::new("checkout", COVERAGES[step], WEIGHTS));
    let moves = |user: &String| laws[0].variant(user).is_none() && laws[1].variant(user).is_some();
    let mover = (0..).map(user).find(moves).unwrap();
    let settled = |envoy: &Envoy| {
        let answers = ask(envoy, 0, vec![by(&mover); 64]);
        answers.iter().all(|answer| checkout(answer).as_deref() == laws[1].variant(&mover))
    };
    assert!(envoy.wait_for(PATIENCE, settled), "step {step}: {}", envoy.log());
}

fn answers_of_all(envoy: &Envoy) -> Vec<Option<String>> {
    let answers = ask(envoy, 0, (0..USERS).map(|number| by(user(number))).collect());
    answers.iter().map(checkout).collect()
}

#[test]
fn a_ramp_under_load_fails_nobody_and_moves_whom_it_should() {
    let filter = Filter::Discovered { name: "weir".to_owned(), initial: Box::new(ramp(COVERAGES[0])) };
    let bootstrap = Bootstrap::default().concurrency(2).listener(Listener::new().filter(filter));
    let envoy = Envoy::start(bootstrap).unwrap();
    let progress = Arc::new(Progress::default());
    let start = Instant::now();
    let mut streams = JoinSet::new();
    for first in 0..LOADING {
        streams.spawn_on(load(envoy.listener(0), first, Arc::clone(&progress)), runtime().handle());
    }
    let mut before = answers_of_all(&envoy);
    for (step, coverage) in COVERAGES.into_iter().enumerate().skip(1) {
        // One that is refused changes nothing, and does not are in the way of the next.
        let wrong = format!("liszt{step}");
        envoy.update("weir", &plugin(&json!({ &wrong: [] }))).unwrap();
        let refused = |envoy: &Envoy| envoy.log().contains(&wrong);
        assert!(envoy.wait_for(PATIENCE, refused), "{}", envoy.log());
        progress.written.store(step, SeqCst);
        envoy.update("weir", &ramp(coverage)).unwrap();
        wait_until_settled(&envoy, step);
        progress.settled.store(step, SeqCst);
        let after = answers_of_all(&envoy);
        check_movement(&before, &after, step);
        before = after;
    }
    progress.over.store(true, SeqCst);
    let wrong: Vec<String> = runtime().block_on(streams.join_all()).into_iter().flatten().collect();
    let (answers, seconds) = (progress.answers.load(SeqCst), start.elapsed().as_secs_f64());
    println!(
        "{answers} answers under load in {seconds:.1} s ({:.0}/s), {} wrong",
        answers as f64 / seconds,
        wrong.len()
    );
    assert!(wrong.is_empty(), "{} of {answers}: {:?}", wrong.len(), &wrong[..wrong.len().min(10)]);
    assert!(answers as f64 / seconds > 100.0, "that was no load: {answers} in {seconds} s");
}

/// Exactly the computed users have moved, all of them from no variant to the computed one.
fn check_movement(before: &[Option<String>], after: &[Option<String>], step: usize) {
    let laws = [step - 1, step].map(|step| Law::new("checkout", COVERAGES[step], WEIGHTS));
    let mut moved = 0;
    for (number, (before, after)) in before.iter().zip(after).enumerate() {
        let user = user(number);
        assert_eq!(before.as_deref(), laws[0].variant(&user), "{user} before step {step}");
        assert_eq!(after.as_deref(), laws[1].variant(&user), "{user} after step {step}");
        assert!(before.is_none() || before == after, "{user} moved between variants");
        moved += usize::from(before != after);
    }
    let share = (COVERAGES[step] - COVERAGES[step - 1]) / 100.0;
    println!("{} % to {} %: {moved} of {USERS} users moved", COVERAGES[step - 1], COVERAGES[step]);
    assert!(within_four_sigma(moved, USERS, share), "{moved}");
}
