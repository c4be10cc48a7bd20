//! `match` against Envoy itself. Matches and requests are made by chance; each match is in one Envoy twice,
//! as the native route that istiod makes of it and as a rule of Weir, and each request is sent to both. Their
//! verdicts must be the same.
//!
//! `WEIR_MATCH_DECISIONS` changes how many decisions are compared, `WEIR_MATCH_SEED` which.

mod dice;
mod forms;
mod long;
mod matches;
mod native;
mod regexes;
mod requests;

use std::time::Instant;

use dice::Dice;
use matches::Match;
use requests::Sent;
use serde_json::{Value, json};
use weir_tests::client::Client;
use weir_tests::envoy::{Bootstrap, Envoy, Listener, Plugin};

/// Matches in one Envoy, and requests for each of them.
const MATCHES: usize = 250;
const REQUESTS: usize = 20;
/// Requests under way at any time.
const AT_ONCE: usize = 16;
/// Says which match a request is for. Both sides look at it first.
const CHOICE: &str = "x-match";
/// What Weir sets when a match holds.
const VERDICT: &str = "x-verdict";

/// Two listeners: Envoy's routes, and Weir with routes by the header that it sets.
fn start(matches: &[Match]) -> Envoy {
    let answer = |status: u16| json!({"status": status});
    let mut native: Vec<Value> = matches.iter().enumerate().flat_map(|(n, m)| native::routes(n, m)).collect();
    native.push(json!({"match": {"prefix": "/"}, "direct_response": answer(404)}));
    let rules: Vec<Value> = matches.iter().enumerate().map(|(n, m)| rule(n, m)).collect();
    let config = json!({"routing": {"rules": rules}});
    let by_verdict = json!([
        {"match": {"prefix": "/", "headers": [{"name": VERDICT, "string_match": {"exact": "yes"}}]}, "direct_response": answer(200)},
        {"match": {"prefix": "/"}, "direct_response": answer(404)},
    ]);
    let weir = Plugin::new("ab_routing").unwrap().config(&config);
    let bootstrap = Bootstrap::default()
        .listener(Listener::new().routes(json!(native)))
        .listener(Listener::new().plugin(weir).routes(by_verdict));
    Envoy::start(bootstrap).unwrap()
}

/// The match as a rule that only requests for it can meet.
fn rule(number: usize, entries: &Match) -> Value {
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let mut json = entry.to_json();
            json["headers"][CHOICE] = json!({"exact": number.to_string()});
            json
        })
        .collect();
    json!({"name": format!("m{number}"), "match": entries, "setHeaders": {VERDICT: "yes"}})
}

/// The status that a listener gives each request: 200 when the match holds, 404 when it does not.
fn verdicts(envoy: &Envoy, listener: usize, sent: &[Sent]) -> Vec<u16> {
    let requests = sent.iter().map(|sent| sent.request.clone()).collect();
    let answers = Client::http1().send_all(envoy.listener(listener), requests, AT_ONCE);
    answers.into_iter().map(|answer| answer.unwrap().status).collect()
}

/// Compares a round of decisions; gives how many there were, how many held, and what differs.
fn round(dice: &mut Dice, requests_each: usize) -> (usize, usize, Vec<String>) {
    let matches: Vec<Match> = (0..MATCHES).map(|_| matches::random(dice)).collect();
    let sent: Vec<Sent> = (0..MATCHES * requests_each)
        .map(|n| requests::random(dice, n % MATCHES, &matches[n % MATCHES]))
        .collect();
    let envoy = start(&matches);
    let (native, weir) = (verdicts(&envoy, 0, &sent), verdicts(&envoy, 1, &sent));
    let mut wrong = Vec::new();
    for ((sent, native), weir) in sent.iter().zip(&native).zip(&weir) {
        if native != weir || ![200, 404].contains(native) {
            let rule = rule(sent.number, &matches[sent.number]);
            wrong.push(format!("Envoy {native}, Weir {weir}: {rule}\n  {:?}", sent.request));
        }
    }
    (sent.len(), native.iter().filter(|status| **status == 200).count(), wrong)
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn weir_decides_as_envoys_own_routes() {
    let wanted = number("WEIR_MATCH_DECISIONS", (MATCHES * REQUESTS) as u64) as usize;
    let seed = number("WEIR_MATCH_SEED", 20_251_121);
    let (mut dice, start) = (Dice::new(seed), Instant::now());
    let (mut decisions, mut held) = (0, 0);
    while decisions < wanted {
        let (more, holding, wrong) = round(&mut dice, REQUESTS);
        (decisions, held) = (decisions + more, held + holding);
        let first: Vec<_> = wrong.iter().take(5).cloned().collect();
        assert!(wrong.is_empty(), "{} of {more} differ (seed {seed}):\n{}", wrong.len(), first.join("\n"));
    }
    println!(
        "{decisions} decisions are equal ({held} matches held, seed {seed}), {:.1} s",
        start.elapsed().as_secs_f64()
    );
    // A comparison of nothing but refusals would prove little.
    assert!(held * 5 > decisions && held * 5 < decisions * 4, "{held} of {decisions} held");
}
