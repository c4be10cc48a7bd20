//! The entry points that the proxy calls; see [`weir_host::entry!`] for why they are our own functions.

use crate::Pipeline;

/// A token that comes for the first time takes a dozen small blocks. What other filters do takes hardly any, and
/// would only grow by this.
#[cfg(feature = "jwt-claims")]
#[global_allocator]
static ALLOCATOR: weir_host::Blocks<std::alloc::System> = weir_host::Blocks::new(std::alloc::System);

weir_host::entry! {
    plugin: Pipeline,
    banner: format_args!("weir {} ({})", env!("CARGO_PKG_VERSION"), weir_pipeline::sections()),
    callbacks: [
        request_headers,
        request_trailers,
        #[cfg(any(feature = "experiment", feature = "ab-routing", feature = "response-faults"))]
        response_headers,
        #[cfg(feature = "response-faults")]
        response_body,
        #[cfg(feature = "response-faults")]
        response_trailers,
        #[cfg(feature = "metrics")]
        log,
        #[cfg(any(feature = "jwt-claims", feature = "fault-injection"))]
        tick,
        #[cfg(feature = "jwt-claims")]
        http_call_response,
    ],
}
