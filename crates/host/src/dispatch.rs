//! The state of a VM: which plugin serves which stream.
//!
//! One VM serves several plugins (Envoy shares it between filters with the same module and
//! environment), each with a root context of its own. A stream's context names its root only when it
//! is created, so that callback cannot be left out; in Envoy it comes right before the first headers,
//! and the pair is remembered without a look-up.

use crate::Host;
use hashbrown::HashMap;
use std::cell::RefCell;
use std::rc::Rc;
use weir_core::{Problems, Scratch};

/// What a plugin does with its configuration and its streams.
pub trait Plugin<H: Host>: Sized {
    /// Builds the plugin from its configuration.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    fn configure(host: &H, configuration: &[u8]) -> Result<Self, Problems>;
    /// Serves the request headers of a stream. What it returns is handed back when the response
    /// headers come; most requests need nothing then, and cost nothing.
    fn on_request_headers(&self, host: &H, scratch: &mut Scratch) -> Option<ResponsePlan>;
    /// Serves the response headers of a stream for which something was left to do.
    fn on_response_headers(&self, host: &H, plan: ResponsePlan);
}

/// What is left to do when the response comes.
pub type ResponsePlan = Vec<weir_core::ResponseHeader>;

/// Brings the proxy's callbacks to the plugins.
pub struct Dispatcher<P>(RefCell<State<P>>);

struct State<P> {
    plugins: HashMap<u32, Rc<P>>,
    /// The stream that was created last, and its root.
    newest: Option<(u32, u32)>,
    /// Streams that were created before it and have had no headers yet.
    waiting: HashMap<u32, u32>,
    /// Streams with something left to do, by context.
    streams: HashMap<u32, (Rc<P>, ResponsePlan)>,
    scratch: Scratch,
}

impl<P> Default for Dispatcher<P> {
    fn default() -> Self {
        Self(RefCell::new(State {
            plugins: HashMap::default(),
            newest: None,
            waiting: HashMap::default(),
            streams: HashMap::default(),
            scratch: Scratch::default(),
        }))
    }
}

// No borrow is held while a plugin runs: some hostcalls call back into the VM.
impl<P> Dispatcher<P> {
    /// Configures the plugin of a root context; false refuses the configuration.
    ///
    /// On success the plugin replaces the one that the root had. On failure that one stays, and
    /// every problem is in the log.
    pub fn on_configure<H>(&self, host: &H, root: u32, configuration: &[u8]) -> bool
    where
        P: Plugin<H>,
        H: Host,
    {
        match P::configure(host, configuration) {
            Ok(plugin) => {
                self.with(|state| state.plugins.insert(root, Rc::new(plugin)));
                true
            }
            Err(problems) => {
                let count = problems.len();
                host.log(log::Level::Error, &format!("weir: the configuration is refused, {count} problem(s):\n{problems}"));
                false
            }
        }
    }

    /// A stream was created for a root.
    pub fn on_stream_create(&self, stream: u32, root: u32) {
        self.with(|state| {
            if let Some((older, root)) = state.newest.replace((stream, root)) {
                state.waiting.insert(older, root);
            }
        });
    }

    /// A stream's request headers came.
    pub fn on_request_headers<H: Host>(&self, host: &H, stream: u32)
    where
        P: Plugin<H>,
    {
        let Some((plugin, mut scratch)) = self.with(|state| state.begin(stream)).flatten() else { return };
        let left = plugin.on_request_headers(host, &mut scratch);
        self.with(|state| {
            state.scratch = scratch;
            if let Some(left) = left {
                state.streams.insert(stream, (plugin, left));
            }
        });
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

    /// A context is gone, a stream's or a root's. True when it was a root's.
    pub fn on_delete(&self, context: u32) -> bool {
        self.with(|state| {
            if state.newest.is_some_and(|(stream, _)| stream == context) {
                state.newest = None;
            }
            if !state.waiting.is_empty() {
                state.waiting.remove(&context);
            }
            drop(state.take(context));
            state.plugins.remove(&context).is_some()
        })
        .unwrap_or(false)
    }

    /// How many streams have something left to do.
    pub fn pending(&self) -> usize {
        self.with(|state| state.streams.len() + state.waiting.len()).unwrap_or_default()
    }

    fn with<T>(&self, act: impl FnOnce(&mut State<P>) -> T) -> Option<T> {
        self.0.try_borrow_mut().ok().map(|mut state| act(&mut state))
    }
}

impl<P> State<P> {
    fn begin(&mut self, stream: u32) -> Option<(Rc<P>, Scratch)> {
        let root = match self.newest {
            Some((newest, root)) if newest == stream => {
                self.newest = None;
                root
            }
            _ => self.waiting.remove(&stream)?,
        };
        let plugin = Rc::clone(self.plugins.get(&root)?);
        Some((plugin, std::mem::take(&mut self.scratch)))
    }

    fn take(&mut self, stream: u32) -> Option<(Rc<P>, ResponsePlan)> {
        // Nearly always empty: do not hash for nothing.
        if self.streams.is_empty() { None } else { self.streams.remove(&stream) }
    }
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
        fn on_request_headers(&self, _: &FakeHost, _: &mut Scratch) -> Option<ResponsePlan> {
            let header = ResponseHeader { name: "x-echo".into(), value: self.0.as_slice().into(), replace: false };
            (!self.0.is_empty()).then(|| vec![header])
        }
        fn on_response_headers(&self, host: &FakeHost, plan: ResponsePlan) {
            crate::apply::respond(&plan, host);
        }
    }

    fn echoed(host: &FakeHost) -> Vec<String> {
        host.take_response_headers().into_iter().map(|(_, value)| String::from_utf8_lossy(&value).into_owned()).collect()
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
    fn streams_that_end_early_leave_nothing_behind() {
        let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo>::default());
        dispatcher.on_configure(&host, 1, b"one");
        for stream in 10..1000 {
            dispatcher.on_stream_create(stream, 1);
            if stream % 2 == 0 {
                dispatcher.on_request_headers(&host, stream);
            }
            assert!(!dispatcher.on_delete(stream));
        }
        assert_eq!(dispatcher.pending(), 0);
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
    fn a_deleted_root_serves_no_more_but_its_streams_end_well() {
        let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo>::default());
        dispatcher.on_configure(&host, 1, b"one");
        dispatcher.on_stream_create(10, 1);
        dispatcher.on_request_headers(&host, 10);
        assert!(dispatcher.on_delete(1));
        dispatcher.on_response_headers(&host, 10);
        assert_eq!(echoed(&host), ["one"]);
        dispatcher.on_stream_create(11, 1);
        dispatcher.on_request_headers(&host, 11);
        dispatcher.on_response_headers(&host, 11);
        assert!(echoed(&host).is_empty());
    }
}
