//! A worker's part of a configuration: the dispatcher that all shells share, and what Envoy's callbacks need beside it.

use crate::abi::{Filter, HeadersStatus};
use crate::host::{NO_STREAM, Native, ROOT, Side};
use crate::shared::{PANICS, Shared};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use weir::Pipeline;
use weir_host::{Dispatcher, Flow, Host, MetricKind, Metrics as _, Reply};

/// A configuration on one worker.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    host: Native,
    dispatcher: Dispatcher<Pipeline, Native>,
    next_stream: Cell<u32>,
    /// Whether the configuration was compiled here. It was checked before, so this fails with the machine only.
    ready: Cell<Option<bool>>,
}

thread_local! {
    /// The configurations on this worker, few.
    static WORKERS: RefCell<Vec<Rc<Worker>>> = const { RefCell::new(Vec::new()) };
}

/// The worker's part of a configuration, made when it is first asked for, of what `own` gives. Those of configurations
/// that Envoy has dropped go then: no stream of theirs is left, or it holds its own.
pub(crate) fn of(shared: &Shared, own: impl FnOnce() -> Arc<Shared>) -> Rc<Worker> {
    let known = WORKERS.with(|workers| {
        let workers = workers.try_borrow().ok()?;
        workers.iter().find(|worker| worker.shared.number == shared.number).map(Rc::clone)
    });
    known.unwrap_or_else(|| {
        let made = Rc::new(Worker::new(own()));
        let dropped = WORKERS.with(|workers| {
            let mut workers = workers.try_borrow_mut().ok()?;
            let (closed, mut open): (Vec<_>, Vec<_>) =
                std::mem::take(&mut *workers).into_iter().partition(|worker| worker.shared.is_closed());
            open.push(Rc::clone(&made));
            *workers = open;
            Some(closed)
        });
        drop(dropped);
        made
    })
}

impl Worker {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            host: Native::new(Some(Arc::clone(&shared))),
            shared,
            dispatcher: Dispatcher::new(),
            next_stream: Cell::new(ROOT + 1),
            ready: Cell::new(None),
        }
    }

    /// A number for a stream, which no other one of this worker has that is there.
    pub(crate) fn number_stream(&self) -> u32 {
        let number = self.next_stream.get();
        self.next_stream.set(number.checked_add(1).unwrap_or(ROOT + 1));
        number
    }

    /// Whether a request in which this module fails is refused.
    pub(crate) fn fails_closed(&self) -> bool {
        self.shared.fails_closed
    }

    /// Counts a callback in which this module panicked.
    pub(crate) fn count_panic(&self, stream: u32, filter: Filter) {
        self.host.serve(stream, filter, || {
            if let Some(counter) = self.host.define_metric(MetricKind::Counter, PANICS) {
                self.host.increment(counter, 1);
            }
        });
    }

    /// Compiles the configuration at the first request. False when it cannot be served.
    fn prepare(&self) -> bool {
        self.ready.get().unwrap_or_else(|| {
            let ready = self.dispatcher.on_configure(&self.host, ROOT, &self.shared.document);
            self.ready.set(Some(ready));
            ready
        })
    }

    /// The request's headers came.
    #[inline]
    pub(crate) fn on_request_headers(&self, stream: u32, filter: Filter) -> HeadersStatus {
        let (flow, goes_on) = self.host.serve_headers(stream, filter, || {
            if !self.prepare() {
                return None;
            }
            if self.host.wake.take_overdue() {
                self.catch_up();
                self.host.act_for(stream);
            }
            Some(self.dispatcher.on_request_headers(&self.host, stream))
        });
        match flow {
            Some(Flow::Continue) => HeadersStatus::Continue,
            Some(_) => self.stop(stream, filter, goes_on),
            None => {
                filter.reply(503, &[], b"", "weir_not_configured");
                HeadersStatus::Stop
            }
        }
    }

    /// A request does not simply go on.
    #[cold]
    fn stop(&self, stream: u32, filter: Filter, goes_on: bool) -> HeadersStatus {
        let status = if goes_on {
            HeadersStatus::Continue
        } else if self.host.is_answered(stream) {
            HeadersStatus::Stop
        } else {
            self.host.wait(stream, filter, Side::Request);
            HeadersStatus::StopAll
        };
        // Others may be answered too, by what was due before.
        self.send_replies(Some((stream, filter)));
        status
    }

    pub(crate) fn on_request_trailers(&self, stream: u32, filter: Filter) {
        self.host.serve(stream, filter, || self.dispatcher.on_request_trailers(&self.host));
    }

    #[inline]
    pub(crate) fn on_response_headers(&self, stream: u32, filter: Filter, ends: bool) {
        if self.dispatcher.pending() > 0 {
            self.host.serve(stream, filter, || self.dispatcher.on_response_headers(&self.host, stream, ends));
        }
    }

    #[inline]
    pub(crate) fn on_response_body(&self, stream: u32, filter: Filter, ends: bool) -> Flow {
        if self.dispatcher.pending() == 0 {
            return Flow::Continue;
        }
        let flow = self.host.serve(stream, filter, || {
            self.dispatcher.on_response_body(&self.host, stream, filter.body_size(), ends)
        });
        if flow == Flow::StopAndSlowDown {
            self.host.wait(stream, filter, Side::Response);
        }
        flow
    }

    #[inline]
    pub(crate) fn on_response_trailers(&self, stream: u32, filter: Filter) -> Flow {
        if self.dispatcher.pending() == 0 {
            return Flow::Continue;
        }
        self.host.serve(stream, filter, || self.dispatcher.on_response_trailers(&self.host, stream))
    }

    /// The stream ended, in whatever way.
    #[inline]
    pub(crate) fn on_end(&self, stream: u32, filter: Filter) {
        if self.dispatcher.pending() == 0 && self.dispatcher.waiting() == 0 {
            // After a panic the host may know it still.
            self.host.waits_no_longer(stream);
            return;
        }
        // Served as no stream: this one is not there any longer.
        self.host.serve(NO_STREAM, filter, || {
            self.dispatcher.on_end(&self.host, stream);
            // Streams that remain look for those that have gone, now and then; after the last one nothing would.
            if self.host.waits_no_longer(stream) && self.host.wake.is_idle() {
                self.host.act_for_root();
                self.dispatcher.forget_gone(&self.host);
            }
        });
    }

    /// Envoy calls the worker, as [`crate::wake`] wanted it to.
    pub(crate) fn on_call(&self, stream: u32, filter: Filter) {
        self.host.wake.arrived();
        self.host.serve(stream, filter, || self.catch_up());
        self.send_replies(None);
    }

    /// After a panic outside of a request's own callback: whatever waits is refused or goes on, as after a panic in its
    /// callback, because it cannot be told what it would wait for.
    #[cold]
    pub(crate) fn recover(&self) {
        self.host.set_answer(None);
        for (stream, filter, side) in self.host.waiting() {
            self.host.waits_no_longer(stream);
            match side {
                Side::Request if self.fails_closed() => filter.reply(503, &[], b"", "weir_panic"),
                Side::Request => filter.continue_request(),
                Side::Response => filter.continue_response(),
            }
        }
        self.send_replies(None);
    }

    /// Does what is due: answers to callouts, and whatever has waited long enough.
    fn catch_up(&self) {
        self.host.act_for_root();
        for answer in self.host.mailbox.take() {
            let (token, size) = (answer.token, answer.content.as_ref().map_or(0, |(_, body)| body.len()));
            self.host.set_answer(Some(answer));
            self.dispatcher.on_callout(&self.host, ROOT, token, size);
            self.host.set_answer(None);
            self.host.act_for_root();
        }
        self.dispatcher.on_timer(&self.host, ROOT);
    }

    /// Sends the answers that were decided; `served` is the stream in whose callback this is. Envoy may end streams
    /// meanwhile, so nothing is borrowed.
    fn send_replies(&self, served: Option<(u32, Filter)>) {
        for (stream, reply) in self.host.take_replies() {
            let served = served.filter(|(other, _)| *other == stream).map(|(_, filter)| filter);
            if let Some(filter) = served.or_else(|| self.host.filter_of(stream)) {
                self.send(stream, filter, reply);
            }
        }
    }

    /// Answers a request. Envoy does not ask the filter that answers what it thinks of the response, so that is
    /// decided first.
    fn send(&self, stream: u32, filter: Filter, reply: Reply) {
        let Reply { status, headers, body, details, .. } = reply;
        let mut all = vec![(b":status".to_vec(), status.to_string().into_bytes())];
        all.extend(headers.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value.into_vec())));
        let mut headers = self.host.serve(stream, filter, || {
            self.host.compose(all, || {
                self.dispatcher.on_response_headers(&self.host, stream, body.is_empty());
            })
        });
        let changed = headers.iter().find(|(name, _)| name == b":status");
        let changed = changed.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok());
        headers.retain(|(name, _)| !name.starts_with(b":"));
        self.host.waits_no_longer(stream);
        filter.reply(changed.unwrap_or(status), &headers, &body, &details);
    }
}
