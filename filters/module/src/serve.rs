//! One pass over a request: read once, let every filter decide, apply everything at once.

use crate::apply::{apply, clean_trailers, respond, set_state};
use crate::pipeline::Pipeline;
use crate::response_faults::ActiveResponseFault;
use weir_core::{Disposition, Effects, Reply, Request, ResponseHeader, Scratch};
use weir_host::{Body, Callbacks, HeaderMap, Host, Plugin, Refusal, Served, Wake};
use weir_pipeline::{Deferred, Left, is_redirect_to_https, metrics};

/// Memory that requests use one after the other.
#[derive(Debug, Default)]
pub struct Workspace {
    /// What was found in the request.
    scratch: Scratch,
    /// What is to be done.
    effects: Effects,
}

impl weir_host::Workspace for Workspace {
    const EMPTY: Self = Self { scratch: Scratch::new(), effects: Effects::new() };
}

/// What is kept of a stream until it ends.
#[derive(Debug, Default)]
pub struct Kept {
    /// Headers for the response.
    response: Vec<ResponseHeader>,
    /// A fault that the response suffers.
    active: Option<ActiveResponseFault>,
    /// What is measured at the end, and goals with the response.
    measured: Option<metrics::Measured>,
    /// What else waits for the response.
    deferred: Option<Box<Deferred>>,
}

impl Kept {
    #[inline]
    fn new(left: Left) -> Self {
        let Left { response, response_mark, measured, deferred } = left;
        Self { response, active: ActiveResponseFault::of(response_mark), measured, deferred }
    }

    /// `None` where nothing is left to keep.
    #[inline]
    fn unless_empty(self) -> Option<Self> {
        if self.active.is_some() || self.measured.is_some() || self.deferred.is_some() {
            return Some(self);
        }
        // Most requests come here. There is nothing to free, which a call for the four of them would not know.
        if self.response.capacity() == 0 {
            std::mem::forget(self);
            return None;
        }
        if self.response.is_empty() { None } else { Some(self) }
    }
}

impl Pipeline {
    /// Counts what waited for the response: units, unless it sends the client to https (browsers drop the cookies of
    /// such a response, and come again), and then goals.
    #[cold]
    #[inline(never)]
    fn settle<H: Host>(&self, deferred: Deferred, kept: &mut Kept, host: &H) {
        let Deferred { provisional, memory } = deferred;
        if let Some(visit) = provisional {
            let location = host.header(HeaderMap::Response, b"location");
            if is_redirect_to_https(location.as_deref(), || host.status()) {
                kept.response.retain(|header| *header.name != *"set-cookie" || !is_secure(&header.value));
                return;
            }
            self.counters.count(visit.counts.iter().map(|counter| counter.index()), host);
            for (state, value) in &visit.states {
                if let Some(name) = self.plans.access_plan.states.get(state.index()) {
                    set_state(name, value, host);
                }
            }
        }
        if let Some(measured) = kept.measured.as_mut().filter(|measured| measured.awaits_response()) {
            weir_core::regex::renew();
            self.plans.reach_goals(measured, memory, &mut kept.response, || host.now(), host, host);
        }
    }

    /// Counts goals at the end, where the headers of responses are not seen: then none is remembered.
    #[cold]
    #[inline(never)]
    fn reach_goals_late<H: Host>(&self, measured: &mut metrics::Measured, host: &H) {
        if !sees_responses(host) && host.status().is_some() {
            self.plans.reach_goals(measured, None, &mut Vec::new(), || host.now(), host, host);
        }
    }

    /// Counts a delay that begins or ends.
    #[cold]
    fn count_delay<H: Host>(&self, mark: u16, by: i64, host: &H) {
        let gauge = self.plans.faults.as_ref().and_then(|faults| faults.gauge(mark));
        if let Some(Some(id)) = gauge.and_then(|gauge| self.gauges.get(gauge.index())) {
            host.increment(*id, by);
        }
    }
}

impl<H: Host> Plugin<H> for Pipeline {
    const MAY_HOLD: bool = cfg!(any(feature = "jwt-claims", feature = "fault-injection"));

    const KEEPS_UNTIL_END: bool = cfg!(feature = "metrics");

    const NAME: &'static str = "weir";

    type Kept = Kept;
    type Workspace = Workspace;

    fn configure(host: &H, configuration: &[u8]) -> Result<Self, Refusal> {
        Self::configured(host, configuration).inspect_err(|_| crate::running::refused(host))
    }

    fn callbacks(&self) -> Callbacks {
        self.plans.access_plan.callbacks
    }

    fn on_request_headers(&self, host: &H, workspace: &mut Workspace, held_for: u64) -> Served<Kept> {
        let access_plan = &self.plans.access_plan;
        let Workspace { scratch, effects } = workspace;
        let pairs;
        // Some configurations read no header: then the most expensive call is not made.
        let raw: &[u8] = if access_plan.reads_no_header() {
            &[]
        } else {
            pairs = host.request_pairs();
            &pairs
        };
        scratch.read(access_plan, raw);
        let request = Request::new(access_plan, raw, scratch, host);
        effects.reset(access_plan);
        effects.held = held_for > 0;
        self.plans.decide(&request, effects);
        self.counters.count(effects.counts.iter().map(|counter| counter.index()), host);
        if <Self as Plugin<H>>::MAY_HOLD
            && let Some(reply) = effects.disposition.reply_mut()
        {
            adapt(reply, raw, host);
        }
        match &effects.disposition {
            // Nothing of it is changed: it comes again.
            Disposition::Hold(hold) => return Served { kept: None, disposition: Disposition::Hold(*hold) },
            // Also a request that goes no further: access logs and telemetry read its headers.
            Disposition::On | Disposition::Reply(_) => apply(access_plan, &request, effects, host),
            Disposition::Delay(delay) => {
                self.count_delay(delay.mark, 1, host);
                apply(access_plan, &request, effects, host);
            }
        }
        let left = self.plans.finish(&request, effects, || request.now(), host);
        Served { kept: Kept::new(left).unless_empty(), disposition: std::mem::take(&mut effects.disposition) }
    }

    fn on_request_trailers(&self, host: &H) {
        clean_trailers(&self.plans.access_plan, host);
    }

    fn wants_response(kept: &Kept) -> bool {
        kept.deferred.is_some() || !kept.response.is_empty() || kept.active.is_some()
    }

    fn on_response_headers(&self, host: &H, mut kept: Kept, ends: bool) -> Option<Kept> {
        if let Some(deferred) = kept.deferred.take() {
            self.settle(*deferred, &mut kept, host);
        }
        respond(&kept.response, host);
        kept.response = Vec::new();
        if let Some(active) = &kept.active
            && !self.apply_to_headers(host, active, ends)
        {
            kept.active = None;
        }
        kept.unless_empty()
    }

    fn wants_body(kept: &Kept) -> bool {
        kept.active.is_some()
    }

    fn on_response_body(&self, host: &H, kept: &mut Kept, size: usize, _ends: bool) -> Body {
        match &mut kept.active {
            Some(active) => self.apply_to_body(host, active, size),
            None => Body::GoesOn,
        }
    }

    fn on_response_trailers(&self, host: &H, kept: &Kept) {
        if let Some(active) = &kept.active {
            self.harm_trailers(host, active);
        }
    }

    fn is_waiting(kept: &Kept) -> bool {
        kept.active.as_ref().is_some_and(ActiveResponseFault::is_waiting)
    }

    fn waits_on(&self, host: &H, kept: &mut Kept) -> Option<u64> {
        kept.active.as_mut()?.waits_on(host.steady_now())
    }

    fn on_end(&self, host: &H, kept: Kept) {
        if let Some((metrics, mut measured)) = self.plans.metrics.as_ref().zip(kept.measured) {
            weir_core::regex::renew();
            if measured.awaits_response() {
                self.reach_goals_late(&mut measured, host);
            }
            metrics.end(measured, host, host);
        }
    }

    fn delay_over(&self, host: &H, mark: u16) {
        if let Some(faults) = &self.plans.faults {
            faults.delay_over(mark);
            self.count_delay(mark, -1, host);
        }
    }

    fn hold_over(&self, _: &H, mark: u16) {
        if let Some(jwt) = &self.plans.jwt {
            jwt.hold_over(mark);
        }
    }

    fn wants_wake(&self) -> bool {
        self.plans.jwt.as_ref().is_some_and(|jwt| jwt.wants_fetch())
    }

    fn on_wake(&self, host: &H) -> Wake {
        self.fetch_keys(host)
    }

    fn on_callout(&self, host: &H, token: u32, _body_size: usize) -> bool {
        self.take_answer(host, token)
    }

    fn retire(&self, host: &H) {
        self.counters.flush(host);
    }
}

/// Whether the headers of responses are seen: by this build, see `entry`, and with what was left of its callbacks.
fn sees_responses<H: Host>(host: &H) -> bool {
    cfg!(any(feature = "experiment", feature = "ab-routing", feature = "response-faults"))
        && host.callbacks().has(Callbacks::RESPONSE_HEADERS)
}

/// Whether browsers take a cookie over HTTPS only.
fn is_secure(cookie: &[u8]) -> bool {
    cookie.split(|b| *b == b';').any(|part| part.trim_ascii() == b"Secure")
}

/// Gives an answer the form that the client reads. The headers are those that were read, if any were.
#[cold]
fn adapt<H: Host>(reply: &mut Reply, raw: &[u8], host: &H) {
    if raw.is_empty() && reply.grpc_status.is_some() {
        weir_core::rpc::adapt(reply, &host.request_pairs());
    } else {
        weir_core::rpc::adapt(reply, raw);
    }
}

#[cfg(test)]
#[cfg(all(feature = "experiment", feature = "ab-routing"))]
mod tests {
    use super::*;
    use weir_host::FakeHost;

    /// Serves one request; what the upstream gets, and the cookie that the response sets.
    fn serve(pipeline: &Pipeline, cookie: &str, random: u64) -> (Vec<(String, String)>, Vec<String>) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let host = FakeHost::with_request(&[(":path", b"/"), ("cookie", cookie.as_bytes())]);
        host.random.set(random);
        if let Some(kept) = pipeline.on_request_headers(&host, &mut Workspace::default(), 0).kept {
            pipeline.on_response_headers(&host, kept, false);
        }
        let sent = host.request.borrow();
        let ours = sent.iter().filter(|(name, _)| name.starts_with(b"x-"));
        let headers = ours.map(|(name, value)| (text(name), text(value))).collect();
        let set = host.take_response_headers();
        let pair = |value: &[u8]| text(value).split(';').next().unwrap().to_owned();
        (headers, set.iter().map(|(_, value)| pair(value)).collect())
    }

    #[test]
    fn a_trimmed_module_says_that_it_refused_and_not_that_it_runs() {
        let mut trimmed = FakeHost::default();
        trimmed.trimmed = Callbacks::RESPONSE_HEADERS;
        let configuration = |response: &str| {
            format!(r#"{{"routing": {{"default": {{"cluster": "v1"}}, "response": {{{response}}}}}}}"#)
        };
        let names = |host: &FakeHost| -> Vec<String> {
            host.counters
                .borrow_mut()
                .drain(..)
                .filter_map(|(name, _)| Some(name.split_once(";.;")?.1.to_owned()))
                .collect()
        };
        let with_header = configuration(r#""debugHeader": "x-rule""#);
        let Err(refusal) = Pipeline::configure(&trimmed, with_header.as_bytes()) else { panic!("accepted") };
        assert!(refusal.to_string().ends_with(" needs: proxy_on_response_headers"), "{refusal}");
        assert_eq!(names(&trimmed), ["weir_config_refused_timestamp_seconds"]);
        assert!(Pipeline::configure(&trimmed, configuration("").as_bytes()).is_ok());
        assert!(names(&trimmed).contains(&"weir_config_hash".to_owned()));
        assert!(Pipeline::configure(&FakeHost::default(), with_header.as_bytes()).is_ok());
    }

    #[test]
    fn who_is_new_has_one_id_for_all_filters() {
        let secrets = ["", r#""secret": {"value": "only for tests, and long"},"#];
        for secret in secrets {
            let configuration = format!(
                r#"{{"experiments": {{"mintCookie": {{"name": "id"}}, {secret}
                       "list": [{{"key": "checkout", "variants": [
                         {{"key": "a", "weight": 1}}, {{"key": "b", "weight": 1}}]}}]}},
                     "routing": {{"rules": [{{"name": "split", "split": {{"mintCookie": {{"name": "id"}},
                       "targets": [{{"name": "v1", "weight": 1, "setHeaders": {{"x-side": "v1"}}}},
                                   {{"name": "v2", "weight": 1, "setHeaders": {{"x-side": "v2"}}}}]}}}}]}}}}"#
            );
            let pipeline = Pipeline::configure(&FakeHost::default(), configuration.as_bytes()).unwrap();
            let mut sides = std::collections::BTreeSet::new();
            for random in 0..50 {
                let (first, cookies) = serve(&pipeline, "", random);
                let [cookie] = cookies.as_slice() else { panic!("{cookies:?}") };
                let (later, again) = serve(&pipeline, cookie, 1000);
                assert_eq!((&first, again.len()), (&later, 0), "{cookie}");
                sides.insert(first);
            }
            assert_eq!(sides.len(), 4, "both filters divide, each by its own salt");
        }
    }
}
