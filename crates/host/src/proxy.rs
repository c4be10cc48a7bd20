//! The real proxy: raw hostcalls in bytes.
//!
//! The SDK's types are used, its functions are not: see [`abi`]. Statuses are looked at, never trusted.

use crate::header::encode_pairs;
use crate::{
    Callbacks, Callout, Cel, Clock, Edit, Flow, HeaderMap, Headers, Host, HostBytes, Log, MetricId,
    MetricKind, Metrics, Properties, Random, Reply, Signature, Signatures, protobuf,
};
use abi::*;
use log::{Level, LevelFilter};
use proxy_wasm::types::{Action, BufferType, LogLevel, MapType, MetricType, StreamType};
use std::cell::Cell;
use std::ptr::{null, null_mut};

mod abi;

/// The proxy that runs this VM.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The context that is being served.
    context: Cell<u32>,
}

/// Takes over what the host wrote to the VM's memory.
///
/// # Errors
/// The status, when it is not OK.
#[inline]
fn owned(call: impl FnOnce(*mut *mut u8, *mut usize) -> RawStatus) -> Result<HostBytes, RawStatus> {
    let (mut data, mut size) = (null_mut::<u8>(), 0usize);
    match call(&raw mut data, &raw mut size) {
        // SAFETY: the host asks `proxy_on_memory_allocate`, which is `crate::allocate`, for `size` bytes,
        // writes all of them, and passes them. It leaves null where there is nothing.
        OK => Ok(unsafe { HostBytes::take(data, size) }),
        status => Err(status),
    }
}

/// Nothing, where the host has nothing to give.
fn nothing() -> HostBytes {
    // SAFETY: null is allowed.
    unsafe { HostBytes::take(null_mut(), 0) }
}

/// Logs that the proxy failed to do something, without the value, which may be secret.
#[cold]
fn refused(what: &str, name: &[u8], status: RawStatus) {
    let name = String::from_utf8_lossy(name);
    log::warn!("the proxy refused to change {what} {name}: status {status}");
}

#[inline]
fn map_type(map: HeaderMap) -> MapType {
    match map {
        HeaderMap::Request => MapType::HttpRequestHeaders,
        HeaderMap::RequestTrailers => MapType::HttpRequestTrailers,
        HeaderMap::Response => MapType::HttpResponseHeaders,
        HeaderMap::ResponseTrailers => MapType::HttpResponseTrailers,
    }
}

fn metric_type(kind: MetricKind) -> MetricType {
    match kind {
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Histogram => MetricType::Histogram,
    }
}

impl From<Flow> for Action {
    /// For headers and trailers: bodies have a third answer, which the SDK does not have.
    #[inline]
    fn from(flow: Flow) -> Self {
        match flow {
            Flow::Continue => Self::Continue,
            Flow::Stop | Flow::StopAndSlowDown => Self::Pause,
        }
    }
}

/// Which lines a proxy shows whose log has this level. A host that does not tell gets what most proxies show.
fn filter(level: u32) -> LevelFilter {
    const TRACE: u32 = LogLevel::Trace as u32;
    const DEBUG: u32 = LogLevel::Debug as u32;
    const WARN: u32 = LogLevel::Warn as u32;
    const ERROR: u32 = LogLevel::Error as u32;
    match level {
        TRACE => LevelFilter::Trace,
        DEBUG => LevelFilter::Debug,
        WARN => LevelFilter::Warn,
        ERROR.. => LevelFilter::Error,
        _ => LevelFilter::Info,
    }
}

/// The SDK's level for a line's.
fn level(level: Level) -> LogLevel {
    match level {
        Level::Trace => LogLevel::Trace,
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    }
}

fn header(map: MapType, name: &[u8]) -> Option<HostBytes> {
    // SAFETY: all pointers are valid for the sizes given, during the call.
    owned(|data, size| unsafe { proxy_get_header_map_value(map, name.as_ptr(), name.len(), data, size) }).ok()
}

impl Proxy {
    /// The proxy, in a callback for a context.
    #[inline]
    pub fn serving(context: u32) -> Self {
        Self { context: Cell::new(context) }
    }

    /// The plugin's configuration; only in the callback that configures.
    pub fn configuration(&self) -> HostBytes {
        // SAFETY: both pointers are valid for writes during the call.
        owned(|data, size| unsafe {
            proxy_get_buffer_bytes(BufferType::PluginConfiguration, 0, usize::MAX, data, size)
        })
        .unwrap_or_else(|_| nothing())
    }

    /// Lets the macros of the `log` crate write to the proxy's log, at its level.
    ///
    /// A line below the level costs two instructions: nothing is formatted, nothing crosses to the
    /// host. A change of the level at run time is seen at the next configuration.
    pub fn follow_log_level(&self) {
        struct Lines;
        impl log::Log for Lines {
            fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
                metadata.level() <= log::max_level()
            }
            fn log(&self, record: &log::Record<'_>) {
                if self.enabled(record.metadata()) {
                    Proxy::serving(0).log(record.level(), &record.args().to_string());
                }
            }
            fn flush(&self) {}
        }
        // Only the first call in a VM sets it; that is all that is needed.
        let _ = log::set_logger(&Lines);
        let mut level = 0;
        // SAFETY: `level` is valid for writes during the call.
        let status = unsafe { proxy_get_log_level(&raw mut level) };
        log::set_max_level(if status == OK { filter(level) } else { LevelFilter::Info });
    }

    fn foreign(&self, name: &str, argument: &[u8]) -> Result<HostBytes, RawStatus> {
        owned(|data, size| {
            // SAFETY: all pointers are valid for the sizes given, during the call.
            unsafe {
                proxy_call_foreign_function(
                    name.as_ptr(),
                    name.len(),
                    argument.as_ptr(),
                    argument.len(),
                    data,
                    size,
                )
            }
        })
    }
}

impl Properties for Proxy {
    type Bytes = HostBytes;

    fn property(&self, path: &[u8]) -> Option<HostBytes> {
        // SAFETY: all pointers are valid for the sizes given, during the call.
        owned(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) }).ok()
    }
}

impl Headers for Proxy {
    fn header(&self, map: HeaderMap, name: &[u8]) -> Option<HostBytes> {
        header(map_type(map), name)
    }
}

impl Clock for Proxy {
    fn now(&self) -> u64 {
        let mut now = 0;
        // SAFETY: the pointer is valid for writes during the call. A failure leaves zero.
        unsafe { proxy_get_current_time_nanoseconds(&raw mut now) };
        now
    }
}

impl Random for Proxy {
    fn random(&self) -> u64 {
        let mut bits = [0; 8];
        // SAFETY: `bits` is valid for writes of its size during the call. A failure leaves zeros.
        unsafe { random_get(bits.as_mut_ptr(), bits.len()) };
        u64::from_le_bytes(bits)
    }
}

impl Cel for Proxy {
    fn evaluate_cel(&self, token: u32) -> Option<bool> {
        match *self.foreign("expr_evaluate", &token.to_le_bytes()).ok()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl Signatures for Proxy {
    fn verify_signature(&self, signature: &Signature<'_>) -> Option<bool> {
        let argument = protobuf::fields(&[
            signature.hash.as_bytes(),
            signature.key,
            signature.signature,
            signature.message,
        ]);
        let answer = self.foreign("verify_signature", &argument).ok()?;
        // A wrong signature is an answer too, in which the field is absent: false is protobuf's default.
        Some(protobuf::first_bool(&answer))
    }
}

impl Metrics for Proxy {
    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<MetricId> {
        let mut id = 0;
        // SAFETY: all pointers are valid for the sizes given, during the call.
        let status =
            unsafe { proxy_define_metric(metric_type(kind), name.as_ptr(), name.len(), &raw mut id) };
        (status == OK).then_some(MetricId(id))
    }

    fn increment(&self, metric: MetricId, by: i64) {
        // SAFETY: no pointers. A refused increment has nothing to act on.
        unsafe { proxy_increment_metric(metric.0, by) };
    }

    fn record(&self, metric: MetricId, value: u64) {
        // SAFETY: no pointers. As above.
        unsafe { proxy_record_metric(metric.0, value) };
    }
}

impl Log for Proxy {
    fn log(&self, severity: Level, line: &str) {
        // SAFETY: the pointer is valid for the size given, during the call.
        unsafe { proxy_log(level(severity), line.as_ptr(), line.len()) };
    }
}

impl Host for Proxy {
    fn callbacks(&self) -> Callbacks {
        crate::callbacks::exported()
    }

    #[inline]
    fn request_pairs(&self) -> HostBytes {
        // SAFETY: both pointers are valid for writes during the call.
        owned(|data, size| unsafe { proxy_get_header_map_pairs(MapType::HttpRequestHeaders, data, size) })
            .unwrap_or_else(|_| nothing())
    }

    fn request_trailers(&self) -> HostBytes {
        // SAFETY: both pointers are valid for writes during the call.
        owned(|data, size| unsafe { proxy_get_header_map_pairs(MapType::HttpRequestTrailers, data, size) })
            .unwrap_or_else(|_| nothing())
    }

    #[inline]
    fn edit(&self, map: HeaderMap, name: &[u8], edit: Edit<'_>) {
        let map = map_type(map);
        let (key, key_size) = (name.as_ptr(), name.len());
        // SAFETY: all pointers are valid for the sizes given, during the call.
        let status = unsafe {
            match edit {
                Edit::Add(value) => {
                    proxy_add_header_map_value(map, key, key_size, value.as_ptr(), value.len())
                }
                Edit::Replace(value) => {
                    proxy_replace_header_map_value(map, key, key_size, value.as_ptr(), value.len())
                }
                Edit::Remove => proxy_remove_header_map_value(map, key, key_size),
            }
        };
        if status != OK {
            refused("the header", name, status);
        }
    }

    fn callout_header(&self, name: &[u8]) -> Option<HostBytes> {
        header(MapType::HttpCallResponseHeaders, name)
    }

    fn callout_body(&self, most: usize) -> HostBytes {
        // SAFETY: both pointers are valid for writes during the call.
        owned(|data, size| unsafe {
            proxy_get_buffer_bytes(BufferType::HttpCallResponseBody, 0, most, data, size)
        })
        .unwrap_or_else(|_| nothing())
    }

    fn call_out(&self, callout: &Callout<'_>) -> Option<u32> {
        let headers: [(&str, &[u8]); 5] = [
            (":method", b"GET"),
            (":scheme", callout.scheme.as_bytes()),
            (":path", callout.path.as_bytes()),
            (":authority", callout.authority.as_bytes()),
            ("accept", b"application/json"),
        ];
        let headers = encode_pairs(&headers);
        let mut token = 0;
        // SAFETY: all pointers are valid for the sizes given, during the call; null has size 0.
        let status = unsafe {
            proxy_http_call(
                callout.cluster.as_ptr(),
                callout.cluster.len(),
                headers.as_ptr(),
                headers.len(),
                null(),
                0,
                null(),
                0,
                callout.timeout,
                &raw mut token,
            )
        };
        (status == OK).then_some(token)
    }

    fn reply(&self, reply: &Reply) {
        let headers: Vec<(&str, &[u8])> = reply.headers.iter().map(|(n, v)| (&**n, &**v)).collect();
        let headers = encode_pairs(&headers);
        let grpc_status = reply.grpc_status.map_or(-1, i32::from);
        // SAFETY: all pointers are valid for the sizes given, during the call.
        let status = unsafe {
            proxy_send_local_response(
                u32::from(reply.status),
                reply.details.as_ptr(),
                reply.details.len(),
                reply.body.as_ptr(),
                reply.body.len(),
                headers.as_ptr(),
                headers.len(),
                grpc_status,
            )
        };
        if status != OK {
            log::warn!("the proxy refused to answer a request: status {status}");
        }
    }

    fn resume_request(&self) {
        // SAFETY: no pointers.
        unsafe { proxy_continue_stream(StreamType::HttpRequest) };
    }

    fn resume_response(&self) {
        // SAFETY: no pointers.
        unsafe { proxy_continue_stream(StreamType::HttpResponse) };
    }

    fn body(&self, most: usize) -> HostBytes {
        // SAFETY: both pointers are valid for writes during the call.
        owned(|data, size| unsafe {
            proxy_get_buffer_bytes(BufferType::HttpResponseBody, 0, most, data, size)
        })
        .unwrap_or_else(|_| nothing())
    }

    fn replace_body(&self, size: usize, with: &[u8]) {
        // SAFETY: the pointer is valid for the size given, during the call.
        let status = unsafe {
            proxy_set_buffer_bytes(BufferType::HttpResponseBody, 0, size, with.as_ptr(), with.len())
        };
        if status != OK {
            refused("the body of", b"a response", status);
        }
    }

    fn act_for(&self, context: u32) -> bool {
        // SAFETY: no pointers. A context that is gone is refused with a status.
        let there = unsafe { proxy_set_effective_context(context) } == OK;
        if there {
            self.context.set(context);
        }
        there
    }

    fn set_timer(&self, milliseconds: u32) {
        // SAFETY: no pointers.
        unsafe { proxy_set_tick_period_milliseconds(milliseconds) };
    }

    fn compile_cel(&self, expression: &str) -> Result<u32, String> {
        let token = self.foreign("expr_create", expression.as_bytes()).map_err(|status| match status {
            NOT_FOUND => "this proxy has no CEL (foreign function expr_create)".to_owned(),
            _ => format!("the proxy rejects the expression {expression:?}; see its log at level info"),
        })?;
        let token = <[u8; 4]>::try_from(&*token).map_err(|_| "the proxy's CEL answers in an unknown form")?;
        Ok(u32::from_le_bytes(token))
    }

    fn set_state(&self, name: &[u8], value: &[u8]) {
        // SAFETY: all pointers are valid for the sizes given, during the call.
        let status = unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
        if status != OK {
            refused("the filter state", name, status);
        }
    }

    fn declare_lasting(&self, name: &[u8]) {
        // A host that knows nothing of it has no such redirects either.
        let _ = self.foreign("declare_property", &protobuf::lasting_property(name));
    }

    fn steady_now(&self) -> u64 {
        let mut now = 0;
        // SAFETY: the pointer is valid for writes during the call. A failure leaves zero.
        unsafe { clock_time_get(MONOTONIC, 0, &raw mut now) };
        now
    }

    fn is_alive(&self, context: u32) -> bool {
        // SAFETY: no pointers. A context that is gone is refused with a status; after one that is not,
        // the context of this callback must be chosen again.
        unsafe {
            let alive = proxy_set_effective_context(context) == OK;
            if alive {
                proxy_set_effective_context(self.context.get());
            }
            alive
        }
    }
}
