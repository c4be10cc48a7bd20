//! No response suffers: this build has no faults for them.

use crate::Pipeline;
use weir_host::{Body, Host};

/// A response that suffers a fault: there is none.
#[derive(Debug)]
pub(crate) enum Suffering {}

impl Suffering {
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
    pub(crate) fn harm_headers<H: Host>(&self, _: &H, suffering: &Suffering, _: bool) -> bool {
        match *suffering {}
    }

    pub(crate) fn harm_trailers<H: Host>(&self, _: &H, suffering: &Suffering) {
        match *suffering {}
    }

    pub(crate) fn harm_body<H: Host>(&self, _: &H, suffering: &mut Suffering, _: usize) -> Body {
        match *suffering {}
    }
}
