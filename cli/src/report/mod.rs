//! `weir report`: how an experiment goes, by what Prometheus has counted.
//!
//! `measure` asks; `split`, `goals` and `guardrails` judge what was measured, `verdict` says it in words; `model` is the
//! report of them all, which `text` and `html` show. Only `prometheus` and this file do I/O.

pub(crate) mod counters;
pub(crate) mod goals;
pub(crate) mod guardrails;
mod html;
pub(crate) mod measure;
mod model;
mod plot;
pub(crate) mod prometheus;
pub(crate) mod question;
pub(crate) mod split;
mod text;
pub(crate) mod time;
mod verdict;

use crate::document::{self, Loaded};
use crate::output::{Failure, Format, Outcome};
use crate::subject;
use anyhow::{Context as _, anyhow, bail, ensure};
use counters::Span;
use measure::{Goal, Wanted};
use model::Report;
use prometheus::{Connection, Prometheus};
use question::Question;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use weir_experiment::Experiment;
use weir_metrics::{LabelSpec, Metric, MetricType, Style};
use weir_statistics::lift::TUNING;

/// How long a report looks back where neither an option nor the configuration says since when.
const DEFAULT_DAYS: u64 = 28;
const DAY: u64 = 86_400;
/// Parts of a `subBucket` without a number of its own.
const DEFAULT_PARTS: u32 = 20;
const NANOSECONDS: u64 = 1_000_000_000;

/// Reports how an experiment goes, by what Prometheus has counted.
///
/// Whether the split is as configured (sample ratio mismatch), exposures and conversions by variant, lifts with an
/// interval for one look and one that holds at any time, guardrails for errors and latency, and a verdict in words.
/// Results may be looked at as often as you like: verdicts use what is valid at any time.
///
/// It reads the metrics that a configuration with `assignmentCookie` and `metrics: {red: {}}` makes, the units that
/// reached a goal of `metrics.goals`, and counters of `metrics.list` with `experiments`, which count requests. Weights are those of the configuration: start the report after their last change.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  weir report weir.yaml --prometheus http://localhost:9090 --experiment checkout
  weir report weir.yaml --prometheus http://localhost:9090 --experiment checkout --since 14d --html report.html
  weir report weir.yaml --prometheus https://metrics.example --experiment checkout --goal orders_total --output json

Exit codes: 0 the split is right and no guardrail fails; 1 there is a sample ratio mismatch, or a guardrail fails; \
2 a file cannot be used, or Prometheus has no answer.")]
pub(crate) struct Args {
    /// The configuration; `-` is standard input.
    config: PathBuf,
    #[command(flatten)]
    connection: Connection,
    /// The experiment, by its key.
    #[arg(long, value_name = "KEY")]
    experiment: String,
    /// From when on: a time such as 2026-03-01T00:00:00Z, or `14d` for 14 days ago. Default: the experiment's `start`,
    /// or 28 days ago.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Until when. Default: now.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// A goal: a name in `metrics.goals`, or a counter of `metrics.list`. Default: all goals of this experiment, and
    /// all counters with it in `experiments`.
    #[arg(long = "goal", value_name = "GOAL")]
    goals: Vec<String>,
    /// The variant that the others are compared with. Default: the first.
    #[arg(long, value_name = "VARIANT")]
    control: Option<String>,
    /// The probability of a significant result where there is no difference.
    #[arg(long, value_name = "PART", default_value = "5%", value_parser = crate::design::part)]
    alpha: f64,
    /// The number of units of two arms at which the confidence sequence is narrowest.
    #[arg(long, value_name = "N", default_value_t = TUNING)]
    tuning: f64,
    /// How much more of a variant's requests than of the control's may end with 5xx.
    #[arg(long, value_name = "PART", default_value = "0.1%", value_parser = crate::design::part)]
    tolerate_5xx: f64,
    /// How much longer a variant's requests may take than the control's, as a part of the control's mean.
    #[arg(long, value_name = "PART", default_value = "10%", value_parser = crate::design::part)]
    tolerate_latency: f64,
    /// A further matcher of labels, as PromQL writes it, such as `namespace="shop"`.
    #[arg(long = "matcher", value_name = "MATCHER")]
    matchers: Vec<String>,
    /// Write the report with plots into this file: HTML that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

/// Asks, judges and writes.
///
/// # Errors
/// A file that cannot be used, options that do not fit it, Prometheus without an answer.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let loaded = document::load(&args.config, |loaded| subject::shares(loaded, &args.experiment).is_some())?;
    let experiment = experiment(&loaded, &args.experiment)?;
    let question = question(args, &loaded)?;
    let wanted = wanted(args, &loaded, &question)?;
    let span = span(args, experiment)?;
    let prometheus = Prometheus::open(&args.connection)?;
    let measured = measure::measure(&wanted, span, &|query| prometheus.range(query, &span))?;
    if measured.proxies == 0 {
        let message = anyhow!(
            "Prometheus has no weir_exposures_total{{experiment=\"{}\"}} in this time: is --since right, are the \
             proxies scraped, and do labels come out as labels (weir render bootstrap)?",
            wanted.experiment
        );
        return Err(message.into());
    }
    let report = Report::new(&question, &measured);
    if let Some(path) = &args.html {
        let page = html::page(&report);
        crate::output::replace(path, page.as_bytes())
            .with_context(|| format!("--html {}", path.display()))?;
    }
    if args.format.is_json() {
        crate::output::json(out, &report)?;
    } else {
        text::write(&report, out)?;
    }
    Ok(if report.ok { Outcome::Fine } else { Outcome::Problems })
}

fn experiment<'a>(loaded: &'a Loaded, key: &str) -> anyhow::Result<&'a Experiment> {
    let section = loaded.document.experiments.as_ref().context("no experiments in this configuration")?;
    let found = section.list.iter().find(|experiment| experiment.key == *key);
    let found = found.with_context(|| {
        let known: Vec<&str> = section.list.iter().map(|it| it.key.as_str()).take(5).collect();
        format!("--experiment: unknown experiment {key:?} (known: {})", known.join(", "))
    })?;
    ensure!(
        section.assignment_cookie.is_some(),
        "no experiment counts its units, so there is nothing to report: set experiments.assignmentCookie"
    );
    Ok(found)
}

fn question(args: &Args, loaded: &Loaded) -> anyhow::Result<Question> {
    let arms = subject::shares(loaded, &args.experiment).unwrap_or_default();
    let named = |wanted: &String| {
        arms.iter().position(|(key, _)| key == wanted).with_context(|| {
            let known: Vec<&str> = arms.iter().map(|(key, _)| key.as_str()).take(5).collect();
            format!("--control: unknown variant {wanted:?} (known: {})", known.join(", "))
        })
    };
    let control = args.control.as_ref().map_or(Ok(0), named)?;
    let between = |value: f64| value > 0.0 && value < 1.0;
    if !between(args.alpha) {
        bail!("--alpha: expected a part between 0 and 100 %");
    }
    if !args.tuning.is_finite() || args.tuning <= 0.0 {
        bail!("--tuning: expected a number above 0");
    }
    if args.tolerate_5xx < 0.0 || args.tolerate_latency < 0.0 {
        bail!("--tolerate-5xx and --tolerate-latency: expected parts of 0 and more");
    }
    Ok(Question {
        experiment: args.experiment.clone(),
        arms,
        control,
        alpha: args.alpha,
        tuning: args.tuning,
        tolerated_errors: args.tolerate_5xx,
        tolerated_latency: args.tolerate_latency,
    })
}

/// What is to be asked, by what the configuration counts.
fn wanted(args: &Args, loaded: &Loaded, question: &Question) -> anyhow::Result<Wanted> {
    let metrics = loaded.document.metrics.as_ref();
    if metrics.is_some_and(|metrics| metrics.style == Style::Istio) {
        bail!("metrics.style is istio, whose labels have other names: weir report reads the style tags");
    }
    matchers(&args.matchers)?;
    let known = goals_of(loaded, &args.experiment);
    let goals = if args.goals.is_empty() {
        known.into_iter().map(|(_, goal)| goal).collect()
    } else {
        let find = |name: &String| {
            let found = known.iter().find(|(known, _)| known == name).map(|(_, goal)| goal.clone());
            found.with_context(|| {
                let names: Vec<&str> = known.iter().map(|(name, _)| *name).take(5).collect();
                format!(
                    "--goal: unknown goal {name:?}: expected a goal of metrics.goals, or a counter of metrics.list with \
                     this experiment (known: {})",
                    names.join(", ")
                )
            })
        };
        args.goals.iter().map(find).collect::<Result<_, _>>()?
    };
    let red = metrics.and_then(|metrics| metrics.red.as_ref());
    let red = red.filter(|red| red.experiments.unwrap_or(true));
    Ok(Wanted {
        experiment: label(&args.experiment),
        arms: question.arms.iter().map(|(key, _)| label(key)).collect(),
        goals,
        matchers: args.matchers.clone(),
        requests: red.is_some(),
        durations: red.is_some_and(|red| red.duration.unwrap_or(true)),
        exposures: true,
    })
}

/// The goals of an experiment by their names: those of units first, which are what it is about, then counters of the
/// configuration with the experiment.
pub(crate) fn goals_of<'a>(loaded: &'a Loaded, experiment: &str) -> Vec<(&'a str, Goal)> {
    let metrics = loaded.document.metrics.as_ref();
    let mut counters: BTreeMap<&str, Goal> = BTreeMap::new();
    for metric in
        metrics.iter().flat_map(|metrics| &metrics.list).filter(|metric| is_goal(metric, experiment))
    {
        counters.entry(&metric.name).or_insert_with(|| goal(metric));
    }
    let goals = metrics.iter().flat_map(|metrics| &metrics.goals);
    let goals = goals.filter(|goal| goal.experiments.is_empty() || names(&goal.experiments, experiment));
    goals.map(|goal| (goal.name.as_str(), goal_of_units(&goal.name))).chain(counters).collect()
}

fn is_goal(metric: &Metric, experiment: &str) -> bool {
    metric.kind == MetricType::Counter && names(&metric.experiments, experiment)
}

/// Whether a list of experiments has one of this key.
fn names(experiments: &[String], experiment: &str) -> bool {
    experiments.iter().any(|it| it == "*" || it == experiment)
}

fn goal_of_units(name: &str) -> Goal {
    Goal {
        metric: "weir_conversions_total".to_owned(),
        of_units: Some(name.to_owned()),
        parts: None,
        counts: true,
    }
}

fn goal(metric: &Metric) -> Goal {
    let parts = metric.labels.iter().find_map(|(name, label)| match label {
        LabelSpec::Long(long) => {
            let number = long.sub_bucket.as_ref()?.buckets.unwrap_or(DEFAULT_PARTS);
            Some((name.to_string(), number as usize))
        }
        LabelSpec::Short(_) => None,
    });
    let counts = metric.value.as_ref().is_none_or(|value| value.constant == Some(1));
    Goal { metric: metric.name.clone(), of_units: None, parts, counts }
}

/// Makes sure that texts are matchers of labels, as far as it can be seen without Prometheus.
///
/// # Errors
/// One that is none.
pub(crate) fn matchers(texts: &[String]) -> anyhow::Result<()> {
    match texts.iter().find(|text| !text.contains(['=', '~']) || text.contains(['{', '}'])) {
        Some(wrong) => {
            bail!("--matcher: invalid matcher {wrong:?}: expected one such as namespace=\"shop\"")
        }
        None => Ok(()),
    }
}

/// A key as labels have it.
pub(crate) fn label(key: &str) -> String {
    key.replace('.', "_")
}

fn span(args: &Args, experiment: &Experiment) -> anyhow::Result<Span> {
    let now = time::now();
    let read = |option: &str, text: &String| time::read(text, now).with_context(|| option.to_owned());
    let until = args.until.as_ref().map_or(Ok(now), |text| read("--until", text))?;
    let start = experiment.start.as_deref().and_then(|text| weir_core::timestamp::parse(text).ok());
    let default = start.map_or(until.saturating_sub(DEFAULT_DAYS * DAY), |nanos| nanos / NANOSECONDS);
    let since = args.since.as_ref().map_or(Ok(default), |text| read("--since", text))?;
    if since >= until {
        bail!(
            "nothing to report: it begins at {} and ends at {}",
            time::rfc3339(since),
            time::rfc3339(until)
        );
    }
    Span::between(since, until).context("--since: too long ago")
}

/// What fuzz targets feed.
pub(crate) mod fuzzed {
    use super::counters::{Counter, Span};

    /// How much the counters in an answer went up.
    pub(crate) fn increases(body: &[u8]) -> Vec<f64> {
        let span = Span { start: 100, step: 10, windows: 20 };
        let Ok(series) = super::prometheus::read(200, body) else { return Vec::new() };
        let counters = Counter::join(series.clone(), series, &span);
        counters.iter().flat_map(|counter| counter.increases(0)).collect()
    }
}
