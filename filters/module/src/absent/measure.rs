//! Nothing is measured: the filter metrics is not in this build.

/// The proxy, as the filter metrics would see it.
#[allow(dead_code, reason = "nothing asks it")]
pub(crate) struct Meter<'h, H>(pub(crate) &'h H);
