//! Sample services for upstreams that the user does not define.

use crate::destinations::Destinations;
use crate::upstream::Upstream;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::runtime::Runtime;
use weir_upstream::Upstream as Service;

/// Who is there for everybody when nobody is named.
const FALLBACK: &str = "v1";

/// Running sample services with their names. Dropping them stops them.
pub(super) struct Samples(Vec<(String, Service)>);

impl Samples {
    /// Starts one for each name that is not given, on a free port of this machine.
    ///
    /// # Errors
    /// There is no port.
    pub(super) fn start(runtime: &Runtime, named: &Destinations, given: &[Upstream]) -> Result<Self, String> {
        let start = |name: &str| {
            let free: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
            let service = runtime.block_on(Service::start(name, free));
            service
                .map(|service| (name.to_owned(), service))
                .map_err(|error| format!("the sample service {name} cannot be started: {error}"))
        };
        wanted(named, given).into_iter().map(start).collect::<Result<_, _>>().map(Self)
    }

    /// Those that are given, and after them ours.
    pub(super) fn with(&self, given: &[Upstream]) -> Vec<Upstream> {
        let ours = self.0.iter().map(|(name, service)| {
            let address = service.address();
            Upstream { name: name.clone(), host: address.ip().to_string(), port: address.port(), tls: false }
        });
        given.iter().cloned().chain(ours).collect()
    }

    /// A line for each upstream.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(super) fn describe(&self, upstreams: &[Upstream], out: &mut impl Write) -> io::Result<()> {
        for Upstream { name, host, port, .. } in upstreams {
            let sample = self.0.iter().any(|(ours, _)| ours == name);
            let what = if sample { ", a sample service" } else { "" };
            writeln!(out, "upstream {name}: {host}:{port}{what}")?;
        }
        Ok(())
    }
}

/// The names of the samples, that for everybody first.
fn wanted<'a>(named: &'a Destinations, given: &[Upstream]) -> Vec<&'a str> {
    let mut names = named.upstreams();
    names.retain(|name| !given.iter().any(|upstream| upstream.name == *name));
    // The first is for everybody; one that a rule names is for some.
    if given.is_empty() {
        names.retain(|name| *name != FALLBACK);
        names.insert(0, FALLBACK);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_an_upstream_get_a_sample() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let named = Destinations {
            routes: names(&["v2", "v1"]),
            clusters: names(&["v3"]),
            ..Destinations::default()
        };
        assert_eq!(wanted(&named, &[]), ["v1", "v2", "v3"]);
        let v3 = crate::upstream::parse("v3=web:80").unwrap();
        assert_eq!(wanted(&named, &[v3]), ["v2", "v1"]);
        assert_eq!(wanted(&Destinations::default(), &[]), ["v1"]);
    }
}
