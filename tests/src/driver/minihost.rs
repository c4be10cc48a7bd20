//! Runs cases in the mini host.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use weir_core::Callbacks;
use weir_pipeline::Plans;

use super::{callouts, report, verdict};
use crate::case::{self, Bin, Case, CaseFile, Driver, Observed, ResponseSeen, Step, UpstreamSeen};
use crate::minihost::{
    ConfigureError, Cost, Exchange, HeaderMap, LoadError, LogLine, MetricKind, Module, Options, Plugin,
    Request, Vm,
};
use crate::paths;

/// Exchanges before the one that is measured: the first ones grow memory and fill caches.
const WARM_UP: usize = 2;

/// Modules that were compiled already, by name and, where they were trimmed, by what is left of their callbacks.
#[derive(Default)]
pub struct Modules(Mutex<BTreeMap<(String, u8), Module>>);

impl Modules {
    /// The module from `dist/`, compiled once.
    ///
    /// # Errors
    /// It has not been built or cannot be loaded.
    pub fn get(&self, name: &str) -> Result<Module, String> {
        self.trimmed(name, Callbacks::ALL)
    }

    /// The module without the callbacks that are not in `needed`.
    ///
    /// # Errors
    /// As [`Modules::get`], or it cannot be trimmed.
    pub fn trimmed(&self, name: &str, needed: Callbacks) -> Result<Module, String> {
        let mut modules = self.0.lock().map_err(|_| "another test broke the module cache".to_owned())?;
        let key = (name.to_owned(), needed.to_byte());
        if let Some(module) = modules.get(&key) {
            return Ok(module.clone());
        }
        let path = paths::module(name)?;
        let module = if needed == Callbacks::ALL {
            Module::from_file(&path).map_err(|error: LoadError| error.to_string())?
        } else {
            let whole = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let bytes = weir_postlink::trim(&whole, needed).map_err(|error| format!("{name}: {error}"))?;
            Module::from_bytes(&bytes).map_err(|error: LoadError| error.to_string())?
        };
        modules.insert(key, module.clone());
        Ok(module)
    }
}

/// Runs one case in a fresh VM, and once more, where the module is one of Weir's, without the callbacks that its
/// configuration does not need.
///
/// # Errors
/// What differed from what is expected, as text.
pub fn run(modules: &Modules, file: &CaseFile, case: &Case) -> Result<(), String> {
    run_in(&modules.get(&file.module)?, file, case)?;
    // What lies in a folder of its own has a configuration of its own: an example, a test's module.
    if case.is_refusal() || file.module.contains('/') {
        return Ok(());
    }
    let configuration = file.config_of(case).to_string();
    let env = |name: &str| file.env.get(name).cloned();
    let plans = Plans::load(configuration.as_bytes(), &env).map_err(|problems| problems.to_string())?;
    let needed = plans.access_plan.callbacks;
    if needed == Callbacks::ALL {
        return Ok(());
    }
    run_in(&modules.trimmed(&file.module, needed)?, file, case)
        .map_err(|problem| format!("trimmed to {needed:?}: {problem}"))
}

fn run_in(module: &Module, file: &CaseFile, case: &Case) -> Result<(), String> {
    let config = file.config_of(case);
    let failed = |what: String| report(&config, None, &[what]);
    let start = || -> Result<Vm, String> {
        let vm = module.start(&options(file, case)).map_err(|trap| failed(trap.to_string()))?;
        vm.on_callout(callouts::answerer(file.callouts_of(case)));
        Ok(vm)
    };
    let configured = start()?.configure(&config.to_string());
    if case.is_refusal() {
        return refusal(case, configured).map_err(|problems| report(&config, None, &problems));
    }
    let plugin = configured.map_err(|error| failed(error.to_string()))?;
    for (index, step) in case.steps().iter().enumerate() {
        let mut seen = exchange(&plugin, step).map_err(|error| failed(error.to_string()))?;
        if step.expect.budget.is_some() {
            let warm = start()?.configure(&config.to_string()).map_err(|error| failed(error.to_string()))?;
            seen.cost = Some(warm_cost(&warm, &case.steps()[..=index]).map_err(failed)?);
        }
        verdict(&config, index, step, &seen, Driver::Minihost)?;
    }
    Ok(())
}

fn options(file: &CaseFile, case: &Case) -> Options {
    Options {
        env: file.env.clone(),
        clusters: file.callouts_of(case).keys().cloned().collect(),
        verify_signature: file.host_of(case).verify_signature,
        ..Options::default()
    }
}

fn refusal(case: &Case, configured: Result<Plugin, ConfigureError>) -> Result<(), Vec<String>> {
    let log = match configured {
        Ok(_) => return Err(vec!["the module accepted the configuration".to_owned()]),
        Err(ConfigureError::Trap(trap)) => return Err(vec![trap.to_string()]),
        Err(ConfigureError::Refused(log)) => log,
    };
    let log: Vec<String> = log.iter().map(LogLine::to_string).collect();
    let problems = case::check_refusal(&case.config_errors, case.exact, &log.join("\n"));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The cost of the last of `steps`, once all of them have been run a few times.
fn warm_cost(plugin: &Plugin, steps: &[Step]) -> Result<Cost, String> {
    let mut cost = Cost::default();
    for _ in 0..=WARM_UP {
        for step in steps {
            cost = send(plugin, step).map_err(|error| error.to_string())?.cost;
        }
    }
    Ok(cost)
}

fn send(plugin: &Plugin, step: &Step) -> Result<Exchange, crate::minihost::ExchangeError> {
    let asked = &step.request;
    let mut request = Request::new(&asked.method, asked.host.as_deref().unwrap_or_default(), &asked.path);
    if asked.host.is_none() {
        request.headers.remove(b":authority");
    }
    for (name, value) in asked.headers.pairs() {
        request.headers.add(name, value);
    }
    request.trailers = asked.trailers.pairs().into_iter().collect();
    request.body = asked.body.as_ref().map(case::Value::to_bytes).unwrap_or_default();
    let body = step.upstream.body.as_ref().map(case::Body::to_bytes).unwrap_or_default();
    let mut response = callouts::response(step.upstream.status, &step.upstream.headers, body);
    response.trailers = step.upstream.trailers.pairs().into_iter().collect();
    plugin.vm().advance(Duration::from_millis(step.after_ms))?;
    let delay = Duration::from_millis(step.upstream.delay_ms);
    let properties = step.properties.entries().into_iter().collect();
    plugin.exchange_with(request, properties, |_| (response, delay))
}

fn exchange(plugin: &Plugin, step: &Step) -> Result<Observed, crate::minihost::ExchangeError> {
    let before = readings(plugin.vm());
    let known = samples(plugin.vm());
    let exchange = send(plugin, step)?;
    let fresh = |(name, all): (String, Vec<u64>)| {
        let old = known.get(&name).map_or(0, Vec::len);
        let exactly = |sample: &u64| Bin { lower: *sample as f64, upper: *sample as f64, count: 1 };
        (name, distinct(all.iter().skip(old).map(exactly)))
    };
    let samples = samples(plugin.vm()).into_iter().map(fresh).collect();
    let metrics = readings(plugin.vm()).into_iter().map(|(name, (kind, value))| {
        let start = match kind {
            MetricKind::Gauge => 0,
            _ => before.get(&name).map_or(0, |(_, value)| *value),
        };
        (name, value - start)
    });
    Ok(Observed {
        upstream: exchange.upstream.map(|request| UpstreamSeen {
            name: None,
            host: text(&request.headers, b":authority"),
            path: text(&request.headers, b":path"),
            headers: named(&request.headers),
            trailers: named(&request.trailers),
        }),
        response: exchange.response.map(|response| ResponseSeen {
            status: response.code(),
            headers: named(&response.headers),
            trailers: named(&response.trailers),
            body: response.body,
        }),
        log: exchange.log.iter().map(LogLine::to_string).collect(),
        metrics: metrics.collect(),
        samples,
        elapsed: exchange.elapsed,
        cost: None,
    })
}

/// Counts, levels and numbers of samples of all metrics.
fn readings(vm: &Vm) -> BTreeMap<String, (MetricKind, i64)> {
    let reading = |metric: crate::minihost::Metric| match metric.kind {
        MetricKind::Histogram => (metric.kind, metric.samples.len() as i64),
        kind => (kind, metric.value as i64),
    };
    vm.metrics().into_iter().map(|(name, metric)| (name, reading(metric))).collect()
}

/// The samples of all histograms.
fn samples(vm: &Vm) -> BTreeMap<String, Vec<u64>> {
    let histograms = vm.metrics().into_iter().filter(|(_, metric)| metric.kind == MetricKind::Histogram);
    histograms.map(|(name, metric)| (name, metric.samples)).collect()
}

/// One bin for equal samples.
fn distinct(bins: impl Iterator<Item = Bin>) -> Vec<Bin> {
    let mut all: Vec<Bin> = Vec::new();
    for bin in bins {
        match all.iter_mut().find(|known| known.lower == bin.lower) {
            Some(known) => known.count += bin.count,
            None => all.push(bin),
        }
    }
    all
}

fn text(headers: &HeaderMap, name: &[u8]) -> String {
    String::from_utf8_lossy(headers.first(name).unwrap_or_default()).into_owned()
}

fn named(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let pair =
        |(name, value): &(Vec<u8>, Vec<u8>)| (String::from_utf8_lossy(name).into_owned(), value.clone());
    headers.pairs().iter().map(pair).collect()
}
