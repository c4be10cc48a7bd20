//! Which callbacks this module exports: a step after the build may have removed some.

use weir_host_api::Callbacks;

/// A byte behind the marker that it is found by.
#[repr(C)]
struct Exported {
    #[allow(dead_code, reason = "who changes the byte reads it")]
    marker: [u8; Callbacks::MARKER.len()],
    callbacks: u8,
}

/// Changed together with the exports.
#[used]
static EXPORTED: Exported = Exported { marker: Callbacks::MARKER, callbacks: Callbacks::ALL.to_byte() };

/// Those that this module has, if it was built with them.
pub(crate) fn exported() -> Callbacks {
    // SAFETY: a valid place to read from. The compiler must not conclude what it is, as it is changed afterwards.
    let byte = unsafe { std::ptr::read_volatile(&raw const EXPORTED.callbacks) };
    Callbacks::of_byte(byte)
}
