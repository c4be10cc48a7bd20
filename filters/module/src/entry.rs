//! The entry points that the proxy calls.
//!
//! The SDK serves the ABI version and the start of the module.
//! The callbacks are our own functions: `weir_on_…` takes the place of the SDK's `proxy_on_…` when the
//! module is linked (`cargo xtask dist`), because the SDK's dispatcher costs a quarter of what a whole
//! request may cost, panics on what a proxy can do, and exports callbacks that nobody needs, each of
//! which is one more call a request.

use crate::Pipeline;
use weir_host::{Dispatcher, Proxy};

thread_local! {
    // A VM has one thread.
    static DISPATCHER: Dispatcher<Pipeline> = const { Dispatcher::new() };
}

/// The version of this module.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Streams go on at once: `FilterHeadersStatus::Continue`.
const CONTINUE: u32 = 0;

// Contexts and their plugins are made when they are configured: there is nothing to do at the start.
proxy_wasm::main! {{}}

/// A plugin's configuration came, for its root context; false refuses it.
#[unsafe(no_mangle)]
extern "C" fn weir_on_configure(root: u32, _size: u32) -> u32 {
    let proxy = Proxy { context: root };
    proxy.follow_log_level();
    let accepted = DISPATCHER.with(|d| d.on_configure(&proxy, root, &proxy.configuration()));
    if accepted {
        log::info!("weir {VERSION}: configured");
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
    DISPATCHER.with(|d| d.on_request_headers(&Proxy { context: stream }, stream));
    CONTINUE
}

/// A stream's response headers came.
#[unsafe(no_mangle)]
extern "C" fn weir_on_response_headers(stream: u32, _headers: u32, _end: u32) -> u32 {
    DISPATCHER.with(|d| d.on_response_headers(&Proxy { context: stream }, stream));
    CONTINUE
}
