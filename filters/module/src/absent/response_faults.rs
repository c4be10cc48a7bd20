//! No response suffers: this build has no faults for them.

use crate::pipeline::Pipeline;
use weir_host::{Body, Host};

/// A response that suffers a fault: there is none.
#[derive(Debug)]
pub(crate) enum ActiveResponseFault {}

impl ActiveResponseFault {
    /// Nothing.
    #[inline(always)]
    pub(crate) fn of(_: Option<u16>) -> Option<Self> {
        None
    }

    pub(crate) fn is_waiting(&self) -> bool {
        match *self {}
    }

    pub(crate) fn waits_on(&mut self, _: u64) -> Option<u64> {
        match *self {}
    }
}

impl Pipeline {
    pub(crate) fn apply_to_headers<H: Host>(&self, _: &H, active: &ActiveResponseFault, _: bool) -> bool {
        match *active {}
    }

    pub(crate) fn harm_trailers<H: Host>(&self, _: &H, active: &ActiveResponseFault) {
        match *active {}
    }

    pub(crate) fn apply_to_body<H: Host>(&self, _: &H, active: &mut ActiveResponseFault, _: usize) -> Body {
        match *active {}
    }
}
