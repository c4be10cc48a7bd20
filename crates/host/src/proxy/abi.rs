//! The hostcalls of proxy-wasm ABI 0.2.1 that we use, with the SDK's types as arguments.
//!
//! Why they are declared here and the SDK's functions (`proxy_wasm::hostcalls`, version 0.2.5) are not called:
//!
//! - Each of the fifty panics on a status that it does not expect, and a panic kills the VM with all its streams.
//!   Envoy has such statuses for what traffic and configuration can cause: `InternalFailure` for a header map that
//!   is gone, `BadArgument` for a context that is gone.
//! - They declare that the host returns their enum `Status`, which has eight values. A host that returns another
//!   number (Envoy has `Unimplemented`, 12) makes that undefined behaviour. So here a status is a number.
//! - What they read becomes a `Vec` or a `String` for each header; what they write must be UTF-8 in places where
//!   HTTP allows any bytes.

use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType, Status, StreamType};

/// What the host returns: a number of [`Status`], or any other.
pub(super) type RawStatus = u32;
pub(super) const OK: RawStatus = Status::Ok as RawStatus;
pub(super) const NOT_FOUND: RawStatus = Status::NotFound as RawStatus;
/// WASI's clock that never jumps.
pub(super) const MONOTONIC: u32 = 1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub(super) fn proxy_log(level: LogLevel, data: *const u8, size: usize) -> RawStatus;
    pub(super) fn proxy_get_log_level(level: *mut u32) -> RawStatus;
    pub(super) fn proxy_get_buffer_bytes(
        buffer: BufferType,
        start: usize,
        max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> RawStatus;
    pub(super) fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize)
    -> RawStatus;
    pub(super) fn proxy_get_header_map_value(
        map: MapType,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> RawStatus;
    pub(super) fn proxy_set_buffer_bytes(
        buffer: BufferType,
        start: usize,
        size: usize,
        data: *const u8,
        new: usize,
    ) -> RawStatus;
    pub(super) fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> RawStatus;
    pub(super) fn proxy_continue_stream(stream: StreamType) -> RawStatus;
    pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> RawStatus;
    pub(super) fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout: u32,
        token: *mut u32,
    ) -> RawStatus;
    pub(super) fn proxy_record_metric(id: u32, value: u64) -> RawStatus;
    pub(super) fn proxy_add_header_map_value(
        map: MapType,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        size: usize,
    ) -> RawStatus;
    pub(super) fn proxy_replace_header_map_value(
        map: MapType,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        size: usize,
    ) -> RawStatus;
    pub(super) fn proxy_remove_header_map_value(map: MapType, name: *const u8, name_size: usize)
    -> RawStatus;
    pub(super) fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> RawStatus;
    pub(super) fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        size: usize,
    ) -> RawStatus;
    pub(super) fn proxy_get_current_time_nanoseconds(now: *mut u64) -> RawStatus;
    pub(super) fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        argument: *const u8,
        argument_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> RawStatus;
    pub(super) fn proxy_set_effective_context(context: u32) -> RawStatus;
    pub(super) fn proxy_define_metric(
        kind: MetricType,
        name: *const u8,
        name_size: usize,
        id: *mut u32,
    ) -> RawStatus;
    pub(super) fn proxy_increment_metric(id: u32, by: i64) -> RawStatus;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    pub(super) fn random_get(data: *mut u8, size: usize) -> u16;
    pub(super) fn clock_time_get(clock: u32, precision: u64, now: *mut u64) -> u16;
}
