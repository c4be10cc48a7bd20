//! Envoy's ABI for dynamic modules, bound by hand: what Envoy calls is in [`crate::entry`], what a module calls is
//! here, behind functions that are safe. No other file of this crate but these two has unsafe code.
//!
//! Envoy's functions are looked up by name when the module is loaded ([`load`]), not linked: an Envoy that lacks one is
//! refused with its name in the log. Linked, the process would end at the first call.

pub(crate) use filter::Filter;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

/// The version of the ABI that this file follows, the only place that names it. Envoy compares it with its own and
/// warns of a difference: until 1.0 it promises that modules of one minor version run in the next one too.
pub(crate) const VERSION: &CStr = c"v0.2.0";

/// Bytes of Envoy's or of ours, during a call.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Slice {
    data: *const c_char,
    len: usize,
}

impl Slice {
    const NOTHING: Self = Self { data: null(), len: 0 };

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr().cast(), len: bytes.len() }
    }

    /// The bytes.
    ///
    /// # Safety
    /// They must be there as long as the result is used.
    pub(crate) unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.data.is_null() {
            return &[];
        }
        // SAFETY: Envoy passes the number of bytes that are there; the caller says for how long.
        unsafe { std::slice::from_raw_parts(self.data.cast(), self.len) }
    }
}

/// A header, of Envoy's or of ours, during a call.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Header {
    name: Slice,
    value: Slice,
}

impl Header {
    const NOTHING: Self = Self { name: Slice::NOTHING, value: Slice::NOTHING };

    /// Name and value.
    ///
    /// # Safety
    /// They must be there as long as the result is used.
    pub(crate) unsafe fn pair<'a>(self) -> (&'a [u8], &'a [u8]) {
        // SAFETY: as the caller says.
        unsafe { (self.name.bytes(), self.value.bytes()) }
    }
}

fn headers_of<N: AsRef<[u8]>, V: AsRef<[u8]>>(headers: &[(N, V)]) -> Vec<Header> {
    let header =
        |(name, value): &(N, V)| Header { name: Slice::of(name.as_ref()), value: Slice::of(value.as_ref()) };
    headers.iter().map(header).collect()
}

/// A map of headers.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Map {
    Request = 0,
    RequestTrailers = 1,
    Response = 2,
    ResponseTrailers = 3,
}

/// Where metadata lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Metadata {
    Dynamic = 0,
    Route = 1,
    Cluster = 2,
    Host = 3,
}

/// What a filter does with headers, `FilterHeadersStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum HeadersStatus {
    Continue = 0,
    /// They are answered.
    Stop = 1,
    /// They wait, and all that follows.
    StopAll = 4,
}

/// The part of the body that came with the present callback.
const RECEIVED_RESPONSE_BODY: u32 = 2;
/// What the functions for metrics return where nothing went wrong.
const SUCCESS: u32 = 0;

type Pointer = *mut c_void;
type Labels = (*const Slice, usize);

macro_rules! callbacks {
    ($(fn $name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// Envoy's functions.
        struct Callbacks { $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)* }

        impl Callbacks {
            /// Finds them; otherwise the names of those that this Envoy does not have.
            fn find() -> Result<Self, Vec<&'static str>> {
                $(let $name = symbol(concat!("envoy_dynamic_module_callback_", stringify!($name), "\0"));)*
                let missing: Vec<_> =
                    [$((stringify!($name), $name)),*].iter().filter(|(_, at)| at.is_null()).map(|(name, _)| *name).collect();
                if !missing.is_empty() {
                    return Err(missing);
                }
                // SAFETY: each was found by its name in the process, and its type is that of Envoy's header.
                Ok(unsafe { Self { $($name: std::mem::transmute::<
                    Pointer, unsafe extern "C" fn($($argument),*) $(-> $result)?>($name),)* } })
            }
        }
    };
}

callbacks! {
    fn log(u32, Slice);
    fn log_enabled(u32) -> bool;
    fn http_get_header(Pointer, u32, Slice, *mut Slice, usize, *mut usize) -> bool;
    fn http_get_headers_size(Pointer, u32) -> usize;
    fn http_get_headers(Pointer, u32, *mut Header) -> bool;
    fn http_add_header(Pointer, u32, Slice, Slice) -> bool;
    fn http_set_header(Pointer, u32, Slice, Slice) -> bool;
    fn http_send_response(Pointer, u32, *const Header, usize, Slice, Slice);
    fn http_get_body_size(Pointer, u32) -> usize;
    fn http_get_body_chunks(Pointer, u32, *mut Slice) -> bool;
    fn http_get_body_chunks_size(Pointer, u32) -> usize;
    fn http_append_body(Pointer, u32, Slice) -> bool;
    fn http_drain_body(Pointer, u32, usize) -> bool;
    fn http_get_metadata_number(Pointer, u32, Slice, Slice, *mut f64) -> bool;
    fn http_get_metadata_string(Pointer, u32, Slice, Slice, *mut Slice) -> bool;
    fn http_get_metadata_bool(Pointer, u32, Slice, Slice, *mut bool) -> bool;
    fn http_set_filter_state_bytes(Pointer, Slice, Slice) -> bool;
    fn http_get_filter_state_bytes(Pointer, Slice, *mut Slice) -> bool;
    fn http_clear_route_cache(Pointer);
    fn http_filter_get_attribute_string(Pointer, u32, *mut Slice) -> bool;
    fn http_filter_get_attribute_int(Pointer, u32, *mut u64) -> bool;
    fn http_filter_get_attribute_bool(Pointer, u32, *mut bool) -> bool;
    fn http_filter_continue_decoding(Pointer);
    fn http_filter_continue_encoding(Pointer);
    fn http_filter_scheduler_new(Pointer) -> Pointer;
    fn http_filter_scheduler_commit(Pointer, u64);
    fn http_filter_scheduler_delete(Pointer);
    fn http_filter_config_scheduler_new(Pointer) -> Pointer;
    fn http_filter_config_scheduler_commit(Pointer, u64);
    fn http_filter_config_scheduler_delete(Pointer);
    fn http_filter_config_http_callout(Pointer, *mut u64, Slice, *const Header, usize, Slice, u64) -> u32;
    fn http_filter_config_define_counter(Pointer, Slice, *const Slice, usize, *mut usize) -> u32;
    fn http_filter_config_define_gauge(Pointer, Slice, *const Slice, usize, *mut usize) -> u32;
    fn http_filter_config_increment_counter(Pointer, usize, *const Slice, usize, u64) -> u32;
    fn http_filter_config_define_histogram(Pointer, Slice, *const Slice, usize, *mut usize) -> u32;
    fn http_filter_increment_counter(Pointer, usize, *const Slice, usize, u64) -> u32;
    fn http_filter_increment_gauge(Pointer, usize, *const Slice, usize, u64) -> u32;
    fn http_filter_decrement_gauge(Pointer, usize, *const Slice, usize, u64) -> u32;
    fn http_filter_set_gauge(Pointer, usize, *const Slice, usize, u64) -> u32;
    fn http_filter_record_histogram_value(Pointer, usize, *const Slice, usize, u64) -> u32;
}

static CALLBACKS: OnceLock<Callbacks> = OnceLock::new();

#[inline]
fn envoy() -> Option<&'static Callbacks> {
    CALLBACKS.get()
}

/// Calls a function of Envoy's; without an Envoy, in unit tests, the default.
macro_rules! call {
    ($name:ident($($argument:expr),* $(,)?)) => {
        match envoy() {
            // SAFETY: the pointers are valid for the sizes given, during the call; that the filter or configuration is
            // there is the contract of `Filter::at` and `Config::at`.
            Some(envoy) => unsafe { (envoy.$name)($($argument),*) },
            None => Default::default(),
        }
    };
}

// After the macro that it uses.
mod filter;

#[cfg(target_os = "linux")]
unsafe extern "C" {
    fn dlsym(handle: Pointer, name: *const c_char) -> Pointer;
    fn dlopen(file: *const c_char, flags: c_int) -> Pointer;
    fn dladdr(address: *const c_void, found: *mut Library) -> c_int;
}

/// `Dl_info`.
#[cfg(target_os = "linux")]
#[repr(C)]
struct Library {
    file: *const c_char,
    base: Pointer,
    symbol: *const c_char,
    address: Pointer,
}

/// A function of the process, by its name with a zero after it.
#[cfg(target_os = "linux")]
fn symbol(name: &'static str) -> Pointer {
    match CStr::from_bytes_until_nul(name.as_bytes()) {
        // SAFETY: null means all libraries of the process, and the name ends with a zero.
        Ok(name) => unsafe { dlsym(null_mut(), name.as_ptr()) },
        Err(_) => null_mut(),
    }
}

#[cfg(not(target_os = "linux"))]
fn symbol(_: &'static str) -> Pointer {
    null_mut()
}

/// Finds Envoy's functions.
///
/// # Errors
/// The names of those that are missing, without what they all begin with.
pub(crate) fn load() -> Result<(), Vec<&'static str>> {
    if CALLBACKS.get().is_none() {
        // Another thread that was quicker has found the same.
        let _ = CALLBACKS.set(Callbacks::find()?);
    }
    keep_loaded();
    Ok(())
}

/// Has the module stay in the process, whatever Envoy's configuration says: a thread of it runs (see [`crate::wake`]),
/// and Envoy unloads a module with its last configuration.
#[cfg(target_os = "linux")]
fn keep_loaded() {
    const LAZY: c_int = 1;
    const NO_LOAD: c_int = 4;
    const NO_DELETE: c_int = 0x1000;
    let mut found = Library { file: null(), base: null_mut(), symbol: null(), address: null_mut() };
    // SAFETY: the address is of a static of this library, and `found` is valid for writes during the call. The name is
    // the loader's own, and ends with a zero.
    unsafe {
        if dladdr((&raw const CALLBACKS).cast(), &raw mut found) != 0 && !found.file.is_null() {
            dlopen(found.file, LAZY | NO_LOAD | NO_DELETE);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn keep_loaded() {}

/// A line in Envoy's log.
pub(crate) fn log(level: log::Level, line: &str) {
    let level = match level {
        log::Level::Trace => 0,
        log::Level::Debug => 1,
        log::Level::Info => 2,
        log::Level::Warn => 3,
        log::Level::Error => 4,
    };
    if call!(log_enabled(level)) {
        call!(log(level, Slice::of(line.as_bytes())));
    }
}

/// A configuration of Envoy's filter, on the main thread.
#[derive(Clone, Copy)]
pub(crate) struct Config(Pointer);

impl Config {
    /// # Safety
    /// It is Envoy's, and is used only while the configuration is there, on the main thread.
    pub(crate) unsafe fn at(pointer: *mut c_void) -> Self {
        Self(pointer)
    }

    /// That of no Envoy.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        Self(null_mut())
    }

    /// Defines a metric with these labels; `None` where Envoy refuses.
    pub(crate) fn define(self, kind: weir_host::MetricKind, name: &str, labels: &[&str]) -> Option<usize> {
        let labels: Vec<Slice> = labels.iter().map(|label| Slice::of(label.as_bytes())).collect();
        let ((labels, count), name) = (pointer_and_len(&labels), Slice::of(name.as_bytes()));
        let mut id = 0;
        let result = match kind {
            weir_host::MetricKind::Counter => {
                call!(http_filter_config_define_counter(self.0, name, labels, count, &raw mut id))
            }
            weir_host::MetricKind::Gauge => {
                call!(http_filter_config_define_gauge(self.0, name, labels, count, &raw mut id))
            }
            weir_host::MetricKind::Histogram => {
                call!(http_filter_config_define_histogram(self.0, name, labels, count, &raw mut id))
            }
        };
        (result == SUCCESS && envoy().is_some()).then_some(id)
    }

    /// Sends a GET request; its id, `None` where Envoy refuses it.
    pub(crate) fn call_out(self, cluster: &str, headers: &[(&str, &str)], timeout: u32) -> Option<u64> {
        let headers = headers_of(headers);
        let mut id = 0;
        let result = call!(http_filter_config_http_callout(
            self.0,
            &raw mut id,
            Slice::of(cluster.as_bytes()),
            headers.as_ptr(),
            headers.len(),
            Slice::NOTHING,
            u64::from(timeout)
        ));
        (result == SUCCESS && envoy().is_some()).then_some(id)
    }

    /// Adds to a counter with these values of its labels.
    pub(crate) fn count(self, metric: usize, labels: &[Box<str>], by: u64) {
        let labels: Vec<Slice> = labels.iter().map(|label| Slice::of(label.as_bytes())).collect();
        let (labels, count) = pointer_and_len(&labels);
        call!(http_filter_config_increment_counter(self.0, metric, labels, count, by));
    }

    /// The configuration for the moment in which Envoy drops it.
    pub(crate) fn at_end(self) -> ConfigAtEnd {
        ConfigAtEnd(self.0)
    }

    /// What has Envoy call [`crate::entry`]'s `config_scheduled` on the main thread.
    pub(crate) fn scheduler(self) -> Option<ConfigScheduler> {
        let pointer = call_pointer(|envoy| {
            // SAFETY: as `call!`.
            unsafe { (envoy.http_filter_config_scheduler_new)(self.0) }
        });
        (!pointer.is_null()).then_some(ConfigScheduler(pointer))
    }
}

fn call_pointer(call: impl FnOnce(&'static Callbacks) -> Pointer) -> Pointer {
    envoy().map_or(null_mut(), call)
}

fn pointer_and_len(slices: &[Slice]) -> Labels {
    (if slices.is_empty() { null() } else { slices.as_ptr() }, slices.len())
}

/// A configuration that Envoy drops, in the callback that says so.
pub(crate) struct ConfigAtEnd(Pointer);

// SAFETY: it is only a handle, which nothing but that callback uses.
unsafe impl Send for ConfigAtEnd {}
// SAFETY: as above.
unsafe impl Sync for ConfigAtEnd {}

impl ConfigAtEnd {
    /// As [`Config::count`]: Envoy's counters can be changed on any thread, and it calls back before it takes the
    /// configuration apart.
    pub(crate) fn count(&self, metric: usize, labels: &[Box<str>], by: u64) {
        Config(self.0).count(metric, labels, by);
    }
}

/// Calls a configuration on the main thread, from any thread.
pub(crate) struct ConfigScheduler(Pointer);

// SAFETY: Envoy's header says that events may be committed from any thread; the object is only a handle.
unsafe impl Send for ConfigScheduler {}
// SAFETY: as above.
unsafe impl Sync for ConfigScheduler {}

impl ConfigScheduler {
    pub(crate) fn commit(&self) {
        call!(http_filter_config_scheduler_commit(self.0, 0));
    }
}

impl Drop for ConfigScheduler {
    fn drop(&mut self) {
        call!(http_filter_config_scheduler_delete(self.0));
    }
}

/// Calls a filter on its worker, from any thread.
pub(crate) struct Scheduler(Pointer);

// SAFETY: Envoy's header says that events may be committed from any thread; the object is only a handle.
unsafe impl Send for Scheduler {}

impl Scheduler {
    pub(crate) fn commit(&self) {
        call!(http_filter_scheduler_commit(self.0, 0));
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        call!(http_filter_scheduler_delete(self.0));
    }
}

/// The answer to a callout, copied: its status, and its body up to `most` bytes. `None` where there was no answer.
///
/// # Safety
/// The arguments are those of Envoy's event, during it.
pub(crate) unsafe fn answer(
    succeeded: bool,
    (headers, header_count): (*const Header, usize),
    (chunks, chunk_count): (*const Slice, usize),
    most: usize,
) -> Option<(Vec<u8>, Vec<u8>)> {
    if !succeeded || headers.is_null() {
        return None;
    }
    // SAFETY: Envoy passes the number of elements that are there.
    let headers = unsafe { std::slice::from_raw_parts(headers, header_count) };
    let mut status = None;
    for header in headers {
        // SAFETY: they are there during the event.
        let (name, value) = unsafe { header.pair() };
        if name == b":status" {
            status = Some(value.to_vec());
        }
    }
    let mut body = Vec::new();
    if !chunks.is_null() {
        // SAFETY: as above.
        for chunk in unsafe { std::slice::from_raw_parts(chunks, chunk_count) } {
            // SAFETY: as above.
            let chunk = unsafe { chunk.bytes() };
            let left = most.saturating_sub(body.len());
            body.extend_from_slice(chunk.get(..left).unwrap_or(chunk));
        }
    }
    Some((status?, body))
}
