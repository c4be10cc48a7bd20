//! The state of a VM: which plugin serves which stream.
//!
//! One VM serves several plugins (Envoy shares it between filters with the same module and environment), each
//! with its own root context. Only one callback reports a stream's root, when the stream's context is
//! created; no property or buffer contains it later (plugin names need not be unique). That callback is
//! therefore exported, although it costs 1.6k instructions per request. Most VMs have one plugin, and store
//! nothing per stream.
//!
//! Most modules have no callback for the end of a stream, which would cost as much. State of a stream is
//! dropped at its response, and is bounded for responses that never arrive, see [`MAX_PENDING`]. The end of
//! a root is noticed at the next configuration, or while there are several.
//!
//! No hostcall that lets the proxy call back is made while anything is borrowed mutably.

use crate::plugin::{Body, Plugin, Refusal, Served, Workspace};
use crate::streams::{self, Streams, forget_older_half};
use crate::timers::{Then, Timers, Waiting};
use crate::{Disposition, Host, MetricKind};
use plugins::Plugins;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;

/// How many responses a VM keeps something for. Streams that end before their response leave their
/// entry behind, so at this number the older half is forgotten: those responses then miss the headers
/// that a plugin would have added. Each time, the counter `NAME_responses_forgotten_total` says how many.
pub const MAX_PENDING: usize = 1 << 16;

/// Brings the proxy's callbacks to the plugins.
///
/// ```
/// use weir_host::{Call, Delay, Disposition, Dispatcher, FakeHost, Flow, Host, Plugin, Refusal, Served};
///
/// /// Delays every request by 20 ms.
/// struct Slow;
///
/// impl<H: Host> Plugin<H> for Slow {
///     const NAME: &'static str = "slow";
///     type Kept = ();
///     type Workspace = ();
///
///     fn configure(_: &H, _: &[u8]) -> Result<Self, Refusal> {
///         Ok(Self)
///     }
///     fn on_request_headers(&self, _: &H, (): &mut (), _: u64) -> Served<()> {
///         Disposition::Delay(Box::new(Delay { nanoseconds: 20_000_000, mark: 0, then: None })).into()
///     }
/// }
///
/// let (proxy, module) = (FakeHost::default(), Dispatcher::<Slow, FakeHost>::new());
/// let (root, stream) = (1, 2);
/// assert!(module.on_configure(&proxy, root, b""));
/// assert_eq!(module.on_request_headers(&proxy, stream), Flow::Stop);
/// assert_eq!((module.waiting(), proxy.timer.get()), (1, 20));
///
/// proxy.steady.set(20_000_000);
/// module.on_timer(&proxy, root);
/// assert!(proxy.take_calls().contains(&Call::ResumeRequest));
/// assert_eq!((module.waiting(), proxy.timer.get()), (0, 0), "the timer is stopped");
/// ```
pub struct Dispatcher<P: Plugin<H>, H: Host> {
    /// Only read while a stream is served, so that streams may be served inside of each other: some
    /// hostcalls let the proxy call back.
    plugins: RefCell<Plugins<P>>,
    /// The roots of streams that have had no headers yet; only while there are several plugins.
    roots: RefCell<Streams<u32>>,
    /// What is kept of streams, and by whom.
    pending: RefCell<Streams<(Rc<P>, P::Kept)>>,
    /// What waits for its time.
    timers: Timers<P>,
    workspace: RefCell<P::Workspace>,
    host: PhantomData<fn(&H)>,
}

/// What the proxy is to do with a stream. The numbers are those of Envoy's `FilterHeadersStatus` and
/// `FilterDataStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Flow {
    /// It goes on.
    Continue = 0,
    /// Headers: they and all that follows are held. Body: it is held and gathered.
    Stop = 1,
    /// Body: it is held, and its sender is slowed down once much of it is here.
    StopAndSlowDown = 2,
}

impl<P: Plugin<H>, H: Host> Default for Dispatcher<P, H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Plugin<H>, H: Host> Dispatcher<P, H> {
    /// A VM without plugins.
    pub const fn new() -> Self {
        let plugins = Plugins { all: Vec::new(), until_look: Cell::new(0) };
        Self {
            plugins: RefCell::new(plugins),
            roots: RefCell::new(streams::none()),
            pending: RefCell::new(streams::none()),
            timers: Timers::new(),
            workspace: RefCell::new(P::Workspace::EMPTY),
            host: PhantomData,
        }
    }

    /// Configures the plugin of a root context; false refuses the configuration.
    ///
    /// On success the plugin replaces the one that the root had. On failure that one stays, and
    /// every problem is in the log. Plugins whose root is gone are dropped.
    pub fn on_configure(&self, host: &H, root: u32, configuration: &[u8]) -> bool {
        let made = P::configure(host, configuration).and_then(|plugin| {
            match Refusal::of_trimmed(plugin.callbacks(), host) {
                None => Ok(Rc::new(plugin)),
                Some(refusal) => Err(refusal),
            }
        });
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
                host.log(
                    log::Level::Error,
                    &format!("{}: a configuration came while a request was served", P::NAME),
                );
                false
            }
            (Err(refusal), _) => {
                host.log(log::Level::Error, &format!("{}: the configuration is refused, {refusal}", P::NAME));
                false
            }
        }
    }

    /// A stream was created for a root.
    ///
    /// ```
    /// use weir_host::{Disposition, Dispatcher, Edit, FakeHost, HeaderMap, Headers as _, Host, Plugin, Refusal, Served};
    ///
    /// /// Marks requests with its configuration.
    /// struct Mark(Vec<u8>);
    ///
    /// impl<H: Host> Plugin<H> for Mark {
    ///     const NAME: &'static str = "mark";
    ///     type Kept = ();
    ///     type Workspace = ();
    ///
    ///     fn configure(_: &H, configuration: &[u8]) -> Result<Self, Refusal> {
    ///         Ok(Self(configuration.to_vec()))
    ///     }
    ///     fn on_request_headers(&self, host: &H, (): &mut (), _: u64) -> Served<()> {
    ///         host.edit(HeaderMap::Request, b"x-mark", Edit::Replace(&self.0));
    ///         Disposition::On.into()
    ///     }
    /// }
    ///
    /// // Two listeners have the module, with configurations of their own; Envoy runs both in one VM.
    /// let (proxy, module) = (FakeHost::default(), Dispatcher::<Mark, FakeHost>::new());
    /// assert!(module.on_configure(&proxy, 1, b"inbound") && module.on_configure(&proxy, 2, b"outbound"));
    /// module.on_stream_create(3, 1);
    /// module.on_request_headers(&proxy, 3);
    /// assert_eq!(proxy.header(HeaderMap::Request, b"x-mark").as_deref(), Some(&b"inbound"[..]));
    /// ```
    #[inline]
    pub fn on_stream_create(&self, stream: u32, root: u32) {
        if self.plugins.try_borrow().is_ok_and(|plugins| plugins.all.len() > 1) {
            self.remember_root(stream, root);
        }
    }

    #[cold]
    fn remember_root(&self, stream: u32, root: u32) {
        if let Ok(mut roots) = self.roots.try_borrow_mut() {
            if roots.len() >= MAX_PENDING {
                forget_older_half(&mut roots, stream);
            }
            roots.insert(stream, root);
        }
    }

    /// A stream's request headers came.
    #[inline]
    pub fn on_request_headers(&self, host: &H, stream: u32) -> Flow {
        if self.plugins.try_borrow().is_ok_and(|plugins| plugins.want_a_look()) {
            self.look(host);
        }
        let Ok(plugins) = self.plugins.try_borrow() else { return Flow::Continue };
        let (root, plugin) = match plugins.all.as_slice() {
            [only] => only,
            several => match self.plugin_of(stream, several) {
                Some(found) => found,
                None => return Flow::Continue,
            },
        };
        let Served { kept, disposition } = match self.workspace.try_borrow_mut() {
            Ok(mut workspace) => plugin.on_request_headers(host, &mut workspace, 0),
            Err(_) => on_request_headers_inside(&**plugin, host, 0),
        };
        if let Some(kept) = kept {
            self.keep(host, stream, Rc::clone(plugin), kept);
        }
        if !P::MAY_HOLD || matches!(disposition, Disposition::On) {
            return Flow::Continue;
        }
        let (root, plugin) = (*root, Rc::clone(plugin));
        drop(plugins);
        self.carry_out(host, (root, stream), plugin, disposition, None);
        Flow::Stop
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
    fn look(&self, host: &H) {
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
    fn keep(&self, host: &H, stream: u32, plugin: Rc<P>, kept: P::Kept) {
        let Ok(mut pending) = self.pending.try_borrow_mut() else { return };
        let forgotten =
            if pending.len() >= MAX_PENDING { forget_older_half(&mut pending, stream) } else { 0 };
        pending.insert(stream, (plugin, kept));
        drop(pending);
        if forgotten > 0 {
            count_forgotten::<P, H>(host, forgotten);
        }
    }

    /// The state of a stream, if any.
    #[inline]
    fn take_kept(&self, stream: u32) -> Option<(Rc<P>, P::Kept)> {
        // Nearly always empty in most plugins: do not hash for nothing.
        if self.pending() == 0 {
            return None;
        }
        self.pending.try_borrow_mut().ok()?.remove(&stream)
    }

    /// Whether what is kept of a stream, if anything, has to do with what came.
    #[inline]
    fn wants(&self, stream: u32, wants: impl FnOnce(&P::Kept) -> bool) -> bool {
        self.pending() > 0
            && self
                .pending
                .try_borrow()
                .is_ok_and(|all| all.get(&stream).is_some_and(|(_, kept)| wants(kept)))
    }

    /// Looks at what is kept of a stream.
    fn kept_mut<T>(&self, stream: u32, look: impl FnOnce(&mut P::Kept) -> T) -> Option<T> {
        let mut pending = self.pending.try_borrow_mut().ok()?;
        pending.get_mut(&stream).map(|(_, kept)| look(kept))
    }

    /// Handles a stream's request trailers. Its plugin is no longer known; owned names are removed for all
    /// plugins.
    #[cold]
    pub fn on_request_trailers(&self, host: &H) {
        let Ok(plugins) = self.plugins.try_borrow() else { return };
        for (_, plugin) in &plugins.all {
            plugin.on_request_trailers(host);
        }
    }

    /// A stream's response headers came; `ends` says that no body follows.
    #[inline]
    pub fn on_response_headers(&self, host: &H, stream: u32, ends: bool) {
        if P::KEEPS_UNTIL_END && !self.wants(stream, P::wants_response) {
            return;
        }
        if let Some((plugin, kept)) = self.take_kept(stream)
            && let Some(kept) = plugin.on_response_headers(host, kept, ends)
        {
            self.keep(host, stream, plugin, kept);
        }
    }

    /// A part of a stream's response body came.
    #[inline]
    pub fn on_response_body(&self, host: &H, stream: u32, size: usize, ends: bool) -> Flow {
        if !self.wants(stream, P::wants_body) {
            return Flow::Continue;
        }
        let Some((plugin, kept)) = self.take_kept(stream) else { return Flow::Continue };
        self.pass_body(host, stream, (plugin, kept), (size, ends))
    }

    #[cold]
    fn pass_body(
        &self,
        host: &H,
        stream: u32,
        (plugin, mut kept): (Rc<P>, P::Kept),
        (size, ends): (usize, bool),
    ) -> Flow {
        let body = plugin.on_response_body(host, &mut kept, size, ends);
        self.keep(host, stream, Rc::clone(&plugin), kept);
        match body {
            Body::GoesOn => Flow::Continue,
            Body::Gathers => Flow::Stop,
            Body::WaitsToo => Flow::StopAndSlowDown,
            Body::Waits(nanoseconds) => {
                let due = host.steady_now().saturating_add(nanoseconds);
                let root = self.root_of(&plugin);
                self.timers.add(host, root, Waiting { due, stream, plugin, then: Then::ResumeResponse });
                Flow::StopAndSlowDown
            }
        }
    }

    /// A stream's response trailers came.
    pub fn on_response_trailers(&self, host: &H, stream: u32) -> Flow {
        let Ok(pending) = self.pending.try_borrow() else { return Flow::Continue };
        let Some((plugin, kept)) = pending.get(&stream) else { return Flow::Continue };
        plugin.on_response_trailers(host, kept);
        if P::is_waiting(kept) { Flow::Stop } else { Flow::Continue }
    }

    /// A stream ended, in whatever way.
    #[inline]
    pub fn on_end(&self, host: &H, stream: u32) {
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
    let mut workspace = P::Workspace::EMPTY;
    plugin.on_request_headers(host, &mut workspace, held_for)
}

#[cold]
fn count_forgotten<P: Plugin<H>, H: Host>(host: &H, forgotten: i64) {
    let name = format!("{}_responses_forgotten_total", P::NAME);
    if let Some(counter) = host.define_metric(MetricKind::Counter, &name) {
        host.increment(counter, forgotten);
    }
}

mod plugins;
#[cfg(test)]
mod tests;
mod waiting;
#[cfg(test)]
mod waiting_tests;
