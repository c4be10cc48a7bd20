//! Response faults: carries out the decisions of the filter fault-injection.

use crate::pipeline::Pipeline;
use weir_core::rpc::has_no_body;
use weir_fault_injection::{BodyChange, ResponseFault};
use weir_host::{Body, Edit, HeaderMap, Host};

/// The state of a response with a fault.
#[derive(Debug)]
pub(crate) struct ActiveResponseFault {
    mark: u16,
    /// How many bytes of the body have been seen.
    seen: u64,
    /// When all that has been seen is paid for, at a limited rate, on the host's steady clock.
    free_at: u64,
    /// Whether it waits for that.
    waits: bool,
}

impl ActiveResponseFault {
    /// The fault of a response, by the mark that its request left.
    #[inline]
    pub(crate) fn of(mark: Option<u16>) -> Option<Self> {
        mark.map(Self::new)
    }

    fn new(mark: u16) -> Self {
        Self { mark, seen: 0, free_at: 0, waits: false }
    }
}

impl Pipeline {
    /// Changes the headers of a response. False when its body is left alone.
    #[cold]
    pub(crate) fn apply_to_headers<H: Host>(
        &self,
        host: &H,
        active: &ActiveResponseFault,
        ends: bool,
    ) -> bool {
        let Some(faults) = &self.plans.faults else { return false };
        let fault = faults.response(active.mark);
        if let Some(fault) = fault {
            change_headers(fault, host);
        }
        let changes = |fault: &ResponseFault| fault.body.is_some() || fault.status.is_some_and(has_no_body);
        !ends && (faults.rate(active.mark).is_some() || fault.is_some_and(changes))
    }

    /// Changes the trailers of a response.
    #[cold]
    pub(crate) fn harm_trailers<H: Host>(&self, host: &H, active: &ActiveResponseFault) {
        let fault = self.plans.faults.as_ref().and_then(|faults| faults.response(active.mark));
        if let Some(BodyChange::Replace(_)) = fault.and_then(|fault| fault.body.as_ref()) {
            SUMS.iter()
                .for_each(|name| host.edit(HeaderMap::ResponseTrailers, name.as_bytes(), Edit::Remove));
        }
    }

    /// Changes a part of a body, or slows it down.
    #[cold]
    pub(crate) fn apply_to_body<H: Host>(
        &self,
        host: &H,
        active: &mut ActiveResponseFault,
        size: usize,
    ) -> Body {
        let Some(faults) = &self.plans.faults else { return Body::GoesOn };
        let fault = faults.response(active.mark);
        let change = match fault {
            Some(fault) if fault.status.is_some_and(has_no_body) => Some(&NOTHING),
            fault => fault.and_then(|fault| fault.body.as_ref()),
        };
        match change {
            Some(BodyChange::Replace(with)) => {
                // Once, at the start; all that follows is dropped.
                let with: &[u8] = if active.seen == 0 { with } else { &[] };
                host.replace_body(size, with);
                active.seen = 1;
            }
            Some(BodyChange::Truncate(most)) => {
                let left = usize::try_from(most.saturating_sub(active.seen)).unwrap_or(usize::MAX);
                if size > left {
                    host.replace_body(size, &host.body(left));
                }
                active.seen = active.seen.saturating_add(size as u64);
            }
            None => {}
        }
        match faults.rate(active.mark) {
            Some(rate) => active.consume(size as u64, rate, host.steady_now()),
            None => Body::GoesOn,
        }
    }
}

impl ActiveResponseFault {
    /// Has a part of the body wait for as long as it takes at this rate, in bytes a second.
    fn consume(&mut self, size: u64, rate: u64, now: u64) -> Body {
        let time = size.saturating_mul(1_000_000_000) / rate.max(1);
        self.free_at = self.free_at.max(now).saturating_add(time);
        match self.free_at - now {
            0 => Body::GoesOn,
            _ if std::mem::replace(&mut self.waits, true) => Body::WaitsToo,
            wait => Body::Waits(wait),
        }
    }

    /// Whether a part of the body waits.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waits
    }

    /// How much longer it waits for what came in the meantime.
    pub(crate) fn waits_on(&mut self, now: u64) -> Option<u64> {
        let more = self.free_at.saturating_sub(now);
        self.waits = more > 0;
        self.waits.then_some(more)
    }
}

/// What tells of the body that was there: how it is encoded, what its bytes add up to, which version and which part
/// of it this is (RFC 9110 sections 8 and 14, RFC 9530, and what these made obsolete). With another body clients
/// could not read the response, would refuse it, or would keep it under the old one's name.
const OF_BODY: [&str; 9] = [
    "content-encoding",
    "content-md5",
    "content-digest",
    "repr-digest",
    "digest",
    "etag",
    "last-modified",
    "content-range",
    "accept-ranges",
];

/// Of these, what also comes behind the body.
const SUMS: [&str; 4] = ["content-md5", "content-digest", "repr-digest", "digest"];

/// A body that its status does not allow.
static NOTHING: BodyChange = BodyChange::Truncate(0);

fn change_headers<H: Host>(fault: &ResponseFault, host: &H) {
    let edit = |name: &str, edit| host.edit(HeaderMap::Response, name.as_bytes(), edit);
    let mut status = fault.status;
    for name in &fault.remove {
        edit(name, Edit::Remove);
    }
    if fault.body.is_some() || status.is_some_and(has_no_body) {
        edit("content-length", Edit::Remove);
    }
    if let Some(BodyChange::Replace(_)) = fault.body {
        OF_BODY.iter().for_each(|name| edit(name, Edit::Remove));
        // A part, which it is not any more.
        let is_part =
            || host.header(HeaderMap::Response, b":status").is_some_and(|status| *status == *b"206");
        if status.is_none() && is_part() {
            status = Some(200);
        }
    } else if fault.status.is_some_and(|status| status != 206 && status != 416) {
        // It has no meaning with any other status (RFC 9110 section 14.4).
        edit("content-range", Edit::Remove);
    }
    for (name, value) in &fault.set {
        edit(name, Edit::Replace(value.as_bytes()));
    }
    if let Some(status) = status {
        let digit = |scale: u16| b'0' + (status / scale % 10) as u8;
        edit(":status", Edit::Replace(&[digit(100), digit(10), digit(1)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Workspace;
    use weir_host::{FakeHost, Plugin};

    /// What becomes of a body that comes in these parts, and after each part, whether and how long it waits.
    fn suffer(fault: &str, parts: &[&str]) -> (String, Vec<Body>) {
        let host = FakeHost::with_request(&[(":path", b"/")]);
        let configuration = format!(r#"{{"faults": [{fault}]}}"#);
        let pipeline = Pipeline::configure(&host, configuration.as_bytes()).unwrap();
        let kept = pipeline.on_request_headers(&host, &mut Workspace::default(), 0).kept.unwrap();
        let mut kept = pipeline.on_response_headers(&host, kept, false).unwrap();
        let (mut all, mut bodies) = (Vec::new(), Vec::new());
        for part in parts {
            *host.body.borrow_mut() = part.as_bytes().to_vec();
            bodies.push(pipeline.on_response_body(&host, &mut kept, part.len(), false));
            all.append(&mut host.body.borrow_mut());
        }
        (String::from_utf8(all).unwrap(), bodies)
    }

    fn body(change: &str) -> String {
        format!(r#"{{"response": {{"percentage": "100%", "body": {{{change}}}}}}}"#)
    }

    #[test]
    fn bodies_are_cut_wherever_their_parts_end() {
        let parts = ["hello", " ", "", "world", "!"];
        for (most, left) in
            [(0, ""), (3, "hel"), (5, "hello"), (8, "hello wo"), (11, "hello world"), (99, "hello world!")]
        {
            assert_eq!(suffer(&body(&format!(r#""truncate": {most}"#)), &parts).0, left);
        }
    }

    #[test]
    fn a_replaced_body_comes_once() {
        assert_eq!(suffer(&body(r#""replace": "other""#), &["hello", "world"]).0, "other");
        assert_eq!(suffer(&body(r#""replace": """#), &["hello", "world"]).0, "");
    }

    /// The headers that are left of those that a response had.
    fn left(fault: &str, headers: &[(&str, &str)]) -> Vec<String> {
        let host = FakeHost::with_request(&[(":path", b"/")]);
        let configuration = format!(r#"{{"faults": [{{"response": {{"percentage": "100%", {fault}}}}}]}}"#);
        let pipeline = Pipeline::configure(&host, configuration.as_bytes()).unwrap();
        let kept = pipeline.on_request_headers(&host, &mut Workspace::default(), 0).kept.unwrap();
        for (name, value) in headers {
            host.edit(HeaderMap::Response, name.as_bytes(), Edit::Add(value.as_bytes()));
        }
        pipeline.on_response_headers(&host, kept, false);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        host.take_response_headers().iter().map(|(n, v)| format!("{}: {}", text(n), text(v))).collect()
    }

    #[test]
    fn what_tells_of_the_old_body_goes_with_it() {
        let mut all = OF_BODY.map(|name| (name, "old")).to_vec();
        all.extend([(":status", "206"), ("content-length", "7"), ("content-type", "text/plain")]);
        assert_eq!(left(r#""body": {"replace": "new"}"#, &all), ["content-type: text/plain", ":status: 200"]);
        let set = r#""body": {"replace": "new"}, "setHeaders": {"etag": "new"}, "status": 503"#;
        assert_eq!(left(set, &all), ["content-type: text/plain", "etag: new", ":status: 503"]);
        // A broken transfer: all but the length is as it was.
        let cut = left(r#""body": {"truncate": 1}"#, &all);
        assert_eq!(cut.len(), all.len() - 1, "{cut:?}");
    }

    #[test]
    fn other_statuses_are_of_no_part_and_some_of_no_body() {
        let part = [(":status", "206"), ("content-range", "bytes 0-1/5"), ("content-length", "2")];
        assert_eq!(left(r#""status": 503"#, &part), ["content-length: 2", ":status: 503"]);
        assert_eq!(
            left(r#""status": 416"#, &part),
            ["content-range: bytes 0-1/5", "content-length: 2", ":status: 416"]
        );
        assert_eq!(left(r#""status": 204"#, &part), [":status: 204"]);
        for (status, expected) in [(204, ""), (304, ""), (404, "hello")] {
            let fault = format!(r#"{{"response": {{"percentage": "100%", "status": {status}}}}}"#);
            assert_eq!(whole(&fault, &["hel", "lo"]), expected, "{status}");
        }
    }

    /// What becomes of a body whose response is changed, if the body is looked at.
    fn whole(fault: &str, parts: &[&str]) -> String {
        let host = FakeHost::with_request(&[(":path", b"/")]);
        let configuration = format!(r#"{{"faults": [{fault}]}}"#);
        let pipeline = Pipeline::configure(&host, configuration.as_bytes()).unwrap();
        let kept = pipeline.on_request_headers(&host, &mut Workspace::default(), 0).kept.unwrap();
        match pipeline.on_response_headers(&host, kept, false) {
            Some(_) => suffer(fault, parts).0,
            None => parts.concat(),
        }
    }

    #[test]
    fn a_rate_is_kept_over_all_parts() {
        let slow = r#"{"responseRateLimit": {"limitKbps": 1, "percentage": "100%"}}"#;
        let part = "x".repeat(512);
        let (all, bodies) = suffer(slow, &[&part, "", &part]);
        assert_eq!(all.len(), 1024);
        assert_eq!(bodies, [Body::Waits(500_000_000), Body::WaitsToo, Body::WaitsToo]);
        let mut active = ActiveResponseFault::new(0);
        assert_eq!(active.consume(1024, 1024, 7), Body::Waits(1_000_000_000));
        assert_eq!(active.consume(1024, 1024, 8), Body::WaitsToo);
        assert_eq!(active.waits_on(1_000_000_007), Some(1_000_000_000));
        assert_eq!(active.waits_on(2_000_000_007), None);
        assert_eq!(active.consume(1024, 1024, 3_000_000_000), Body::Waits(1_000_000_000));
    }
}
