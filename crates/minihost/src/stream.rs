//! Streams step by step: for tests that need to act between the steps. [`Plugin::exchange`] does it all.

use std::collections::BTreeMap;

use super::headers::Bytes;
use super::plugin::Plugin;
use super::report::Trap;
use super::request::Request;
use super::state::{Message, Response, StreamState};
use super::vm::Vm;

/// Properties that a stream offers, by path segments, in wire form.
pub type Properties = BTreeMap<Vec<Bytes>, Bytes>;

/// A stream context. End it with [`Stream::finish`]; one that is only dropped stays open in the module.
///
/// ```
/// use weir_minihost::{Module, Options, Properties, Request, Response};
///
/// let module = Module::from_bytes(br#"(module (memory (export "memory") 1)
///   (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 1)))"#)?;
/// let plugin = module.start(&Options::default())?.configure("{}")?;
///
/// // Two clients at once. The module holds both of them; one goes away meanwhile.
/// let one = plugin.open(Request::get("/"), Properties::new())?;
/// let other = plugin.open(Request::get("/"), Properties::new())?;
/// assert!(one.paused() && !one.is_reset() && one.take_local_reply().is_none());
/// one.finish()?;
/// assert_eq!(plugin.vm().open_streams(), 1);
/// assert_eq!(other.request(), Request::get("/"));
/// other.finish()?;
///
/// // The steps of one that goes on; those without a body or trailers do nothing.
/// let module = Module::from_bytes(b"(module (memory (export \"memory\") 1))")?;
/// let plugin = module.start(&Options::default())?.configure("{}")?;
/// let mut stream = plugin.open(Request::get("/"), Properties::new())?;
/// stream.request_body()?;
/// stream.response_headers(Response::status(200).body("hello"))?;
/// stream.response_body()?;
/// assert_eq!((stream.response().code(), stream.route_cache_clears()), (200, 0));
/// stream.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Stream {
    vm: Vm,
    id: u32,
    has_request_body: bool,
    has_request_trailers: bool,
    has_response_body: bool,
    has_trailers: bool,
}

impl Plugin {
    /// Opens a stream and shows its request headers to the module.
    ///
    /// # Errors
    /// The module traps.
    pub fn open(&self, request: Request, properties: Properties) -> Result<Stream, Trap> {
        let has_request_body = !request.body.is_empty();
        let has_request_trailers = !request.trailers.is_empty();
        let count = request.headers.len() as u32;
        let id = self.vm.host(|host| {
            let id = host.new_context();
            let mut stream = StreamState {
                root: self.id,
                properties,
                started: host.time_of_day(),
                started_at: host.clock,
                ..Default::default()
            };
            stream.request.headers = request.headers;
            stream.request.body = request.body;
            stream.request.trailers = request.trailers;
            host.streams.insert(id, stream);
            id
        });
        let stream = Stream {
            vm: self.vm.clone(),
            id,
            has_request_body,
            has_request_trailers,
            has_response_body: false,
            has_trailers: false,
        };
        stream.vm.call("proxy_on_context_create", id, &[id, self.id])?;
        stream.state(|state| state.request.headers_open = true);
        let arguments = [id, count, u32::from(!has_request_body && !has_request_trailers)];
        let paused = stream.step("proxy_on_request_headers", &arguments)?;
        stream.state(|state| {
            state.request.paused = paused;
            state.request.headers_open &= paused;
        });
        Ok(stream)
    }
}

impl Stream {
    /// Shows the request's body, if there is one. Envoy does this once the headers are not held any more.
    ///
    /// # Errors
    /// The module traps.
    pub fn request_body(&self) -> Result<(), Trap> {
        if !self.has_request_body {
            return Ok(());
        }
        let size = self.state(|state| {
            state.request.body_open = true;
            state.request.body.len() as u32
        });
        let last = u32::from(!self.has_request_trailers);
        let paused = self.step("proxy_on_request_body", &[self.id, size, last])?;
        self.state(|state| {
            // A body that waits for its end waits for the trailers: these come next, whatever it says.
            state.request.paused = paused && !self.has_request_trailers;
            state.request.body_open &= paused;
        });
        Ok(())
    }

    /// Shows the request's trailers, if there are any.
    ///
    /// # Errors
    /// The module traps.
    pub fn request_trailers(&self) -> Result<(), Trap> {
        if !self.has_request_trailers {
            return Ok(());
        }
        let count = self.state(|state| {
            state.request.trailers_open = true;
            state.request.trailers.len() as u32
        });
        let paused = self.step("proxy_on_request_trailers", &[self.id, count])?;
        self.state(|state| {
            state.request.paused = paused;
            state.request.body_open &= paused;
            state.request.trailers_open &= paused;
        });
        Ok(())
    }

    /// Shows a response's headers: the upstream's, or the module's own local reply.
    ///
    /// # Errors
    /// The module traps.
    pub fn response_headers(&mut self, response: Response) -> Result<(), Trap> {
        self.has_response_body = !response.body.is_empty();
        self.has_trailers = !response.trailers.is_empty();
        let count = response.headers.len() as u32;
        self.state(|state| {
            state.response.headers = response.headers;
            state.response.body = response.body;
            state.response.trailers = response.trailers;
            state.response.headers_open = true;
        });
        let arguments = [self.id, count, u32::from(!self.has_response_body && !self.has_trailers)];
        let paused = self.step("proxy_on_response_headers", &arguments)?;
        self.state(|state| {
            state.response.paused = paused;
            state.response.headers_open &= paused;
        });
        Ok(())
    }

    /// Shows the response's body, if there is one.
    ///
    /// # Errors
    /// The module traps.
    pub fn response_body(&self) -> Result<(), Trap> {
        if !self.has_response_body {
            return Ok(());
        }
        let size = self.state(|state| {
            state.response.body_open = true;
            state.response.body.len() as u32
        });
        let last = u32::from(!self.has_trailers);
        let paused = self.step("proxy_on_response_body", &[self.id, size, last])?;
        self.state(|state| {
            // A body that waits for its end waits for the trailers: these come next, whatever it says.
            state.response.paused = paused && !self.has_trailers;
            state.response.body_open &= paused;
        });
        Ok(())
    }

    /// Shows the response's trailers, if there are any.
    ///
    /// # Errors
    /// The module traps.
    pub fn response_trailers(&self) -> Result<(), Trap> {
        if !self.has_trailers {
            return Ok(());
        }
        let count = self.state(|state| {
            state.response.trailers_open = true;
            state.response.trailers.len() as u32
        });
        let paused = self.step("proxy_on_response_trailers", &[self.id, count])?;
        self.state(|state| {
            state.response.paused = paused;
            state.response.body_open &= paused;
            state.response.trailers_open &= paused;
        });
        Ok(())
    }

    /// Ends the stream, also one whose client has gone: access log, done, delete, in Envoy's order.
    ///
    /// # Errors
    /// The module traps.
    pub fn finish(self) -> Result<(), Trap> {
        self.state(|state| state.logging = true);
        self.vm.call("proxy_on_log", self.id, &[self.id])?;
        self.state(|state| {
            state.logging = false;
            state.request.headers_open = false;
            state.response.headers_open = false;
        });
        self.vm.call("proxy_on_done", self.id, &[self.id])?;
        self.vm.call("proxy_on_delete", self.id, &[self.id])?;
        self.vm.host(|host| host.streams.remove(&self.id));
        Ok(())
    }

    /// Whether the module holds the request or the response.
    pub fn paused(&self) -> bool {
        self.state(|state| state.request.paused || state.response.paused)
    }

    /// The response that the module made itself, taken once. It ends whatever the module held.
    pub fn take_local_reply(&self) -> Option<Response> {
        self.state(|state| {
            let reply = state.local_reply.take()?;
            state.request.paused = false;
            state.response.paused = false;
            Some(reply)
        })
    }

    pub(crate) fn has_local_reply(&self) -> bool {
        self.state(|state| state.local_reply.is_some())
    }

    /// Whether the module reset the stream.
    pub fn is_reset(&self) -> bool {
        self.state(|state| state.reset)
    }

    /// The request as it is now.
    pub fn request(&self) -> Request {
        self.state(|state| {
            let Message { headers, body, trailers, .. } = &state.request;
            Request { headers: headers.clone(), body: body.clone(), trailers: trailers.clone() }
        })
    }

    /// The response as it is now.
    pub fn response(&self) -> Response {
        self.state(|state| {
            let Message { headers, body, trailers, .. } = &state.response;
            Response { headers: headers.clone(), body: body.clone(), trailers: trailers.clone() }
        })
    }

    /// How often the route cache was cleared: by each write to request headers (ABI 0.2.1), and on demand.
    pub fn route_cache_clears(&self) -> u32 {
        self.state(|state| state.route_cache_clears)
    }

    /// Runs a callback; true when the module wants iteration to stop.
    fn step(&self, callback: &str, arguments: &[u32]) -> Result<bool, Trap> {
        let action = self.vm.call(callback, self.id, arguments)?;
        Ok(action.is_some_and(|action| action != 0) || self.vm.host(|host| host.stop_iteration))
    }

    fn state<R>(&self, act: impl FnOnce(&mut StreamState) -> R) -> R {
        self.vm.host(|host| act(host.streams.entry(self.id).or_default()))
    }
}
