//! Envoy as a host of the pipeline: [`Host`] by the ABI for dynamic modules.

use crate::abi::{self, Filter, Header, Map, Scheduler};
use crate::callouts::{Answer, Mailbox};
use crate::series::AllSeries;
use crate::shared::Shared;
use crate::wake::Wake;
use crate::{properties, signature};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use weir_host::{
    Callout, Cel, Clock, Edit, HeaderMap, Host, Log, MetricId, MetricKind, Metrics, Properties, Reply,
    Signature, Signatures,
};

/// The root of a worker's only plugin. Streams have numbers from 2 on.
pub(crate) const ROOT: u32 = 1;

/// The context of a stream that has ended.
pub(crate) const NO_STREAM: u32 = 0;

/// What of a stream waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
}

/// Headers by name and value.
pub(crate) type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// Envoy, as one worker and configuration sees it.
pub(crate) struct Native {
    /// `None` where a configuration is only checked.
    shared: Option<Arc<Shared>>,
    /// The filter that is served, and its stream. Another stream may be served inside of it.
    serving: Cell<Option<(u32, Filter)>>,
    /// The context that hostcalls are for: a stream, or [`ROOT`].
    context: Cell<u32>,
    /// The streams that wait, with their filters.
    waiting: RefCell<HashMap<u32, (Filter, Side)>>,
    /// Whether a header of the request was changed since Envoy chose the route.
    edited: Cell<bool>,
    /// Whether the request whose headers are being served, and that was stopped, goes on after all.
    goes_on: Cell<bool>,
    series: AllSeries,
    pub(crate) wake: Arc<Wake<Scheduler>>,
    pub(crate) mailbox: Arc<Mailbox>,
    next_token: Cell<u32>,
    /// The answer to a callout, in its callback.
    answer: RefCell<Option<Answer>>,
    /// Answers to requests that are to be sent, by stream.
    replies: RefCell<Vec<(u32, Reply)>>,
    /// The headers of an answer of ours while its response headers are decided: Envoy does not ask the filter that
    /// answers.
    composing: RefCell<Option<Headers>>,
    space: RefCell<Vec<Header>>,
    /// Whether it was said that Envoy leaves out headers without a value.
    said_of_empty: Cell<bool>,
    properties: RefCell<properties::Known>,
    random: RefCell<Random>,
}

/// Random bits that were fetched and not used yet.
struct Random {
    bytes: [u8; 256],
    used: usize,
}

impl Native {
    pub(crate) fn new(shared: Option<Arc<Shared>>) -> Self {
        let wake = Wake::new();
        Self {
            shared,
            serving: Cell::new(None),
            context: Cell::new(ROOT),
            waiting: RefCell::default(),
            edited: Cell::new(false),
            goes_on: Cell::new(false),
            series: AllSeries::default(),
            mailbox: Mailbox::new(Arc::clone(&wake)),
            wake,
            next_token: Cell::new(0),
            answer: RefCell::default(),
            replies: RefCell::default(),
            composing: RefCell::default(),
            space: RefCell::default(),
            said_of_empty: Cell::new(false),
            properties: RefCell::default(),
            random: RefCell::new(Random { bytes: [0; 256], used: 256 }),
        }
    }

    /// A host for checking a configuration: it has no stream, and its metrics lead nowhere.
    pub(crate) fn checking() -> Self {
        Self::new(None)
    }

    /// Serves a stream's callback. What was served before goes on afterwards, also when this panics.
    #[inline]
    pub(crate) fn serve<T>(&self, stream: u32, filter: Filter, serve: impl FnOnce() -> T) -> T {
        struct Before<'h>(&'h Native, Option<(u32, Filter)>, u32);
        impl Drop for Before<'_> {
            fn drop(&mut self) {
                self.0.settle();
                self.0.serving.set(self.1);
                self.0.context.set(self.2);
            }
        }
        self.settle();
        let _before =
            Before(self, self.serving.replace(Some((stream, filter))), self.context.replace(stream));
        serve()
    }

    /// Serves a callback of a stream's request headers; with what comes of it, whether the request goes on although it
    /// was stopped: this callback cannot report that to Envoy.
    pub(crate) fn serve_headers<T>(
        &self,
        stream: u32,
        filter: Filter,
        serve: impl FnOnce() -> T,
    ) -> (T, bool) {
        let before = self.goes_on.replace(false);
        let result = self.serve(stream, filter, serve);
        (result, self.goes_on.replace(before))
    }

    /// Has Envoy choose the route again, if headers were changed that it depends on.
    #[inline]
    fn settle(&self) {
        if self.edited.replace(false)
            && let Some(filter) = self.filter()
        {
            filter.clear_route_cache();
        }
    }

    /// Hostcalls are for the root from here on.
    pub(crate) fn act_for_root(&self) {
        self.settle();
        self.context.set(ROOT);
    }

    /// The filter of a stream that waits, or is being served.
    pub(crate) fn filter_of(&self, stream: u32) -> Option<Filter> {
        match self.serving.get() {
            Some((serving, filter)) if serving == stream => Some(filter),
            _ => self.waiting.try_borrow().ok()?.get(&stream).map(|(filter, _)| *filter),
        }
    }

    /// The filter that hostcalls are for; of the root's, that which is being served.
    #[inline]
    fn filter(&self) -> Option<Filter> {
        let context = self.context.get();
        match self.serving.get() {
            Some((stream, filter)) if stream == context || context == ROOT => Some(filter),
            _ => self.filter_of(context),
        }
    }

    /// A stream waits from here on.
    pub(crate) fn wait(&self, stream: u32, filter: Filter, side: Side) {
        if let Ok(mut waiting) = self.waiting.try_borrow_mut()
            && waiting.insert(stream, (filter, side)).is_none()
            && let Some(scheduler) = filter.scheduler()
        {
            self.wake.add(stream, scheduler);
        }
    }

    /// The streams that wait.
    pub(crate) fn waiting(&self) -> Vec<(u32, Filter, Side)> {
        let waiting = self.waiting.try_borrow();
        waiting
            .map_or_else(|_| Vec::new(), |all| all.iter().map(|(stream, it)| (*stream, it.0, it.1)).collect())
    }

    /// A stream does not wait any longer, or has ended. Whether it was waiting.
    pub(crate) fn waits_no_longer(&self, stream: u32) -> bool {
        // Nearly always nothing waits: do not hash for nothing.
        let waited = self
            .waiting
            .try_borrow_mut()
            .is_ok_and(|mut all| !all.is_empty() && all.remove(&stream).is_some());
        if waited {
            self.wake.remove(stream);
        }
        waited
    }

    /// Gives an answer to the callback that takes it.
    pub(crate) fn set_answer(&self, answer: Option<Answer>) {
        if let Ok(mut place) = self.answer.try_borrow_mut() {
            *place = answer;
        }
    }

    /// The answers to requests that are to be sent now.
    pub(crate) fn take_replies(&self) -> Vec<(u32, Reply)> {
        self.replies.try_borrow_mut().map_or_else(|_| Vec::new(), |mut replies| std::mem::take(&mut *replies))
    }

    /// Whether the request of a stream is answered.
    pub(crate) fn is_answered(&self, stream: u32) -> bool {
        self.replies.try_borrow().is_ok_and(|replies| replies.iter().any(|(other, _)| *other == stream))
    }

    /// Lets `decide` change these headers as if they were those of a response. Headers of responses are Envoy's again
    /// afterwards, also when this panics.
    pub(crate) fn compose(&self, headers: Headers, decide: impl FnOnce()) -> Headers {
        struct End<'h>(&'h RefCell<Option<Headers>>);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                if let Ok(mut composing) = self.0.try_borrow_mut() {
                    *composing = None;
                }
            }
        }
        self.composing.replace(Some(headers));
        let _end = End(&self.composing);
        decide();
        self.composing.take().unwrap_or_default()
    }

    /// Says once that Envoy takes a header without a value for one that is to be removed.
    #[cold]
    fn say_of_empty(&self, name: &[u8]) {
        if !self.said_of_empty.replace(true) {
            let name = String::from_utf8_lossy(name);
            let line = format!(
                "weir: the header {name} has no value and is left out: Envoy's interface for dynamic modules removes such \
                 headers. Further ones are not reported"
            );
            abi::log(log::Level::Warn, &line);
        }
    }

    fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }
}

fn map_of(map: HeaderMap) -> Map {
    match map {
        HeaderMap::Request => Map::Request,
        HeaderMap::RequestTrailers => Map::RequestTrailers,
        HeaderMap::Response => Map::Response,
        HeaderMap::ResponseTrailers => Map::ResponseTrailers,
    }
}

/// Logs that Envoy failed to do something, without the value, which may be secret.
#[cold]
fn refused(what: &str, name: &[u8]) {
    let name = String::from_utf8_lossy(name);
    abi::log(log::Level::Warn, &format!("weir: Envoy refused to change {what} {name}"));
}

/// Changes a list of headers.
fn change(headers: &mut Headers, name: &[u8], edit: Edit<'_>) {
    if !matches!(edit, Edit::Add(_)) {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }
    // As Envoy does with headers of other responses: without a value there is no header.
    if let Edit::Add(value) | Edit::Replace(value) = edit
        && !value.is_empty()
    {
        headers.push((name.to_vec(), value.to_vec()));
    }
}

impl Properties for Native {
    type Bytes = Bytes;

    fn property(&self, path: &[u8]) -> Option<Bytes> {
        if path == b"plugin_name" {
            return self.shared.as_ref().map(|shared| Bytes(shared.name.to_vec()));
        }
        let known = self.properties.try_borrow().ok()?.find(path);
        let (filter, mut bytes) = (self.filter()?, Bytes::spare());
        known.or_else(|| properties::find(path))?.read(filter, &mut bytes.0).then_some(bytes)
    }
}

impl weir_host::Headers for Native {
    fn header(&self, map: HeaderMap, name: &[u8]) -> Option<Bytes> {
        if map == HeaderMap::Response
            && let Some(headers) = &*self.composing.try_borrow().ok()?
        {
            let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            return found.map(|(_, value)| Bytes(value.clone()));
        }
        let (filter, mut bytes) = (self.filter()?, Bytes::spare());
        // Once a stream has ended, Envoy has the status as a number too, which it finds without a search.
        if map == HeaderMap::Response && name == b":status" && self.context.get() == NO_STREAM {
            return properties::put_status(filter, &mut bytes.0).then_some(bytes);
        }
        filter.header(map_of(map), name, &mut bytes.0).then_some(bytes)
    }
}

impl Clock for Native {
    fn now(&self) -> u64 {
        nanoseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl weir_host::Random for Native {
    fn random(&self) -> u64 {
        self.random.try_borrow_mut().map_or(0, |mut random| random.next())
    }
}

impl Cel for Native {
    fn evaluate_cel(&self, _: u32) -> Option<bool> {
        None
    }
}

impl Signatures for Native {
    fn verify_signature(&self, signature: &Signature<'_>) -> Option<bool> {
        signature::verify(signature)
    }
}

impl Metrics for Native {
    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<MetricId> {
        let shared = self.shared.as_ref()?;
        self.series.define(&shared.families, Some(&shared.counts), kind, name)
    }

    #[inline]
    fn increment(&self, metric: MetricId, by: i64) {
        if let Some(filter) = self.filter() {
            self.series.increment(filter, metric, by);
        }
    }

    #[inline]
    fn record(&self, metric: MetricId, value: u64) {
        if let Some(filter) = self.filter() {
            self.series.record(filter, metric, value);
        }
    }
}

impl Log for Native {
    fn log(&self, level: log::Level, line: &str) {
        abi::log(level, line);
    }
}

impl Host for Native {
    const SPREADS_COUNTS: bool = false;
    const READS_EVERY_PROPERTY: bool = false;

    #[inline]
    fn request_pairs(&self) -> Bytes {
        let mut bytes = Bytes::spare();
        if let (Some(filter), Ok(mut space)) = (self.filter(), self.space.try_borrow_mut()) {
            filter.pairs(Map::Request, &mut space, &mut bytes.0);
        }
        bytes
    }

    fn request_trailers(&self) -> Bytes {
        let mut bytes = Bytes::spare();
        if let (Some(filter), Ok(mut space)) = (self.filter(), self.space.try_borrow_mut()) {
            filter.pairs(Map::RequestTrailers, &mut space, &mut bytes.0);
        }
        bytes
    }

    fn callout_header(&self, name: &[u8]) -> Option<Bytes> {
        let answer = self.answer.try_borrow().ok()?;
        let (status, _) = answer.as_ref()?.content.as_ref()?;
        (name == b":status").then(|| Bytes(status.clone()))
    }

    fn callout_body(&self, most: usize) -> Bytes {
        let body = || {
            let answer = self.answer.try_borrow().ok()?;
            let (_, body) = answer.as_ref()?.content.as_ref()?;
            Some(body.get(..most).unwrap_or(body).to_vec())
        };
        Bytes(body().unwrap_or_default())
    }

    fn call_out(&self, callout: &Callout<'_>) -> Option<u32> {
        let token = self.next_token.get().wrapping_add(1);
        self.next_token.set(token);
        let shared = self.shared.as_ref()?;
        shared.callouts.want(self.mailbox(), token, callout).then_some(token)
    }

    fn reply(&self, reply: &Reply) {
        let stream = self.context.get();
        if let Ok(mut replies) = self.replies.try_borrow_mut() {
            replies.push((stream, reply.clone()));
        }
    }

    fn resume_request(&self) {
        let stream = self.context.get();
        let Some(filter) = self.filter() else { return };
        self.settle();
        if self.waits_no_longer(stream) {
            filter.continue_request();
        } else {
            self.goes_on.set(true);
        }
    }

    fn resume_response(&self) {
        let stream = self.context.get();
        let Some(filter) = self.filter() else { return };
        self.waits_no_longer(stream);
        filter.continue_response();
    }

    fn body(&self, most: usize) -> Bytes {
        Bytes(self.filter().map(|filter| filter.body(most)).unwrap_or_default())
    }

    fn replace_body(&self, _: usize, with: &[u8]) {
        if self.filter().is_some_and(|filter| !filter.replace_body(with)) {
            refused("the body of", b"a response");
        }
    }

    fn act_for(&self, context: u32) -> bool {
        let there = self.is_alive(context);
        if there {
            self.settle();
            self.context.set(context);
        }
        there
    }

    fn set_timer(&self, milliseconds: u32) {
        let after = (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()));
        self.wake.at(after.map(|after| Instant::now() + after));
    }

    #[inline]
    fn edit(&self, map: HeaderMap, name: &[u8], edit: Edit<'_>) {
        if map == HeaderMap::Response
            && let Ok(mut composing) = self.composing.try_borrow_mut()
            && let Some(headers) = &mut *composing
        {
            return change(headers, name, edit);
        }
        let Some(filter) = self.filter() else { return };
        if map == HeaderMap::Request {
            self.edited.set(true);
        }
        if let Edit::Add([]) | Edit::Replace([]) = edit {
            self.say_of_empty(name);
        }
        if let Edit::Add([]) = edit {
            return;
        }
        let map = map_of(map);
        let done = match edit {
            Edit::Add(value) => filter.add_header(map, name, value),
            Edit::Replace(value) => filter.set_header(map, name, value),
            Edit::Remove => filter.remove_header(map, name),
        };
        if !done {
            refused("the header", name);
        }
    }

    fn check_property(&self, path: &[u8]) -> Result<(), String> {
        let property = properties::find(path).ok_or_else(|| properties::refuse(path))?;
        if let Ok(mut known) = self.properties.try_borrow_mut() {
            known.add(path, property);
        }
        Ok(())
    }

    fn set_state(&self, name: &[u8], value: &[u8]) {
        // With the prefix that Envoy gives to filter state of WebAssembly modules: access logs need no change.
        let full = [b"wasm.", name].concat();
        if self.filter().is_some_and(|filter| !filter.set_state(&full, value)) {
            refused("the filter state", name);
        }
    }

    fn declare_lasting(&self, _: &[u8]) {
        // The ABI has no filter state that outlives a pass through the filters.
    }

    fn compile_cel(&self, _: &str) -> Result<u32, String> {
        Err("the native module has no CEL: Envoy evaluates expressions for WebAssembly modules only; use `match` or \
             `condition`, or the WebAssembly module"
            .to_owned())
    }

    fn steady_now(&self) -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        nanoseconds(START.get_or_init(Instant::now).elapsed())
    }

    fn is_alive(&self, context: u32) -> bool {
        context == ROOT || self.filter_of(context).is_some()
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Random {
    fn next(&mut self) -> u64 {
        if self.used >= self.bytes.len() {
            self.used = 0;
            // Not AWS-LC's generator: it collects noise for a tenth of a second when it is first asked.
            if getrandom::getrandom(&mut self.bytes).is_err() {
                // The system has none: what follows is the same for all, and nobody gains by it.
                self.bytes.fill(0);
            }
        }
        let taken = self.bytes.get(self.used..).and_then(|rest| rest.first_chunk::<8>());
        let bits = taken.map_or(0, |bits| u64::from_le_bytes(*bits));
        self.used += 8;
        bits
    }
}

/// Bytes of this module's. The buffer of a request's headers serves one request after the other.
#[derive(Default)]
pub(crate) struct Bytes(Vec<u8>);

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Bytes {
    /// An empty buffer.
    fn spare() -> Self {
        let mut buffer = SPARE.take();
        buffer.clear();
        Self(buffer)
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        /// A buffer that grew beyond this, in bytes, is not kept.
        const MOST_KEPT: usize = 1 << 17;
        let buffer = std::mem::take(&mut self.0);
        if buffer.capacity() > 0 && buffer.capacity() <= MOST_KEPT {
            // While a thread ends there may be no place for it.
            let _ = SPARE.try_with(|spare| {
                let kept = spare.take();
                spare.set(if kept.capacity() > buffer.capacity() { kept } else { buffer });
            });
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callouts::MAX_ANSWER;
    use weir_host::{Headers as _, Random as _};

    #[test]
    fn random_bits_do_not_come_again() {
        let host = Native::checking();
        let all: std::collections::BTreeSet<u64> = (0..1000).map(|_| host.random()).collect();
        assert_eq!(all.len(), 1000);
    }

    #[test]
    fn headers_of_an_answer_are_changed_before_it_is_sent() {
        let host = Native::checking();
        let headers = vec![(b":status".to_vec(), b"503".to_vec()), (b"x-a".to_vec(), b"1".to_vec())];
        let composed = host.compose(headers, || {
            assert_eq!(host.header(HeaderMap::Response, b":status").as_deref(), Some(&b"503"[..]));
            host.edit(HeaderMap::Response, b"X-A", Edit::Remove);
            host.edit(HeaderMap::Response, b"set-cookie", Edit::Add(b"a=1"));
            host.edit(HeaderMap::Response, b":status", Edit::Replace(b"200"));
        });
        let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        assert_eq!(composed, [pair("set-cookie", "a=1"), pair(":status", "200")]);
        assert!(host.header(HeaderMap::Response, b":status").is_none());
    }

    #[test]
    fn a_panic_does_not_keep_the_headers_of_an_answer() {
        let host = Native::checking();
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let composed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            host.compose(vec![(b"x-a".to_vec(), b"1".to_vec())], || panic!("of a decision"))
        }));
        std::panic::set_hook(quiet);
        assert!(composed.is_err() && host.header(HeaderMap::Response, b"x-a").is_none());
    }

    #[test]
    fn headers_without_a_value_are_left_out_of_answers_too() {
        let host = Native::checking();
        let composed = host.compose(vec![(b"x-a".to_vec(), b"1".to_vec())], || {
            host.edit(HeaderMap::Response, b"x-a", Edit::Replace(b""));
            host.edit(HeaderMap::Response, b"x-b", Edit::Add(b""));
        });
        assert_eq!(composed, []);
    }

    #[test]
    fn an_answer_is_there_in_its_callback() {
        let host = Native::checking();
        let content = Some((b"200".to_vec(), b"{\"keys\": []}".to_vec()));
        host.set_answer(Some(Answer { token: 1, content }));
        assert_eq!(host.callout_header(b":status").as_deref(), Some(&b"200"[..]));
        assert_eq!(&*host.callout_body(7), b"{\"keys\"");
        host.set_answer(None);
        assert!(host.callout_header(b":status").is_none() && host.callout_body(MAX_ANSWER).is_empty());
    }

    #[test]
    fn what_cannot_be_judged_is_refused() {
        let host = Native::checking();
        assert!(host.compile_cel("true").unwrap_err().contains("`match` or `condition`"));
        assert!(host.check_property(b"plugin_name").unwrap_err().contains("\"plugin_name\""));
        assert_eq!(host.check_property(b"source\0address"), Ok(()));
    }
}
