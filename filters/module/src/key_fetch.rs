//! Keys from a server: carries out the fetches that the filter jwt-claims requests.

use crate::pipeline::Pipeline;
use weir_host::{Callout, Host, Wake};

/// The longest answer that is read, in bytes; one more than the filter takes, so that it is refused there.
const MAX_RESPONSE_LEN: usize = (1 << 20) + 1;

impl Pipeline {
    /// Starts every fetch that is due.
    pub(crate) fn fetch_keys<H: Host>(&self, host: &H) -> Wake {
        let Some(jwt) = &self.plans.jwt else { return Wake::default() };
        let mut release = jwt.expired(host.now());
        while let Some(fetch) = jwt.poll(host.now()) {
            let callout = Callout {
                cluster: fetch.cluster,
                scheme: fetch.scheme,
                authority: fetch.authority,
                path: fetch.path,
                timeout: fetch.timeout_ms,
            };
            match host.call_out(&callout) {
                Some(token) => self.running.start(token, fetch.provider),
                // No such cluster, or none yet.
                None => release |= self.take_keys(host, fetch.provider, Err(())),
            }
        }
        Wake { after: jwt.next_wake(host.now()), release }
    }

    /// Takes the answer to a callout. True when requests that wait can be decided.
    pub(crate) fn take_answer<H: Host>(&self, host: &H, token: u32) -> bool {
        let Some(provider) = self.running.finish(token) else { return false };
        let status = host.callout_header(b":status");
        let status = status.and_then(|status| std::str::from_utf8(&status).ok()?.parse().ok());
        let body = host.callout_body(MAX_RESPONSE_LEN);
        let answer = status.map(|status| (status, &*body)).ok_or(());
        self.take_keys(host, provider, answer)
    }

    fn take_keys<H: Host>(&self, host: &H, provider: u16, answer: Result<(u16, &[u8]), ()>) -> bool {
        let taken = self.plans.jwt.as_ref().and_then(|jwt| jwt.on_fetched(provider, host.now(), answer));
        let Some(taken) = taken else { return false };
        self.counters.count([taken.count.index()].into_iter(), host);
        if let Some(Some(gauge)) = taken.since.and_then(|since| self.gauges.get(since.index())) {
            host.record(*gauge, host.now() / 1_000_000_000);
        }
        for note in &taken.notes {
            host.log(log::Level::Warn, &weir_core::escape::escape(note));
        }
        taken.release
    }
}
