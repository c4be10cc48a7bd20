//! Properties in case files.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::value::Value;

/// A property's value: text as it is, numbers and booleans as the ABI encodes them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a boolean, a number, a text, {bytes: \"hex\"} or {repeat: […]}")]
pub enum Property {
    /// One byte, 0 or 1.
    Boolean(bool),
    /// 8 bytes, little endian.
    Integer(i64),
    /// An IEEE double, 8 bytes, little endian.
    Float(f64),
    /// The bytes themselves.
    Value(Value),
}

impl Property {
    /// The bytes that `proxy_get_property` gives.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Boolean(value) => vec![u8::from(*value)],
            Self::Integer(value) => value.to_le_bytes().to_vec(),
            Self::Float(value) => value.to_le_bytes().to_vec(),
            Self::Value(value) => value.to_bytes(),
        }
    }
}

/// Properties: a map whose keys separate segments by dots, or a list where segments contain dots.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected properties: a map, or a list of [[segments], value]")]
pub enum Properties {
    /// `{source.address: "10.0.0.1:4000"}`.
    Map(BTreeMap<String, Property>),
    /// `[[[metadata, filter_metadata, envoy.filters.http.jwt_authn, sub], ada]]`.
    Pairs(Vec<(Vec<String>, Property)>),
}

impl Default for Properties {
    fn default() -> Self {
        Self::Map(BTreeMap::new())
    }
}

impl Properties {
    /// Path segments and encoded value of each property.
    pub fn entries(&self) -> Vec<(Vec<Vec<u8>>, Vec<u8>)> {
        match self {
            Self::Map(map) => map
                .iter()
                .map(|(path, value)| {
                    (path.split('.').map(|s| s.as_bytes().to_vec()).collect(), value.to_bytes())
                })
                .collect(),
            Self::Pairs(pairs) => pairs
                .iter()
                .map(|(path, value)| (path.iter().map(|s| s.as_bytes().to_vec()).collect(), value.to_bytes()))
                .collect(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T: serde::de::DeserializeOwned>(yaml: &str) -> T {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn properties_are_encoded_as_the_abi_has_them() {
        let properties: Properties = parse("{a.b: text, c: 258, d: true, e: 1.5}");
        let entries = properties.entries();
        assert_eq!(entries[0], (vec![b"a".to_vec(), b"b".to_vec()], b"text".to_vec()));
        assert_eq!(entries[1].1, [2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(entries[2].1, [1]);
        assert_eq!(entries[3].1, 1.5f64.to_le_bytes());
        let pairs: Properties = parse("[[[a.b, c], 1]]");
        assert_eq!(pairs.entries()[0].0, [b"a.b".to_vec(), b"c".to_vec()]);
    }
}
