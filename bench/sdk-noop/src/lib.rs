//! A filter that does nothing, written as the examples of the proxy-wasm SDK are. The benchmark compares
//! with it what a filter costs before it does any work: the SDK exports every callback of the ABI, and the
//! proxy calls those that concern a request. So this crate gets no post-link step.

#![forbid(unsafe_code)]

#[cfg(target_os = "wasi")]
mod filter {
    use proxy_wasm::traits::{Context, HttpContext, RootContext};
    use proxy_wasm::types::{ContextType, LogLevel};

    proxy_wasm::main! {{
        proxy_wasm::set_log_level(LogLevel::Info);
        proxy_wasm::set_root_context(|_| Box::new(Root));
    }}

    struct Root;

    impl Context for Root {}

    impl RootContext for Root {
        fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
            Some(Box::new(NoOp))
        }

        fn get_type(&self) -> Option<ContextType> {
            Some(ContextType::HttpContext)
        }
    }

    struct NoOp;

    impl Context for NoOp {}
    impl HttpContext for NoOp {}
}
