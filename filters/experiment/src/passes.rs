//! What an earlier pass of the same request has decided, where the proxy redirected it: it is not decided, and not
//! counted, a second time.

use crate::plan::{Experiment, Plan, Variant};
use weir_cookie::Id;
use weir_core::RequestView;
use weir_core::{Effects, HostServices, Passes, Request};

/// What an earlier pass has left.
#[derive(Debug)]
pub(crate) struct Earlier {
    /// The identity that it gave.
    pub(crate) id: Option<Id>,
    /// The cookie that remembers assignments, as it was to be set.
    assignments: Option<Box<[u8]>>,
}

impl Earlier {
    /// What there is; `None` for a request that no proxy redirected.
    #[inline]
    pub(crate) fn of<O: HostServices>(
        plan: &Plan,
        passes: Passes,
        request: &Request<'_, O>,
    ) -> Option<Box<Self>> {
        request.text(passes.redirected).map(|_| Self::read(plan, request))
    }

    #[cold]
    fn read<O: HostServices>(plan: &Plan, request: &Request<'_, O>) -> Box<Self> {
        let id = plan.minted.as_ref().and_then(|minted| minted.cookie.carried(request));
        let assignments = plan.memory.as_ref().and_then(|memory| memory.cookie.carried(request));
        Box::new(Self { id: id.and_then(|id| Id::try_from(&*id).ok()), assignments })
    }

    pub(crate) fn assignments(&self) -> Option<&[u8]> {
        self.assignments.as_deref()
    }

    /// Sets the cookie that the earlier pass could not set, as nothing came to it.
    #[cold]
    pub(crate) fn set_again(&self, plan: &Plan, effects: &mut Effects) {
        if let (Some(value), Some(memory)) = (&self.assignments, &plan.memory) {
            effects.response.push(memory.cookie.header(value));
        }
    }
}

impl Experiment {
    /// Whether an earlier pass has decided it, so that it is counted already.
    #[cold]
    pub(crate) fn was_decided<O: HostServices>(&self, variant: &Variant, request: &Request<'_, O>) -> bool {
        variant.state.is_some() && request.earlier_state(&["weir.", self.name()].concat()).is_some()
    }
}
