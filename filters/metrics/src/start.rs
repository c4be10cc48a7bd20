//! The beginning of a request: which metrics it concerns, and what of it they will need.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::bound::{FIRST, NONE, OTHER, Value};
use crate::measured::{Measured, Values};
use crate::number::divided;
use crate::plan::{Amount, Metric, Moment, Plan, Reading};
use weir_core::RequestView;
use weir_core::value::Value as Fact;
use weir_core::{Assigned, AttrId, Effects, HostServices, Request};
use weir_host_api::Metrics;

impl Plan {
    /// Measures what the request shows, once all other filters have decided. `now` tells nanoseconds since
    /// the Unix epoch; it is asked at most once, where a duration will be measured.
    ///
    /// `None` when nothing is left to do at the end.
    #[inline]
    pub fn start<O: HostServices>(
        &self,
        request: &Request<'_, O>,
        effects: &Effects,
        now: impl FnOnce() -> u64,
        registry: &impl Metrics,
    ) -> Option<Measured> {
        let mut measured = Measured { values: Values::new(self.readings.len()), ..Measured::default() };
        let mut clock = false;
        for (position, metric) in (0u32..).zip(&self.metrics) {
            // What cannot be judged is not measured.
            if let Some(requests) = &metric.requests
                && !self.holds(requests.judge(request), registry)
            {
                continue;
            }
            for reading in &metric.at_request {
                self.read(*reading, request, effects, &mut measured.values);
            }
            match metric.moment {
                Moment::End => {
                    if let Amount::Attribute(id) = metric.amount {
                        let Some(number) = whole(request, id) else { continue };
                        measured.numbers.push((position, number));
                    }
                    clock |= metric.amount == Amount::Duration;
                    measured.waiting |= 1 << position;
                }
                Moment::Request => self.at_once(metric, request, &measured.values, registry),
                Moment::Active => {
                    for series in &metric.series {
                        if let Some(id) = self.id(metric, series, &measured.values, registry) {
                            registry.increment(id, 1);
                            measured.active.push(id);
                        }
                    }
                }
            }
        }
        if !self.goals.is_empty() {
            clock |= self.start_goals(request, effects, &mut measured, registry);
        }
        if let Some(log) = &self.log
            && self.wants_line(log, request, registry)
        {
            self.begin_line(log, request, effects, &mut measured);
            clock = true;
        }
        if measured.waiting == 0 && measured.active.is_empty() && measured.rare.is_none() {
            return None;
        }
        if clock {
            measured.started = now();
        }
        Some(measured)
    }

    #[inline]
    fn at_once<O: HostServices>(
        &self,
        metric: &Metric,
        request: &Request<'_, O>,
        values: &Values,
        registry: &impl Metrics,
    ) {
        let amount = match metric.amount {
            Amount::Constant(amount) => Some(amount),
            Amount::Attribute(id) => whole(request, id),
            Amount::Duration | Amount::LateText(_) | Amount::LateInteger(_) => None,
        };
        if let Some(amount) = amount {
            self.flush(metric, divided(amount, metric.divide_by), values, registry);
        }
    }

    /// Reads a label's value, where that has not happened yet.
    #[inline]
    pub(crate) fn read<O: HostServices>(
        &self,
        position: u16,
        request: &Request<'_, O>,
        effects: &Effects,
        values: &mut Values,
    ) {
        if values.read(position).is_some() {
            return;
        }
        let Some(reading) = self.readings.get(usize::from(position)) else { return };
        let value = match reading {
            Reading::Text(attribute, bound) => bound.of(request.text(*attribute)),
            Reading::Variant(experiment, _) => {
                let counted = request.assigned(*experiment).filter(|assigned| assigned.counts);
                counted.map_or(NONE, |assigned| FIRST + assigned.variant)
            }
            Reading::VariantOfPlugin(attribute, bound) => {
                let counts = |text: &&[u8]| !text.contains(&Assigned::SEPARATOR);
                bound.of(request.text(*attribute).filter(counts))
            }
            Reading::HeaderValue(header, bound) => {
                let given = effects.headers.get(header.index()).copied().unwrap_or_default();
                bound.of(effects.bytes(given, request.access_plan()))
            }
            Reading::Scalar(attribute, bound) => match request.value(*attribute) {
                Fact::Number(number) => bound.of(Some(plain(number).as_bytes())),
                Fact::Bool(truth) => bound.of(Some(if truth { b"true" } else { b"false" })),
                Fact::Unreadable => OTHER,
                _ => NONE,
            },
            Reading::SubBucket { units, salt, buckets } => match unit(units, request, effects) {
                Some(unit) => FIRST + part(salt.hash(unit), *buckets),
                None => NONE,
            },
            Reading::Code(_) | Reading::Class | Reading::Grpc | Reading::ResponseSource(..) => return,
        };
        values.set(position, value);
    }
}

/// The unit of a request: the first source that is there and not empty. A cookie that the response sets is one already,
/// as it will be on the next request.
pub(crate) fn unit<'r, O: HostServices>(
    sources: &[AttrId],
    request: &'r Request<'_, O>,
    effects: &'r Effects,
) -> Option<&'r [u8]> {
    let units = sources.iter().filter_map(|source| effects.cookie(*source).or_else(|| request.text(*source)));
    units.into_iter().find(|unit| !unit.is_empty())
}

/// A number as people write it. The standard library's way to print it would cost a module 25 kB.
#[cold]
fn plain(number: f64) -> String {
    let text = serde_json::Value::from(number).to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// Which of `parts` equal parts a hash is in.
#[allow(clippy::cast_possible_truncation, reason = "below `parts`")]
#[inline]
fn part(hash: u64, parts: Value) -> Value {
    // The upper half is enough: there are at most a hundred parts.
    (((hash >> 32) * u64::from(parts)) >> 32) as Value
}

/// The number that an attribute is, when it is one and not below 0.
#[allow(clippy::cast_possible_truncation, reason = "out of range it is the nearest that is in it")]
fn whole<O: HostServices>(request: &Request<'_, O>, id: AttrId) -> Option<u64> {
    match request.value(id) {
        Fact::Number(number) if number >= 0.0 => Some(number.round() as u64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_equal() {
        assert_eq!((part(0, 20), part(u64::MAX, 20), part(1 << 63, 20)), (0, 19, 10));
    }
}
