//! A request as a condition on one token sees it: with that token's claims, whatever others there are.

use weir_core::RequestView;
use weir_core::access_plan::Source;
use weir_core::claims::{Claim, Claims};
use weir_core::ids::{CelId, ExperimentId, PlainHeader};
use weir_core::{AttrId, HostServices, Request, Truth, Value};

/// A request with the claims of one token.
pub(crate) struct TokenView<'a, 'r, O> {
    pub(crate) request: &'a Request<'r, O>,
    pub(crate) claims: &'a Claims,
}

impl<O: HostServices> TokenView<'_, '_, O> {
    /// The claim that an attribute reads; the outer `None` when it reads something else.
    fn claim(&self, id: AttrId) -> Option<Option<&Claim>> {
        match self.request.access_plan().attributes.get(id.index())?.source {
            Source::Claim(index) => Some(self.claims.get(index)),
            _ => None,
        }
    }
}

impl<O: HostServices> RequestView for TokenView<'_, '_, O> {
    fn text(&self, id: AttrId) -> Option<&[u8]> {
        match self.claim(id) {
            Some(Some(claim)) if claim.text().is_some() => claim.text(),
            // The attribute's default.
            Some(_) => self.request.access_plan().attributes.get(id.index())?.default.as_deref(),
            None => self.request.text(id),
        }
    }

    fn plain(&self, place: PlainHeader) -> Option<Option<&[u8]>> {
        self.request.plain(place)
    }

    fn any_line(&self, id: AttrId, passes: impl Fn(&[u8]) -> Truth) -> Option<Truth> {
        match self.claim(id) {
            Some(_) => self.text(id).map(passes),
            None => self.request.any_line(id, passes),
        }
    }

    fn value(&self, id: AttrId) -> Value<'_> {
        let Some(claim) = self.claim(id) else { return self.request.value(id) };
        let Some(attribute) = self.request.access_plan().attributes.get(id.index()) else {
            return Value::Null;
        };
        match claim {
            Some(claim) => claim.value(attribute.kind),
            None => self.text(id).map_or(Value::Null, |text| attribute.kind.read(text)),
        }
    }

    fn cel(&self, id: CelId) -> Truth {
        self.request.cel(id)
    }

    fn variant(&self, experiment: ExperimentId) -> Option<u16> {
        self.request.variant(experiment)
    }
}
