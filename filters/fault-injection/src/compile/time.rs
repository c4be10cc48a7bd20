//! Durations and the distributions that are made of them.

use crate::config::{Delay, LogNormal};
use crate::distribution::{Distribution, Z99};
use weir_core::{At, Compiler, duration};

/// The longest delay where nothing else is said and chance could make it endless: after 5 minutes Envoy ends idle
/// streams by default.
pub(super) const MAX_DELAY: u64 = 300_000_000_000;

/// A duration in nanoseconds; invalid ones are reported.
pub(super) fn nanoseconds(text: &str, compiler: &mut Compiler<'_>, at: &At) -> Option<u64> {
    let time = compiler.problems.accept(duration::parse(text), at)?;
    u64::try_from(time.as_nanos()).ok()
}

/// A duration above zero.
pub(super) fn above_zero(text: &str, compiler: &mut Compiler<'_>, at: &At) -> Option<u64> {
    let time = nanoseconds(text, compiler, at)?;
    if time == 0 {
        compiler.problems.add(at, format!("{text:?} is not longer than 0s"));
    }
    Some(time)
}

/// The distribution of a delay and its longest time.
pub(super) fn distribution(
    spec: &Delay,
    compiler: &mut Compiler<'_>,
    at: &At,
) -> Option<(Distribution, u64)> {
    let given = [
        spec.fixed_delay.is_some(),
        spec.uniform.is_some(),
        spec.normal.is_some(),
        spec.lognormal.is_some(),
        spec.exponential.is_some(),
        spec.pareto.is_some(),
    ];
    if given.iter().filter(|is| **is).count() != 1 {
        let message = "needs exactly one of fixedDelay, uniform, normal, lognormal, exponential, pareto";
        compiler.problems.missing(at, message);
    }
    let most = spec.max.as_ref().and_then(|text| above_zero(text, compiler, &at.field("max")));
    let bounded = spec.fixed_delay.is_some() || spec.uniform.is_some();
    let most = most.unwrap_or(if bounded { u64::MAX } else { MAX_DELAY });
    Reader { compiler, at }.read(spec).map(|time| (time, most))
}

struct Reader<'r, 'c> {
    compiler: &'r mut Compiler<'c>,
    at: &'r At,
}

impl Reader<'_, '_> {
    fn read(&mut self, spec: &Delay) -> Option<Distribution> {
        if let Some(text) = &spec.fixed_delay {
            return Some(Distribution::Fixed(self.time(text, self.at.field("fixedDelay"))?));
        }
        if let Some(uniform) = &spec.uniform {
            let at = self.at.field("uniform");
            let min = nanoseconds(&uniform.min, self.compiler, &at.field("min"));
            let max = self.time(&uniform.max, at.field("max"))?;
            let min = min? as f64;
            if min > max {
                let message = format!("{:?} is less than the min {:?}", uniform.max, uniform.min);
                self.compiler.problems.add(&at.field("max"), message);
            }
            return Some(Distribution::Uniform { min, width: max - min });
        }
        if let Some(normal) = &spec.normal {
            let at = self.at.field("normal");
            let mean = self.time(&normal.mean, at.field("mean"));
            let stddev = self.time(&normal.stddev, at.field("stddev"))?;
            return Some(Distribution::Normal { mean: mean?, stddev });
        }
        if let Some(lognormal) = &spec.lognormal {
            return self.lognormal(lognormal);
        }
        if let Some(exponential) = &spec.exponential {
            let mean = self.time(&exponential.mean, self.at.field("exponential").field("mean"))?;
            return Some(Distribution::Exponential { mean });
        }
        let pareto = spec.pareto.as_ref()?;
        let at = self.at.field("pareto");
        let min = self.time(&pareto.min, at.field("min"));
        let Some(alpha) = pareto.alpha else {
            self.compiler.problems.add(&at.field("alpha"), "needs a number from 0.1 to 100");
            return None;
        };
        if !(0.1..=100.0).contains(&alpha) {
            self.number(alpha, "is not a number from 0.1 to 100", &at.field("alpha"));
        }
        Some(Distribution::Pareto { min: min?, alpha })
    }

    fn lognormal(&mut self, spec: &LogNormal) -> Option<Distribution> {
        let at = self.at.field("lognormal");
        let (median, name) = match (&spec.median, &spec.p50) {
            (Some(median), None) => (median, "median"),
            (None, Some(p50)) => (p50, "p50"),
            _ => {
                self.compiler
                    .problems
                    .missing(&at, "needs exactly one of median and p50, which are the same");
                return None;
            }
        };
        let mu = self.time(median, at.field(name))?.ln();
        let sigma = match (spec.sigma, &spec.p99) {
            (Some(sigma), None) => {
                if !(sigma > 0.0 && sigma <= 10.0) {
                    self.number(sigma, "is not a number above 0 and up to 10", &at.field("sigma"));
                }
                sigma
            }
            (None, Some(text)) => {
                let p99 = self.time(text, at.field("p99"))?.ln();
                if p99 <= mu {
                    let message = format!("{text:?} is not longer than the median {median:?}");
                    self.compiler.problems.add(&at.field("p99"), message);
                }
                (p99 - mu) / Z99
            }
            _ => {
                self.compiler.problems.missing(&at, "needs exactly one of sigma and p99");
                return None;
            }
        };
        Some(Distribution::LogNormal { mu, sigma })
    }

    /// Reports a number that is out of its range.
    fn number(&mut self, number: f64, rule: &str, at: &At) {
        // The standard library's way to print it would cost a module 25 kB.
        let number = serde_json::Value::from(number);
        self.compiler.problems.add(at, format!("{number} {rule}"));
    }

    fn time(&mut self, text: &str, at: At) -> Option<f64> {
        above_zero(text, self.compiler, &at).map(|time| time as f64)
    }
}
