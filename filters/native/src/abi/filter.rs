//! What a stream's filter asks of Envoy.

use super::{
    Header, Map, Metadata, Pointer, RECEIVED_RESPONSE_BODY, Scheduler, Slice, call_pointer, envoy,
    headers_of, pointer_and_len,
};
use std::ffi::c_void;
use std::ptr::null_mut;

/// A filter of a stream, on its worker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filter(pub(super) Pointer);

impl Filter {
    /// # Safety
    /// It is Envoy's, and is used only until the filter is destroyed, on its worker.
    pub(crate) unsafe fn at(pointer: *mut c_void) -> Self {
        Self(pointer)
    }

    /// All headers of a map in the layout of [`weir_host::header::Pairs`], written into `out`.
    pub(crate) fn pairs(self, map: Map, space: &mut Vec<Header>, out: &mut Vec<u8>) {
        out.clear();
        let count = call!(http_get_headers_size(self.0, map as u32));
        if space.len() < count {
            space.resize(count, Header::NOTHING);
        }
        if count == 0 || !call!(http_get_headers(self.0, map as u32, space.as_mut_ptr())) {
            return;
        }
        let Some(headers) = space.get(..count) else { return };
        let data: usize = headers.iter().map(|header| header.name.len + header.value.len + 2).sum();
        let all = 4 + 8 * count + data;
        // Sizes have 32 bits. Envoy takes no headers of that many bytes.
        let (Ok(_), Ok(number)) = (u32::try_from(all), u32::try_from(count)) else { return };
        out.reserve(all);
        // SAFETY: there is room for the number of headers, for eight bytes of sizes for each, and for each text with a
        // byte behind it. All of it is written, from the first byte to `place`. Headers stay where they are until one is
        // changed, and are copied here.
        unsafe {
            let start = out.as_mut_ptr();
            start.cast::<[u8; 4]>().write(number.to_le_bytes());
            let (mut sizes, mut place) = (start.add(4), start.add(4 + 8 * count));
            for Header { name, value } in headers {
                let both = name.len as u64 | (value.len as u64) << 32;
                sizes.cast::<[u8; 8]>().write(both.to_le_bytes());
                sizes = sizes.add(8);
                place = write_text(place, name.data.cast(), name.len);
                place = write_text(place, value.data.cast(), value.len);
            }
            out.set_len(place.offset_from_unsigned(start));
        }
    }

    /// The first line of a header, added to `out`; false when there is none.
    pub(crate) fn header(self, map: Map, name: &[u8], out: &mut Vec<u8>) -> bool {
        let mut value = Slice::NOTHING;
        let found =
            call!(http_get_header(self.0, map as u32, Slice::of(name), &raw mut value, 0, null_mut()));
        let found = found && !value.data.is_null();
        if found {
            // SAFETY: the value stays where it is until a header is changed, and is copied here.
            out.extend_from_slice(unsafe { value.bytes() });
        }
        found
    }

    pub(crate) fn add_header(self, map: Map, name: &[u8], value: &[u8]) -> bool {
        call!(http_add_header(self.0, map as u32, Slice::of(name), Slice::of(value)))
    }

    pub(crate) fn set_header(self, map: Map, name: &[u8], value: &[u8]) -> bool {
        call!(http_set_header(self.0, map as u32, Slice::of(name), Slice::of(value)))
    }

    pub(crate) fn remove_header(self, map: Map, name: &[u8]) -> bool {
        call!(http_set_header(self.0, map as u32, Slice::of(name), Slice::NOTHING))
    }

    pub(crate) fn clear_route_cache(self) {
        call!(http_clear_route_cache(self.0));
    }

    /// Answers the request.
    pub(crate) fn reply(self, status: u16, headers: &[(Vec<u8>, Vec<u8>)], body: &[u8], details: &str) {
        let headers = headers_of(headers);
        call!(http_send_response(
            self.0,
            u32::from(status),
            headers.as_ptr(),
            headers.len(),
            Slice::of(body),
            Slice::of(details.as_bytes())
        ));
    }

    pub(crate) fn continue_request(self) {
        call!(http_filter_continue_decoding(self.0));
    }

    pub(crate) fn continue_response(self) {
        call!(http_filter_continue_encoding(self.0));
    }

    /// How large the part of the response's body is that came.
    pub(crate) fn body_size(self) -> usize {
        call!(http_get_body_size(self.0, RECEIVED_RESPONSE_BODY))
    }

    /// The part of the response's body that came, up to `most` bytes.
    pub(crate) fn body(self, most: usize) -> Vec<u8> {
        let count = call!(http_get_body_chunks_size(self.0, RECEIVED_RESPONSE_BODY));
        let mut chunks = vec![Slice::NOTHING; count];
        let mut body = Vec::new();
        if count == 0 || !call!(http_get_body_chunks(self.0, RECEIVED_RESPONSE_BODY, chunks.as_mut_ptr())) {
            return body;
        }
        for chunk in chunks {
            // SAFETY: the body stays where it is until it is changed, and is copied here.
            let chunk = unsafe { chunk.bytes() };
            let left = most.saturating_sub(body.len());
            body.extend_from_slice(chunk.get(..left).unwrap_or(chunk));
        }
        body
    }

    pub(crate) fn replace_body(self, with: &[u8]) -> bool {
        call!(http_drain_body(self.0, RECEIVED_RESPONSE_BODY, usize::MAX))
            && (with.is_empty() || call!(http_append_body(self.0, RECEIVED_RESPONSE_BODY, Slice::of(with))))
    }

    /// An attribute, added to `out`; false when there is none.
    pub(crate) fn attribute_text(self, id: u32, out: &mut Vec<u8>) -> bool {
        let mut value = Slice::NOTHING;
        let found = call!(http_filter_get_attribute_string(self.0, id, &raw mut value));
        if found {
            // SAFETY: Envoy keeps it during the callback, and it is copied here.
            out.extend_from_slice(unsafe { value.bytes() });
        }
        found
    }

    pub(crate) fn attribute_integer(self, id: u32) -> Option<u64> {
        let mut value = 0;
        call!(http_filter_get_attribute_int(self.0, id, &raw mut value)).then_some(value)
    }

    pub(crate) fn attribute_boolean(self, id: u32) -> Option<bool> {
        let mut value = false;
        call!(http_filter_get_attribute_bool(self.0, id, &raw mut value)).then_some(value)
    }

    pub(crate) fn metadata_text(self, source: Metadata, namespace: &[u8], key: &[u8]) -> Option<Vec<u8>> {
        let (namespace, key, mut value) = (Slice::of(namespace), Slice::of(key), Slice::NOTHING);
        let found = call!(http_get_metadata_string(self.0, source as u32, namespace, key, &raw mut value));
        // SAFETY: Envoy keeps it during the callback, and it is copied here.
        found.then(|| unsafe { value.bytes() }.to_vec())
    }

    pub(crate) fn metadata_number(self, source: Metadata, namespace: &[u8], key: &[u8]) -> Option<f64> {
        let (namespace, key, mut value) = (Slice::of(namespace), Slice::of(key), 0.0);
        call!(http_get_metadata_number(self.0, source as u32, namespace, key, &raw mut value))
            .then_some(value)
    }

    pub(crate) fn metadata_boolean(self, source: Metadata, namespace: &[u8], key: &[u8]) -> Option<bool> {
        let (namespace, key, mut value) = (Slice::of(namespace), Slice::of(key), false);
        call!(http_get_metadata_bool(self.0, source as u32, namespace, key, &raw mut value)).then_some(value)
    }

    pub(crate) fn state(self, name: &[u8]) -> Option<Vec<u8>> {
        let mut value = Slice::NOTHING;
        let found = call!(http_get_filter_state_bytes(self.0, Slice::of(name), &raw mut value));
        // SAFETY: Envoy keeps it during the callback, and it is copied here.
        found.then(|| unsafe { value.bytes() }.to_vec())
    }

    pub(crate) fn set_state(self, name: &[u8], value: &[u8]) -> bool {
        call!(http_set_filter_state_bytes(self.0, Slice::of(name), Slice::of(value)))
    }

    /// What has Envoy call [`crate::entry`]'s `scheduled` on this filter's worker.
    pub(crate) fn scheduler(self) -> Option<Scheduler> {
        let pointer = call_pointer(|envoy| {
            // SAFETY: as `call!`.
            unsafe { (envoy.http_filter_scheduler_new)(self.0) }
        });
        (!pointer.is_null()).then_some(Scheduler(pointer))
    }

    pub(crate) fn count(self, metric: usize, labels: &[Slice], by: u64) {
        let (labels, count) = pointer_and_len(labels);
        call!(http_filter_increment_counter(self.0, metric, labels, count, by));
    }

    /// Adds to a gauge, or takes from it.
    pub(crate) fn change_gauge(self, metric: usize, labels: &[Slice], by: i64) {
        let (labels, count) = pointer_and_len(labels);
        if by >= 0 {
            call!(http_filter_increment_gauge(self.0, metric, labels, count, by.unsigned_abs()));
        } else {
            call!(http_filter_decrement_gauge(self.0, metric, labels, count, by.unsigned_abs()));
        }
    }

    pub(crate) fn set_gauge(self, metric: usize, labels: &[Slice], value: u64) {
        let (labels, count) = pointer_and_len(labels);
        call!(http_filter_set_gauge(self.0, metric, labels, count, value));
    }

    pub(crate) fn record(self, metric: usize, labels: &[Slice], value: u64) {
        let (labels, count) = pointer_and_len(labels);
        call!(http_filter_record_histogram_value(self.0, metric, labels, count, value));
    }
}

/// Writes a text of `len` bytes and a zero, and returns the place behind them. Most texts of headers are short: a call of
/// the C library for each would cost more than two writes, which overlap, of its beginning and its end. The lengths that
/// most of them have are asked about first.
///
/// # Safety
/// The text has so many bytes, where it is not empty, and the place is valid for writes of one byte more.
#[inline]
unsafe fn write_text(place: *mut u8, text: *const u8, len: usize) -> *mut u8 {
    /// # Safety
    /// The text has at least `N` bytes, and the place is valid for writes of as many as the text has.
    #[inline(always)]
    unsafe fn both_ends<const N: usize>(place: *mut u8, text: *const u8, len: usize) {
        let last = len - N;
        // SAFETY: as the caller says.
        unsafe {
            let (first, end) = (text.cast::<[u8; N]>().read(), text.add(last).cast::<[u8; N]>().read());
            place.cast::<[u8; N]>().write(first);
            place.add(last).cast::<[u8; N]>().write(end);
        }
    }
    // SAFETY: each branch has compared the length with its own, and the caller promises the text and the place.
    unsafe {
        if len >= 8 {
            if len < 16 {
                both_ends::<8>(place, text, len);
            } else if len < 32 {
                both_ends::<16>(place, text, len);
            } else if len <= 64 {
                both_ends::<32>(place, text, len);
            } else {
                place.copy_from_nonoverlapping(text, len);
            }
        } else if len >= 4 {
            both_ends::<4>(place, text, len);
        } else if len > 0 {
            both_ends::<1>(place, text, len);
            place.add(len / 2).write(*text.add(len / 2));
        }
        place.add(len).write(0);
        place.add(len + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_lengths_are_written() {
        for len in 0..100_u8 {
            let text: Vec<u8> = (1..=len).collect();
            let mut out = vec![255; text.len() + 2];
            // SAFETY: there is one byte more than needed, which stays as it is.
            let behind =
                unsafe { write_text(out.as_mut_ptr(), text.as_ptr(), text.len()).offset_from(out.as_ptr()) };
            assert_eq!(behind, isize::from(len) + 1);
            assert_eq!(out, [&text[..], &[0, 255]].concat());
        }
    }
}
