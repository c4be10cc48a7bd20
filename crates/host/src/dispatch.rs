//! The state of a VM: which plugin serves which stream.
//!
//! One VM serves several plugins (Envoy shares it between filters with the same module and
//! environment), each with a root context of its own. A stream's context names its root only when it
//! is created, so that callback cannot be left out; in Envoy it comes right before the first headers,
//! and the pair is remembered without a look-up.
//!
//! There is no callback for the end of a stream: it would cost each request as much as a whole rule
//! (1.6k instructions), only to forget the few that were left unanswered. What is kept for a response
//! goes when the response comes, and is bounded for those that never come, see [`MOST_PENDING`]. A
//! root's end is noticed when the next configuration comes.

use crate::Host;
use hashbrown::HashMap;
use std::cell::RefCell;
use std::rc::Rc;
use weir_core::{Effects, Problems, Scratch};

/// How many responses a VM keeps something for. Streams that end before their response leave their
/// entry behind, so at this number the older half is forgotten: those responses then miss the headers
/// that we would have added. Each time, `weir_responses_forgotten_total` counts how many.
pub const MOST_PENDING: usize = 1 << 16;

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
    /// The plugins by their roots; so few that a search is cheaper than a hash.
    plugins: Vec<(u32, Rc<P>)>,
    /// The stream that was created last, and its root.
    newest: Option<(u32, u32)>,
    /// Streams that were created before it and have had no headers yet. Envoy never leaves one here.
    waiting: HashMap<u32, u32>,
    /// Streams with something left to do, by context.
    pending: HashMap<u32, (Rc<P>, ResponsePlan)>,
    /// Taken out while a request is served.
    workspace: Option<Box<Workspace>>,
}

impl<P> Default for Dispatcher<P> {
    fn default() -> Self {
        Self(RefCell::new(State {
            plugins: Vec::new(),
            newest: None,
            waiting: HashMap::default(),
            pending: HashMap::default(),
            workspace: None,
        }))
    }
}

// No borrow is held while a plugin runs: some hostcalls call back into the VM.
impl<P> Dispatcher<P> {
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
                    state.plugins.retain(|(id, _)| *id != root && host.is_alive(*id));
                    state.plugins.push((root, Rc::new(plugin)));
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

    /// A stream was created for a root.
    pub fn on_stream_create(&self, stream: u32, root: u32) {
        self.with(|state| {
            if let Some((older, root)) = state.newest.replace((stream, root)) {
                state.wait(older, root);
            }
        });
    }

    /// A stream's request headers came.
    pub fn on_request_headers<H: Host>(&self, host: &H, stream: u32)
    where
        P: Plugin<H>,
    {
        let Some((plugin, mut workspace)) = self.with(|state| state.begin(stream)).flatten() else { return };
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
    pub fn on_response_headers<H: Host>(&self, host: &H, stream: u32)
    where
        P: Plugin<H>,
    {
        if let Some((plugin, left)) = self.with(|state| state.take(stream)).flatten() {
            plugin.on_response_headers(host, left);
        }
    }

    /// How many streams have something left to do.
    pub fn pending(&self) -> usize {
        self.with(|state| state.pending.len() + state.waiting.len()).unwrap_or_default()
    }

    fn with<T>(&self, act: impl FnOnce(&mut State<P>) -> T) -> Option<T> {
        self.0.try_borrow_mut().ok().map(|mut state| act(&mut state))
    }
}

impl<P> State<P> {
    fn begin(&mut self, stream: u32) -> Option<(Rc<P>, Box<Workspace>)> {
        let root = match self.newest {
            Some((newest, root)) if newest == stream => {
                self.newest = None;
                root
            }
            _ => self.waiting.remove(&stream)?,
        };
        let (_, plugin) = self.plugins.iter().find(|(id, _)| *id == root)?;
        Some((Rc::clone(plugin), self.workspace.take().unwrap_or_default()))
    }

    #[cold]
    fn wait(&mut self, stream: u32, root: u32) {
        if self.waiting.len() >= MOST_PENDING {
            forget_older_half(&mut self.waiting, stream);
        }
        self.waiting.insert(stream, root);
    }

    /// Keeps what is left for a response; returns how many others were forgotten for it.
    fn keep(&mut self, stream: u32, plugin: Rc<P>, left: ResponsePlan) -> i64 {
        let full = self.pending.len() >= MOST_PENDING;
        let forgotten = if full { forget_older_half(&mut self.pending, stream) } else { 0 };
        self.pending.insert(stream, (plugin, left));
        forgotten
    }

    fn take(&mut self, stream: u32) -> Option<(Rc<P>, ResponsePlan)> {
        // Nearly always empty: do not hash for nothing.
        if self.pending.is_empty() { None } else { self.pending.remove(&stream) }
    }
}

/// Forgets the streams that are older than half of the oldest one's age, counted in contexts: a proxy
/// numbers them one after the other, and from the start again after 2^32.
fn forget_older_half<T>(streams: &mut HashMap<u32, T>, newest: u32) -> i64 {
    let before = streams.len();
    let oldest = streams.keys().map(|id| newest.wrapping_sub(*id)).max().unwrap_or_default();
    streams.retain(|id, _| newest.wrapping_sub(*id) <= oldest / 2);
    i64::try_from(before - streams.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FakeHost;
    use weir_core::ResponseHeader;

    /// Answers with its configuration as a header, when it has one.
    struct Echo(Vec<u8>);

    impl Plugin<FakeHost> for Echo {
        fn configure(_: &FakeHost, configuration: &[u8]) -> Result<Self, Problems> {
            let mut problems = Problems::default();
            if configuration == b"bad" {
                problems.add(&weir_core::At::root(), "bad");
                return Err(problems);
            }
            Ok(Self(configuration.to_vec()))
        }
        fn on_request_headers(&self, _: &FakeHost, _: &mut Workspace) -> Option<ResponsePlan> {
            let header =
                ResponseHeader { name: "x-echo".into(), value: self.0.as_slice().into(), replace: false };
            (!self.0.is_empty()).then(|| vec![header])
        }
        fn on_response_headers(&self, host: &FakeHost, plan: ResponsePlan) {
            crate::apply::respond(&plan, host);
        }
    }

    fn echoed(host: &FakeHost) -> Vec<String> {
        host.take_response_headers()
            .into_iter()
            .map(|(_, value)| String::from_utf8_lossy(&value).into_owned())
            .collect()
    }

    #[test]
    fn each_stream_is_served_by_its_own_root() {
        let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo>::default());
        assert!(dispatcher.on_configure(&host, 1, b"one"));
        assert!(dispatcher.on_configure(&host, 2, b"two"));
        // Created in one order, served in another.
        for (stream, root) in [(10, 1), (11, 2), (12, 1)] {
            dispatcher.on_stream_create(stream, root);
        }
        for stream in [11, 10, 12] {
            dispatcher.on_request_headers(&host, stream);
        }
        for (stream, expected) in [(12, "one"), (10, "one"), (11, "two")] {
            dispatcher.on_response_headers(&host, stream);
            assert_eq!(echoed(&host), [expected]);
            dispatcher.on_response_headers(&host, stream);
            assert!(echoed(&host).is_empty(), "only once");
        }
        assert_eq!(dispatcher.pending(), 0);
    }

    #[test]
    fn streams_that_end_early_are_forgotten_in_time_and_counted() {
        let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo>::default());
        dispatcher.on_configure(&host, 1, b"one");
        // Across the point where the numbers of contexts start again.
        let first = u32::MAX - 100_000;
        let streams: u32 = 250_000;
        for i in 0..streams {
            dispatcher.on_stream_create(first.wrapping_add(i), 1);
            dispatcher.on_request_headers(&host, first.wrapping_add(i));
            assert!(dispatcher.pending() <= MOST_PENDING);
        }
        let counters = host.counters.take();
        let forgotten = counters.iter().find(|(name, _)| name == "weir_responses_forgotten_total").unwrap().1;
        assert_eq!(forgotten as usize + dispatcher.pending(), streams as usize);
        // The newest ones are still served.
        dispatcher.on_response_headers(&host, first.wrapping_add(streams - 1));
        assert_eq!(echoed(&host), ["one"]);
        dispatcher.on_response_headers(&host, first);
        assert!(echoed(&host).is_empty());
    }

    #[test]
    fn streams_that_never_had_headers_are_bounded_too() {
        let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo>::default());
        dispatcher.on_configure(&host, 1, b"one");
        for stream in 0..200_000 {
            dispatcher.on_stream_create(stream, 1);
        }
        assert!(dispatcher.pending() <= MOST_PENDING);
    }

    #[test]
    fn a_refused_configuration_leaves_the_old_plugin() {
        let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo>::default());
        assert!(dispatcher.on_configure(&host, 1, b"one"));
        assert!(!dispatcher.on_configure(&host, 1, b"bad"));
        dispatcher.on_stream_create(10, 1);
        dispatcher.on_request_headers(&host, 10);
        dispatcher.on_response_headers(&host, 10);
        assert_eq!(echoed(&host), ["one"]);
    }

    #[test]
    fn a_root_that_is_gone_is_dropped_but_its_streams_end_well() {
        let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo>::default());
        dispatcher.on_configure(&host, 1, b"one");
        dispatcher.on_stream_create(10, 1);
        dispatcher.on_request_headers(&host, 10);
        host.gone.borrow_mut().push(1);
        dispatcher.on_configure(&host, 2, b"two");
        dispatcher.on_response_headers(&host, 10);
        assert_eq!(echoed(&host), ["one"]);
        dispatcher.on_stream_create(11, 1);
        dispatcher.on_request_headers(&host, 11);
        dispatcher.on_response_headers(&host, 11);
        assert!(echoed(&host).is_empty());
    }
}
