//! The entry points that the proxy calls.
//!
//! The SDK provides the ABI version and the start of the module. The callbacks are the module's own
//! functions: `weir_on_…` replaces the SDK's `proxy_on_…` when the module is linked (`cargo xtask dist`),
//! because the SDK's dispatcher costs a quarter of the budget of a request, panics in situations that a proxy
//! may cause, and exports unneeded callbacks, each of which is one more call per request.

use crate::{Kept, Pipeline};
use weir_host::{Dispatcher, Proxy};

/// A token that comes for the first time takes a dozen small blocks. What other filters do takes hardly any, and
/// would only grow by this.
#[cfg(feature = "jwt-claims")]
#[global_allocator]
static ALLOCATOR: weir_host::Blocks<std::alloc::System> = weir_host::Blocks::new(std::alloc::System);

thread_local! {
    // A VM has one thread.
    static DISPATCHER: Dispatcher<Pipeline, Kept> = const { Dispatcher::new() };
}

/// The version of this module.
const VERSION: &str = env!("CARGO_PKG_VERSION");

// Contexts and their plugins are made when they are configured: there is nothing to do at the start.
proxy_wasm::main! {{}}

/// A plugin's configuration came, for its root context; false refuses it.
#[unsafe(no_mangle)]
extern "C" fn weir_on_configure(root: u32, _size: u32) -> u32 {
    let proxy = Proxy::serving(root);
    proxy.follow_log_level();
    let accepted = DISPATCHER.with(|d| d.on_configure(&proxy, root, &proxy.configuration()));
    if accepted {
        log::info!("weir {VERSION} ({}): configured", weir_pipeline::sections());
    }
    u32::from(accepted)
}

/// The proxy is about to hand over `size` bytes.
#[unsafe(no_mangle)]
extern "C" fn weir_on_memory_allocate(size: usize) -> *mut u8 {
    weir_host::allocate(size)
}

/// A context was created: a root's (`parent` 0) or a stream's.
#[unsafe(no_mangle)]
extern "C" fn weir_on_context_create(context: u32, parent: u32) {
    DISPATCHER.with(|d| d.on_stream_create(context, parent));
}

/// A stream's request headers came.
#[unsafe(no_mangle)]
extern "C" fn weir_on_request_headers(stream: u32, _headers: u32, _end: u32) -> u32 {
    DISPATCHER.with(|d| d.on_request_headers(&Proxy::serving(stream), stream))
}

/// A stream's request trailers came. A request without them does not call this.
#[unsafe(no_mangle)]
extern "C" fn weir_on_request_trailers(stream: u32, _trailers: u32) -> u32 {
    DISPATCHER.with(|d| d.on_request_trailers(&Proxy::serving(stream)));
    weir_host::action::CONTINUE
}

/// A stream's response headers came.
#[unsafe(no_mangle)]
#[cfg(any(feature = "experiment", feature = "ab-routing", feature = "response-faults"))]
extern "C" fn weir_on_response_headers(stream: u32, _headers: u32, end: u32) -> u32 {
    DISPATCHER.with(|d| d.on_response_headers(&Proxy::serving(stream), stream, end != 0));
    weir_host::action::CONTINUE
}

/// A part of a stream's response body came.
#[unsafe(no_mangle)]
#[cfg(feature = "response-faults")]
extern "C" fn weir_on_response_body(stream: u32, size: usize, end: u32) -> u32 {
    DISPATCHER.with(|d| d.on_response_body(&Proxy::serving(stream), stream, size, end != 0))
}

/// A stream's response trailers came.
#[unsafe(no_mangle)]
#[cfg(feature = "response-faults")]
extern "C" fn weir_on_response_trailers(stream: u32, _trailers: u32) -> u32 {
    DISPATCHER.with(|d| d.on_response_trailers(&Proxy::serving(stream), stream))
}

/// A stream ended; its headers are there for the last time.
#[unsafe(no_mangle)]
#[cfg(feature = "metrics")]
extern "C" fn weir_on_log(stream: u32) {
    DISPATCHER.with(|d| d.on_end(&Proxy::serving(stream), stream));
}

/// The timer of a root rang. It costs nothing where no timer is set.
#[unsafe(no_mangle)]
#[cfg(any(feature = "jwt-claims", feature = "fault-injection"))]
extern "C" fn weir_on_tick(root: u32) {
    DISPATCHER.with(|d| d.on_timer(&Proxy::serving(root), root));
}

/// A callout of a root was answered, or failed: then there are no headers.
#[unsafe(no_mangle)]
#[cfg(feature = "jwt-claims")]
extern "C" fn weir_on_http_call_response(root: u32, token: u32, _headers: u32, body: usize, _trailers: u32) {
    DISPATCHER.with(|d| d.on_callout(&Proxy::serving(root), root, token, body));
}
