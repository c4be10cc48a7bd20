//! Outputs that all experiments share.

use crate::decision::Decision;
use crate::plan::{Experiment, Plan, Variant};
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
            self.write_combined(header, trusted, decision, effects);
        }
        if let Some(baggage) = &outputs.baggage
            && (baggage.writes || request.sent(baggage.header).is_some())
        {
            self.write_baggage(baggage, trusted, decision, effects);
        }
        if outputs.response_header.is_some() || outputs.response_cookie.is_some() {
            self.write_response(decision, effects);
        }
    }

    /// The variants that were assigned, in the order of the decisions.
    pub(crate) fn assigned<'d, O: HostServices>(
        &self,
        decision: &'d Decision<'_, O>,
    ) -> impl Iterator<Item = &'d Variant> {
        decision.experiments().filter_map(|experiment| experiment.assigned(decision.request))
    }

    #[inline]
    fn write_combined<O: HostServices>(
        &self,
        header: OwnedHeader,
        trusted: bool,
        decision: &Decision<'_, O>,
        effects: &mut Effects,
    ) {
        let (mut any, request) = (false, decision.request);
        let made = effects.make(|out| {
            if decision.asked.get().is_some() {
                any = self.write_some(decision, out);
                return;
            }
            for variant in self.experiments.iter().filter_map(|experiment| experiment.assigned(request)) {
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

    /// Writes the pairs of the variants that were assigned; false without any.
    #[cold]
    #[inline(never)]
    fn write_some<O: HostServices>(&self, decision: &Decision<'_, O>, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        for variant in self.assigned(decision) {
            if out.len() > before {
                out.push(b',');
            }
            out.extend_from_slice(variant.pair.as_bytes());
        }
        out.len() > before
    }

    /// Tells peers that trust this proxy which variants do not count, and why. What counts is not mentioned, so that
    /// most requests have no such header.
    #[cold]
    #[inline(never)]
    pub(crate) fn write_decided<O: HostServices>(
        &self,
        trusted: bool,
        decision: &Decision<'_, O>,
        effects: &mut Effects,
    ) {
        let (Some(header), request) = (self.outputs.decided, decision.request) else { return };
        let mut text = Vec::new();
        let mut add = |experiment: &Experiment| {
            let Some(assigned) = request.assigned(experiment.id).filter(|assigned| !assigned.counts) else {
                return;
            };
            let pair = [",", experiment.name(), "=", assigned.word()];
            pair.iter().for_each(|part| text.extend_from_slice(part.as_bytes()));
        };
        // With a winner all requests come here: a walk over all is the cheaper one where all were asked.
        match decision.asked.get() {
            None => self.experiments.iter().for_each(add),
            Some(_) => decision.experiments().for_each(&mut add),
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
        self.write_some(decision, &mut pairs);
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

impl Experiment {
    /// The variant that a request was assigned.
    #[inline]
    fn assigned<O: HostServices>(&self, request: &Request<'_, O>) -> Option<&Variant> {
        self.variants.get(usize::from(request.variant(self.id)?))
    }
}
