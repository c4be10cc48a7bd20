//! IPv4 networks as patterns of the addresses in them.

use crate::number::group;
use std::net::Ipv4Addr;

const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";

/// What a network's text is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// The pattern of its addresses.
    Pattern(String),
    /// Not one, which vendors ignore.
    Invalid,
    /// IPv6, whose addresses have many spellings, or a network with a mask of its own.
    Other,
}

/// Reads a network such as `10.0.0.0/8`, or an address.
pub(crate) fn network(text: &str) -> Network {
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    if address.parse::<std::net::Ipv6Addr>().is_ok() {
        return if length.is_none_or(|it| bits(it, 128).is_some()) {
            Network::Other
        } else {
            Network::Invalid
        };
    }
    if length.is_some_and(|length| length.contains('.')) {
        return Network::Other;
    }
    let (Ok(address), Some(length)) =
        (address.parse::<Ipv4Addr>(), length.map_or(Some(32), |it| bits(it, 32)))
    else {
        return Network::Invalid;
    };
    let mask = if length == 0 { 0 } else { u32::MAX << (32 - length) };
    let network = (u32::from(address) & mask).to_be_bytes();
    let octets: Vec<String> =
        network.iter().zip(mask.to_be_bytes()).map(|(&first, mask)| octet(first, first | !mask)).collect();
    Network::Pattern(octets.join(r"\."))
}

fn bits(text: &str, most: u32) -> Option<u32> {
    // Rust reads a sign.
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|bits| digits && *bits <= most)
}

fn octet(first: u8, last: u8) -> String {
    match (first, last) {
        (0, u8::MAX) => OCTET.to_owned(),
        _ => group(&(first..=last).map(|number| number.to_string()).collect::<Vec<_>>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_become_patterns() {
        let pattern = |text: &str| match network(text) {
            Network::Pattern(pattern) => pattern,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(pattern("127.0.0.1"), r"127\.0\.0\.1");
        assert_eq!(pattern("10.1.2.3/8"), format!(r"10\.{OCTET}\.{OCTET}\.{OCTET}"));
        assert_eq!(pattern("192.168.4.0/22"), format!(r"192\.168\.(?:4|5|6|7)\.{OCTET}"));
        for invalid in ["127.invalid", "10.0.0.0/33", "10.0.0.0/", "010.0.0.1", "bad::cidr/200", ""] {
            assert_eq!(network(invalid), Network::Invalid, "{invalid}");
        }
        for other in ["2001:db8::/32", "::1", "10.0.0.0/255.0.0.0"] {
            assert_eq!(network(other), Network::Other, "{other}");
        }
    }
}
