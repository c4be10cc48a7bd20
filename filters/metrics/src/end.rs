//! The end of a request: what the response shows, each thing asked once.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::bound::{Bound, FIRST, NONE, OTHER, Value};
use crate::measured::{Measured, Values};
use crate::number::divided;
use crate::plan::{Amount, Metric, Plan, Reading, ResponseSource, Responses};
use std::cell::{Cell, OnceCell};
use weir_core::Truth;
use weir_host_api::{HeaderMap, Metrics, ResponseView};

/// The end of a request with what was asked of it so far.
pub(crate) struct Asked<'e, E> {
    pub(crate) ending: &'e E,
    response_sources: &'e [ResponseSource],
    status: OnceCell<Option<u16>>,
    grpc: OnceCell<Option<u16>>,
    now: Cell<Option<u64>>,
    found: Vec<OnceCell<Option<Box<[u8]>>>>,
}

impl<'e, E: ResponseView> Asked<'e, E> {
    #[inline]
    pub(crate) fn new(response_sources: &'e [ResponseSource], ending: &'e E) -> Self {
        let mut found = Vec::new();
        found.resize_with(response_sources.len(), OnceCell::new);
        Self {
            ending,
            response_sources,
            status: OnceCell::new(),
            grpc: OnceCell::new(),
            now: Cell::new(None),
            found,
        }
    }

    #[inline]
    pub(crate) fn status(&self) -> Option<u16> {
        *self.status.get_or_init(|| self.ending.status())
    }

    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.now.get().unwrap_or_else(|| {
            let now = self.ending.now();
            self.now.set(Some(now));
            now
        })
    }

    /// gRPC's own status: in the trailers, or in the headers of a response that has nothing else.
    pub(crate) fn grpc(&self) -> Option<u16> {
        *self.grpc.get_or_init(|| {
            let trailer = self.ending.header(HeaderMap::ResponseTrailers, b"grpc-status");
            let status = trailer.or_else(|| self.ending.header(HeaderMap::Response, b"grpc-status"))?;
            std::str::from_utf8(&status).ok()?.trim().parse().ok()
        })
    }

    /// Whether the proxy redirected the request itself: it comes, or came, a second time, with a response.
    #[cold]
    fn is_redirected(&self) -> bool {
        let details = self.ending.property(b"response\0code_details");
        details.is_some_and(|details| *details == *b"internal_redirect")
    }

    pub(crate) fn late(&self, position: u16) -> Option<&[u8]> {
        let position = usize::from(position);
        let late = self.response_sources.get(position)?;
        let found = self.found.get(position)?.get_or_init(|| {
            match late {
                ResponseSource::Header(name) => self.ending.header(HeaderMap::Response, name),
                ResponseSource::Property(path) => self.ending.property(path),
            }
            .map(|value| Box::from(&*value))
        });
        found.as_deref()
    }
}

impl Plan {
    /// Measures the rest: for each [`Measured`] that [`Plan::start`] has given, exactly once, however the
    /// request ended.
    #[inline]
    pub fn end(&self, measured: Measured, ending: &impl ResponseView, registry: &impl Metrics) {
        let Measured { mut values, waiting, started, numbers, active, rare } = measured;
        let line = rare.and_then(|rare| rare.line);
        for gauge in active {
            registry.increment(gauge, -1);
        }
        let asked = Asked::new(&self.response_sources, ending);
        let asks_status = (self.reads_status && waiting != 0) || line.is_some();
        // Of a redirected pass Envoy knows the upstream's status, or none: others are not asked about.
        let may_be = asks_status && asked.status().is_none_or(|status| (300..400).contains(&status));
        if may_be && asked.is_redirected() {
            return;
        }
        let mut left = waiting;
        while left != 0 {
            let position = left.trailing_zeros();
            left &= left - 1;
            let Some(metric) = self.metrics.get(position as usize) else { return };
            if let Some(responses) = &metric.responses
                && !self.holds(responses.judge(&asked), registry)
            {
                continue;
            }
            let number = || numbers.iter().find(|(of, _)| *of == position).map(|(_, number)| *number);
            let Some(amount) = amount(metric, started, number, &asked) else { continue };
            for reading in &metric.at_end {
                self.read_end(*reading, &asked, &mut values);
            }
            self.flush(metric, divided(amount, metric.divide_by), &values, registry);
        }
        if let Some((line, log)) = line.zip(self.log.as_ref()) {
            self.end_line(log, line, started, &asked, &mut values, registry);
        }
    }

    /// Reads a label's value, where that has not happened yet.
    #[inline]
    pub(crate) fn read_end<E: ResponseView>(&self, position: u16, asked: &Asked<'_, E>, values: &mut Values) {
        if values.read(position).is_some() {
            return;
        }
        let Some(reading) = self.readings.get(usize::from(position)) else { return };
        let value = match reading {
            Reading::Class => class(asked.status()),
            Reading::Code(bound) => code(asked.status(), bound),
            Reading::Grpc => match asked.grpc() {
                Some(status @ 0..=16) => FIRST + status,
                Some(_) => OTHER,
                None => NONE,
            },
            Reading::ResponseSource(late, bound) => bound.of(asked.late(*late)),
            _ => return,
        };
        values.set(position, value);
    }
}

#[inline]
fn amount<E: ResponseView>(
    metric: &Metric,
    started: u64,
    number: impl Fn() -> Option<u64>,
    asked: &Asked<'_, E>,
) -> Option<u64> {
    match metric.amount {
        Amount::Constant(amount) => Some(amount),
        // Clocks are set back now and then.
        Amount::Duration => Some(asked.now().saturating_sub(started)),
        Amount::Attribute(_) => number(),
        Amount::LateText(late) => {
            let number = weir_core::value::number(asked.late(late)?)?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "out of range it is the nearest that is in it"
            )]
            let whole = number.round() as u64;
            (number >= 0.0).then_some(whole)
        }
        Amount::LateInteger(late) => {
            let number = i64::from_le_bytes(asked.late(late)?.try_into().ok()?);
            u64::try_from(number).ok()
        }
    }
}

#[inline]
fn class(status: Option<u16>) -> Value {
    match status {
        None => NONE,
        Some(status @ 100..=599) => FIRST + status / 100 - 1,
        Some(_) => OTHER,
    }
}

#[inline]
fn code(status: Option<u16>, bound: &Bound) -> Value {
    let Some(status) = status else { return NONE };
    if !(100..=999).contains(&status) {
        return OTHER;
    }
    let digit = |scale: u16| b'0' + (status / scale % 10) as u8;
    bound.of(Some(&[digit(100), digit(10), digit(1)]))
}

impl Responses {
    #[inline]
    pub(crate) fn judge<E: ResponseView>(&self, asked: &Asked<'_, E>) -> Truth {
        if !self.status.is_empty() && !asked.status().is_some_and(|status| self.status.contain(status)) {
            return Truth::False;
        }
        let headers = Truth::all(self.headers.iter().map(|(late, asks)| asks.judge(asked.late(*late))));
        if headers == Truth::False || self.grpc_status.is_empty() {
            return headers;
        }
        let status = asked.grpc().is_some_and(|status| self.grpc_status.contain(status));
        Truth::all([headers, status.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_hundreds() {
        for (status, expected) in [
            (None, NONE),
            (Some(100), 2),
            (Some(299), 3),
            (Some(599), 6),
            (Some(99), OTHER),
            (Some(600), OTHER),
        ] {
            assert_eq!(class(status), expected, "{status:?}");
        }
    }

    #[test]
    fn codes_are_three_digits() {
        let bound = Bound::Listed(crate::bound::Names::new(["404", "503"].into_iter()));
        for (status, expected) in
            [(Some(404), "404"), (Some(503), "503"), (Some(200), "other"), (None, "none")]
        {
            assert_eq!(bound.name(code(status, &bound), str::to_owned), expected);
        }
        assert_eq!(code(Some(7), &bound), OTHER);
    }
}
