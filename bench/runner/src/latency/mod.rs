//! What a user feels: how long answers of a real upstream take through Envoy, with and without filters, at a given rate
//! of requests.
//!
//! The load is open: requests become due at random moments (a Poisson process), whether or not earlier ones have been
//! answered, and the latency of each counts from the moment when it was due. A client that waits for an answer before
//! it sends the next request leaves out the requests that would have waited.
//!
//! One listener after the other gets half a second of load, in an order that is shuffled each round, so that a moment
//! in which the machine is busy hits all alike. Two of the listeners are the same: what differs between them is noise.

mod load;
mod measured;
mod plot;
mod report;

use std::time::Duration;

use serde_json::json;
use weir_tests::envoy::{Bootstrap, Cluster, Envoy, Filter, Listener, Plugin};

use crate::cpu::pin_apart;
use crate::failure::Failure;
use crate::variants::{all_five, native_five};
use load::{Generator, Slice};
use measured::{Measured, ROWS, Setting};
pub(crate) use plot::plot;
pub(crate) use report::Report;

/// How long a listener gets its load in each round.
const SLICE: Duration = Duration::from_millis(500);
/// The same before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);

/// Measures each rate with an upstream that answers at once and with one that takes 5 ms.
///
/// # Errors
/// A module is missing; Envoy does not start; a request is not answered, or not with 200.
pub(crate) fn measure(rates: &[f64], rounds: u32) -> Result<Report, Failure> {
    let mut generator = Generator::new()?;
    let alone =
        || Listener::new().routes(json!([{"match": {"prefix": "/"}, "route": {"cluster": "measured"}}]));
    let all = all_five();
    let listeners = [
        alone(),
        alone(),
        native_five().into_iter().fold(alone(), Listener::filter),
        alone().filter(Filter::Plugin(Box::new(Plugin::native()?.config(&all)))),
        alone().filter(Filter::Plugin(Box::new(Plugin::new("weir")?.config(&all)))),
    ];
    let limits = json!({"max_connections": 10_000, "max_pending_requests": 10_000, "max_requests": 10_000});
    let upstream = Cluster::new("measured", generator.upstream_address())
        .with(json!({"circuit_breakers": {"thresholds": [limits]}}));
    let bootstrap = Bootstrap::default().concurrency(1).log_level("warning").cluster(upstream);
    let envoy = Envoy::start(listeners.into_iter().fold(bootstrap, Bootstrap::listener))?;
    if !pin_apart(envoy.process_id())? {
        eprintln!("There is one CPU only: Envoy and the client disturb each other.");
    }
    let mut targets = vec![generator.upstream_address()];
    targets.extend((0..ROWS.len() - 1).map(|index| envoy.listener(index)));
    let settings = rates.iter().flat_map(|rate| {
        [Duration::ZERO, Duration::from_millis(5)].map(|upstream| Setting { rate: *rate, upstream })
    });
    let mut measured = Vec::new();
    for setting in settings {
        eprintln!("{} requests per second, upstream of {} ms", setting.rate, setting.upstream.as_millis());
        measured.push(one_setting(setting, &mut generator, &targets, rounds)?);
    }
    Ok(Report::new(measured))
}

fn one_setting(
    setting: Setting,
    generator: &mut Generator,
    targets: &[std::net::SocketAddr],
    rounds: u32,
) -> Result<Measured, Failure> {
    for target in targets {
        generator.run(*target, setting, WARM_UP)?;
    }
    let mut measured = Measured { setting, rows: vec![Vec::new(); targets.len()], late: Vec::new() };
    let mut random = fastrand::Rng::with_seed(7);
    let mut order: Vec<usize> = (0..targets.len()).collect();
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for row in &order {
            let Slice { latencies, late } = generator.run(targets[*row], setting, SLICE)?;
            measured.rows[*row].push(latencies);
            measured.late.extend(late);
        }
    }
    Ok(measured)
}
