//! The memory that the host writes into.
//!
//! Whatever the host returns, it asks the module for memory first. That happens in nearly every request, so
//! one buffer is reused: the general allocator would cost 300 instructions each time.

use std::cell::Cell;
use std::ops::Deref;
use std::ptr::null_mut;

/// The size of the buffer that is lent, in bytes: most requests' headers fit.
const SIZE: usize = 16 * 1024;

thread_local! {
    // A VM has one thread.
    static BUFFER: Buffer = const { Buffer { start: Cell::new(null_mut()), lent: Cell::new(true) } };
}

/// The buffer that is lent. It is never freed.
struct Buffer {
    start: Cell<*mut u8>,
    /// Whether it must not be lent now. Before it is there, it counts as lent.
    lent: Cell<bool>,
}

/// Memory for `size` bytes, for the host to write to; [`HostBytes::take`] takes it back.
///
/// ```
/// use weir_host::{HostBytes, allocate};
///
/// // A proxy asks for three bytes, writes them, and hands them over.
/// let start = allocate(3);
/// // SAFETY: three bytes are there.
/// unsafe { start.copy_from_nonoverlapping(b"ada".as_ptr(), 3) };
/// // SAFETY: all of them are written, and nobody else takes them.
/// let bytes = unsafe { HostBytes::take(start, 3) };
/// assert_eq!(&*bytes, b"ada");
/// ```
#[inline]
pub fn allocate(size: usize) -> *mut u8 {
    BUFFER.with(|buffer| {
        if size <= SIZE && !buffer.lent.replace(true) {
            buffer.start.get()
        } else {
            allocate_otherwise(buffer, size)
        }
    })
}

#[cold]
fn allocate_otherwise(buffer: &Buffer, size: usize) -> *mut u8 {
    let boxed = |size| Box::into_raw(vec![0u8; size].into_boxed_slice()).cast::<u8>();
    if buffer.start.get().is_null() {
        buffer.start.set(boxed(SIZE));
        if size <= SIZE {
            return buffer.start.get();
        }
        buffer.lent.set(false);
    }
    boxed(size)
}

/// Bytes that the host wrote.
#[derive(Debug)]
pub struct HostBytes {
    start: *mut u8,
    size: usize,
}

impl HostBytes {
    /// Takes over what the host wrote; none when `data` is null.
    ///
    /// # Safety
    /// `data` is null, or came from [`allocate`] with this very `size`, of which the host has written
    /// everything, and nobody else takes it.
    #[inline]
    pub unsafe fn take(data: *mut u8, size: usize) -> Self {
        Self { start: data, size: if data.is_null() { 0 } else { size } }
    }
}

impl Deref for HostBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        if self.start.is_null() {
            return &[];
        }
        // SAFETY: `take` was promised that this many bytes are there, and they stay until this is dropped.
        unsafe { std::slice::from_raw_parts(self.start, self.size) }
    }
}

impl Drop for HostBytes {
    #[inline]
    fn drop(&mut self) {
        BUFFER.with(|buffer| {
            if self.start == buffer.start.get() {
                buffer.lent.set(self.start.is_null());
            } else if !self.start.is_null() {
                free(self.start, self.size);
            }
        });
    }
}

#[cold]
fn free(start: *mut u8, size: usize) {
    // SAFETY: `allocate_otherwise` made a box of this many bytes, and its owner is being dropped.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(start, size)) });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a host does: asks for memory, writes it, passes it.
    fn written(bytes: &[u8]) -> HostBytes {
        let data = allocate(bytes.len());
        // SAFETY: `data` is valid for writes of `bytes.len()` bytes, and taken once.
        unsafe {
            data.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            HostBytes::take(data, bytes.len())
        }
    }

    #[test]
    fn bytes_come_back_and_memory_is_used_again() {
        let first = written(b"one");
        let at = first.as_ptr();
        assert_eq!(&*first, b"one");
        drop(first);
        let again = written(b"twice");
        assert_eq!((again.as_ptr(), &*again), (at, &b"twice"[..]));
        let beside = written(b"beside");
        assert_ne!(beside.as_ptr(), at);
        assert_eq!((&*beside, &*again), (&b"beside"[..], &b"twice"[..]));
        drop(again);
        assert_eq!(written(b"later").as_ptr(), at);
        assert_eq!(&*beside, b"beside");
    }

    #[test]
    fn every_size_comes_back() {
        for size in [0, 1, SIZE - 1, SIZE, SIZE + 1, 1 << 20, 3] {
            let bytes: Vec<u8> = (0..size).map(|i| i as u8).collect();
            assert_eq!(&*written(&bytes), &bytes);
        }
    }

    #[test]
    fn a_large_one_may_come_first() {
        // Each test has a thread, and so a buffer, of its own.
        let large = written(&[7; SIZE * 2]);
        assert_eq!(&*written(b"small"), b"small");
        assert_eq!(large.len(), SIZE * 2);
    }

    #[test]
    fn nothing_is_nothing() {
        // SAFETY: null is allowed.
        let nothing = unsafe { HostBytes::take(std::ptr::null_mut(), 0) };
        assert_eq!(&*nothing, b"");
        drop(nothing);
        assert_eq!(&*written(b"something"), b"something");
    }
}
