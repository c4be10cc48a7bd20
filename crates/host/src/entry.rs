//! The entry points that a proxy calls.

/// Defines the entry points of a module: one plugin, and the callbacks that it needs.
///
/// A proxy calls every callback that a module exports, for each request, and each call costs 1.6k instructions. So
/// only those that are named here exist, and `request_headers` is nearly always enough:
///
/// | name | when | what it calls |
/// |---|---|---|
/// | `request_headers` | the request's headers came | [`Plugin::on_request_headers`](crate::Plugin::on_request_headers) |
/// | `request_trailers` | its trailers came | `on_request_trailers` |
/// | `response_headers` | the response's headers came, and something is kept of the stream | `on_response_headers` |
/// | `response_body` | a part of its body came, and the plugin wants it | `on_response_body` |
/// | `response_trailers` | needed with `response_body`: trailers wait for a body that waits | `is_waiting` |
/// | `log` | the stream ended, and something is kept of it | `on_end` |
/// | `tick` | needed by plugins that hold or delay requests, or wake up by themselves | `on_wake`, `delay_over`, … |
/// | `http_call_response` | needed by plugins that call out | `on_callout` |
///
/// A plugin that never holds, delays or answers a request says so with
/// [`Plugin::MAY_HOLD`](crate::Plugin::MAY_HOLD).
///
/// The functions are called `weir_on_…`: the SDK defines `proxy_on_…` for all callbacks of the ABI, and a symbol
/// cannot be defined twice. The step after the linker (`weir-postlink`) gives them the names that the proxy calls
/// and drops the SDK's. Natively, the macro defines nothing.
#[macro_export]
macro_rules! entry {
    (
        plugin: $plugin:ty,
        banner: $banner:expr,
        callbacks: [$($(#[$attribute:meta])* $callback:ident),* $(,)?] $(,)?
    ) => {
        #[cfg(target_os = "wasi")]
        const _: () = {
            ::std::thread_local! {
                // A VM has one thread.
                static DISPATCHER: $crate::Dispatcher<$plugin, $crate::Proxy> =
                    const { $crate::Dispatcher::new() };
            }

            // Contexts and their plugins are made when they are configured: there is nothing to do at the start.
            $crate::proxy_wasm::main! {{}}

            /// A plugin's configuration came, for its root context; false refuses it.
            #[unsafe(no_mangle)]
            extern "C" fn weir_on_configure(root: u32, _size: u32) -> u32 {
                let proxy = $crate::Proxy::serving(root);
                proxy.follow_log_level();
                let accepted = DISPATCHER.with(|d| d.on_configure(&proxy, root, &proxy.configuration()));
                if accepted {
                    $crate::log::info!("{}: configured", $banner);
                }
                u32::from(accepted)
            }

            /// The proxy is about to hand over `size` bytes.
            #[unsafe(no_mangle)]
            extern "C" fn weir_on_memory_allocate(size: usize) -> *mut u8 {
                $crate::allocate(size)
            }

            /// A context was created: a root's (`parent` 0) or a stream's.
            #[unsafe(no_mangle)]
            extern "C" fn weir_on_context_create(context: u32, parent: u32) {
                DISPATCHER.with(|d| d.on_stream_create(context, parent));
            }

            $($(#[$attribute])* $crate::callback! { $callback })*
        };
    };
}

/// One callback of [`entry!`].
#[doc(hidden)]
#[macro_export]
macro_rules! callback {
    (request_headers) => {
        #[unsafe(no_mangle)]
        extern "C" fn weir_on_request_headers(
            stream: u32,
            _headers: u32,
            _end: u32,
        ) -> $crate::proxy_wasm::types::Action {
            DISPATCHER.with(|d| d.on_request_headers(&$crate::Proxy::serving(stream), stream)).into()
        }
    };
    (request_trailers) => {
        #[unsafe(no_mangle)]
        extern "C" fn weir_on_request_trailers(
            stream: u32,
            _trailers: u32,
        ) -> $crate::proxy_wasm::types::Action {
            DISPATCHER.with(|d| d.on_request_trailers(&$crate::Proxy::serving(stream)));
            $crate::proxy_wasm::types::Action::Continue
        }
    };
    (response_headers) => {
        #[unsafe(no_mangle)]
        extern "C" fn weir_on_response_headers(
            stream: u32,
            _headers: u32,
            end: u32,
        ) -> $crate::proxy_wasm::types::Action {
            DISPATCHER.with(|d| d.on_response_headers(&$crate::Proxy::serving(stream), stream, end != 0));
            $crate::proxy_wasm::types::Action::Continue
        }
    };
    (response_body) => {
        #[unsafe(no_mangle)]
        extern "C" fn weir_on_response_body(stream: u32, size: usize, end: u32) -> $crate::Flow {
            DISPATCHER.with(|d| d.on_response_body(&$crate::Proxy::serving(stream), stream, size, end != 0))
        }
    };
    (response_trailers) => {
        #[unsafe(no_mangle)]
        extern "C" fn weir_on_response_trailers(
            stream: u32,
            _trailers: u32,
        ) -> $crate::proxy_wasm::types::Action {
            DISPATCHER.with(|d| d.on_response_trailers(&$crate::Proxy::serving(stream), stream)).into()
        }
    };
    (log) => {
        #[unsafe(no_mangle)]
        extern "C" fn weir_on_log(stream: u32) {
            DISPATCHER.with(|d| d.on_end(&$crate::Proxy::serving(stream), stream));
        }
    };
    (tick) => {
        #[unsafe(no_mangle)]
        extern "C" fn weir_on_tick(root: u32) {
            DISPATCHER.with(|d| d.on_timer(&$crate::Proxy::serving(root), root));
        }
    };
    (http_call_response) => {
        // A callout that failed has no headers.
        #[unsafe(no_mangle)]
        extern "C" fn weir_on_http_call_response(
            root: u32,
            token: u32,
            _headers: u32,
            body: usize,
            _trailers: u32,
        ) {
            DISPATCHER.with(|d| d.on_callout(&$crate::Proxy::serving(root), root, token, body));
        }
    };
}
