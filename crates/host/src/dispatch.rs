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
use std::cell::RefCell;
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

/// What is left to do when the response comes.
pub type ResponsePlan = Vec<weir_core::ResponseHeader>;

/// Brings the proxy's callbacks to the plugins.
pub struct Dispatcher<P>(RefCell<State<P>>);

struct State<P> {
    /// The plugins by their roots; few.
    plugins: Vec<Configured<P>>,
    /// What tells them apart.
    mark: Mark,
    /// Streams for which the plugins were told apart.
    told_apart: u32,
    /// Streams with something left to do, by context.
    pending: HashMap<u32, (Rc<P>, ResponsePlan), BuildHasherDefault<ContextHasher>>,
    /// Taken out while a request is served.
    workspace: Option<Box<Workspace>>,
}

impl<P> Default for Dispatcher<P> {
    fn default() -> Self {
        Self::new()
    }
}

// No borrow is held while a plugin runs: some hostcalls call back into the VM.
impl<P> Dispatcher<P> {
    /// A VM without plugins.
    pub const fn new() -> Self {
        Self(RefCell::new(State {
            plugins: Vec::new(),
            mark: Mark::NONE,
            told_apart: 0,
            pending: HashMap::with_hasher(BuildHasherDefault::new()),
            workspace: None,
        }))
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
        match P::configure(host, configuration) {
            Ok(plugin) => {
                self.with(|state| {
                    state.plugins.retain(|known| known.root != root && host.is_alive(known.root));
                    let configuration = configuration.into();
                    state.plugins.push(Configured { root, configuration, plugin: Rc::new(plugin) });
                    state.mark = Mark::between(&state.plugins);
                });
                true
            }
            Err(problems) => {
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
        let Some((plugin, mut workspace)) = self.with(|state| state.begin(host)).flatten() else { return };
        let left = plugin.on_request_headers(host, &mut workspace);
        self.with(|state| state.workspace = Some(workspace));
        if let Some(left) = left {
            self.keep(host, stream, plugin, left);
        }
    }

    #[cold]
    fn keep<H: Host>(&self, host: &H, stream: u32, plugin: Rc<P>, left: ResponsePlan) {
        if let Some(forgotten @ 1..) = self.with(|state| state.keep(stream, plugin, left))
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
        if let Some((plugin, left)) = self.with(|state| state.take(stream)).flatten() {
            cold_path();
            plugin.on_response_headers(host, left);
        }
    }

    /// How many streams have something left to do.
    pub fn pending(&self) -> usize {
        self.with(|state| state.pending.len()).unwrap_or_default()
    }

    #[inline]
    fn with<T>(&self, act: impl FnOnce(&mut State<P>) -> T) -> Option<T> {
        self.0.try_borrow_mut().ok().map(|mut state| act(&mut state))
    }
}

impl<P> State<P> {
    #[inline]
    fn begin<H: Host>(&mut self, host: &H) -> Option<(Rc<P>, Box<Workspace>)> {
        let configured = match self.plugins.as_slice() {
            [only] => only,
            _ => self.tell_apart(host)?,
        };
        let plugin = Rc::clone(&configured.plugin);
        Some((plugin, self.workspace.take().unwrap_or_default()))
    }

    /// The plugin of the stream that is being served, among several.
    #[cold]
    fn tell_apart<H: Host>(&mut self, host: &H) -> Option<&Configured<P>> {
        self.told_apart = self.told_apart.wrapping_add(1);
        if self.told_apart.is_multiple_of(STREAMS_BETWEEN_LOOKS) {
            self.plugins.retain(|known| host.is_alive(known.root));
            self.mark = Mark::between(&self.plugins);
        }
        let part = host.configuration_part(self.mark.start, self.mark.length);
        self.plugins.iter().find(|known| *self.mark.of(&known.configuration) == *part)
    }

    /// Keeps what is left for a response; returns how many others were forgotten for it.
    fn keep(&mut self, stream: u32, plugin: Rc<P>, left: ResponsePlan) -> i64 {
        let full = self.pending.len() >= MOST_PENDING;
        let forgotten = if full { self.forget_older_half(stream) } else { 0 };
        self.pending.insert(stream, (plugin, left));
        forgotten
    }

    #[inline]
    fn take(&mut self, stream: u32) -> Option<(Rc<P>, ResponsePlan)> {
        // Nearly always empty: do not hash for nothing.
        if self.pending.is_empty() {
            return None;
        }
        cold_path();
        self.pending.remove(&stream)
    }

    /// Forgets the streams that are older than half of the oldest one's age, counted in contexts: a proxy
    /// numbers them one after the other, and from the start again after 2^32.
    fn forget_older_half(&mut self, newest: u32) -> i64 {
        let before = self.pending.len();
        let oldest = self.pending.keys().map(|id| newest.wrapping_sub(*id)).max().unwrap_or_default();
        self.pending.retain(|id, _| newest.wrapping_sub(*id) <= oldest / 2);
        i64::try_from(before - self.pending.len()).unwrap_or(i64::MAX)
    }
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
