//! A whole request and its response in one call.

use std::fmt;
use std::time::Duration;

use super::plugin::Plugin;
use super::report::{CallStats, Cost, LogLine, Trap};
use super::request::Request;
use super::state::Response;
use super::stream::{Properties, Stream};

/// A stream that is still held after so much time on the VM's clock counts as hanging.
const PATIENCE: Duration = Duration::from_secs(600);

/// What became of a request.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The request as the upstream got it; `None` when the module answered itself or reset the stream.
    pub upstream: Option<Request>,
    /// The response as the client got it; `None` when the stream was reset.
    pub response: Option<Response>,
    /// All callbacks that ran meanwhile, in order.
    pub calls: Vec<CallStats>,
    /// The sum of `calls`.
    pub cost: Cost,
    /// What the module logged meanwhile.
    pub log: Vec<LogLine>,
    /// How long it took on the VM's clock.
    pub elapsed: Duration,
    /// How often the route cache was cleared.
    pub route_cache_clears: u32,
}

/// Why an exchange did not come to its end.
#[derive(Debug)]
pub enum ExchangeError {
    /// The module trapped.
    Trap(Trap),
    /// The module holds the stream and nothing that could make it let go is under way.
    Hangs(&'static str),
    /// The response's `content-length` says this many bytes (first), its body has this many (second): a
    /// client could not read it.
    Length(u64, u64),
}

impl From<Trap> for ExchangeError {
    fn from(trap: Trap) -> Self {
        Self::Trap(trap)
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(trap) => trap.fmt(f),
            Self::Hangs(phase) => write!(f, "the module holds the {phase} for ever"),
            Self::Length(said, is) => write!(f, "content-length is {said}, but the body has {is} bytes"),
        }
    }
}

impl std::error::Error for ExchangeError {}

impl Plugin {
    /// Sends a request through the module; the upstream answers with `response`.
    ///
    /// ```
    /// use weir_minihost::{ExchangeError, Module, Options, Request, Response};
    ///
    /// // A module that stops each request (1 is `StopIteration`), and never lets it go on.
    /// let module = Module::from_bytes(br#"(module (memory (export "memory") 1)
    ///   (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 1)))"#)?;
    /// let plugin = module.start(&Options::default())?.configure("{}")?;
    /// let hangs = plugin.exchange(Request::get("/"), Response::status(200));
    /// assert!(matches!(hangs, Err(ExchangeError::Hangs("request"))));
    ///
    /// // One that panics.
    /// let module = Module::from_bytes(br#"(module (memory (export "memory") 1)
    ///   (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) unreachable))"#)?;
    /// let plugin = module.start(&Options::default())?.configure("{}")?;
    /// match plugin.exchange(Request::get("/"), Response::status(200)) {
    ///     Err(ExchangeError::Trap(trap)) => assert_eq!(trap.callback, "proxy_on_request_headers"),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The module traps or holds the stream for ever.
    pub fn exchange(&self, request: Request, response: Response) -> Result<Exchange, ExchangeError> {
        self.exchange_with(request, Properties::new(), |_| (response, Duration::ZERO))
    }

    /// As [`Plugin::exchange`], with properties, and an upstream that may look at the request and take
    /// its time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use weir_minihost::{Exchange, Module, Options, Properties, Request, Response};
    ///
    /// let module = Module::from_bytes(b"(module (memory (export \"memory\") 1))")?;
    /// let plugin = module.start(&Options::default())?.configure("{}")?;
    /// // Paths are lists of segments.
    /// let path = [b"source".to_vec(), b"address".to_vec()];
    /// let properties = Properties::from([(path.to_vec(), b"192.0.2.7:50000".to_vec())]);
    /// // An upstream that answers with the path, after 20 ms on the VM's clock.
    /// let exchange: Exchange = plugin.exchange_with(Request::get("/cart"), properties, |request| {
    ///     let path = request.headers.first(b":path").unwrap_or_default();
    ///     (Response::status(200).body(path), Duration::from_millis(20))
    /// })?;
    /// assert_eq!(exchange.response.map(|response| response.body).as_deref(), Some(&b"/cart"[..]));
    /// assert_eq!(exchange.elapsed, Duration::from_millis(20));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The module traps or holds the stream for ever.
    pub fn exchange_with(
        &self,
        request: Request,
        properties: Properties,
        upstream: impl FnOnce(&Request) -> (Response, Duration),
    ) -> Result<Exchange, ExchangeError> {
        let vm = &self.vm;
        vm.take_calls();
        let (first_line, start) = (vm.log_len(), vm.timer_clock());
        let mut stream = self.open(request, properties)?;
        self.settle(&stream, "request")?;
        for callback in [Stream::request_body, Stream::request_trailers] {
            if !stream.has_local_reply() && !stream.is_reset() {
                callback(&stream)?;
                self.settle(&stream, "request")?;
            }
        }
        let mut forwarded = None;
        if !stream.is_reset() {
            let response = match stream.take_local_reply() {
                Some(reply) => reply,
                None => {
                    let request = stream.request();
                    let (response, time) = upstream(&request);
                    forwarded = Some(request);
                    vm.advance(time)?;
                    response
                }
            };
            self.respond(&mut stream, response)?;
        }
        let response =
            (!stream.is_reset()).then(|| stream.take_local_reply().unwrap_or_else(|| stream.response()));
        let response = response.map(with_right_length).transpose()?;
        let route_cache_clears = stream.route_cache_clears();
        stream.finish()?;
        let calls = vm.take_calls();
        Ok(Exchange {
            upstream: forwarded,
            response,
            cost: calls.iter().collect(),
            calls,
            log: vm.log_since(first_line),
            elapsed: Duration::from_nanos(vm.timer_clock() - start),
            route_cache_clears,
        })
    }

    fn respond(&self, stream: &mut Stream, response: Response) -> Result<(), ExchangeError> {
        stream.response_headers(response)?;
        self.settle(stream, "response")?;
        for callback in [Stream::response_body, Stream::response_trailers] {
            if !stream.has_local_reply() && !stream.is_reset() {
                callback(stream)?;
                self.settle(stream, "response")?;
            }
        }
        Ok(())
    }

    /// Answers callouts and moves the clock from event to event until the module lets the stream go.
    fn settle(&self, stream: &Stream, phase: &'static str) -> Result<(), ExchangeError> {
        let vm = &self.vm;
        let give_up = vm.timer_clock() + PATIENCE.as_nanos() as u64;
        vm.answer_callouts()?;
        while stream.paused() && !stream.has_local_reply() && !stream.is_reset() {
            match vm.next_event() {
                Some(due) if due <= give_up => vm.run_event(due)?,
                _ => return Err(ExchangeError::Hangs(phase)),
            }
            vm.answer_callouts()?;
        }
        Ok(())
    }
}

/// The response, if its `content-length` is right or absent. Envoy does not correct it for a module that
/// changes a body.
fn with_right_length(response: Response) -> Result<Response, ExchangeError> {
    let said = response.headers.first(b"content-length").and_then(|length| std::str::from_utf8(length).ok());
    match (said.and_then(|said| said.parse().ok()), response.body.len() as u64) {
        (Some(said), is) if said != is && is > 0 => Err(ExchangeError::Length(said, is)),
        _ => Ok(response),
    }
}
