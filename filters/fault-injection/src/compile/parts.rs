//! The faults of a rule, and their percentages.

use super::builder::Builder;
use super::time;
use crate::config::{Abort, BodyFault, Delay, RateLimit, ResponseFault as ResponseSpec, Rolls};
use crate::control::{BODY, details};
use crate::percentage::Percentage;
use crate::plan::{FaultAction, FaultPart};
use crate::response::{BodyChange, ResponseFault};
use weir_allocation::{BUCKETS, Fraction};
use weir_core::header::{is_safe_value, name, writable_name};
use weir_core::rpc::has_no_body;
use weir_core::{At, Callbacks, OrderedMap, Reply};

impl Builder<'_, '_> {
    /// The kinds that have a percentage above zero, in order; `None` when there is no kind at all.
    pub(super) fn parts(&mut self) -> Option<Box<[FaultPart]>> {
        let spec = self.spec;
        if cfg!(not(feature = "response")) {
            self.refuse_response_faults();
        } else if spec.response_rate_limit.is_some()
            || spec.response.is_some()
            || spec.header_control.is_some()
        {
            // Clients of a header control may ask for a throughput.
            self.compiler.callback(Callbacks::RESPONSE_HEADERS.with(Callbacks::RESPONSE_BODY));
        }
        let all = [
            spec.delay.as_ref().map(|delay| self.delay(delay)),
            spec.abort.as_ref().map(|abort| self.abort(abort)),
            spec.response_rate_limit.as_ref().map(|limit| self.rate(limit)),
            spec.response.as_ref().map(|response| self.response(response)),
        ];
        if all.iter().all(Option::is_none) {
            return None;
        }
        let mut parts = Vec::new();
        let mut from = 0;
        for (share, action) in all.into_iter().flatten().flatten() {
            if !share.is_none() {
                parts.push(FaultPart { from, until: from + share.millionths(), action });
            }
            if spec.rolls == Rolls::Exclusive {
                from += share.millionths();
            }
        }
        if from > BUCKETS {
            let message = "the sum of the percentages is more than 100%, so they cannot exclude each other";
            self.compiler.problems.add(&self.at.field("rolls"), message);
        }
        Some(parts.into())
    }

    /// A build without the callbacks for responses cannot do anything to them.
    fn refuse_response_faults(&mut self) {
        let spec = self.spec;
        let throughput = spec.header_control.as_ref().is_some_and(|control| control.throughput.is_some());
        let at = self.at;
        for (is_there, at) in [
            (spec.response_rate_limit.is_some(), at.field("responseRateLimit")),
            (spec.response.is_some(), at.field("response")),
            (throughput, at.field("headerControl").field("throughput")),
        ] {
            if is_there {
                let message = "this module has no callbacks for responses, which would cost every request: load \
                               fault_injection_response.wasm or weir.wasm";
                self.compiler.problems.add(&at, message);
            }
        }
    }

    /// The percentage in one of its two forms. It has no default, because a forgotten percentage would mean
    /// all requests or none.
    fn share(&mut self, percentage: Option<Percentage>, percent: Option<f64>, at: &At) -> Option<Fraction> {
        let problems = &mut self.compiler.problems;
        match (percentage, percent) {
            (Some(percentage), None) => Some(percentage.0),
            (None, Some(percent)) => match Fraction::from_percent(percent) {
                Ok(share) => Some(share),
                Err(problem) => {
                    problems.add(&at.field("percent"), problem.to_string());
                    None
                }
            },
            (Some(_), Some(_)) => {
                problems.add(&at.field("percent"), "only one of percentage and percent is possible");
                None
            }
            (None, None) => {
                problems.missing(&at.field("percentage"), "is required, such as \"0.1%\"");
                None
            }
        }
    }

    fn delay(&mut self, spec: &Delay) -> Option<(Fraction, FaultAction)> {
        let at = self.at.field("delay");
        let share = self.share(spec.percentage, spec.percent, &at);
        let (time, max) = time::distribution(spec, self.compiler, &at)?;
        Some((share?, FaultAction::Delay { time, max }))
    }

    fn abort(&mut self, spec: &Abort) -> Option<(Fraction, FaultAction)> {
        let at = self.at.field("abort");
        let share = self.share(spec.percentage, spec.percent, &at);
        if spec.http_status.is_none() && spec.grpc_status.is_none() {
            self.compiler.problems.missing(&at, "needs httpStatus or grpcStatus");
        }
        let status = spec.http_status.or_else(|| spec.grpc_status.map(|status| status.http()));
        let status = self.status(status, &at.field("httpStatus"));
        // To clients of gRPC it is the message.
        let body = spec.body.as_deref().filter(|_| spec.grpc_status.is_none());
        self.no_body(status, body, &at.field("body"));
        let mut headers = Vec::new();
        for (name, value) in self.headers(&spec.headers, &at.field("headers")) {
            headers.push((name, Box::from(value.as_bytes())));
        }
        if let Some(kind) = &spec.content_type {
            let at = at.field("contentType");
            self.compiler.safe_value(kind, &at);
            headers.push(("content-type".into(), kind.as_bytes().into()));
        }
        let reply = Reply {
            status: status?,
            grpc_status: spec.grpc_status.map(|status| status.number()),
            details: details(self.name).into(),
            headers,
            body: spec.body.as_deref().unwrap_or(BODY).as_bytes().into(),
        };
        Some((share?, FaultAction::Abort(Box::new(reply))))
    }

    fn rate(&mut self, spec: &RateLimit) -> Option<(Fraction, FaultAction)> {
        let at = self.at.field("responseRateLimit");
        let share = self.share(spec.percentage, None, &at);
        match spec.limit_kbps {
            Some(limit @ 1..) => Some((share?, FaultAction::Rate(limit.saturating_mul(1024)))),
            _ => {
                let message = "needs a whole number of KiB/s, 1 or more";
                self.compiler.problems.missing(&at.field("limitKbps"), message);
                None
            }
        }
    }

    fn response(&mut self, spec: &ResponseSpec) -> Option<(Fraction, FaultAction)> {
        let at = self.at.field("response");
        let share = self.share(spec.percentage, None, &at);
        let status = spec.status.and_then(|status| self.status(Some(status), &at.field("status")));
        let set = self.headers(&spec.set_headers, &at.field("setHeaders"));
        let mut remove = Vec::new();
        for (i, header) in spec.remove_headers.iter().enumerate() {
            let at = at.field("removeHeaders").index(i);
            remove.extend(self.compiler.problems.accept(name(header), &at).map(String::into_boxed_str));
        }
        let body = spec.body.as_ref().and_then(|body| self.body(body, &at.field("body")));
        let text = spec.body.as_ref().and_then(|body| body.replace.as_deref());
        self.no_body(status, text, &at.field("body").field("replace"));
        let fault = ResponseFault { status, set: set.into(), remove: remove.into(), body };
        if fault == ResponseFault::default() {
            let message = "changes nothing: needs status, setHeaders, removeHeaders or body";
            self.compiler.problems.missing(&at, message);
        }
        Some((share?, FaultAction::Response(Box::new(fault))))
    }

    fn body(&mut self, spec: &BodyFault, at: &At) -> Option<BodyChange> {
        match (&spec.replace, spec.truncate) {
            (Some(text), None) => Some(BodyChange::Replace(text.as_bytes().into())),
            (None, Some(bytes)) => Some(BodyChange::Truncate(bytes)),
            _ => {
                self.compiler.problems.missing(at, "needs exactly one of replace and truncate");
                None
            }
        }
    }

    /// A status that Envoy can send; others break the response.
    fn status(&mut self, status: Option<u16>, at: &At) -> Option<u16> {
        if let Some(refused) = status.filter(|status| !(200..600).contains(status)) {
            self.compiler.problems.add(at, format!("{refused} is not an HTTP status from 200 to 599"));
        }
        status
    }

    /// Refuses a body where HTTP has none.
    fn no_body(&mut self, status: Option<u16>, body: Option<&str>, at: &At) {
        if let (Some(status), Some(_)) =
            (status.filter(|status| has_no_body(*status)), body.filter(|body| !body.is_empty()))
        {
            self.compiler.problems.add(at, format!("a response with status {status} has no body"));
        }
    }

    /// Headers of a response.
    fn headers(&mut self, headers: &OrderedMap<String>, at: &At) -> Vec<(Box<str>, Box<str>)> {
        let mut safe: Vec<(Box<str>, Box<str>)> = Vec::new();
        for (name, value) in headers.iter() {
            let at = at.field(name);
            let message = match writable_name(name) {
                Err(invalid) => invalid.to_string(),
                Ok(name) if safe.iter().any(|(known, _)| **known == *name) => {
                    format!("{name:?} is set already")
                }
                Ok(_) if !is_safe_value(value.as_bytes()) => {
                    format!("{value:?} has control characters, which no header value may have")
                }
                Ok(name) => {
                    safe.push((name.into(), value.as_str().into()));
                    continue;
                }
            };
            self.compiler.problems.add(&at, message);
        }
        safe
    }
}
