//! Sample services for upstreams that the user does not define.

use crate::destinations::Destinations;
use crate::upstream::Upstream;
use anyhow::Context as _;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::runtime::Runtime;
use weir_upstream::Upstream as Service;

/// Who is there for everybody when nobody is named, where the configuration has no better name.
const FALLBACK: &str = "v1";

/// Running sample services with their names. Dropping them stops them.
pub(super) struct Samples(Vec<(String, Service)>);

impl Samples {
    /// Starts one for each name that is not given, on a free port of this machine.
    ///
    /// # Errors
    /// There is no port.
    pub(super) fn start(runtime: &Runtime, named: &Destinations, given: &[Upstream]) -> anyhow::Result<Self> {
        let start = |name: &str| {
            let free: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
            let service = runtime.block_on(Service::start(name, free));
            service
                .map(|service| (name.to_owned(), service))
                .with_context(|| format!("the sample service {name} cannot be started"))
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
        let fallback = fallback(named);
        names.retain(|name| *name != fallback);
        names.insert(0, fallback);
    }
    names
}

/// The name of the service for everybody: that of the only target of splits without a route, which is where its requests go.
fn fallback(named: &Destinations) -> &str {
    let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    match &named.plain[..] {
        [one] => Some(one.as_str()).filter(is_name).unwrap_or(FALLBACK),
        _ => FALLBACK,
    }
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
        let split = |plain: &[&str]| Destinations {
            routes: names(&["canary"]),
            plain: names(plain),
            ..Destinations::default()
        };
        for (plain, first) in
            [(&["stable"][..], "stable"), (&["a", "b"], "v1"), (&["a b"], "v1"), (&[], "v1")]
        {
            assert_eq!(wanted(&split(plain), &[]), [first, "canary"], "{plain:?}");
        }
        assert_eq!(wanted(&split(&["canary"]), &[]), ["canary"]);
    }
}
