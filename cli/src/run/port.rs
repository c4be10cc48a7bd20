//! Free addresses to listen on.

use anyhow::Context as _;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Where Envoy and its admin interface can listen: where the user says, or at a usual place, or at a free one when
/// that is taken.
///
/// # Errors
/// The user's address cannot be had.
pub(super) fn both(listen: Option<SocketAddr>, admin: Option<SocketAddr>) -> anyhow::Result<[SocketAddr; 2]> {
    // Both are held until both are found, so that they differ.
    let held =
        [hold(listen, 10_000, "Envoy (--listen)")?, hold(admin, 9901, "its admin interface (--admin)")?];
    Ok([held[0].local_addr()?, held[1].local_addr()?])
}

fn hold(wanted: Option<SocketAddr>, usual: u16, what: &str) -> anyhow::Result<TcpListener> {
    let address = wanted.unwrap_or_else(|| local(usual));
    match TcpListener::bind(address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && wanted.is_none() => {
            let free = TcpListener::bind(local(0))?;
            crate::output::complain(&format!("port {usual} is taken: {what} has another"));
            Ok(free)
        }
        bound => bound.with_context(|| format!("{what} cannot listen on {address}")),
    }
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// How this machine reaches an address on which a proxy listens.
pub(super) fn reached(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// The same as a URL.
pub(super) fn url(address: SocketAddr) -> String {
    format!("http://{}", reached(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;

    #[test]
    fn free_ports_differ_and_taken_ones_are_refused() {
        let [a, b] = both(Some(local(0)), Some(local(0))).unwrap();
        assert!(a.port() != b.port() && a.port() != 0 && b.port() != 0);
        let taken = TcpListener::bind(local(0)).unwrap();
        let address = taken.local_addr().unwrap();
        let error = both(Some(address), Some(local(0))).refusal();
        assert!(error.starts_with(&format!("Envoy (--listen) cannot listen on {address}: ")), "{error}");
    }

    #[test]
    fn all_addresses_are_reached_at_this_machine() {
        assert_eq!(url(([0, 0, 0, 0], 80).into()), "http://127.0.0.1:80");
        assert_eq!(url(([10, 0, 0, 1], 80).into()), "http://10.0.0.1:80");
    }
}
