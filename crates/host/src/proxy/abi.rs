//! The hostcalls and numbers of proxy-wasm ABI 0.2.1 that we use.

pub(super) type Status = u32;
pub(super) const OK: Status = 0;
pub(super) const NOT_FOUND: Status = 1;
pub(super) const REQUEST_HEADERS: u32 = 0;
pub(super) const REQUEST_TRAILERS: u32 = 1;
pub(super) const RESPONSE_HEADERS: u32 = 2;
pub(super) const RESPONSE_TRAILERS: u32 = 3;
pub(super) const CALLOUT_HEADERS: u32 = 6;
pub(super) const RESPONSE_BODY: u32 = 1;
pub(super) const CALLOUT_BODY: u32 = 4;
pub(super) const PLUGIN_CONFIGURATION: u32 = 7;
pub(super) const REQUEST_STREAM: u32 = 0;
pub(super) const RESPONSE_STREAM: u32 = 1;
pub(super) const MONOTONIC: u32 = 1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub(super) fn proxy_log(level: u32, data: *const u8, size: usize) -> Status;
    pub(super) fn proxy_get_log_level(level: *mut u32) -> Status;
    pub(super) fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> Status;
    pub(super) fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> Status;
    pub(super) fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> Status;
    pub(super) fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        size: usize,
        data: *const u8,
        new: usize,
    ) -> Status;
    pub(super) fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> Status;
    pub(super) fn proxy_continue_stream(stream: u32) -> Status;
    pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> Status;
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
    ) -> Status;
    pub(super) fn proxy_record_metric(id: u32, value: u64) -> Status;
    pub(super) fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        size: usize,
    ) -> Status;
    pub(super) fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        size: usize,
    ) -> Status;
    pub(super) fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> Status;
    pub(super) fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> Status;
    pub(super) fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        size: usize,
    ) -> Status;
    pub(super) fn proxy_get_current_time_nanoseconds(now: *mut u64) -> Status;
    pub(super) fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        argument: *const u8,
        argument_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> Status;
    pub(super) fn proxy_set_effective_context(context: u32) -> Status;
    pub(super) fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> Status;
    pub(super) fn proxy_increment_metric(id: u32, by: i64) -> Status;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    pub(super) fn random_get(data: *mut u8, size: usize) -> u16;
    pub(super) fn clock_time_get(clock: u32, precision: u64, now: *mut u64) -> u16;
}
