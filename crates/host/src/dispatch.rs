//! The state of a VM: which plugin serves which stream.
//!
//! One VM serves several plugins (Envoy shares it between filters with the same module and environment), each
//! with its own root context. Only one callback reports a stream's root, when the stream's context is
//! created; no property or buffer contains it later (plugin names need not be unique). That callback is
//! therefore exported, although it costs 1.6k instructions per request. Most VMs have one plugin, and store
//! nothing per stream.
//!
//! Most modules have no callback for the end of a stream, which would cost as much. State of a stream is
//! dropped at its response, and is bounded for responses that never arrive, see [`MOST_PENDING`]. The end of
//! a root is noticed at the next configuration, or while there are several.
//!
//! No hostcall that lets the proxy call back is made while anything is borrowed mutably.

use crate::plugin::{Body, Plugin, Served, Workspace};
use crate::streams::{self, Streams, forget_older_half};
use crate::timers::{Then, Timers, Waiting};
use crate::{Host, MetricKind};
use plugins::Plugins;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use weir_core::Way;

/// How many responses a VM keeps something for. Streams that end before their response leave their
/// entry behind, so at this number the older half is forgotten: those responses then miss the headers
/// that we would have added. Each time, `weir_responses_forgotten_total` counts how many.
pub const MOST_PENDING: usize = 1 << 16;

/// Brings the proxy's callbacks to the plugins.
pub struct Dispatcher<P, K> {
    /// Only read while a stream is served, so that streams may be served inside each other: some hostcalls
    /// let the proxy call back.
    plugins: RefCell<Plugins<P>>,
    /// The roots of streams that have had no headers yet; only while there are several plugins.
    roots: RefCell<Streams<u32>>,
    /// The state of streams, by plugin.
    pending: RefCell<Streams<(Rc<P>, K)>>,
    /// What waits for its time.
    timers: Timers<P>,
    workspace: RefCell<Workspace>,
}

/// The proxy's next action for a stream: the numbers of its `FilterHeadersStatus` and `FilterDataStatus`.
pub mod action {
    /// It goes on.
    pub const CONTINUE: u32 = 0;
    /// Headers: they and all that follows are held. Body: it is held and gathered.
    pub const STOP: u32 = 1;
    /// Body: it is held, and its sender is slowed down once much of it is here.
    pub const STOP_AND_SLOW_DOWN: u32 = 2;
}

impl<P, K> Default for Dispatcher<P, K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P, K> Dispatcher<P, K> {
    /// A VM without plugins.
    pub const fn new() -> Self {
        let plugins = Plugins { all: Vec::new(), until_look: Cell::new(0) };
        Self {
            plugins: RefCell::new(plugins),
            roots: RefCell::new(streams::none()),
            pending: RefCell::new(streams::none()),
            timers: Timers::new(),
            workspace: RefCell::new(Workspace::new()),
        }
    }

    /// Configures the plugin of a root context; false refuses the configuration.
    ///
    /// On success the plugin replaces the one that the root had. On failure that one stays, and
    /// every problem is in the log. Plugins whose root is gone are dropped.
    pub fn on_configure<H>(&self, host: &H, root: u32, configuration: &[u8]) -> bool
    where
        P: Plugin<H, Kept = K>,
        H: Host,
    {
        let made = P::configure(host, configuration).map(Rc::new);
        match (made, self.plugins.try_borrow_mut()) {
            (Ok(plugin), Ok(mut plugins)) => {
                plugins.keep_only(|known| known != root && host.is_alive(known), host);
                plugins.all.push((root, Rc::clone(&plugin)));
                drop(plugins);
                self.timers.keep_only(|known| host.is_alive(known));
                if P::MAY_HOLD {
                    self.wake(host, root, &plugin);
                }
                true
            }
            (Ok(_), Err(_)) => {
                host.log(log::Level::Error, "weir: a configuration came while a request was served");
                false
            }
            (Err(problems), _) => {
                let count = problems.len();
                host.log(
                    log::Level::Error,
                    &format!("weir: the configuration is refused, {count} problem(s):\n{problems}"),
                );
                false
            }
        }
    }

    /// A stream was created for a root.
    #[inline]
    pub fn on_stream_create(&self, stream: u32, root: u32) {
        if self.plugins.try_borrow().is_ok_and(|plugins| plugins.all.len() > 1) {
            self.remember_root(stream, root);
        }
    }

    #[cold]
    fn remember_root(&self, stream: u32, root: u32) {
        if let Ok(mut roots) = self.roots.try_borrow_mut() {
            if roots.len() >= MOST_PENDING {
                forget_older_half(&mut roots, stream);
            }
            roots.insert(stream, root);
        }
    }

    /// A stream's request headers came. Returns the [`action`].
    #[inline]
    pub fn on_request_headers<H: Host>(&self, host: &H, stream: u32) -> u32
    where
        P: Plugin<H, Kept = K>,
    {
        if self.plugins.try_borrow().is_ok_and(|plugins| plugins.want_a_look()) {
            self.look(host);
        }
        let Ok(plugins) = self.plugins.try_borrow() else { return action::CONTINUE };
        let (root, plugin) = match plugins.all.as_slice() {
            [only] => only,
            several => match self.plugin_of(stream, several) {
                Some(found) => found,
                None => return action::CONTINUE,
            },
        };
        let Served { kept, way } = match self.workspace.try_borrow_mut() {
            Ok(mut workspace) => plugin.on_request_headers(host, &mut workspace),
            Err(_) => on_request_headers_inside(&**plugin, host, 0),
        };
        if let Some(kept) = kept {
            self.keep(host, stream, Rc::clone(plugin), kept);
        }
        if !P::MAY_HOLD || matches!(way, Way::On) {
            return action::CONTINUE;
        }
        let (root, plugin) = (*root, Rc::clone(plugin));
        drop(plugins);
        self.take_way(host, (root, stream), plugin, way, None);
        action::STOP
    }

    /// The plugin of a stream, among several.
    #[cold]
    fn plugin_of<'p>(&self, stream: u32, plugins: &'p [(u32, Rc<P>)]) -> Option<&'p (u32, Rc<P>)> {
        let root = self.roots.try_borrow_mut().ok().and_then(|mut roots| roots.remove(&stream));
        match root {
            Some(root) => plugins.iter().find(|(known, _)| *known == root),
            // Created when there was one plugin only.
            None => plugins.first(),
        }
    }

    #[cold]
    fn look<H: Host>(&self, host: &H)
    where
        P: Plugin<H, Kept = K>,
    {
        let (Ok(mut plugins), Ok(mut roots)) = (self.plugins.try_borrow_mut(), self.roots.try_borrow_mut())
        else {
            return;
        };
        plugins.keep_only(|root| host.is_alive(root), host);
        if plugins.all.len() < 2 {
            roots.clear();
        }
    }

    /// Keeps something of a stream.
    #[inline]
    fn keep<H: Host>(&self, host: &H, stream: u32, plugin: Rc<P>, kept: K) {
        let Ok(mut pending) = self.pending.try_borrow_mut() else { return };
        let forgotten =
            if pending.len() >= MOST_PENDING { forget_older_half(&mut pending, stream) } else { 0 };
        pending.insert(stream, (plugin, kept));
        drop(pending);
        if forgotten > 0 {
            count_forgotten(host, forgotten);
        }
    }

    /// The state of a stream, if any.
    #[inline]
    fn take_kept(&self, stream: u32) -> Option<(Rc<P>, K)> {
        // Nearly always empty in most plugins: do not hash for nothing.
        if self.pending() == 0 {
            return None;
        }
        self.pending.try_borrow_mut().ok()?.remove(&stream)
    }

    /// Inspects the state of a stream.
    fn kept_mut<T>(&self, stream: u32, look: impl FnOnce(&mut K) -> T) -> Option<T> {
        let mut pending = self.pending.try_borrow_mut().ok()?;
        pending.get_mut(&stream).map(|(_, kept)| look(kept))
    }

    /// Handles a stream's request trailers. Its plugin is no longer known; owned names are removed for all
    /// plugins.
    #[cold]
    pub fn on_request_trailers<H: Host>(&self, host: &H)
    where
        P: Plugin<H, Kept = K>,
    {
        let Ok(plugins) = self.plugins.try_borrow() else { return };
        for (_, plugin) in &plugins.all {
            plugin.on_request_trailers(host);
        }
    }

    /// A stream's response headers came; `ends` says that no body follows.
    #[inline]
    pub fn on_response_headers<H: Host>(&self, host: &H, stream: u32, ends: bool)
    where
        P: Plugin<H, Kept = K>,
    {
        if let Some((plugin, kept)) = self.take_kept(stream)
            && let Some(kept) = plugin.on_response_headers(host, kept, ends)
        {
            self.keep(host, stream, plugin, kept);
        }
    }

    /// A part of a stream's response body came. Returns the [`action`].
    #[inline]
    pub fn on_response_body<H: Host>(&self, host: &H, stream: u32, size: usize, ends: bool) -> u32
    where
        P: Plugin<H, Kept = K>,
    {
        let wanted = self.pending() > 0
            && self.pending.try_borrow().is_ok_and(|all| {
                all.get(&stream).is_some_and(|(_, kept)| <P as Plugin<H>>::wants_body(kept))
            });
        if !wanted {
            return action::CONTINUE;
        }
        let Some((plugin, kept)) = self.take_kept(stream) else { return action::CONTINUE };
        self.pass_body(host, stream, (plugin, kept), (size, ends))
    }

    #[cold]
    fn pass_body<H: Host>(
        &self,
        host: &H,
        stream: u32,
        (plugin, mut kept): (Rc<P>, K),
        (size, ends): (usize, bool),
    ) -> u32
    where
        P: Plugin<H, Kept = K>,
    {
        let body = plugin.on_response_body(host, &mut kept, size, ends);
        self.keep(host, stream, Rc::clone(&plugin), kept);
        match body {
            Body::GoesOn => action::CONTINUE,
            Body::Gathers => action::STOP,
            Body::WaitsToo => action::STOP_AND_SLOW_DOWN,
            Body::Waits(nanoseconds) => {
                let due = host.steady_now().saturating_add(nanoseconds);
                let root = self.root_of(&plugin);
                self.timers.add(host, root, Waiting { due, stream, plugin, then: Then::RespondOn });
                action::STOP_AND_SLOW_DOWN
            }
        }
    }

    /// A stream's response trailers came. Returns the [`action`].
    pub fn on_response_trailers<H: Host>(&self, _: &H, stream: u32) -> u32
    where
        P: Plugin<H, Kept = K>,
    {
        let waits = self
            .pending
            .try_borrow()
            .is_ok_and(|all| all.get(&stream).is_some_and(|(_, kept)| <P as Plugin<H>>::is_waiting(kept)));
        if waits { action::STOP } else { action::CONTINUE }
    }

    /// A stream ended, in whatever way.
    #[inline]
    pub fn on_end<H: Host>(&self, host: &H, stream: u32)
    where
        P: Plugin<H, Kept = K>,
    {
        if let Some((plugin, kept)) = self.take_kept(stream) {
            plugin.on_end(host, kept);
        }
    }

    fn plugin_at(&self, root: u32) -> Option<Rc<P>> {
        let plugins = self.plugins.try_borrow().ok()?;
        plugins.all.iter().find(|(known, _)| *known == root).map(|(_, plugin)| Rc::clone(plugin))
    }

    /// The root of a plugin; of one that was replaced, any: only the timer's name depends on it.
    fn root_of(&self, plugin: &Rc<P>) -> u32 {
        let Ok(plugins) = self.plugins.try_borrow() else { return 0 };
        let found = plugins.all.iter().find(|(_, known)| Rc::ptr_eq(known, plugin));
        found.map_or(0, |(root, _)| *root)
    }

    /// How many streams wait for their time.
    pub fn waiting(&self) -> usize {
        self.timers.len()
    }

    /// How many streams have something left to do.
    #[inline]
    pub fn pending(&self) -> usize {
        self.pending.try_borrow().map_or(0, |pending| pending.len())
    }

    /// How many streams' roots are remembered.
    pub fn remembered(&self) -> usize {
        self.roots.try_borrow().map_or(0, |roots| roots.len())
    }
}

/// A stream that is served while another is: it has memory of its own.
#[cold]
fn on_request_headers_inside<H: Host, P: Plugin<H>>(plugin: &P, host: &H, held_for: u64) -> Served<P::Kept> {
    plugin.on_request_headers(host, &mut Workspace { held_for, ..Workspace::new() })
}

#[cold]
fn count_forgotten<H: Host>(host: &H, forgotten: i64) {
    if let Some(counter) = host.define_metric(MetricKind::Counter, "weir_responses_forgotten_total") {
        host.increment(counter, forgotten);
    }
}

mod plugins;
#[cfg(test)]
mod tests;
mod waiting;
#[cfg(test)]
mod waiting_tests;
