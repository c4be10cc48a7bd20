//! The plugins of a VM.

use crate::Host;
use crate::plugin::Plugin;
use std::cell::Cell;
use std::hint::cold_path;
use std::rc::Rc;

/// While there are several plugins, after each this many streams those are dropped whose roots are gone.
const STREAMS_BETWEEN_LOOKS: u32 = 256;

pub(super) struct Plugins<P> {
    /// The plugins by their roots, the oldest first; few.
    pub(super) all: Vec<(u32, Rc<P>)>,
    /// Streams until it is looked whose roots are gone.
    pub(super) until_look: Cell<u32>,
}

impl<P> Plugins<P> {
    /// Whether it is time to look whose roots are gone: now and then, while there are several.
    #[inline]
    pub(super) fn want_a_look(&self) -> bool {
        if self.all.len() < 2 {
            return false;
        }
        cold_path();
        let left = self.until_look.get().checked_sub(1);
        self.until_look.set(left.unwrap_or(STREAMS_BETWEEN_LOOKS));
        left.is_none()
    }

    /// Drops the plugins of other roots.
    pub(super) fn keep_only<H: Host>(&mut self, keeps: impl Fn(u32) -> bool, host: &H)
    where
        P: Plugin<H>,
    {
        self.all.retain(|(root, plugin)| {
            let kept = keeps(*root);
            if !kept {
                plugin.retire(host);
            }
            kept
        });
    }
}
