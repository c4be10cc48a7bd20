//! Response faults: carries out the decisions of the filter fault-injection.

use crate::Pipeline;
use weir_fault_injection::{BodyChange, ResponseFault};
use weir_host::{Body, Edit, HeaderMap, Host};

/// The state of a response with a fault.
#[derive(Debug)]
pub(crate) struct Suffering {
    mark: u16,
    /// How many bytes of the body have been seen.
    seen: u64,
    /// When all that has been seen is paid for, at a limited rate, on the host's steady clock.
    free_at: u64,
    /// Whether it waits for that.
    waits: bool,
}

impl Suffering {
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
    pub(crate) fn harm_headers<H: Host>(&self, host: &H, suffering: &Suffering, ends: bool) -> bool {
        let Some(faults) = &self.plans.faults else { return false };
        let fault = faults.response(suffering.mark);
        if let Some(fault) = fault {
            change_headers(fault, host);
        }
        !ends && (faults.rate(suffering.mark).is_some() || fault.is_some_and(|fault| fault.body.is_some()))
    }

    /// Changes a part of a body, or slows it down.
    #[cold]
    pub(crate) fn harm_body<H: Host>(&self, host: &H, suffering: &mut Suffering, size: usize) -> Body {
        let Some(faults) = &self.plans.faults else { return Body::GoesOn };
        let fault = faults.response(suffering.mark);
        match fault.and_then(|fault| fault.body.as_ref()) {
            Some(BodyChange::Replace(with)) => {
                // Once, at the start; all that follows is dropped.
                let with: &[u8] = if suffering.seen == 0 { with } else { &[] };
                host.replace_body(size, with);
                suffering.seen = 1;
            }
            Some(BodyChange::Truncate(most)) => {
                let left = usize::try_from(most.saturating_sub(suffering.seen)).unwrap_or(usize::MAX);
                if size > left {
                    host.replace_body(size, &host.body(left));
                }
                suffering.seen = suffering.seen.saturating_add(size as u64);
            }
            None => {}
        }
        match faults.rate(suffering.mark) {
            Some(rate) => suffering.pay(size as u64, rate, host.steady_now()),
            None => Body::GoesOn,
        }
    }
}

impl Suffering {
    /// Has a part of the body wait for as long as it takes at this rate, in bytes a second.
    fn pay(&mut self, size: u64, rate: u64, now: u64) -> Body {
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

fn change_headers<H: Host>(fault: &ResponseFault, host: &H) {
    let edit = |name: &str, edit| host.edit(HeaderMap::Response, name.as_bytes(), edit);
    for name in &fault.remove {
        edit(name, Edit::Remove);
    }
    if fault.body.is_some() {
        edit("content-length", Edit::Remove);
    }
    for (name, value) in &fault.set {
        edit(name, Edit::Replace(value.as_bytes()));
    }
    if let Some(status) = fault.status {
        let digit = |scale: u16| b'0' + (status / scale % 10) as u8;
        edit(":status", Edit::Replace(&[digit(100), digit(10), digit(1)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_host::{FakeHost, Plugin, Workspace};

    /// What becomes of a body that comes in these parts, and after each part, whether and how long it waits.
    fn suffer(fault: &str, parts: &[&str]) -> (String, Vec<Body>) {
        let host = FakeHost::with_request(&[(":path", b"/")]);
        let configuration = format!(r#"{{"faults": [{fault}]}}"#);
        let pipeline = Pipeline::configure(&host, configuration.as_bytes()).unwrap();
        let kept = pipeline.on_request_headers(&host, &mut Workspace::default()).kept.unwrap();
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

    #[test]
    fn a_rate_is_kept_over_all_parts() {
        let slow = r#"{"responseRateLimit": {"limitKbps": 1, "percentage": "100%"}}"#;
        let part = "x".repeat(512);
        let (all, bodies) = suffer(slow, &[&part, "", &part]);
        assert_eq!(all.len(), 1024);
        assert_eq!(bodies, [Body::Waits(500_000_000), Body::WaitsToo, Body::WaitsToo]);
        let mut suffering = Suffering::new(0);
        assert_eq!(suffering.pay(1024, 1024, 7), Body::Waits(1_000_000_000));
        assert_eq!(suffering.pay(1024, 1024, 8), Body::WaitsToo);
        assert_eq!(suffering.waits_on(1_000_000_007), Some(1_000_000_000));
        assert_eq!(suffering.waits_on(2_000_000_007), None);
        assert_eq!(suffering.pay(1024, 1024, 3_000_000_000), Body::Waits(1_000_000_000));
    }
}
