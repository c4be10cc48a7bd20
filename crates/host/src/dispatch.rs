//! The state of a VM: which plugin serves which stream.
//!
//! One VM serves several plugins (Envoy shares it between filters with the same module and
//! environment), each with a root context of its own. A stream's root is told by one callback only, when
//! its context is created; no property and no buffer names it later (a plugin's name need not be unique).
//! So that callback stays, although it costs a request 1.6k instructions. Most VMs have one plugin: then
//! there is nothing to remember.
//!
//! There is no callback for the end of a stream, which would cost as much. What is kept for a stream goes
//! when its headers come, and is bounded for those that never come, see [`MOST_PENDING`]. A root's end is
//! noticed when the next configuration comes, or while there are several.

use crate::Host;
use hashbrown::HashMap;
use std::cell::{Cell, RefCell};
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::cold_path;
use std::rc::Rc;
use weir_core::{Effects, Problems, Scratch};

/// How many responses a VM keeps something for. Streams that end before their response leave their
/// entry behind, so at this number the older half is forgotten: those responses then miss the headers
/// that we would have added. Each time, `weir_responses_forgotten_total` counts how many.
pub const MOST_PENDING: usize = 1 << 16;

/// While there are several plugins, after each so many streams those are dropped whose roots are gone.
const STREAMS_BETWEEN_LOOKS: u32 = 256;

/// What a plugin does with its configuration and its streams.
pub trait Plugin<H: Host>: Sized {
    /// Builds the plugin from its configuration.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    fn configure(host: &H, configuration: &[u8]) -> Result<Self, Problems>;
    /// Serves the request headers of a stream. What it returns is handed back when the response
    /// headers come; most requests need nothing then, and cost nothing.
    fn on_request_headers(&self, host: &H, workspace: &mut Workspace) -> Option<ResponsePlan>;
    /// Serves the response headers of a stream for which something was left to do.
    fn on_response_headers(&self, host: &H, plan: ResponsePlan);
    /// No stream comes any more: tells the host what it does not know yet.
    fn retire(&self, host: &H);
}

/// Memory that requests use one after the other.
#[derive(Debug, Default)]
pub struct Workspace {
    /// What was found in the request.
    pub scratch: Scratch,
    /// What is to be done.
    pub effects: Effects,
}

impl Workspace {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { scratch: Scratch::new(), effects: Effects::new() }
    }
}

/// What is left to do when the response comes.
pub type ResponsePlan = Vec<weir_core::ResponseHeader>;

/// Something for each of some streams, by context.
type Streams<T> = HashMap<u32, T, BuildHasherDefault<ContextHasher>>;

/// Brings the proxy's callbacks to the plugins.
pub struct Dispatcher<P> {
    /// Only read while a stream is served, so that streams may be served inside of each other: some
    /// hostcalls let the proxy call back.
    plugins: RefCell<Plugins<P>>,
    /// The roots of streams that have had no headers yet; only while there are several plugins.
    roots: RefCell<Streams<u32>>,
    /// What is left to do for streams, and who does it.
    pending: RefCell<Streams<(Rc<P>, ResponsePlan)>>,
    workspace: RefCell<Workspace>,
}

struct Plugins<P> {
    /// The plugins by their roots, the oldest first; few.
    all: Vec<(u32, Rc<P>)>,
    /// Streams until it is looked whose roots are gone.
    until_look: Cell<u32>,
}

impl<P> Default for Dispatcher<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Dispatcher<P> {
    /// A VM without plugins.
    pub const fn new() -> Self {
        let plugins = Plugins { all: Vec::new(), until_look: Cell::new(0) };
        Self {
            plugins: RefCell::new(plugins),
            roots: RefCell::new(HashMap::with_hasher(BuildHasherDefault::new())),
            pending: RefCell::new(HashMap::with_hasher(BuildHasherDefault::new())),
            workspace: RefCell::new(Workspace::new()),
        }
    }

    /// Configures the plugin of a root context; false refuses the configuration.
    ///
    /// On success the plugin replaces the one that the root had. On failure that one stays, and
    /// every problem is in the log. Plugins whose root is gone are dropped.
    pub fn on_configure<H>(&self, host: &H, root: u32, configuration: &[u8]) -> bool
    where
        P: Plugin<H>,
        H: Host,
    {
        let made = P::configure(host, configuration);
        match (made, self.plugins.try_borrow_mut()) {
            (Ok(plugin), Ok(mut plugins)) => {
                plugins.keep_only(|known| known != root && host.is_alive(known), host);
                plugins.all.push((root, Rc::new(plugin)));
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

    /// A stream's request headers came.
    #[inline]
    pub fn on_request_headers<H: Host>(&self, host: &H, stream: u32)
    where
        P: Plugin<H>,
    {
        if self.plugins.try_borrow().is_ok_and(|plugins| plugins.want_a_look()) {
            self.look(host);
        }
        let Ok(plugins) = self.plugins.try_borrow() else { return };
        let plugin = match plugins.all.as_slice() {
            [(_, only)] => only,
            several => match self.plugin_of(stream, several) {
                Some(plugin) => plugin,
                None => return,
            },
        };
        let left = match self.workspace.try_borrow_mut() {
            Ok(mut workspace) => plugin.on_request_headers(host, &mut workspace),
            Err(_) => on_request_headers_inside(&**plugin, host),
        };
        if let Some(left) = left {
            self.keep(host, stream, Rc::clone(plugin), left);
        }
    }

    /// The plugin of a stream, among several.
    #[cold]
    fn plugin_of<'p>(&self, stream: u32, plugins: &'p [(u32, Rc<P>)]) -> Option<&'p Rc<P>> {
        let root = self.roots.try_borrow_mut().ok().and_then(|mut roots| roots.remove(&stream));
        let found = match root {
            Some(root) => plugins.iter().find(|(known, _)| *known == root),
            // Created when there was one plugin only.
            None => plugins.first(),
        };
        found.map(|(_, plugin)| plugin)
    }

    #[cold]
    fn look<H: Host>(&self, host: &H)
    where
        P: Plugin<H>,
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

    /// Keeps what is left for a response.
    #[cold]
    fn keep<H: Host>(&self, host: &H, stream: u32, plugin: Rc<P>, left: ResponsePlan) {
        let Ok(mut pending) = self.pending.try_borrow_mut() else { return };
        let forgotten =
            if pending.len() >= MOST_PENDING { forget_older_half(&mut pending, stream) } else { 0 };
        pending.insert(stream, (plugin, left));
        if forgotten > 0
            && let Some(counter) = host.define_counter("weir_responses_forgotten_total")
        {
            host.increment(counter, forgotten);
        }
    }

    /// A stream's response headers came.
    #[inline]
    pub fn on_response_headers<H: Host>(&self, host: &H, stream: u32)
    where
        P: Plugin<H>,
    {
        // Nearly always empty: do not hash for nothing.
        if self.pending() == 0 {
            return;
        }
        cold_path();
        let found = self.pending.try_borrow_mut().ok().and_then(|mut pending| pending.remove(&stream));
        if let Some((plugin, left)) = found {
            plugin.on_response_headers(host, left);
        }
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
fn on_request_headers_inside<H: Host, P: Plugin<H>>(plugin: &P, host: &H) -> Option<ResponsePlan> {
    plugin.on_request_headers(host, &mut Workspace::new())
}

impl<P> Plugins<P> {
    /// Whether it is time to look whose roots are gone: now and then, while there are several.
    #[inline]
    fn want_a_look(&self) -> bool {
        if self.all.len() < 2 {
            return false;
        }
        cold_path();
        let left = self.until_look.get().checked_sub(1);
        self.until_look.set(left.unwrap_or(STREAMS_BETWEEN_LOOKS));
        left.is_none()
    }

    /// Drops the plugins of other roots.
    fn keep_only<H: Host>(&mut self, keeps: impl Fn(u32) -> bool, host: &H)
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

/// Forgets the streams that are older than half of the oldest one's age, counted in contexts: a proxy
/// numbers them one after the other, and from the start again after 2^32. Returns how many there were.
fn forget_older_half<T>(streams: &mut Streams<T>, newest: u32) -> i64 {
    let before = streams.len();
    let oldest = streams.keys().map(|id| newest.wrapping_sub(*id)).max().unwrap_or_default();
    streams.retain(|id, _| newest.wrapping_sub(*id) <= oldest / 2);
    i64::try_from(before - streams.len()).unwrap_or(i64::MAX)
}

/// Spreads the numbers of contexts. They come from the proxy, one after the other, so nobody can choose
/// them to collide. (Fibonacci hashing: Knuth, The Art of Computer Programming, volume 3, section 6.4.)
#[derive(Default)]
struct ContextHasher(u64);

impl Hasher for ContextHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, id: u32) {
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
