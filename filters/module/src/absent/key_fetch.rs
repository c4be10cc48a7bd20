//! No keys are fetched: there is no filter in this build that wants any.

use crate::pipeline::Pipeline;
use weir_host::{Host, Wake};

impl Pipeline {
    /// Starts nothing.
    #[inline(always)]
    pub(crate) fn fetch_keys<H: Host>(&self, _: &H) -> Wake {
        Wake::default()
    }

    /// Takes nothing.
    #[inline(always)]
    pub(crate) fn take_answer<H: Host>(&self, _: &H, _: u32) -> bool {
        false
    }
}
