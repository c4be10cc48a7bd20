//! Header values, and the bytes in which header maps cross the border between a host and a module.

/// A map of headers at the proxy.
///
/// ```
/// use weir_host_api::{HeaderMap, Headers, Properties};
///
/// /// A response with one header.
/// struct Answer;
///
/// impl Properties for Answer {
///     type Bytes = &'static [u8];
///     fn property(&self, _path: &[u8]) -> Option<&'static [u8]> {
///         None
///     }
/// }
///
/// impl Headers for Answer {
///     fn header(&self, map: HeaderMap, name: &[u8]) -> Option<&'static [u8]> {
///         (map == HeaderMap::Response && name == b":status").then_some(b"404")
///     }
/// }
///
/// assert_eq!(Answer.status(), Some(404));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderMap {
    /// The request's headers.
    Request,
    /// The request's trailers.
    RequestTrailers,
    /// The response's headers.
    Response,
    /// The response's trailers.
    ResponseTrailers,
}

/// Whether Envoy's codecs will send these bytes as a header value: no control characters but tab
/// (RFC 9110 section 5.5). Anything else turns the request into a 503 later on.
///
/// ```
/// use weir_host_api::header::is_safe_value;
///
/// assert!(is_safe_value("größe".as_bytes()), "any bytes that are not control characters");
/// assert!(!is_safe_value(b"a\r\nset-cookie: admin=1"), "a header of its own");
/// ```
pub fn is_safe_value(value: &[u8]) -> bool {
    let is_safe = |b: &u8| *b == b'\t' || (*b >= 0x20 && *b != 0x7f);
    let (words, rest) = value.as_chunks::<8>();
    words.iter().all(|word| is_plain(word) || word.iter().all(is_safe)) && rest.iter().all(is_safe)
}

/// Whether a word has no byte below 0x20 and no 0x7f.
#[inline]
fn is_plain(word: &[u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = 0x80 * ONES;
    let word = u64::from_le_bytes(*word);
    // A byte below n makes its highest bit borrow (Hacker's Delight, section 6-1).
    let below = |word: u64, n: u64| word.wrapping_sub(n * ONES) & !word & HIGH;
    below(word, 0x20) == 0 && below(word ^ (0x7f * ONES), 1) == 0
}

/// Whether two texts are the same, compared by words of eight bytes: in WebAssembly `==` is a call, and
/// the C library's goes byte by byte. The end is looked at first, because header names differ there.
///
/// ```
/// use weir_host_api::header::equal;
///
/// assert!(equal(b"x-user-id", b"x-user-id") && !equal(b"x-user-id", b"x-user-ip"));
/// ```
#[inline]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    if a.len() != b.len() {
        return false;
    }
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(x), Some(y)) => {
            let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
            word(x) == word(y) && words.into_iter().all(|(x, y)| word(x) == word(y))
        }
        _ => a.iter().zip(b).all(|(x, y)| x == y),
    }
}

/// The headers in the bytes that `proxy_get_header_map_pairs` returns, in order, without copying.
///
/// The layout is: number of pairs, then the sizes of each name and value, all `u32` little endian;
/// then each name and value, each with a zero byte behind it. Bytes that do not keep to it end the
/// iteration; they never panic.
///
/// ```
/// use weir_host_api::header::{Pair, Pairs, encode_pairs};
///
/// let raw = encode_pairs(&[(":path", "/cart"), ("x-user-id", "ada"), ("accept", "text/html")]);
/// let Pair { value, value_offset, .. } = Pairs::new(&raw).find(|pair| pair.name == b"x-user-id").unwrap();
/// assert_eq!((value, &raw[value_offset..][..3]), (&b"ada"[..], &b"ada"[..]), "read in place");
///
/// // Only names of five bytes are looked at.
/// let mut five = Pairs::new(&raw).with_name_lengths(1 << 5);
/// assert_eq!(five.next().map(|header| header.value), Some(&b"/cart"[..]));
/// assert_eq!(five.next(), None);
///
/// assert_eq!(Pairs::new(&raw[..7]).next(), None, "a broken layout ends the iteration");
/// ```
#[derive(Clone)]
pub struct Pairs<'a> {
    sizes: &'a [u8],
    data: &'a [u8],
    /// Where `data` starts in the whole buffer.
    offset: usize,
}

/// A header as it lies in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The name, in lower case when it comes from Envoy.
    pub name: &'a [u8],
    /// The value, any bytes.
    pub value: &'a [u8],
    /// Where the value starts in the whole buffer.
    pub value_offset: usize,
}

impl Pair<'_> {
    /// Where the name starts in the whole buffer: a zero byte stands between it and the value.
    #[inline]
    pub fn name_offset(&self) -> usize {
        self.value_offset.wrapping_sub(self.name.len() + 1)
    }
}

impl<'a> Pairs<'a> {
    /// Starts to read `raw`.
    #[inline]
    pub fn new(raw: &'a [u8]) -> Self {
        let split = || {
            let (count, rest) = raw.split_first_chunk::<4>()?;
            let table = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(8)?;
            let (sizes, data) = rest.split_at_checked(table)?;
            Some(Self { sizes, data, offset: 4 + table })
        };
        split().unwrap_or(Self { sizes: &[], data: &[], offset: 0 })
    }

    /// Only the pairs whose names may have one of `lengths`: bit n stands for n bytes, and for n + 64, n + 128 and so
    /// on, which are rare. The others, which are most, cost a few instructions each.
    #[inline]
    pub fn with_name_lengths(self, lengths: u64) -> impl Iterator<Item = Pair<'a>> {
        self.selected(move |len, _, _| lengths >> (len & 63) & 1 != 0)
    }

    /// Only some pairs, by the length of the name, the data behind the sizes, and where in it the name starts.
    #[inline]
    pub fn selected(self, wanted: impl Fn(usize, &'a [u8], usize) -> bool) -> impl Iterator<Item = Pair<'a>> {
        let Self { sizes, data, offset } = self;
        let mut next = 0usize;
        sizes.as_chunks::<8>().0.iter().filter_map(move |size| {
            let sizes = u64::from_le_bytes(*size);
            let (name_len, value_len) = ((sizes & 0xffff_ffff) as usize, (sizes >> 32) as usize);
            let start = next;
            // Sizes that overflow come from no proxy; what they lead to is found to be out of bounds.
            let value_at = start.wrapping_add(name_len).wrapping_add(1);
            next = value_at.wrapping_add(value_len).wrapping_add(1);
            if !wanted(name_len, data, start) {
                return None;
            }
            let name = data.get(start..start.wrapping_add(name_len))?;
            let value = data.get(value_at..value_at.wrapping_add(value_len))?;
            Some(Pair { name, value, value_offset: offset + value_at })
        })
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    #[inline]
    fn next(&mut self) -> Option<Pair<'a>> {
        let (name_len, rest) = self.sizes.split_first_chunk::<4>()?;
        let (value_len, rest) = rest.split_first_chunk::<4>()?;
        self.sizes = rest;
        let name_len = u32::from_le_bytes(*name_len) as usize;
        let value_len = u32::from_le_bytes(*value_len) as usize;
        let name = self.data.get(..name_len)?;
        let rest = self.data.get(name_len + 1..)?;
        let value = rest.get(..value_len)?;
        let value_offset = self.offset + name_len + 1;
        self.data = rest.get(value_len + 1..)?;
        self.offset = value_offset + value_len + 1;
        Some(Pair { name, value, value_offset })
    }
}

/// Writes the layout that [`Pairs`] reads; for tests and fakes.
///
/// ```
/// use weir_host_api::header::{Pairs, encode_pairs};
///
/// let raw = encode_pairs(&[("x-user", "ada")]);
/// let pair = Pairs::new(&raw).next().unwrap();
/// assert_eq!((pair.name, pair.value), (&b"x-user"[..], &b"ada"[..]));
/// ```
pub fn encode_pairs<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(N, V)]) -> Vec<u8> {
    let size = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = size(pairs.len()).to_vec();
    for (name, value) in pairs {
        out.extend(size(name.as_ref().len()));
        out.extend(size(value.as_ref().len()));
    }
    for (name, value) in pairs {
        for part in [name.as_ref(), value.as_ref()] {
            out.extend(part);
            out.push(0);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_come_back_in_order_with_their_offsets() {
        let raw = encode_pairs(&[("a", &b"1"[..]), ("b", b""), ("a", b"\xff\x00")]);
        let read: Vec<Pair> = Pairs::new(&raw).collect();
        assert_eq!(read.len(), 3);
        for (pair, (name, value)) in read.iter().zip([("a", &b"1"[..]), ("b", b""), ("a", b"\xff\x00")]) {
            assert_eq!((pair.name, pair.value), (name.as_bytes(), value));
            assert_eq!(raw.get(pair.value_offset..pair.value_offset + value.len()), Some(value));
        }
    }

    #[test]
    fn names_of_other_lengths_are_passed_over() {
        let long = "n".repeat(70);
        let raw = encode_pairs(&[("a", "1"), ("bb", "2"), (long.as_str(), "3"), ("cc", "4"), ("", "5")]);
        let values = |lengths| -> String {
            let pairs = Pairs::new(&raw).with_name_lengths(lengths);
            pairs.map(|p| String::from_utf8_lossy(p.value).into_owned()).collect()
        };
        assert_eq!(values(1 << 2), "24");
        assert_eq!(values(1 << 1 | 1 << (70 % 64)), "13");
        assert_eq!(values(1 << 63), "");
        assert_eq!(values(1), "5");
        assert_eq!(values(0), "");
        let all: Vec<Pair> = Pairs::new(&raw).with_name_lengths(u64::MAX).collect();
        assert_eq!(all, Pairs::new(&raw).collect::<Vec<_>>());
    }

    #[test]
    fn equality_sees_every_byte() {
        for len in 0..40 {
            let text: Vec<u8> = (0..len).collect();
            assert!(equal(&text, &text.clone()));
            assert!(!equal(&text, &[&text[..], b"x"].concat()));
            for changed in 0..text.len() {
                let mut other = text.clone();
                other[changed] ^= 0x80;
                assert!(!equal(&text, &other), "{len} {changed}");
            }
        }
    }

    #[test]
    fn broken_buffers_end_early() {
        let raw = encode_pairs(&[("name", "value"), ("other", "thing")]);
        for cut in 0..raw.len() {
            assert!(Pairs::new(&raw[..cut]).count() < 2, "cut at {cut}");
            // The zero byte behind the last value is not looked at.
            let whole = cut == raw.len() - 1;
            assert!(whole || Pairs::new(&raw[..cut]).with_name_lengths(u64::MAX).count() < 2, "cut at {cut}");
        }
        let mut endless = [0xff; 64];
        endless[..4].copy_from_slice(&7u32.to_le_bytes());
        assert_eq!(Pairs::new(&endless).with_name_lengths(u64::MAX).count(), 0);
        assert_eq!(Pairs::new(&[0xff; 64]).count(), 0);
        assert_eq!(Pairs::new(b"").count(), 0);
    }

    #[test]
    fn values_with_control_characters_are_not_safe() {
        assert!(is_safe_value(b"plain \t text \xff\xfe"));
        for bad in [&b"a\r\nb"[..], b"\0", b"\x7f", b"a\nb"] {
            assert!(!is_safe_value(bad));
        }
    }

    #[test]
    fn every_byte_is_judged_wherever_it_is() {
        for len in 1..20 {
            for at in 0..len {
                for byte in 0..=255u8 {
                    let mut value = vec![b'x'; len];
                    value[at] = byte;
                    let safe = byte == b'\t' || (byte >= 0x20 && byte != 0x7f);
                    assert_eq!(is_safe_value(&value), safe, "{byte:#x} at {at} of {len}");
                }
            }
        }
    }
}
