//! Header maps as Envoy keeps them: ordered multimaps with lower-case names.

/// Header names and values are bytes: HTTP allows values that are no UTF-8, and a filter meets them.
pub type Bytes = Vec<u8>;

/// An ordered multimap of headers. Names are lower-cased on the way in, as Envoy does.
///
/// ```
/// use weir_minihost::HeaderMap;
///
/// let mut headers: HeaderMap = [("X-User", "ada"), ("accept", "*/*")].into_iter().collect();
/// assert_eq!(headers.first(b"x-user"), Some(&b"ada"[..]), "names are lower-cased");
/// headers.add("x-user", "eve");
/// assert!(headers.values(b"x-user").eq([b"ada", b"eve"]));
/// assert_eq!((headers.len(), headers.byte_size()), (3, 6 + 3 + 6 + 3 + 6 + 3));
///
/// headers.replace(b"x-user", b"bob");
/// assert_eq!(headers.pairs()[0], (b"x-user".to_vec(), b"bob".to_vec()), "in the place of the first one");
/// headers.remove(b"accept");
/// assert_eq!(HeaderMap::from_wire(&headers.to_wire()), Some(headers));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderMap(Vec<(Bytes, Bytes)>);

impl HeaderMap {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first value of `name`. Envoy's `get` joins nothing: further values stay unseen.
    pub fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// All values of `name`, in order.
    pub fn values<'a>(&'a self, name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
        let name = name.to_ascii_lowercase();
        self.0.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.as_slice())
    }

    /// All pairs, in order.
    pub fn pairs(&self) -> &[(Bytes, Bytes)] {
        &self.0
    }

    /// How many pairs there are; a repeated name counts each time.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sum of the lengths of names and values, which is what Envoy calls the byte size.
    pub fn byte_size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// Appends a value; earlier ones stay.
    pub fn add(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.0.push((name.as_ref().to_ascii_lowercase(), value.as_ref().to_vec()));
    }

    /// Leaves exactly one value of `name`: in the place of the first one, or at the end.
    pub fn replace(&mut self, name: &[u8], value: &[u8]) {
        let name = name.to_ascii_lowercase();
        let Some(place) = self.0.iter().position(|(key, _)| *key == name) else {
            return self.add(name, value);
        };
        let mut index = 0;
        self.0.retain(|(key, _)| {
            index += 1;
            *key != name || index == place + 1
        });
        self.0[place].1 = value.to_vec();
    }

    /// Removes all values of `name`.
    pub fn remove(&mut self, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        self.0.retain(|(key, _)| *key != name);
    }

    /// The wire form in which header maps cross the ABI: the number of pairs, then the lengths of each
    /// name and value (all u32, little endian), then each name and value with a NUL after it.
    /// An empty map is an empty string, as in Envoy.
    pub fn to_wire(&self) -> Bytes {
        if self.0.is_empty() {
            return Bytes::new();
        }
        let mut wire = Vec::with_capacity(4 + self.byte_size() + 10 * self.len());
        let mut put = |length: usize| wire.extend_from_slice(&(length as u32).to_le_bytes());
        put(self.0.len());
        for (name, value) in &self.0 {
            put(name.len());
            put(value.len());
        }
        for (name, value) in &self.0 {
            for part in [name, value] {
                wire.extend_from_slice(part);
                wire.push(0);
            }
        }
        wire
    }

    /// Reads the wire form. `None` when a length points outside of `wire`.
    pub fn from_wire(wire: &[u8]) -> Option<Self> {
        if wire.is_empty() {
            return Some(Self::new());
        }
        let length =
            |index: usize| wire.get(4 * index..4 * index + 4)?.try_into().ok().map(u32::from_le_bytes);
        let count = length(0)? as usize;
        let mut at = count.checked_mul(8)?.checked_add(4)?;
        let mut take = |length: u32| {
            let part = wire.get(at..at.checked_add(length as usize)?)?;
            at += length as usize + 1;
            Some(part)
        };
        let mut map = Self::new();
        for pair in 0..count {
            let (name, value) = (length(1 + 2 * pair)?, length(2 + 2 * pair)?);
            map.add(take(name)?, take(value)?);
        }
        Some(map)
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for HeaderMap {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        for (name, value) in pairs {
            map.add(name, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> HeaderMap {
        [("A", "1"), ("b", "2"), ("a", "3"), ("c", "4")].into_iter().collect()
    }

    #[test]
    fn get_returns_the_first_value_whatever_the_case() {
        assert_eq!(map().first(b"A"), Some(&b"1"[..]));
        assert_eq!(map().values(b"a").count(), 2);
        assert_eq!(map().first(b"d"), None);
    }

    #[test]
    fn replace_collapses_to_one_in_the_first_place() {
        let mut headers = map();
        headers.replace(b"A", b"9");
        let expected: HeaderMap = [("a", "9"), ("b", "2"), ("c", "4")].into_iter().collect();
        assert_eq!(headers, expected);
        headers.replace(b"New", b"");
        assert_eq!(headers.pairs().last(), Some(&(b"new".to_vec(), vec![])));
    }

    #[test]
    fn remove_takes_all_values() {
        let mut headers = map();
        headers.remove(b"A");
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn wire_form_is_lossless() {
        let headers: HeaderMap = [(&b"a"[..], &b"\xff\0x"[..]), (b"b", b"")].into_iter().collect();
        let wire = headers.to_wire();
        assert_eq!(wire[..20], [2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(HeaderMap::from_wire(&wire), Some(headers));
        assert_eq!(HeaderMap::from_wire(&wire[..wire.len() - 3]), None);
        assert_eq!(HeaderMap::from_wire(b""), Some(HeaderMap::new()));
    }
}
