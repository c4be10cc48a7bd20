//! Guardrails: errors and latency of requests, which must not get worse.
//!
//! Prometheus has counts of requests, not of units, and the requests of one user or of one bad minute resemble each other.
//! Chance is therefore measured among windows of time, in which both arms are compared, not among requests.

use super::measure::{Measured, Windows};
use super::question::Question;
use serde::Serialize;
use weir_statistics::Undefined;
use weir_statistics::guardrail::{Verdict, Worse, judge as verdict};
use weir_statistics::lift::{Estimate, Interval};
use weir_statistics::sample::Sample;

/// Windows in which arms are compared.
const WINDOWS: usize = 48;

/// What must not get worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Kind {
    /// The part of requests that end with 5xx.
    #[serde(rename = "5xx")]
    Errors,
    /// How long requests take.
    #[serde(rename = "latency")]
    Latency,
}

impl Kind {
    /// As reports name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Errors => "5xx",
            Self::Latency => "latency",
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Guardrail {
    #[serde(rename = "name")]
    pub(crate) kind: Kind,
    /// `part of requests`, `milliseconds a request`.
    pub(crate) unit: &'static str,
    /// How much worse it may be: an absolute part for errors, a part of the control's mean for latency.
    pub(crate) tolerance: f64,
    pub(crate) control: Option<f64>,
    pub(crate) comparisons: Vec<Guarded>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Guarded {
    pub(crate) arm: String,
    /// The treatment's value.
    pub(crate) value: Option<f64>,
    /// Treatment less control: a confidence sequence.
    pub(crate) sequence: Option<Interval>,
    pub(crate) verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) undefined: Option<Undefined>,
}

impl Guardrail {
    /// The worst verdict of its arms.
    pub(crate) fn verdict(&self) -> Verdict {
        let all = || self.comparisons.iter().map(|it| it.verdict);
        if all().any(|it| it == Verdict::Fails) {
            Verdict::Fails
        } else if all().all(|it| it == Verdict::Holds) {
            Verdict::Holds
        } else {
            Verdict::Unknown
        }
    }
}

/// All guardrails for which something is counted.
pub(crate) fn judge(question: &Question, measured: &Measured) -> Vec<Guardrail> {
    let counted = |windows: &Windows| windows.iter().flatten().any(|count| *count > 0.0);
    let mut guardrails = Vec::new();
    if counted(&measured.requests) {
        let ratio = Ratio { above: &measured.errors, below: &measured.requests, part: true };
        let tolerated = question.tolerated_errors;
        guardrails.push(guardrail(question, Kind::Errors, "part of requests", &ratio, tolerated));
    }
    if counted(&measured.timed) {
        let ratio = Ratio { above: &measured.durations, below: &measured.timed, part: false };
        let tolerated = question.tolerated_latency;
        guardrails.push(guardrail(question, Kind::Latency, "milliseconds a request", &ratio, tolerated));
    }
    guardrails
}

/// What is divided by what.
struct Ratio<'a> {
    above: &'a Windows,
    below: &'a Windows,
    /// Whether it is a part of requests, of which 0 is a value like others.
    part: bool,
}

impl Ratio<'_> {
    /// Numerators and denominators of an arm in about 48 windows.
    fn windows(&self, arm: usize) -> Vec<(f64, f64)> {
        let each = self.above[arm].len().div_ceil(WINDOWS).max(1);
        let sums =
            |windows: &[f64]| windows.chunks(each).map(|chunk| chunk.iter().sum()).collect::<Vec<f64>>();
        sums(&self.above[arm]).into_iter().zip(sums(&self.below[arm])).collect()
    }

    fn value(&self, arm: usize) -> Option<f64> {
        let below: f64 = self.below[arm].iter().sum();
        (below > 0.0).then(|| self.above[arm].iter().sum::<f64>() / below)
    }

    fn sequence(&self, question: &Question, treatment: usize) -> Result<Interval, Undefined> {
        let requests = |arm: usize| self.below[arm].iter().sum::<f64>();
        let both = requests(question.control) + requests(treatment);
        let (control, treated) = (self.windows(question.control), self.windows(treatment));
        // Windows without any request say nothing.
        let pairs = control.into_iter().zip(treated).filter(|(one, other)| one.1 + other.1 > 0.0);
        let (control, treated): (Vec<_>, Vec<_>) = pairs.unzip();
        let estimate = match Estimate::paired_ratios(&control, &treated) {
            // No errors at all: how many there may be is a matter of the number of requests.
            Err(Undefined::NoVariance) if self.part => {
                let cautious = |arm: usize| {
                    let failed: f64 = self.above[arm].iter().sum();
                    Sample::agresti_caffo(failed.round() as u64, requests(arm).round() as u64)
                };
                Estimate::difference(&cautious(question.control)?, &cautious(treatment)?)?
            }
            other => other?.of_batches(both)?,
        };
        estimate.confidence_sequence(question.alpha, question.tuning)
    }
}

fn guardrail(
    question: &Question,
    kind: Kind,
    unit: &'static str,
    ratio: &Ratio<'_>,
    tolerance: f64,
) -> Guardrail {
    let control = ratio.value(question.control);
    let tolerated = if ratio.part { tolerance } else { tolerance * control.unwrap_or_default() };
    let compared = |treatment: usize| {
        let sequence = ratio.sequence(question, treatment);
        let judged = sequence.and_then(|interval| verdict(interval, Worse::Higher, tolerated));
        Guarded {
            arm: question.arms[treatment].0.clone(),
            value: ratio.value(treatment),
            sequence: sequence.ok(),
            verdict: judged.unwrap_or(Verdict::Unknown),
            undefined: judged.err(),
        }
    };
    Guardrail { kind, unit, tolerance, control, comparisons: question.treatments().map(compared).collect() }
}
