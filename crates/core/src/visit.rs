//! Requests that are nobody's visit: a browser or a proxy sends them by itself, without the cookies that it will
//! send later or before anybody sees the answer.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::attribute::AttrId;
use crate::view::RequestView;

/// How `user-agent` starts for health checks of proxies, load balancers and orchestrators.
const PROBES: [&[u8]; 6] = [
    b"Envoy/HC",
    b"kube-probe/",
    b"GoogleHC/",
    b"ELB-HealthChecker/",
    b"Consul Health Check",
    b"Amazon-Route53-Health-Check-Service",
];

/// What shows that a request is nobody's visit.
#[derive(Debug)]
pub struct Visits {
    pub(crate) method: AttrId,
    pub(crate) origin: AttrId,
    /// `access-control-request-method`.
    pub(crate) asked_method: AttrId,
    /// `sec-purpose`, and `purpose` of older browsers.
    pub(crate) purposes: [AttrId; 2],
    pub(crate) agent: AttrId,
    pub(crate) scheme: AttrId,
}

impl Visits {
    /// Whether a request is a visit, as far as its headers show it.
    #[inline]
    pub fn is_visit(&self, request: &impl RequestView) -> bool {
        let [purpose, older] = self.purposes;
        let rare = [self.asked_method, purpose, older].into_iter().any(|it| request.text(it).is_some());
        // Browsers start with an M.
        let first = request.text(self.agent).and_then(|agent| agent.first());
        let may_probe = matches!(first, Some(b'E' | b'k' | b'G' | b'C' | b'A'));
        !(rare || may_probe) || !self.is_nobodys(request)
    }

    #[cold]
    #[inline(never)]
    fn is_nobodys(&self, request: &impl RequestView) -> bool {
        // <https://fetch.spec.whatwg.org/#cors-preflight-fetch>
        let preflight = request.text(self.asked_method).is_some()
            && request.text(self.origin).is_some()
            && request.text(self.method) == Some(&b"OPTIONS"[..]);
        // <https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header>: `prefetch;prerender` and the like.
        let early = |text: &[u8]| {
            let mut tokens = text.split(|b| matches!(b, b',' | b';' | b' '));
            tokens.any(|it| it.eq_ignore_ascii_case(b"prefetch") || it.eq_ignore_ascii_case(b"prerender"))
        };
        let speculative = self.purposes.into_iter().any(|it| request.text(it).is_some_and(early));
        let probe = |agent: &[u8]| PROBES.iter().any(|start| agent.starts_with(start));
        preflight || speculative || request.text(self.agent).is_some_and(probe)
    }

    /// Whether a request came over plain HTTP, where browsers drop `Secure` cookies: its answer may be a redirect to
    /// https.
    #[cold]
    pub fn is_plain_http(&self, request: &impl RequestView) -> bool {
        request.text(self.scheme) == Some(&b"http"[..])
    }
}
