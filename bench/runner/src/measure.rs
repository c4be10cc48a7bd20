//! One Envoy with a listener for each variant, and requests to them in turn.
//!
//! A shared machine changes its speed by tens of percent within a second, far more than a filter costs. So
//! requests are sent in chunks of milliseconds, each between two chunks of the baseline, and only the ratio
//! to these neighbours counts. All listeners are in one process: code and data lie where they lie for all.

use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::LocalSet;
use weir_tests::envoy::{Bootstrap, Envoy};

use crate::client::{BURST, Client};
use crate::cpu::{Clock, pin_apart};
use crate::failure::Failure;
use crate::statistics::{lowest_tenth, trimmed_mean};
use crate::variants::{HEADER, Variant, baseline};

/// Bursts in a chunk: 160 requests, about 2 ms.
const CHUNK: u32 = 5;
/// Chunks to each listener before anything counts.
const WARM_UP: u32 = 20;

/// What one Envoy showed.
pub(crate) struct Run {
    /// CPU time of a request to the baseline on an undisturbed machine, in µs.
    pub(crate) baseline: f64,
    /// For each variant, CPU time of a request as a multiple of the baseline's.
    pub(crate) ratios: Vec<f64>,
}

/// Starts an Envoy, measures, stops it.
///
/// # Errors
/// Envoy does not start or answers other than it should; a filter does not do its work.
pub(crate) fn one_envoy(variants: &[Variant], rounds: u32, seed: u64) -> Result<Run, Failure> {
    let bootstrap = Bootstrap::default().concurrency(1).log_level("warning").listener(baseline());
    let bootstrap = variants.iter().fold(bootstrap, |all, variant| all.listener(variant.listener()));
    let envoy = Envoy::start(bootstrap)?;
    let clock = Clock::of(envoy.process_id())?;
    if !pin_apart(envoy.process_id())? {
        eprintln!("There is one CPU only: Envoy and the client disturb each other.");
    }
    // One thread: the calling one, which is pinned.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let base = Listener::open(&envoy, 0, &clock).await?;
        let mut others = Vec::new();
        for (index, variant) in variants.iter().enumerate() {
            let listener = Listener::open(&envoy, index + 1, &clock).await?;
            listener.check(variant).await?;
            others.push(listener);
        }
        measure(&base, &others, rounds, seed).await
    })
}

async fn measure(
    base: &Listener<'_>,
    others: &[Listener<'_>],
    rounds: u32,
    seed: u64,
) -> Result<Run, Failure> {
    for _ in 0..WARM_UP {
        for listener in std::iter::once(base).chain(others) {
            listener.chunk().await?;
        }
    }
    let mut random = fastrand::Rng::with_seed(seed);
    let mut order: Vec<usize> = (0..others.len()).collect();
    let mut ratios = vec![Vec::new(); others.len()];
    let mut bases = vec![base.chunk().await?];
    let mut before = bases[0];
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for &index in &order {
            let cost = others[index].chunk().await?;
            let after = base.chunk().await?;
            ratios[index].push(cost / f64::midpoint(before, after));
            bases.push(after);
            before = after;
        }
    }
    Ok(Run {
        baseline: lowest_tenth(&bases),
        ratios: ratios.iter().map(|ratios| trimmed_mean(ratios)).collect(),
    })
}

/// A listener with a connection to it.
struct Listener<'a> {
    client: Client,
    clock: &'a Clock,
}

impl<'a> Listener<'a> {
    async fn open(envoy: &Envoy, index: usize, clock: &'a Clock) -> Result<Self, Failure> {
        Ok(Self { client: Client::connect(envoy.listener(index)).await?, clock })
    }

    /// Whether the filter does what is to be measured.
    async fn check(&self, variant: &Variant) -> Result<(), Failure> {
        let answer = self.client.get("/check").await?;
        let set = answer.headers().get(HEADER).is_some_and(|value| !value.is_empty() && value != "-");
        if set == variant.sets_header {
            return Ok(());
        }
        Err(format!("{}: {HEADER} is {:?} on the request", variant.name, answer.headers().get(HEADER)).into())
    }

    /// Sends a chunk; gives Envoy's CPU time for a request, in µs.
    async fn chunk(&self) -> Result<f64, Failure> {
        let start = self.clock.now()?;
        self.client.send(CHUNK).await?;
        let used = self.settled()? - start;
        Ok(used.as_secs_f64() * 1e6 / f64::from(CHUNK * BURST))
    }

    /// The clock once Envoy has nothing more to do: it deletes streams after it has answered, and that time
    /// must not count for the next chunk.
    fn settled(&self) -> Result<Duration, Failure> {
        const PAUSE: Duration = Duration::from_micros(20);
        let mut seen = self.clock.now()?;
        // Bounded: something in Envoy may always be busy.
        for _ in 0..20 {
            std::thread::sleep(PAUSE);
            let now = self.clock.now()?;
            if now == seen {
                break;
            }
            seen = now;
        }
        Ok(seen)
    }
}
