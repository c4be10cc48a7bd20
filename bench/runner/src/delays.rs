//! How exactly delays are kept, against Envoy's own fault filter in the same Envoy, and what a configured filter
//! costs that has nothing to do.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::client::{Client, Request};
use weir_tests::envoy::{Bootstrap, Envoy, Filter, Listener, Plugin};

use crate::cpu::Clock;
use crate::failure::Failure;
use crate::statistics::quantile;

/// What is asked for, in milliseconds.
const DELAYS: [u64; 4] = [1, 5, 20, 100];
/// Connections on which requests come at any time. Few, so that the machine's own queues are not measured.
const AT_ONCE: usize = 4;
/// Requests of one filter and delay between those of the others.
const BATCH: usize = 20;
/// How long an idle Envoy is watched.
const IDLE: Duration = Duration::from_secs(10);

/// How late the answers to one delay were.
struct Lateness {
    asked: u64,
    /// In ascending order; below zero where the answer came too early. In milliseconds.
    by: Vec<f64>,
}

/// What was measured.
pub(crate) struct Report {
    baseline: f64,
    native: Vec<Lateness>,
    weir: Vec<Lateness>,
    /// CPU time of an idle Envoy, in percent of one CPU: without any filter, and with a quiet one.
    idle: [f64; 2],
}

/// Measures.
///
/// # Errors
/// A module is missing; Envoy does not start or answers other than it should.
pub(crate) fn measure(batches: usize) -> Result<Report, Failure> {
    let weir = DELAYS.map(|delay| listener(weir(delay)));
    let weir = weir.into_iter().collect::<Result<Vec<_>, _>>()?;
    let native = DELAYS.into_iter().map(|delay| route().filter(native(delay)));
    let bootstrap = Bootstrap::default().concurrency(1).log_level("warning").listener(route());
    let envoy = Envoy::start(native.chain(weir).fold(bootstrap, Bootstrap::listener))?;
    let mut late = vec![Vec::new(); 1 + 2 * DELAYS.len()];
    // In turn, so that a moment in which the machine is busy hits all alike.
    for _ in 0..batches {
        for (index, late) in late.iter_mut().enumerate() {
            let asked = if index == 0 { 0 } else { DELAYS[(index - 1) % DELAYS.len()] };
            late.extend(batch(&envoy, index, asked)?);
        }
    }
    late.iter_mut().for_each(|late| late.sort_unstable_by(f64::total_cmp));
    let mut late = late.into_iter();
    let baseline = late.next().map_or(0.0, |late| quantile(&late, 0.5));
    let mut measured = DELAYS.into_iter().chain(DELAYS).zip(late).map(|(asked, by)| Lateness { asked, by });
    let native = measured.by_ref().take(DELAYS.len()).collect();
    Ok(Report { baseline, native, weir: measured.collect(), idle: idle()? })
}

fn batch(envoy: &Envoy, listener: usize, asked: u64) -> Result<Vec<f64>, Failure> {
    let requests = vec![Request::get("/"); BATCH];
    let answers = Client::http1().send_all(envoy.listener(listener), requests, AT_ONCE);
    let late = |answer: weir_tests::client::Response| {
        if answer.status != 200 {
            return Err(Failure::from(format!("Envoy answered {}", answer.status)));
        }
        Ok(answer.elapsed.as_secs_f64() * 1e3 - asked as f64)
    };
    // The first on each connection pays for it.
    answers.into_iter().skip(AT_ONCE).map(|answer| late(answer?)).collect()
}

/// CPU time of two Envoys side by side that have nothing to do, in percent of one CPU.
fn idle() -> Result<[f64; 2], Failure> {
    let quiet = json!([{"delay": {"fixedDelay": "5s", "percentage": "0.1%"},
        "abort": {"httpStatus": 503, "percentage": "0.1%"}}]);
    let listeners = [route(), listener(quiet)?];
    let envoys =
        listeners.map(|listener| Envoy::start(Bootstrap::default().concurrency(1).listener(listener)));
    let [without, with] = envoys;
    let envoys = [without?, with?];
    // Both have had requests.
    for envoy in &envoys {
        batch(envoy, 0, 0)?;
    }
    let clocks = [Clock::of(envoys[0].process_id())?, Clock::of(envoys[1].process_id())?];
    std::thread::sleep(Duration::from_secs(1));
    let before = [clocks[0].now()?, clocks[1].now()?];
    std::thread::sleep(IDLE);
    let used = |index: usize| -> Result<f64, Failure> {
        Ok((clocks[index].now()? - before[index]).as_secs_f64() / IDLE.as_secs_f64() * 100.0)
    };
    Ok([used(0)?, used(1)?])
}

/// A listener that answers by itself.
fn route() -> Listener {
    Listener::new().routes(json!([{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]))
}

fn listener(faults: Value) -> Result<Listener, Failure> {
    Ok(route().plugin(Plugin::new("fault_injection")?.config(&json!({ "faults": faults }))))
}

fn weir(milliseconds: u64) -> Value {
    json!([{"delay": {"fixedDelay": format!("{milliseconds}ms"), "percentage": "100%"}}])
}

fn native(milliseconds: u64) -> Filter {
    let config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
        "delay": {
            "fixed_delay": format!("{}s", milliseconds as f64 / 1e3),
            "percentage": {"numerator": 100},
        },
    });
    Filter::Native("envoy.filters.http.fault".to_owned(), config)
}

impl Report {
    pub(crate) fn table(&self) -> String {
        let mut out = String::from(
            "How late answers were, in ms (below zero: too early), as the client saw it\n\n\
             | delay | native p50 | p99 | earliest | weir p50 | p99 | earliest |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for (native, weir) in self.native.iter().zip(&self.weir) {
            let row = [native, weir].map(|late| {
                let [median, tail] = [0.5, 0.99].map(|part| quantile(&late.by, part));
                format!("{median:.2} | {tail:.2} | {:.2}", quantile(&late.by, 0.0))
            });
            // Writing to a text cannot fail.
            let _ = writeln!(out, "| {} ms | {} |", native.asked, row.join(" | "));
        }
        let [without, with] = self.idle;
        let _ = write!(
            out,
            "\nWithout a delay an answer takes {:.2} ms. An idle Envoy uses {without:.2} % of a CPU without a \
             filter, and {with:.2} % with one that is configured and quiet.",
            self.baseline
        );
        out
    }

    pub(crate) fn json(&self) -> Value {
        let list = |all: &[Lateness]| -> Value {
            let one = |late: &Lateness| {
                let [least, median, tail] = [0.0, 0.5, 0.99].map(|part| quantile(&late.by, part));
                json!({"askedMs": late.asked, "requests": late.by.len(), "earliest": least, "p50": median, "p99": tail})
            };
            all.iter().map(one).collect()
        };
        json!({
            "latenessMs": {"native": list(&self.native), "weir": list(&self.weir)},
            "baselineMs": self.baseline,
            "idleCpuPercent": {"noFilter": self.idle[0], "quietFilter": self.idle[1]},
        })
    }
}
