//! The access log: a line of JSON for some of the requests. It never holds a header that was not named.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::encoding;
use crate::end::Asked;
use crate::line::Line;
use crate::measured::{Measured, Values};
use crate::plan::{Field, Log, Plan, Sample};
use weir_core::RequestView;
use weir_core::{Effects, HostServices, Request, Truth};
use weir_host_api::{Metrics, ResponseView};

/// A path that is written itself is cut, in bytes.
const MAX_PATH_LEN: usize = 512;

impl Sample {
    /// Requests of one trace are in it together; those without a trace by chance.
    #[inline]
    fn has<O: HostServices>(&self, trace: Option<&str>, request: &Request<'_, O>) -> bool {
        if self.share >= weir_allocation::BUCKETS {
            return true;
        }
        let bucket = match trace {
            Some(trace) => self.salt.bucket(trace.as_bytes()),
            None => weir_allocation::Bucket::from_hash(request.services().random()),
        };
        bucket.index() < self.share
    }
}

/// The trace id in a `traceparent` header (W3C Trace Context, section 3.2). For size, not for speed: compiled
/// with the pipeline it would have 1.6 kB more.
fn trace_id(header: Option<&[u8]>) -> Option<&str> {
    let header = header?;
    // Version, dash, 32 hex digits, dash.
    let id = header.get(3..35)?;
    let hex = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
    let framed = header.get(2) == Some(&b'-') && header.get(35) == Some(&b'-');
    let valid = framed && id.iter().all(hex) && id.iter().any(|b| *b != b'0');
    std::str::from_utf8(id).ok().filter(|_| valid)
}

impl Log {
    /// The variants that the request was given, and how each was decided.
    fn write_experiments<O: HostServices>(&self, request: &Request<'_, O>, line: &mut Line) {
        let (mut variants, mut decided) = (Line::new(), Line::new());
        for (key, id) in &self.experiments {
            let Some(assigned) = request.assigned(*id) else { continue };
            let known = request.access_plan().experiments.get(id.index());
            let variant = known.and_then(|known| known.variants.get(usize::from(assigned.variant)));
            variants.text(key, &variant.map_or_else(String::new, |variant| variant.replace('.', "_")));
            decided.text(key, assigned.word());
        }
        line.object("experiments", variants);
        line.object("decided", decided);
    }
}

impl Plan {
    /// Whether a request may be logged. One that cannot be judged is: a line too many can be left out later, one
    /// that is missing cannot be written.
    #[inline]
    pub(crate) fn wants_line<O: HostServices>(
        &self,
        log: &Log,
        request: &Request<'_, O>,
        registry: &impl Metrics,
    ) -> bool {
        if !log.sample.has(trace_id(request.text(log.traceparent)), request) {
            return false;
        }
        let truth = log.requests.as_ref().map_or(Truth::True, |requests| requests.judge(request));
        if truth == Truth::Unknown {
            self.count_undecided(registry);
        }
        truth.unknown_as(true)
    }

    /// What the request shows of the line.
    #[cold]
    #[inline(never)]
    pub(crate) fn begin_line<O: HostServices>(
        &self,
        log: &Log,
        request: &Request<'_, O>,
        effects: &Effects,
        measured: &mut Measured,
    ) {
        let mut line = Line::new();
        for (name, field) in &log.fields {
            match field {
                Field::Reading(position) => {
                    self.read(*position, request, effects, &mut measured.values);
                    self.write_reading(name, *position, true, &measured.values, &mut line);
                }
                Field::Text(attribute) => {
                    if let Some(text) = request.text(*attribute) {
                        line.text(name, &encoding::text(text));
                    }
                }
                Field::Constant(text) => line.text(name, text),
                Field::ResponseSource(_) => {}
            }
        }
        if let Some(path) = log.path.and_then(|path| request.text(path)) {
            let path = path.get(..MAX_PATH_LEN).unwrap_or(path);
            line.text("path", &String::from_utf8_lossy(path));
        }
        if let Some(id) = trace_id(request.text(log.traceparent)) {
            line.text("trace_id", id);
        }
        if let Some((sources, signer)) = &log.unit
            && let Some(unit) = crate::start::unit(sources, request, effects)
        {
            let hash = signer.sign("unit", unit);
            line.text("unit", std::str::from_utf8(&hash).unwrap_or_default());
        }
        if !log.experiments.is_empty() {
            log.write_experiments(request, &mut line);
        }
        measured.rare().line = Some(line.0);
    }

    /// The rest of the line.
    #[cold]
    #[inline(never)]
    pub(crate) fn end_line<E: ResponseView>(
        &self,
        log: &Log,
        line: String,
        started: u64,
        asked: &Asked<'_, E>,
        values: &mut Values,
        registry: &impl Metrics,
    ) {
        let wanted = log.responses.as_ref().map_or(Truth::True, |responses| responses.judge(asked));
        if wanted == Truth::Unknown {
            self.count_undecided(registry);
        }
        // As for requests: a line too many.
        if !wanted.unknown_as(true) {
            return;
        }
        let mut line = Line(line);
        // No response is status 0, as in Envoy's own logs.
        line.number("status", u64::from(asked.status().unwrap_or(0)));
        line.milliseconds("duration_ms", asked.now().saturating_sub(started));
        for (name, field) in &log.fields {
            match field {
                Field::Reading(position) => {
                    self.read_end(*position, asked, values);
                    self.write_reading(name, *position, false, values, &mut line);
                }
                Field::ResponseSource(late) => {
                    if let Some(text) = asked.late(*late) {
                        line.text(name, &encoding::text(text));
                    }
                }
                Field::Text(_) | Field::Constant(_) => {}
            }
        }
        line.0.push('}');
        asked.ending.log(log.level.into(), &line.0);
    }

    /// A field that is defined as a label is; absent where the request has no value.
    fn write_reading(&self, name: &str, position: u16, at_request: bool, values: &Values, line: &mut Line) {
        let Some(reading) = self.readings.get(usize::from(position)) else { return };
        let value = values.get(position);
        if reading.is_of_request() == at_request && value != crate::bound::NONE {
            line.text(name, &reading.name(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_ids_are_those_of_valid_headers() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let header = |id: &str| format!("00-{id}-00f067aa0ba902b7-01");
        assert_eq!(trace_id(Some(header(id).as_bytes())), Some(id));
        for bad in [
            String::new(),
            id.to_owned(),
            header(&id.to_uppercase()),
            header(&"0".repeat(32)),
            header(&id[1..]),
            header("4bf92f3577b34da6a3ce929d0e0e473\""),
        ] {
            assert_eq!(trace_id(Some(bad.as_bytes())), None, "{bad}");
        }
        assert_eq!(trace_id(None), None);
    }
}
