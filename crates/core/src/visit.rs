//! Requests that are nobody's visit: a browser or a proxy sends them by itself, without the cookies that it will
//! send later or before anybody sees the answer.
//!
//! They are rare, and so is the question: it is asked where a unit would be counted for the first time. So headers are
//! looked through then, and no request pays for a place of theirs.

use crate::header::Pairs;
use crate::request::{HostServices, Request};

/// How `user-agent` starts for health checks of proxies, load balancers and orchestrators.
const PROBES: [&[u8]; 6] = [
    b"Envoy/HC",
    b"kube-probe/",
    b"GoogleHC/",
    b"ELB-HealthChecker/",
    b"Consul Health Check",
    b"Amazon-Route53-Health-Check-Service",
];

impl<O: HostServices> Request<'_, O> {
    /// Whether the request is a visit, as far as its headers show it. Where none were read, it is.
    #[cold]
    pub fn is_visit(&self) -> bool {
        let (mut asked, mut origin, mut options) = (false, false, false);
        for pair in Pairs::new(self.raw()) {
            match pair.name {
                // <https://fetch.spec.whatwg.org/#cors-preflight-fetch>
                b"access-control-request-method" => asked = true,
                b"origin" => origin = true,
                b":method" => options = pair.value == b"OPTIONS",
                b"sec-purpose" | b"purpose" if is_early(pair.value) => return false,
                b"user-agent" if PROBES.iter().any(|start| pair.value.starts_with(start)) => return false,
                _ => {}
            }
        }
        !(asked && origin && options)
    }

    /// Whether the request came over plain HTTP, where browsers drop `Secure` cookies: its answer may be a redirect to
    /// https.
    #[cold]
    pub fn is_plain_http(&self) -> bool {
        Pairs::new(self.raw()).any(|pair| pair.name == b":scheme" && pair.value == b"http")
    }
}

/// Whether a purpose is to have a page before anybody wants it: `prefetch;prerender` and the like
/// (<https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header>).
fn is_early(purpose: &[u8]) -> bool {
    let mut tokens = purpose.split(|b| matches!(b, b',' | b';' | b' '));
    tokens.any(|it| it.eq_ignore_ascii_case(b"prefetch") || it.eq_ignore_ascii_case(b"prerender"))
}
