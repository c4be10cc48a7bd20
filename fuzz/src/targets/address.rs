//! Addresses of clients, and networks that they are in.

use std::net::IpAddr;
use weir_core::Truth;
use weir_core::http_match::{Network, Networks};

pub(crate) const PIECES: &[&str] = &[
    "192.0.2.7",
    "10.0.0.0/8",
    "::ffff:",
    "2001:db8::1",
    "[",
    "]:",
    ":443",
    "%eth0",
    "/32",
    "/128",
    "0",
    "::",
    "\n",
];

/// The first line is a network, the others are addresses.
pub(crate) fn address(data: &[u8]) {
    let (network, addresses) = crate::support::halves(data, b'\n');
    let everything = ["0.0.0.0/0", "::/0"].map(|all| Network::parse(all).unwrap());
    let everything = Networks::new(everything.into());
    let parsed = str::from_utf8(network).ok().and_then(|text| Some((text, Network::parse(text).ok()?)));
    let inside = parsed.map(|(_, network)| Networks::new(vec![network]));
    for text in addresses.split(|b| *b == b'\n') {
        let readable = everything.contain(text);
        assert_ne!(readable, Truth::False, "an address is in one of the two");
        let verdict = inside.as_ref().map_or(Truth::Unknown, |networks| networks.contain(text));
        let Some(address) = str::from_utf8(text).ok().and_then(|text| text.parse::<IpAddr>().ok()) else {
            continue;
        };
        assert_eq!(readable, Truth::True);
        // With a port, as Envoy shows it, it is the same address.
        let with_port = match address {
            IpAddr::V4(v4) => format!("{v4}:443"),
            IpAddr::V6(v6) => format!("[{v6}]:443"),
        };
        let again = inside.as_ref().map_or(Truth::Unknown, |networks| networks.contain(with_port.as_bytes()));
        assert_eq!(again, verdict);
        if let Some((text, _)) = parsed {
            assert_eq!(verdict, model(text, address).into(), "{address} in {text}");
        }
    }
}

/// Bit by bit, from the left.
fn model(network: &str, address: IpAddr) -> bool {
    let (start, length) = network.split_once('/').map_or((network, None), |(a, l)| (a, Some(l)));
    let written: IpAddr = start.parse().unwrap();
    let all = if written.is_ipv4() { 32 } else { 128 };
    let length: usize = length.map_or(all, |length| length.parse().unwrap());
    let mapped = |address: IpAddr| match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let (is_v4, network_is_v4) = (address.to_canonical().is_ipv4(), written.to_canonical().is_ipv4());
    let length = if written.is_ipv4() { length + 96 } else { length };
    let bits = |address: IpAddr| format!("{:0128b}", mapped(address).to_bits());
    is_v4 == network_is_v4 && bits(address)[..length] == bits(written)[..length]
}
