//! The entry points that the proxy calls.
//!
//! The SDK serves what happens seldom: the ABI version, memory, root contexts and their
//! configuration. A stream's callbacks are our own functions: `weir_on_…` takes the place of the
//! SDK's `proxy_on_…` when the module is linked (`cargo xtask dist`), because the SDK's dispatcher
//! costs a quarter of what a whole request may cost, panics on what a proxy can do, and exports
//! callbacks that nobody needs, each of which is one more call a request.

use crate::{Pipeline, VERSION};
use proxy_wasm::traits::{Context, RootContext};
use weir_host::{Dispatcher, Proxy};

thread_local! {
    // A VM has one thread.
    static DISPATCHER: Dispatcher<Pipeline> = Dispatcher::default();
}

/// Streams go on at once: `FilterHeadersStatus::Continue`.
const CONTINUE: u32 = 0;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|root| Box::new(Root(root)));
}}

/// A root context by its id: one for each plugin that the VM serves.
struct Root(u32);

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let proxy = Proxy { root: self.0 };
        proxy.follow_log_level();
        let accepted = DISPATCHER.with(|d| d.on_configure(&proxy, self.0, &proxy.configuration()));
        if accepted {
            log::info!("weir {VERSION}: configured");
        }
        accepted
    }
}

/// The proxy while it serves a stream.
const STREAM: Proxy = Proxy { root: 0 };

unsafe extern "C" {
    // The SDK's own callback, for root contexts.
    safe fn proxy_on_context_create(context: u32, parent: u32);
}

/// A context was created: a root's (`parent` 0) or a stream's.
#[unsafe(no_mangle)]
extern "C" fn weir_on_context_create(context: u32, parent: u32) {
    if parent == 0 {
        proxy_on_context_create(context, parent);
    } else {
        DISPATCHER.with(|d| d.on_stream_create(context, parent));
    }
}

/// A stream's request headers came.
#[unsafe(no_mangle)]
extern "C" fn weir_on_request_headers(stream: u32, _headers: u32, _end: u32) -> u32 {
    DISPATCHER.with(|d| d.on_request_headers(&STREAM, stream));
    CONTINUE
}

/// A stream's response headers came.
#[unsafe(no_mangle)]
extern "C" fn weir_on_response_headers(stream: u32, _headers: u32, _end: u32) -> u32 {
    DISPATCHER.with(|d| d.on_response_headers(&STREAM, stream));
    CONTINUE
}
