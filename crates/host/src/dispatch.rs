//! The state of a VM: which plugin serves which stream.
//!
//! One VM serves several plugins (Envoy shares it between filters with the same module and
//! environment), each with a root context of its own. Two callbacks that a module usually has are not
//! there, because each would cost a request as much as a whole rule (1.6k instructions):
//!
//! - The creation of a context, which alone names a stream's root. Most VMs have one plugin, and nothing
//!   to choose from. Where there are several, the host is asked for a few bytes of the stream's
//!   configuration, in which they differ, see [`Mark`].
//! - The end of a stream. What is kept for a response goes when the response comes, and is bounded for
//!   those that never come, see [`MOST_PENDING`]. A root's end is noticed when the next configuration
//!   comes, or while there are several.

use crate::{Configured, Host, Mark};
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

/// While there are several plugins, each so many streams those are dropped whose roots are gone.
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

/// What is left to do for a stream, and who does it.
type Pending<P> = HashMap<u32, (Rc<P>, ResponsePlan), BuildHasherDefault<ContextHasher>>;

/// Brings the proxy's callbacks to the plugins.
pub struct Dispatcher<P> {
    /// Only read while a stream is served, so that streams may be served inside of each other: some
    /// hostcalls let the proxy call back.
    plugins: RefCell<Plugins<P>>,
    /// Streams with something left to do, by context.
    pending: RefCell<Pending<P>>,
    workspace: RefCell<Workspace>,
}

struct Plugins<P> {
    /// The plugins with their roots; few.
    all: Vec<Configured<P>>,
    /// What tells them apart.
    mark: Mark,
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
        let plugins = Plugins { all: Vec::new(), mark: Mark::NONE, until_look: Cell::new(0) };
        Self {
            plugins: RefCell::new(plugins),
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
                plugins.all.retain(|known| known.root != root);
                let configuration = configuration.into();
                plugins.all.push(Configured { root, configuration, plugin: Rc::new(plugin) });
                plugins.forget_the_gone(host);
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
        let Some(plugin) = plugins.of_this_stream(host) else { return };
        let left = match self.workspace.try_borrow_mut() {
            Ok(mut workspace) => plugin.on_request_headers(host, &mut workspace),
            Err(_) => on_request_headers_inside(&**plugin, host),
        };
        if let Some(left) = left {
            self.keep(host, stream, Rc::clone(plugin), left);
        }
    }

    #[cold]
    fn look<H: Host>(&self, host: &H) {
        if let Ok(mut plugins) = self.plugins.try_borrow_mut() {
            plugins.forget_the_gone(host);
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
}

/// A stream that is served while another is: it has memory of its own.
#[cold]
fn on_request_headers_inside<H: Host, P: Plugin<H>>(plugin: &P, host: &H) -> Option<ResponsePlan> {
    plugin.on_request_headers(host, &mut Workspace::new())
}

impl<P> Plugins<P> {
    /// The plugin of the stream that is being served.
    #[inline]
    fn of_this_stream<H: Host>(&self, host: &H) -> Option<&Rc<P>> {
        match self.all.as_slice() {
            [only] => Some(&only.plugin),
            _ => self.told_apart(host),
        }
    }

    #[cold]
    fn told_apart<H: Host>(&self, host: &H) -> Option<&Rc<P>> {
        let part = host.configuration_part(self.mark.start, self.mark.length);
        let known = self.all.iter().find(|known| *self.mark.of(&known.configuration) == *part)?;
        Some(&known.plugin)
    }

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

    fn forget_the_gone<H: Host>(&mut self, host: &H) {
        self.all.retain(|known| host.is_alive(known.root));
        self.mark = Mark::between(&self.all);
    }
}

/// Forgets the streams that are older than half of the oldest one's age, counted in contexts: a proxy
/// numbers them one after the other, and from the start again after 2^32. Returns how many there were.
fn forget_older_half<P>(pending: &mut Pending<P>, newest: u32) -> i64 {
    let before = pending.len();
    let oldest = pending.keys().map(|id| newest.wrapping_sub(*id)).max().unwrap_or_default();
    pending.retain(|id, _| newest.wrapping_sub(*id) <= oldest / 2);
    i64::try_from(before - pending.len()).unwrap_or(i64::MAX)
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
