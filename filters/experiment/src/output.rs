//! Outputs that all experiments share.

use crate::decision::Decision;
use crate::plan::{Plan, Variant};
use std::rc::Rc;
use weir_core::RequestView;
use weir_core::effect::HeaderValue;
use weir_core::{Effects, HostServices, OwnedHeader, Request, ResponseHeader};

impl Plan {
    /// Writes the combined header, baggage, and the outputs of the response.
    #[inline]
    pub(crate) fn write_outputs<O: HostServices>(
        &self,
        trusted: bool,
        decision: &Decision<'_, O>,
        effects: &mut Effects,
    ) {
        let (outputs, request) = (&self.outputs, decision.request);
        if let Some(header) = outputs.combined {
            self.write_combined(header, trusted, request, effects);
        }
        if let Some(baggage) = &outputs.baggage
            && (baggage.writes || request.sent(baggage.header).is_some())
        {
            self.write_baggage(baggage, trusted, request, effects);
        }
        if outputs.response_header.is_some() || outputs.response_cookie.is_some() {
            self.write_response(decision, effects);
        }
    }

    /// The variants that were assigned, in the order of the decisions.
    #[inline]
    pub(crate) fn assigned<O: HostServices>(
        &self,
        request: &Request<'_, O>,
    ) -> impl Iterator<Item = &Variant> {
        self.experiments
            .iter()
            .filter_map(|experiment| experiment.variants.get(usize::from(request.variant(experiment.id)?)))
    }

    #[inline]
    fn write_combined<O: HostServices>(
        &self,
        header: OwnedHeader,
        trusted: bool,
        request: &Request<'_, O>,
        effects: &mut Effects,
    ) {
        let mut any = false;
        let made = effects.make(|out| {
            for variant in self.assigned(request) {
                if any {
                    out.push(b',');
                }
                variant.pair.append_to(out);
                any = true;
            }
            if trusted && any {
                self.keep_unknown(request.sent(header).unwrap_or_default(), out);
            }
        });
        // Without assignments the previous value is kept: none, or that of a trusted peer.
        if any {
            effects.set(header, made);
        }
    }

    /// Tells peers that trust this proxy which variants do not count, and why. What counts is not mentioned, so that
    /// most requests have no such header.
    #[cold]
    #[inline(never)]
    pub(crate) fn write_decided<O: HostServices>(
        &self,
        trusted: bool,
        request: &Request<'_, O>,
        effects: &mut Effects,
    ) {
        let Some(header) = self.outputs.decided else { return };
        let uncounted = self.experiments.iter().filter_map(|experiment| {
            let assigned = request.assigned(experiment.id).filter(|assigned| !assigned.counts)?;
            Some([experiment.name(), "=", assigned.word()])
        });
        let mut text = Vec::new();
        for pair in uncounted {
            text.push(b',');
            pair.iter().for_each(|part| text.extend_from_slice(part.as_bytes()));
        }
        if trusted {
            self.keep_unknown(request.sent(header).unwrap_or_default(), &mut text);
        }
        let value = match text.split_first() {
            Some((_, text)) => effects.make(|out| out.extend_from_slice(text)).into(),
            None => HeaderValue::Nothing,
        };
        effects.set(header, value);
    }

    /// What a trusted peer says of experiments that are not configured here.
    #[cold]
    fn keep_unknown(&self, sent: &[u8], out: &mut Vec<u8>) {
        for pair in sent.split(|b| *b == b',').map(<[u8]>::trim_ascii) {
            let key = pair.split(|b| *b == b'=').next().unwrap_or_default();
            if !pair.is_empty() && !self.experiments.iter().any(|e| *e.name().as_bytes() == *key) {
                out.push(b',');
                out.extend_from_slice(pair);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn write_response<O: HostServices>(&self, decision: &Decision<'_, O>, effects: &mut Effects) {
        let mut pairs = Vec::new();
        for variant in self.assigned(decision.request) {
            if !pairs.is_empty() {
                pairs.push(b',');
            }
            pairs.extend_from_slice(variant.pair.as_bytes());
        }
        if let Some(cookie) = self.outputs.response_cookie.as_ref().filter(|_| decision.consent()) {
            // Neither `,` nor a second `=` is at home in a cookie.
            let value: Vec<u8> = pairs
                .iter()
                .map(|b| match b {
                    b',' => b'/',
                    b'=' => b':',
                    other => *other,
                })
                .collect();
            if decision.request.text(cookie.attribute).unwrap_or_default() != value {
                effects.response.push(cookie.header(&value));
            }
        }
        if let Some(name) = self.outputs.response_header.as_ref().filter(|_| !pairs.is_empty()) {
            let value: Rc<[u8]> = pairs.into();
            effects.response.push(ResponseHeader { name: name.clone(), value, replace: true });
        }
    }
}
