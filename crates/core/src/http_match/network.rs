//! IP networks, on the standard library's addresses only: module size is start-up time.

use crate::truth::Truth;
use std::fmt;
use std::net::IpAddr;

/// A set of IP networks.
///
/// ```
/// use weir_core::Truth;
/// use weir_core::http_match::{InvalidNetwork, Network, Networks};
///
/// let office = Networks::new(vec![Network::parse("192.0.2.0/24")?, Network::parse("2001:db8::/32")?]);
/// assert_eq!(office.contain(b"192.0.2.7:50000"), Truth::True);
/// assert_eq!(office.contain(b"[2001:db8::1]:443"), Truth::True);
/// assert_eq!(office.contain(b"198.51.100.1"), Truth::False);
/// assert_eq!(office.contain(b"/run/app.sock"), Truth::Unknown, "not an address");
/// assert!(matches!(Network::parse("10.0.0.0/33"), Err(InvalidNetwork::Length { length: 33, .. })));
/// # Ok::<(), InvalidNetwork>(())
/// ```
#[derive(Debug, Default)]
pub struct Networks(Box<[Network]>);

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    family: Family,
    /// The address as a number, host bits zero.
    address: u128,
    /// Ones where the address of a member is the same.
    mask: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Networks {
    /// A set of these networks.
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks.into())
    }

    /// Whether the address in `text` is in one of them. The forms are those of Envoy's attributes:
    /// `192.0.2.7`, `192.0.2.7:443`, `2001:db8::1`, `[2001:db8::1]:443`. Of any other text, such as the path of
    /// a Unix socket, it is unknown.
    pub fn contain(&self, text: &[u8]) -> Truth {
        let Some(address) = address(text) else { return Truth::Unknown };
        let (family, number) = number(address);
        self.0.iter().any(|n| n.family == family && number & n.mask == n.address).into()
    }
}

/// A text that is not a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidNetwork {
    /// Neither an address nor `address/length`.
    Text(Box<str>),
    /// An address with a length that it cannot have.
    Length {
        /// The text.
        text: Box<str>,
        /// Its length in bits.
        length: u32,
        /// The shortest one of such an address.
        shortest: u32,
        /// The longest one.
        longest: u32,
    },
}

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => {
                write!(f, "{text:?} is neither an address nor a network such as 10.0.0.0/8 or 2001:db8::/32")
            }
            Self::Length { text, length, shortest, longest } => {
                write!(f, "{text:?} has a length of {length}; it must be {shortest} to {longest}")
            }
        }
    }
}

impl std::error::Error for InvalidNetwork {}

impl Network {
    /// Reads `address/length` or an address. Bits after the length are ignored, as Envoy does.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidNetwork> {
        let refusal = || InvalidNetwork::Text(text.into());
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let written: IpAddr = address.parse().map_err(|_| refusal())?;
        let (family, number) = number(written);
        let width: u32 = if written.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => width,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| refusal())?
            }
            Some(_) => return Err(refusal()),
        };
        // An IPv4-mapped network, `::ffff:10.0.0.0/104`, is an IPv4 network of 96 bits less.
        let shorter = if family == Family::V4 { width - 32 } else { 0 };
        if length > width || length < shorter {
            return Err(InvalidNetwork::Length {
                text: text.into(),
                length,
                shortest: shorter,
                longest: width,
            });
        }
        let host_bits = width - length;
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Ok(Self { family, address: number & mask, mask })
    }
}

/// The address as a number. IPv4-mapped IPv6 addresses are IPv4 addresses: dual-stack listeners see
/// IPv4 clients that way.
fn number(address: IpAddr) -> (Family, u128) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (Family::V4, u128::from(v4.to_bits())),
        IpAddr::V6(v6) => (Family::V6, v6.to_bits()),
    }
}

/// The address in a text, without brackets, port and zone.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => match text.split_once(':') {
            // One colon precedes a port; with more, it is an IPv6 address.
            Some((host, port)) if !port.as_bytes().contains(&b':') => host,
            _ => text,
        },
    };
    host.split('%').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contain(networks: &[&str], text: &str) -> bool {
        Networks::new(networks.iter().map(|n| Network::parse(n).unwrap()).collect()).contain(text.as_bytes())
            == Truth::True
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn addresses_are_found_in_their_networks() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255:65535"], ["11.0.0.0", "9.255.255.255:1"]),
            ("10.1.2.3", ["10.1.2.3", "10.1.2.3:80"], ["10.1.2.2", "10.1.2.4:80"]),
            ("192.0.2.9/30", ["192.0.2.8", "192.0.2.11"], ["192.0.2.7", "192.0.2.12"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "[2001:db8::1]:80"]),
            ("::/0", ["::1", "[2001:db8::1]:80"], ["1.2.3.4", "::ffff:1.2.3.4"]),
            ("2001:db8::/32", ["2001:db8::", "[2001:db8:ffff::1]:443"], ["2001:db9::", "::1"]),
            ("::1", ["::1", "[::1]:80"], ["::2", "[::]:80"]),
            ("10.0.0.0/8", ["::ffff:10.2.3.4", "[::ffff:10.2.3.4]:80"], ["::10.2.3.4", "::ffff:11.0.0.1"]),
            ("::ffff:10.0.0.0/104", ["10.2.3.4", "::ffff:10.2.3.4"], ["11.0.0.1", "::1"]),
            ("fe80::/10", ["fe80::1%eth0", "[fe80::1%eth0]:80"], ["fec0::1", "%eth0"]),
        ] {
            inside.iter().for_each(|text| assert!(contain(&[network], text), "{text} in {network}"));
            outside.iter().for_each(|text| assert!(!contain(&[network], text), "{text} not in {network}"));
        }
        assert!(contain(&["10.0.0.0/8", "2001:db8::/32"], "[2001:db8::7]:1"));
        assert!(!contain(&[], "10.0.0.1"));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn of_other_texts_nobody_can_tell() {
        let all = Networks::new(vec![Network::parse("0.0.0.0/0").unwrap(), Network::parse("::/0").unwrap()]);
        for text in [
            "",
            ":",
            "[",
            "[]",
            "[::1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "a.b.c.d",
            "/run/x.sock",
            "1.2.3.4 ",
        ] {
            assert_eq!(all.contain(text.as_bytes()), Truth::Unknown, "{text:?}");
        }
        assert_eq!(all.contain(b"\xff\xfe"), Truth::Unknown);
        assert_eq!(all.contain(&[b':'; 70_000]), Truth::Unknown);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "/8",
            "10.0.0.0/+8",
            "::ffff:10.0.0.0/95",
            "host",
            "1.2.3.4:80",
        ] {
            let message = Network::parse(text).unwrap_err().to_string();
            assert!(message.contains(&format!("{text:?}")), "{message}");
        }
    }
}
