//! The memory that the host writes into.
//!
//! Whatever the host returns, it asks the module for memory first. That is once a request, so the last
//! buffer is kept and handed out again: the general allocator would cost 300 instructions each time.

use std::cell::Cell;
use std::ops::Deref;

/// The capacity stands before the bytes, so that the buffer can be taken back.
const HEAD: usize = size_of::<usize>();
/// The smallest buffer, in bytes: most requests' headers fit.
const SMALLEST: usize = 4096;
/// Larger buffers are not kept, in bytes.
const LARGEST_KEPT: usize = 1 << 17;

thread_local! {
    // A VM has one thread.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Memory for `size` bytes, for the host to write to; [`HostBytes::take`] takes it back.
#[inline]
pub fn allocate(size: usize) -> *mut u8 {
    let needed = size.saturating_add(HEAD);
    let mut buffer = SPARE.take();
    if buffer.capacity() < needed {
        buffer = fresh(needed);
    }
    buffer.clear();
    buffer.extend_from_slice(&buffer.capacity().to_ne_bytes());
    let start = buffer.as_mut_ptr();
    std::mem::forget(buffer);
    // SAFETY: the capacity is HEAD bytes at least, so this points into the buffer or just behind it.
    unsafe { start.add(HEAD) }
}

#[cold]
fn fresh(needed: usize) -> Vec<u8> {
    Vec::with_capacity(needed.max(SMALLEST))
}

/// Bytes that the host wrote.
#[derive(Debug)]
pub struct HostBytes {
    /// Capacity, then the bytes.
    buffer: Vec<u8>,
}

impl HostBytes {
    /// Takes over what the host wrote; none when `data` is null.
    ///
    /// # Safety
    /// `data` is null, or came from [`allocate`] with at least `size` bytes, of which the host has written
    /// `size`, and nobody else takes it.
    #[inline]
    pub unsafe fn take(data: *mut u8, size: usize) -> Self {
        if data.is_null() {
            return Self { buffer: Vec::new() };
        }
        // SAFETY: `allocate` put the capacity HEAD bytes before `data`, where the buffer starts.
        let buffer = unsafe {
            let start = data.sub(HEAD);
            let capacity = start.cast::<[u8; HEAD]>().read();
            Vec::from_raw_parts(start, HEAD + size, usize::from_ne_bytes(capacity))
        };
        Self { buffer }
    }
}

impl Deref for HostBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.buffer.get(HEAD..).unwrap_or_default()
    }
}

impl Drop for HostBytes {
    #[inline]
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.capacity() <= LARGEST_KEPT {
            // Of two the later one: both are small, and which one stays makes no difference.
            SPARE.set(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a host does: asks for memory, writes it, hands it over.
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
        let beside = written(b"");
        assert_ne!(beside.as_ptr(), at);
        assert_eq!((&*beside, &*again), (&b""[..], &b"twice"[..]));
    }

    #[test]
    fn large_buffers_are_given_back() {
        for size in [SMALLEST, LARGEST_KEPT, LARGEST_KEPT + 1, 1 << 20] {
            let bytes = vec![7; size];
            assert_eq!(&*written(&bytes), &bytes);
            let kept = SPARE.take();
            assert!(kept.capacity() <= LARGEST_KEPT, "{size}");
            SPARE.set(kept);
        }
    }

    #[test]
    fn nothing_is_nothing() {
        // SAFETY: null is allowed.
        assert_eq!(&*unsafe { HostBytes::take(std::ptr::null_mut(), 0) }, b"");
    }
}
