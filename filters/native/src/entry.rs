//! The functions that Envoy calls. None lets a panic out: what panics is logged and counted, and the request is
//! refused or goes on without this module, as [`crate::worker::Worker::fails_closed`] says.

use crate::abi::{self, Config, Filter, Header, HeadersStatus, Slice};
use crate::callouts::MAX_ANSWER;
use crate::load::load;
use crate::shared::Shared;
use crate::worker::{self, Worker};
use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use std::rc::Rc;
use std::sync::Arc;
use weir_host::Flow;

/// A stream, as Envoy keeps it for us.
struct Stream {
    number: u32,
    worker: Rc<Worker>,
    filter: Filter,
}

thread_local! {
    /// The memory of the last stream that ended: often one begins when another has ended.
    static SPARE: Cell<Option<Box<MaybeUninit<Stream>>>> = const { Cell::new(None) };
}

/// The text of a panic.
fn text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

/// Runs a callback; `None` when it panicked.
#[inline]
fn guarded<T>(callback: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(callback)) {
        Ok(result) => Some(result),
        Err(panic) => {
            abi::log(log::Level::Error, &format!("weir: a defect, please report it: {}", text(&*panic)));
            None
        }
    }
}

/// Runs a callback of a stream; where it panics, `failed` says what to do, and `without` where there is no stream, or
/// that panics too.
#[inline]
fn guarded_stream<T>(
    stream: *const Stream,
    callback: impl FnOnce(&Worker, u32, Filter) -> T,
    failed: impl FnOnce(&Worker, Filter) -> T,
    without: impl FnOnce() -> T,
) -> T {
    // SAFETY: Envoy passes what `filter_new` returned, until `filter_destroy`.
    let Some(stream) = (unsafe { stream.as_ref() }) else { return without() };
    // Envoy may destroy the stream within the callback.
    let (worker, number, filter) = (Rc::clone(&stream.worker), stream.number, stream.filter);
    guarded(|| callback(&worker, number, filter)).unwrap_or_else(|| {
        // What becomes of the request does not depend on whether it can be counted.
        guarded(|| worker.count_panic(number, filter));
        guarded(|| failed(&worker, filter)).unwrap_or_else(without)
    })
}

/// What becomes of a request in which this module failed.
fn request_failed(worker: &Worker, filter: Filter) -> HeadersStatus {
    if !worker.fails_closed() {
        return HeadersStatus::Continue;
    }
    filter.reply(503, &[], b"", "weir_panic");
    HeadersStatus::Stop
}

/// The same of a request for which nothing could be made, so that nothing says whether it may go on.
fn refuse(filter: *mut c_void) -> HeadersStatus {
    if !filter.is_null() {
        // SAFETY: Envoy's own, in its callback.
        guarded(|| unsafe { Filter::at(filter) }.reply(503, &[], b"", "weir_panic"));
    }
    HeadersStatus::Stop
}

/// The module was loaded, on the main thread. Null refuses to run in this Envoy.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_program_init() -> *const c_char {
    match guarded(abi::load) {
        Some(Ok(())) => abi::VERSION.as_ptr(),
        Some(Err(missing)) => {
            // Envoy's log may be among what is missing.
            let _ = writeln!(
                std::io::stderr(),
                "weir: this Envoy does not have the functions that the native module needs ({}); it is made for the \
                 ABI {}, which Envoy 1.40 has",
                missing.join(", "),
                abi::VERSION.to_string_lossy()
            );
            null()
        }
        None => null(),
    }
}

/// A configuration came, on the main thread. Null refuses it.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_new(
    config: *mut c_void,
    name: Slice,
    document: Slice,
) -> *const c_void {
    let loaded = guarded(|| {
        // SAFETY: Envoy's own, on the main thread; name and document are there during the call.
        let (config, name, document) = unsafe { (Config::at(config), name.bytes(), document.bytes()) };
        load(config, name, document)
    });
    loaded.flatten().map_or(null(), |shared| Arc::into_raw(shared).cast())
}

/// A configuration goes; no filter of it is left.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_destroy(shared: *const c_void) {
    if shared.is_null() {
        return;
    }
    // SAFETY: Envoy passes what `config_new` returned, once.
    let shared = unsafe { Arc::from_raw(shared.cast::<Shared>()) };
    guarded(move || {
        shared.close();
        drop(shared);
    });
}

/// A configuration of a route came, on the main thread: there is none.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_per_route_config_new(
    _name: Slice,
    _document: Slice,
) -> *const c_void {
    abi::log(
        log::Level::Error,
        "weir: there is no configuration for a route (typed_per_filter_config): write conditions into the filter's own",
    );
    null()
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_per_route_config_destroy(_config: *const c_void) {}

/// A stream began, on its worker. Null where nothing can be made for it: its callbacks refuse the request.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_new(
    shared: *const c_void,
    filter: *mut c_void,
) -> *const c_void {
    if shared.is_null() {
        return null();
    }
    let made = guarded(|| {
        let shared = shared.cast::<Shared>();
        // SAFETY: Envoy passes what `config_new` returned, before `config_destroy`.
        let known = unsafe { &*shared };
        // SAFETY: the same; the count of owners is raised first, so that this one leaves Envoy's in place. It is raised
        // for a worker's first stream only: all workers count in one place.
        let own = || unsafe {
            Arc::increment_strong_count(shared);
            Arc::from_raw(shared)
        };
        let worker = worker::of(known, own);
        // SAFETY: Envoy's own, on its worker; it is dropped with the stream.
        let filter = unsafe { Filter::at(filter) };
        let memory = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_else(Box::new_uninit);
        Box::write(memory, Stream { number: worker.number_stream(), worker, filter })
    });
    made.map_or(null(), |stream| Box::into_raw(stream).cast_const().cast())
}

/// A stream's filter goes.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_destroy(stream: *const c_void) {
    if stream.is_null() {
        return;
    }
    // Usually it has ended before.
    guarded_stream(stream.cast(), |worker, number, filter| worker.on_end(number, filter), |_, _| (), || ());
    // SAFETY: Envoy passes what `filter_new` returned, once. It is read once, and its memory is only memory then.
    let (ended, memory) = unsafe {
        let stream = stream.cast::<Stream>().cast_mut();
        (stream.read(), Box::from_raw(stream.cast::<MaybeUninit<Stream>>()))
    };
    // While a thread ends there may be no place for it.
    let _ = SPARE.try_with(|spare| spare.set(Some(memory)));
    guarded(move || drop(ended));
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_headers(
    filter: *mut c_void,
    stream: *const c_void,
    _ends: bool,
) -> HeadersStatus {
    let served = |worker: &Worker, number, filter| worker.on_request_headers(number, filter);
    guarded_stream(stream.cast(), served, request_failed, || refuse(filter))
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_body(
    _filter: *mut c_void,
    _stream: *const c_void,
    _ends: bool,
) -> Flow {
    Flow::Continue
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_trailers(
    _filter: *mut c_void,
    stream: *const c_void,
) -> Flow {
    let served = |worker: &Worker, number, filter| {
        worker.on_request_trailers(number, filter);
        Flow::Continue
    };
    // Trailers may have names that clients must not send.
    let failed = |worker: &Worker, filter| match request_failed(worker, filter) {
        HeadersStatus::Continue => Flow::Continue,
        _ => Flow::Stop,
    };
    guarded_stream(stream.cast(), served, failed, || Flow::Stop)
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_response_headers(
    _filter: *mut c_void,
    stream: *const c_void,
    ends: bool,
) -> HeadersStatus {
    let served = |worker: &Worker, number, filter| {
        worker.on_response_headers(number, filter, ends);
        HeadersStatus::Continue
    };
    guarded_stream(stream.cast(), served, |_, _| HeadersStatus::Continue, || HeadersStatus::Continue)
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_response_body(
    _filter: *mut c_void,
    stream: *const c_void,
    ends: bool,
) -> Flow {
    let served = |worker: &Worker, number, filter| worker.on_response_body(number, filter, ends);
    guarded_stream(stream.cast(), served, |_, _| Flow::Continue, || Flow::Continue)
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_response_trailers(
    _filter: *mut c_void,
    stream: *const c_void,
) -> Flow {
    let served = |worker: &Worker, number, filter| worker.on_response_trailers(number, filter);
    guarded_stream(stream.cast(), served, |_, _| Flow::Continue, || Flow::Continue)
}

/// A stream is over; access logs are written next.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_stream_complete(
    _filter: *mut c_void,
    stream: *const c_void,
) {
    guarded_stream(stream.cast(), |worker, number, filter| worker.on_end(number, filter), |_, _| (), || ());
}

/// What [`crate::wake`] asked for.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_scheduled(
    _filter: *mut c_void,
    stream: *const c_void,
    _event: u64,
) {
    let called = |worker: &Worker, number, filter| worker.on_call(number, filter);
    guarded_stream(stream.cast(), called, |worker, _| worker.recover(), || ());
}

/// A worker wants a callout, or counts are to be brought; this is the main thread.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_scheduled(
    config: *mut c_void,
    shared: *const c_void,
    _event: u64,
) {
    // SAFETY: Envoy passes what `config_new` returned, before `config_destroy`, and its own configuration.
    let (shared, config) = unsafe { (shared.cast::<Shared>().as_ref(), Config::at(config)) };
    if let Some(shared) = shared {
        guarded(|| shared.callouts.start_all(config));
        guarded(|| shared.counts.flush(config));
    }
}

/// A callout was answered, or failed; this is the main thread.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_http_callout_done(
    _config: *mut c_void,
    shared: *const c_void,
    id: u64,
    result: u32,
    headers: *const Header,
    header_count: usize,
    chunks: *const Slice,
    chunk_count: usize,
) {
    // SAFETY: Envoy passes what `config_new` returned, before `config_destroy`.
    let Some(shared) = (unsafe { shared.cast::<Shared>().as_ref() }) else { return };
    guarded(|| {
        // SAFETY: these are the arguments of this event.
        let answer =
            unsafe { abi::answer(result == 0, (headers, header_count), (chunks, chunk_count), MAX_ANSWER) };
        shared.callouts.finish(id, answer);
    });
}

/// What Envoy looks for, and this module has no use for.
macro_rules! unused {
    ($($name:ident($($argument:ty),*);)*) => {
        $(#[unsafe(no_mangle)]
        extern "C" fn $name($(_: $argument),*) {})*
    };
}

unused! {
    envoy_dynamic_module_on_http_filter_http_callout_done(
        *mut c_void, *const c_void, u64, u32, *const Header, usize, *const Slice, usize);
    envoy_dynamic_module_on_http_filter_http_stream_headers(
        *mut c_void, *const c_void, u64, *const Header, usize, bool);
    envoy_dynamic_module_on_http_filter_http_stream_data(
        *mut c_void, *const c_void, u64, *const Slice, usize, bool);
    envoy_dynamic_module_on_http_filter_http_stream_trailers(
        *mut c_void, *const c_void, u64, *const Header, usize);
    envoy_dynamic_module_on_http_filter_http_stream_complete(*mut c_void, *const c_void, u64);
    envoy_dynamic_module_on_http_filter_http_stream_reset(*mut c_void, *const c_void, u64, u32);
    envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark(*mut c_void, *const c_void);
    envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark(*mut c_void, *const c_void);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stays_here() {
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let results: [Option<i32>; 3] =
            [guarded(|| panic!("of a text")), guarded(|| panic!("of {}", "a format")), guarded(|| 1)];
        std::panic::set_hook(quiet);
        assert_eq!(results, [None, None, Some(1)]);
    }

    #[test]
    fn panics_have_texts() {
        assert_eq!(text(&"a"), "a");
        assert_eq!(text(&String::from("b")), "b");
        assert_eq!(text(&1), "(no message)");
    }

    #[test]
    fn what_is_null_is_left_alone() {
        envoy_dynamic_module_on_http_filter_config_destroy(null());
        envoy_dynamic_module_on_http_filter_destroy(null());
        envoy_dynamic_module_on_http_filter_stream_complete(std::ptr::null_mut(), null());
        assert!(envoy_dynamic_module_on_http_filter_new(null(), std::ptr::null_mut()).is_null());
        let status = envoy_dynamic_module_on_http_filter_request_headers(std::ptr::null_mut(), null(), true);
        assert_eq!(status, HeadersStatus::Stop, "nothing says that it may go on");
    }

    #[test]
    fn another_program_is_not_envoy() {
        assert!(envoy_dynamic_module_on_program_init().is_null());
    }
}
