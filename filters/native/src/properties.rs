//! Envoy's attributes by the paths that a configuration names them by, in the encoding that WebAssembly modules get.
//!
//! The ABI numbers the attributes and has no more of each than one text or number; what is nested deeper cannot be
//! read, and is refused when a configuration is loaded.

use crate::abi::{Filter, Map, Metadata};

/// What reads a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Property<'p> {
    /// An attribute that is a text.
    Text(u32),
    /// An attribute that is a text, empty where Envoy finds none, as WebAssembly modules get it.
    TextOrEmpty(u32),
    /// The same where Envoy has another attribute, the second; nothing without that.
    TextBeside(u32, u32),
    /// An attribute that is a number.
    Integer(u32),
    /// The size of the request: what it declares, and the number of this attribute, what was received, if nothing.
    Size(u32),
    /// An attribute that is true or false.
    Boolean(u32),
    /// A header of the request.
    RequestHeader(&'p [u8]),
    /// A header of the response.
    ResponseHeader(&'p [u8]),
    /// Filter state.
    State(&'p [u8]),
    /// Metadata of the request, its route, its cluster or its upstream host: namespace and key.
    Metadata(Metadata, &'p [u8], &'p [u8]),
}

use Property::{Boolean, Integer, Size, Text, TextBeside, TextOrEmpty};

/// The attributes, with their numbers in the ABI (`envoy_dynamic_module_type_attribute_id`).
const ATTRIBUTES: [(&str, Property<'static>); 44] = [
    ("request.path", Text(0)),
    ("request.url_path", Text(1)),
    ("request.host", Text(2)),
    ("request.scheme", Text(3)),
    ("request.method", Text(4)),
    ("request.referer", Text(6)),
    ("request.useragent", Text(7)),
    ("request.id", Text(9)),
    ("request.protocol", Text(10)),
    ("request.query", TextOrEmpty(11)),
    ("request.size", Size(13)),
    ("request.total_size", Integer(14)),
    ("response.code", Integer(RESPONSE_CODE)),
    ("response.code_details", Text(16)),
    ("response.flags", Integer(17)),
    ("response.grpc_status", Integer(18)),
    ("response.size", Integer(21)),
    ("response.total_size", Integer(22)),
    ("source.address", Text(24)),
    ("source.port", Integer(25)),
    ("destination.address", Text(26)),
    ("destination.port", Integer(27)),
    ("connection.id", Integer(28)),
    ("connection.mtls", Boolean(29)),
    ("connection.requested_server_name", TextOrEmpty(30)),
    ("connection.tls_version", Text(31)),
    ("connection.subject_local_certificate", Text(32)),
    ("connection.subject_peer_certificate", Text(33)),
    ("connection.dns_san_local_certificate", Text(34)),
    ("connection.dns_san_peer_certificate", Text(35)),
    ("connection.uri_san_local_certificate", Text(36)),
    ("connection.uri_san_peer_certificate", Text(37)),
    ("connection.sha256_peer_certificate_digest", Text(38)),
    ("connection.transport_failure_reason", Text(39)),
    ("connection.termination_details", Text(40)),
    ("upstream.address", Text(41)),
    ("upstream.port", Integer(42)),
    ("upstream.tls_version", Text(43)),
    ("upstream.local_address", Text(51)),
    ("upstream.transport_failure_reason", TextBeside(52, 41)),
    ("upstream.request_attempt_count", Integer(53)),
    ("xds.cluster_name", Text(57)),
    ("xds.route_name", Text(61)),
    ("xds.virtual_host_name", Text(63)),
];

/// What reads the property of this path, segments with zero bytes between them; `None` where nothing does.
pub(crate) fn find(path: &[u8]) -> Option<Property<'_>> {
    let mut segments = path.split(|byte| *byte == 0);
    let (first, second) = (segments.next()?, segments.next());
    let rest: Vec<&[u8]> = segments.collect();
    match (first, second, rest.as_slice()) {
        (b"request", Some(b"headers"), [name]) => Some(Property::RequestHeader(name)),
        (b"response", Some(b"headers"), [name]) => Some(Property::ResponseHeader(name)),
        (b"filter_state", Some(name), []) => Some(Property::State(name)),
        (b"metadata", Some(b"filter_metadata"), [namespace, key]) => {
            Some(Property::Metadata(Metadata::Dynamic, namespace, key))
        }
        (b"xds", Some(source), [b"filter_metadata", namespace, key]) => {
            let source = match source {
                b"route_metadata" => Metadata::Route,
                b"cluster_metadata" => Metadata::Cluster,
                b"upstream_host_metadata" => Metadata::Host,
                _ => return None,
            };
            Some(Property::Metadata(source, namespace, key))
        }
        (first, Some(second), []) => {
            let is = |name: &str| {
                let rest = name.as_bytes().strip_prefix(first).and_then(|rest| rest.strip_prefix(b"."));
                rest == Some(second)
            };
            ATTRIBUTES.iter().find(|(name, _)| is(name)).map(|(_, property)| *property)
        }
        _ => None,
    }
}

impl Property<'_> {
    /// Adds the value of a stream to `out`, or returns false: texts as they are, integers in eight bytes, numbers of metadata as `f64`, both little
    /// endian, booleans in one byte.
    pub(crate) fn read(self, filter: Filter, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Text(id) => filter.attribute_text(id, out),
            Self::TextOrEmpty(id) => {
                filter.attribute_text(id, out);
                true
            }
            Self::TextBeside(id, other) => {
                filter.attribute_text(id, out) || filter.attribute_text(other, &mut Vec::new())
            }
            Self::Integer(id) => put(out, filter.attribute_integer(id).map(u64::to_le_bytes)),
            Self::Size(id) => {
                let mut declared = Vec::new();
                filter.header(Map::Request, b"content-length", &mut declared);
                let declared: Option<u64> =
                    std::str::from_utf8(&declared).ok().and_then(|declared| declared.parse().ok());
                put(out, declared.or_else(|| filter.attribute_integer(id)).map(u64::to_le_bytes))
            }
            // Envoy finds nothing where there is no TLS: then it is false, as WebAssembly modules get it.
            Self::Boolean(id) => put(out, Some([u8::from(filter.attribute_boolean(id).unwrap_or(false))])),
            Self::RequestHeader(name) => filter.header(Map::Request, name, out),
            Self::ResponseHeader(name) => filter.header(Map::Response, name, out),
            Self::State(name) => put(out, filter.state(name)),
            Self::Metadata(source, namespace, key) => {
                put(out, filter.metadata_text(source, namespace, key))
                    || put(out, filter.metadata_number(source, namespace, key).map(f64::to_le_bytes))
                    || put(
                        out,
                        filter.metadata_boolean(source, namespace, key).map(|value| [u8::from(value)]),
                    )
            }
        }
    }
}

/// The number of `response.code`.
const RESPONSE_CODE: u32 = 15;

/// Adds the status of a response as text to `out`; false when there was none.
pub(crate) fn put_status(filter: Filter, out: &mut Vec<u8>) -> bool {
    let status = filter.attribute_integer(RESPONSE_CODE).filter(|status| (1..1000).contains(status));
    put(out, status.map(three_digits))
}

/// A number below 1000.
fn three_digits(number: u64) -> [u8; 3] {
    [100, 10, 1].map(|scale| b'0' + (number / scale % 10) as u8)
}

/// Adds bytes to `out`, if there are any to add.
fn put(out: &mut Vec<u8>, bytes: Option<impl AsRef<[u8]>>) -> bool {
    bytes.map(|bytes| out.extend_from_slice(bytes.as_ref())).is_some()
}

/// The attributes that a configuration reads, so that requests do not search for them.
#[derive(Default)]
pub(crate) struct Known(Vec<(Box<[u8]>, Property<'static>)>);

impl Known {
    /// More are searched for.
    const MOST: usize = 16;

    /// Notes what [`find`] has found, where it does not depend on the rest of the path.
    pub(crate) fn add(&mut self, path: &[u8], property: Property<'_>) {
        let attribute = ATTRIBUTES.iter().map(|(_, attribute)| *attribute).find(|known| *known == property);
        if let Some(attribute) = attribute
            && self.0.len() < Self::MOST
            && self.find(path).is_none()
        {
            self.0.push((path.into(), attribute));
        }
    }

    pub(crate) fn find(&self, path: &[u8]) -> Option<Property<'static>> {
        self.0.iter().find(|(known, _)| **known == *path).map(|(_, property)| *property)
    }
}

/// Says that a property cannot be read.
pub(crate) fn refuse(path: &[u8]) -> String {
    let dotted: Vec<_> = path.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    format!(
        "the native module cannot read the property {:?}: Envoy's interface for dynamic modules has single texts, \
         numbers and booleans (docs/native.md lists them); use the WebAssembly module",
        dotted.join(".")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Option<String> {
        let path = path.replace('/', "\0");
        find(path.as_bytes()).map(|property| match property {
            Property::RequestHeader(name) => format!("request header {}", String::from_utf8_lossy(name)),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn attributes_have_their_numbers() {
        assert_eq!(of("source/address").as_deref(), Some("Text(24)"));
        assert_eq!(of("response/code").as_deref(), Some("Integer(15)"));
        assert_eq!(of("connection/mtls").as_deref(), Some("Boolean(29)"));
        assert_eq!(of("xds/route_name").as_deref(), Some("Text(61)"));
        assert_eq!(of("request/headers/x-plan").as_deref(), Some("request header x-plan"));
    }

    #[test]
    fn metadata_has_a_namespace_and_a_key() {
        let namespace = b"envoy.filters.http.jwt_authn";
        let path = [&b"metadata\0filter_metadata\0"[..], namespace, b"\0sub"].concat();
        assert_eq!(find(&path), Some(Property::Metadata(Metadata::Dynamic, namespace, b"sub")));
        assert_eq!(find(&[&path[..], b"\0deeper"].concat()), None);
        let path = b"xds\0route_metadata\0filter_metadata\0a\0b";
        assert_eq!(find(path), Some(Property::Metadata(Metadata::Route, b"a", b"b")));
    }

    #[test]
    fn a_status_is_three_digits() {
        assert_eq!([200, 99, 503].map(three_digits), [*b"200", *b"099", *b"503"]);
    }

    #[test]
    fn attributes_are_known_again() {
        let (mut known, attribute) = (Known::default(), b"xds\0route_name");
        known.add(attribute, find(attribute).unwrap());
        known.add(b"request\0headers\0x-plan", find(b"request\0headers\0x-plan").unwrap());
        assert_eq!(known.find(attribute), Some(Property::Text(61)));
        assert_eq!((known.find(b"request\0headers\0x-plan"), known.0.len()), (None, 1));
    }

    #[test]
    fn what_cannot_be_read_is_not_found() {
        for path in
            ["", "source", "source/", "/address", "source/adres", "plugin_name", "xds/node/id", "a/b/c/d"]
        {
            assert_eq!(of(path), None, "{path}");
        }
        assert!(refuse(b"xds\0node").contains("\"xds.node\""));
    }
}
