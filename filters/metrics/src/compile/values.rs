//! The values of metrics, and the responses that they measure.

use super::builder::Builder;
use crate::config::{Body, Metric as Spec, MetricType, ResponseMatch, TimeUnit, ValueSpec};
use crate::plan::{Amount, ResponseSource, Responses};
use weir_core::attribute::{AttributeSpec, KindSpec};
use weir_core::value::Kind;
use weir_core::{At, AttrId, SourceSpec};

impl Builder<'_, '_> {
    pub(super) fn amount(&mut self, spec: &Spec, at: &At) -> Option<Amount> {
        let at = at.field("value");
        if !spec.buckets.is_empty() {
            self.buckets(spec, &at);
        }
        let Some(value) = &spec.value else {
            if spec.kind == MetricType::Histogram {
                let message = "a histogram needs a value, such as {duration: milliseconds}";
                self.compiler.problems.missing(&at, message);
            }
            return Some(Amount::Constant(1));
        };
        if value.divide_by == Some(0) {
            self.compiler.problems.add(&at.field("divideBy"), "nothing can be divided by 0");
        }
        let given = [
            value.constant.is_some(),
            value.duration.is_some(),
            value.size.is_some(),
            value.source.is_some(),
            value.response_header.is_some(),
            value.end_property.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            let message =
                "needs exactly one of constant, duration, size, source, responseHeader, endProperty";
            self.compiler.problems.missing(&at, message);
            return None;
        }
        self.one_amount(value, &at)
    }

    fn one_amount(&mut self, value: &ValueSpec, at: &At) -> Option<Amount> {
        if let Some(number) = value.constant {
            return Some(Amount::Constant(number));
        }
        if value.duration.is_some() {
            return Some(Amount::Duration);
        }
        if let Some(body) = value.size {
            let path: &[u8] = match body {
                Body::Request => b"request\0size",
                Body::Response => b"response\0size",
            };
            return Some(Amount::LateInteger(self.late(ResponseSource::Property(path.into()))));
        }
        if let Some(source) = &value.source {
            return self.number(source, &at.field("source")).map(Amount::Attribute);
        }
        if let Some(name) = &value.response_header {
            return self.response_header(name, &at.field("responseHeader")).map(Amount::LateText);
        }
        let path = value.end_property.as_ref()?;
        self.end_property(path, &at.field("endProperty")).map(Amount::LateInteger)
    }

    /// An attribute that is a number; what says nothing of its type is read as one.
    fn number(&mut self, source: &SourceSpec, at: &At) -> Option<AttrId> {
        let untyped = match source {
            SourceSpec::Short(text) => AttributeSpec::of_short(text),
            SourceSpec::Long(spec) if spec.kind.is_none() => Some((**spec).clone()),
            SourceSpec::Long(_) => None,
        };
        let id = match untyped {
            Some(spec) => {
                let spec = AttributeSpec { kind: Some(KindSpec::Number), ..spec };
                self.compiler.source(&SourceSpec::Long(Box::new(spec)), at)?
            }
            None => self.compiler.source(source, at)?,
        };
        if self.compiler.kind(id) != Kind::Number {
            self.compiler.problems.add(at, "is not a number: set `type: number` for the attribute");
            return None;
        }
        Some(id)
    }

    /// Buckets serve the command line only, but mistakes must not wait for it.
    fn buckets(&mut self, spec: &Spec, at_value: &At) {
        let rising = spec.buckets.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
        if spec.kind != MetricType::Histogram {
            self.compiler.problems.add(at_value, "only histograms have `buckets`");
        } else if !rising || spec.buckets.iter().any(|bound| *bound <= 0.0) {
            self.compiler.problems.add(at_value, "`buckets` must rise, from above 0");
        }
    }

    pub(super) fn responses(&mut self, spec: &ResponseMatch, at: &At) -> Option<Responses> {
        if spec.status.is_empty() && spec.grpc_status.is_empty() && spec.headers.is_empty() {
            self.compiler.problems.missing(at, "specify status, grpcStatus or headers");
            return None;
        }
        if spec.grpc_status.0.iter().any(|range| range.last > 16) {
            self.compiler.problems.add(&at.field("grpcStatus"), "gRPC has the statuses 0 to 16");
        }
        let mut headers = Vec::new();
        for (name, text) in spec.headers.iter() {
            let at = at.field("headers").field(name);
            let asks = text.asks(false, &mut self.compiler.problems, &at);
            if let Some((late, asks)) = self.response_header(name, &at).zip(asks) {
                headers.push((late, asks));
            }
        }
        Some(Responses {
            status: spec.status.clone(),
            grpc_status: spec.grpc_status.clone(),
            headers: headers.into(),
        })
    }
}

/// What a value is divided by, its unit included.
pub(super) fn divisor(value: Option<&ValueSpec>) -> u64 {
    let Some(value) = value else { return 1 };
    let unit = match value.duration {
        None => 1,
        Some(TimeUnit::Microseconds) => 1_000,
        Some(TimeUnit::Milliseconds) => 1_000_000,
        Some(TimeUnit::Seconds) => 1_000_000_000,
    };
    value.divide_by.unwrap_or(1).saturating_mul(unit)
}
