//! Which callbacks this module exports: a step after the build may have removed some.

use weir_host_api::Callbacks;

/// The marker, and a byte that is changed with the exports.
#[used]
static EXPORTED: [u8; SIZE] = {
    let mut bytes = [Callbacks::ALL.to_byte(); SIZE];
    let mut at = 0;
    while at < Callbacks::MARKER.len() {
        bytes[at] = Callbacks::MARKER[at];
        at += 1;
    }
    bytes
};
const SIZE: usize = Callbacks::MARKER.len() + 1;

/// Those that this module has, if it was built with them.
pub(crate) fn exported() -> Callbacks {
    // SAFETY: a valid place to read from. The compiler must not conclude what it is, as it is changed afterwards.
    let [.., byte] = unsafe { std::ptr::read_volatile(&raw const EXPORTED) };
    Callbacks::of_byte(byte)
}
