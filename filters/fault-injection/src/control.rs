//! Faults that callers ask for by Envoy's headers.

use crate::kind::Kind;
use crate::status::GrpcStatus;
use weir_allocation::{BUCKETS, Fraction};
use weir_core::effect::HeaderValue;
use weir_core::ids::Counter;
use weir_core::value::number;
use weir_core::{Effects, HostServices, OwnedHeader, Predicate, Reply, Request, Truth};

/// The body of aborts that have no other, as Envoy's.
pub(crate) const BODY: &str = "fault filter abort";

/// The names of the headers, in the order of [`Control::headers`].
pub(crate) const HEADERS: [&str; 7] = [
    "x-envoy-fault-delay-request",
    "x-envoy-fault-abort-request",
    "x-envoy-fault-abort-grpc-request",
    "x-envoy-fault-throughput-response",
    "x-envoy-fault-delay-request-percentage",
    "x-envoy-fault-abort-request-percentage",
    "x-envoy-fault-throughput-response-percentage",
];

/// Who may request which faults.
#[derive(Debug)]
pub(crate) struct Control {
    /// In the order of [`HEADERS`].
    pub(crate) headers: [OwnedHeader; 7],
    pub(crate) allow: Predicate,
    pub(crate) delay: Fraction,
    pub(crate) abort: Fraction,
    pub(crate) throughput: Fraction,
    /// The longest delay, in nanoseconds.
    pub(crate) max_delay: u64,
    pub(crate) forward: bool,
}

/// The faults that the headers of a request ask for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Commands {
    pub(crate) any: bool,
    /// In nanoseconds.
    pub(crate) delay: Option<u64>,
    pub(crate) abort: Option<AbortBy>,
    /// In bytes a second.
    pub(crate) rate: Option<u64>,
    /// The most requests that are hit: delays, aborts, rates.
    most: [Fraction; 3],
}

/// The status of an abort that a header asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AbortBy {
    Http(u16),
    Grpc(GrpcStatus),
}

impl AbortBy {
    pub(crate) fn reply(self, rule: &str) -> Reply {
        let (status, grpc_status) = match self {
            Self::Http(status) => (status, None),
            Self::Grpc(status) => (status.http(), Some(status.number())),
        };
        Reply { grpc_status, body: BODY.as_bytes().into(), ..Reply::new(status, &details(rule)) }
    }
}

/// What access logs show as the cause of an answer.
pub(crate) fn details(rule: &str) -> String {
    ["weir_fault_abort{", rule, "}"].concat()
}

impl Commands {
    pub(crate) const NONE: Self =
        Self { any: false, delay: None, abort: None, rate: None, most: [Fraction::NONE; 3] };

    /// Whether the headers decide about a kind.
    pub(crate) fn mentions(&self, kind: Kind) -> bool {
        match kind {
            Kind::Delay => self.delay.is_some(),
            Kind::Abort => self.abort.is_some(),
            Kind::Rate => self.rate.is_some(),
            Kind::Response => false,
        }
    }

    /// The kinds about which the headers decide, each with the most requests that are hit.
    pub(crate) fn requested(&self) -> impl Iterator<Item = (Kind, Fraction)> + '_ {
        let kinds = [Kind::Delay, Kind::Abort, Kind::Rate].into_iter().zip(self.most);
        kinds.filter(|(kind, _)| self.mentions(*kind))
    }
}

impl Control {
    /// Whether there is any header that asks for a fault.
    #[inline]
    pub(crate) fn is_asked<O: HostServices>(&self, request: &Request<'_, O>) -> bool {
        self.headers.iter().any(|header| request.sent(*header).is_some())
    }

    /// Whether headers can slow responses.
    pub(crate) fn slows(&self) -> bool {
        !self.throughput.is_none()
    }

    /// The faults that the headers ask for; none if the request is not authorised, or if that is unknown.
    /// Invalid values are ignored, as in Envoy.
    #[cold]
    #[inline(never)]
    pub(crate) fn read<O: HostServices>(
        &self,
        request: &Request<'_, O>,
        undecided: Counter,
        effects: &mut Effects,
    ) -> Commands {
        match self.allow.judge(request) {
            Truth::True => {}
            Truth::False => return Commands::NONE,
            Truth::Unknown => {
                effects.counts.push(undecided);
                return Commands::NONE;
            }
        }
        if self.forward {
            for header in self.headers {
                effects.set(header, HeaderValue::AsSent);
            }
        }
        let sent = self.headers.map(|header| request.sent(header).map(<[u8]>::trim_ascii));
        let [delay, http, grpc, rate, delay_part, abort_part, rate_part] = sent;
        let delay = delay.and_then(whole).filter(|milliseconds| *milliseconds > 0);
        let http = http.and_then(whole).and_then(|status| u16::try_from(status).ok());
        let http = http.filter(|status| (200..600).contains(status)).map(AbortBy::Http);
        let grpc = || grpc.and_then(whole).and_then(GrpcStatus::new).map(AbortBy::Grpc);
        let abort = http.or_else(grpc);
        let rate = rate.and_then(whole).filter(|kibibytes| *kibibytes > 0);
        Commands {
            any: delay.is_some() || abort.is_some() || rate.is_some(),
            delay: delay.map(|milliseconds| milliseconds.saturating_mul(1_000_000).min(self.max_delay)),
            abort,
            rate: rate.map(|kibibytes| kibibytes.saturating_mul(1024)),
            most: [
                least(self.delay, delay_part),
                least(self.abort, abort_part),
                least(self.throughput, rate_part),
            ],
        }
    }
}

/// A whole number without sign.
fn whole(text: &[u8]) -> Option<u64> {
    let digits = |text: &&str| text.bytes().all(|b| b.is_ascii_digit());
    std::str::from_utf8(text).ok().filter(digits)?.parse().ok()
}

/// The lower of a percentage and that of a header, if the header is valid.
fn least(most: Fraction, asked: Option<&[u8]>) -> Fraction {
    let Some(percent) = asked.and_then(number).filter(|percent| *percent >= 0.0) else { return most };
    let millionths = (percent * f64::from(BUCKETS / 100)).min(f64::from(BUCKETS)).round();
    #[allow(clippy::cast_possible_truncation, reason = "from 0 to BUCKETS")]
    let millionths = millionths as u32;
    most.min(Fraction::from_millionths(millionths).unwrap_or(Fraction::ALL))
}
