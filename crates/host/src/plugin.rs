//! The interface of a plugin, and its requests to the host.

use crate::{Callbacks, Disposition, Host};
use std::fmt;

/// What a plugin does with its configuration and its streams.
///
/// Only `configure` and `on_request_headers` are needed. The others belong to callbacks that a module exports on request, see
/// [`entry!`](crate::entry).
///
/// ```
/// use weir_host::{Disposition, Dispatcher, Edit, FakeHost, HeaderMap, Host, Plugin, Refusal, Served};
///
/// /// Sets a cookie on the responses of clients that have none.
/// struct Greeter;
///
/// impl<H: Host> Plugin<H> for Greeter {
///     const NAME: &'static str = "greeter";
///     const MAY_HOLD: bool = false;
///     type Kept = &'static [u8];
///     type Workspace = ();
///
///     fn configure(_host: &H, configuration: &[u8]) -> Result<Self, Refusal> {
///         if configuration.is_empty() { Ok(Self) } else { Err(Refusal::new(["expected no options"])) }
///     }
///
///     fn on_request_headers(&self, host: &H, (): &mut (), _held_for: u64) -> Served<Self::Kept> {
///         let is_new = host.header(HeaderMap::Request, b"cookie").is_none();
///         Served { kept: is_new.then_some(b"seen=1"), disposition: Disposition::On }
///     }
///
///     fn on_response_headers(&self, host: &H, cookie: Self::Kept, _ends: bool) -> Option<Self::Kept> {
///         host.edit(HeaderMap::Response, b"set-cookie", Edit::Add(cookie));
///         None
///     }
/// }
/// # use weir_host::Headers as _;
///
/// let (proxy, module) = (FakeHost::default(), Dispatcher::<Greeter, FakeHost>::new());
/// assert!(!module.on_configure(&proxy, 1, b"{}"), "refused");
/// assert!(module.on_configure(&proxy, 1, b""));
/// module.on_request_headers(&proxy, 2);
/// module.on_response_headers(&proxy, 2, true);
/// assert_eq!(proxy.take_response_headers(), [(b"set-cookie".to_vec(), b"seen=1".to_vec())]);
/// ```
pub trait Plugin<H: Host>: Sized {
    /// What log lines and the metrics of this crate begin with.
    const NAME: &'static str;

    /// Whether it ever holds, delays or answers a request. Where it does not, all that serves requests which
    /// wait is left out of the module.
    const MAY_HOLD: bool = true;

    /// Whether something is kept of most streams until they end, so that it pays to ask [`Plugin::wants_response`].
    const KEEPS_UNTIL_END: bool = false;

    /// What is kept of a stream until it ends. Most requests need nothing then, and cost nothing.
    type Kept;

    /// Memory that requests use one after the other; `()` where none is needed.
    type Workspace: Workspace;

    /// Builds the plugin from its configuration.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    fn configure(host: &H, configuration: &[u8]) -> Result<Self, Refusal>;
    /// What it must be called for besides the headers of requests. A module that was trimmed of some of it refuses the
    /// configuration. By default everything, as nobody else can know.
    fn callbacks(&self) -> Callbacks {
        Callbacks::ALL
    }
    /// Serves the request headers of a stream. A request that was held comes here again: `held_for` says for how
    /// many nanoseconds it has been held, and is 0 when the request comes for the first time.
    fn on_request_headers(
        &self,
        host: &H,
        workspace: &mut Self::Workspace,
        held_for: u64,
    ) -> Served<Self::Kept>;
    /// Serves the request trailers of a stream; it may be another plugin's of the same VM.
    fn on_request_trailers(&self, host: &H) {
        let _ = host;
    }
    /// Whether what is kept has to do with the response's headers. What does not is left where it is, which is cheaper
    /// than to take it out and to keep it again; so plugins say it that keep something of most requests until the end.
    fn wants_response(kept: &Self::Kept) -> bool {
        let _ = kept;
        true
    }
    /// Serves the response headers of a stream of which something was kept; `ends` says that no body follows.
    /// What it returns is kept further.
    fn on_response_headers(&self, host: &H, kept: Self::Kept, ends: bool) -> Option<Self::Kept> {
        let _ = (host, kept, ends);
        None
    }
    /// Whether what is kept has to do with the response body.
    fn wants_body(kept: &Self::Kept) -> bool {
        let _ = kept;
        false
    }
    /// Serves a part of the response body of a stream that wants it: `size` bytes are there, and
    /// `ends` says that they are the last.
    fn on_response_body(&self, host: &H, kept: &mut Self::Kept, size: usize, ends: bool) -> Body {
        let _ = (host, kept, size, ends);
        Body::GoesOn
    }
    /// Serves the response trailers of a stream of which something is kept.
    fn on_response_trailers(&self, host: &H, kept: &Self::Kept) {
        let _ = (host, kept);
    }
    /// The time is over for which a response waits; how many nanoseconds more it is to wait.
    fn waits_on(&self, host: &H, kept: &mut Self::Kept) -> Option<u64> {
        let _ = (host, kept);
        None
    }
    /// Whether a part of the response's body waits. Trailers must wait too then: they would take it along.
    fn is_waiting(kept: &Self::Kept) -> bool {
        let _ = kept;
        false
    }
    /// A stream ended of which something is kept. Only in modules that have the callback.
    fn on_end(&self, host: &H, kept: Self::Kept) {
        let _ = (host, kept);
    }
    /// A delay is over, or its client has gone.
    fn delay_over(&self, host: &H, mark: u16) {
        let _ = (host, mark);
    }
    /// A request that was held with this mark does not wait any longer: it is decided again next, or its client
    /// has gone.
    fn hold_over(&self, host: &H, mark: u16) {
        let _ = (host, mark);
    }
    /// Whether a request that was answered has left something to do in the background.
    fn wants_wake(&self) -> bool {
        false
    }
    /// Does what is due in the background, for its root. It is called when it was configured, when a request
    /// is held, when [`Plugin::wants_wake`] says so, when a callout was answered, and when the time has come that it asked for.
    fn on_wake(&self, host: &H) -> Wake {
        let _ = host;
        Wake::default()
    }
    /// A callout of its root was answered, or failed. True when requests that are held can be decided.
    fn on_callout(&self, host: &H, token: u32, body_size: usize) -> bool {
        let _ = (host, token, body_size);
        false
    }
    /// No stream comes any more: tells the host what it does not know yet.
    fn retire(&self, host: &H) {
        let _ = host;
    }
}

/// What a plugin needs after its background work.
///
/// ```
/// use weir_host::{Call, Callout, Dispatcher, Disposition, FakeHost, Host, Plugin, Refusal, Served, Wake};
///
/// /// Fetches a list each minute.
/// struct Fetcher;
///
/// impl<H: Host> Plugin<H> for Fetcher {
///     const NAME: &'static str = "fetcher";
///     type Kept = ();
///     type Workspace = ();
///
///     fn configure(_: &H, _: &[u8]) -> Result<Self, Refusal> {
///         Ok(Self)
///     }
///     fn on_request_headers(&self, _: &H, (): &mut (), _: u64) -> Served<()> {
///         Disposition::On.into()
///     }
///     fn on_wake(&self, host: &H) -> Wake {
///         let list = Callout {
///             cluster: "lists", scheme: "https", authority: "lists.test", path: "/bots", timeout: 1_000,
///         };
///         host.call_out(&list);
///         Wake { after: Some(60_000_000_000), release: false }
///     }
/// }
///
/// let (proxy, module) = (FakeHost::default(), Dispatcher::<Fetcher, FakeHost>::new());
/// assert!(module.on_configure(&proxy, 1, b""));
/// assert!(proxy.take_calls().contains(&Call::CallOut("lists".into(), "/bots".into())), "at once");
/// assert_eq!(proxy.timer.get(), 60_000, "and in a minute");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// In how many nanoseconds it is to be woken again.
    pub after: Option<u64>,
    /// Whether requests that are held can be decided.
    pub release: bool,
}

/// How a request was served.
pub struct Served<K> {
    /// What is kept of its stream.
    pub kept: Option<K>,
    /// What becomes of it.
    pub disposition: Disposition,
}

impl<K> From<Disposition> for Served<K> {
    /// Nothing is kept of the stream.
    fn from(disposition: Disposition) -> Self {
        Self { kept: None, disposition }
    }
}

/// What becomes of a part of a body.
///
/// ```
/// use weir_host::{Body, Dispatcher, Disposition, FakeHost, Flow, Host, Plugin, Refusal, Served};
///
/// /// Shouts: it needs the whole body.
/// struct Loud;
///
/// impl<H: Host> Plugin<H> for Loud {
///     const NAME: &'static str = "loud";
///     type Kept = ();
///     type Workspace = ();
///
///     fn configure(_: &H, _: &[u8]) -> Result<Self, Refusal> {
///         Ok(Self)
///     }
///     fn on_request_headers(&self, _: &H, (): &mut (), _: u64) -> Served<()> {
///         Served { kept: Some(()), disposition: Disposition::On }
///     }
///     fn wants_body(_: &()) -> bool {
///         true
///     }
///     fn on_response_body(&self, host: &H, _: &mut (), size: usize, ends: bool) -> Body {
///         if !ends {
///             return Body::Gathers;
///         }
///         host.replace_body(size, &host.body(size).to_ascii_uppercase());
///         Body::GoesOn
///     }
/// }
///
/// let (proxy, module) = (FakeHost::default(), Dispatcher::<Loud, FakeHost>::new());
/// assert!(module.on_configure(&proxy, 1, b""));
/// module.on_request_headers(&proxy, 2);
/// *proxy.body.borrow_mut() = b"hello".to_vec();
/// assert_eq!(module.on_response_body(&proxy, 2, 3, false), Flow::Stop);
/// assert_eq!(module.on_response_body(&proxy, 2, 5, true), Flow::Continue);
/// assert_eq!(*proxy.body.borrow(), b"HELLO");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// It goes on.
    GoesOn,
    /// It is held until more of it is there.
    Gathers,
    /// It is held for this many nanoseconds.
    Waits(u64),
    /// It is held with what waits already.
    WaitsToo,
}

/// Memory that requests use one after the other. A request that is served inside of another one has its own.
///
/// ```
/// use weir_host::Workspace;
///
/// /// A buffer that requests share, so that none of them allocates.
/// struct Buffer(Vec<u8>);
///
/// impl Workspace for Buffer {
///     const EMPTY: Self = Self(Vec::new());
/// }
/// assert!(Buffer::EMPTY.0.is_empty());
/// ```
pub trait Workspace {
    /// Nothing yet.
    const EMPTY: Self;
}

impl Workspace for () {
    const EMPTY: Self = ();
}

/// Why a configuration is refused: all that is wrong with it.
///
/// ```
/// use weir_host::Refusal;
///
/// let refusal = Refusal::new(["path: expected one that starts with /", "limit: -1: expected 0 or more"]);
/// assert_eq!(refusal.problems(), 2);
/// assert!(refusal.to_string().starts_with("2 problem(s):\npath: expected"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    count: usize,
    list: String,
}

impl Refusal {
    /// These problems, one a line. Each says where it is, what the value is, and what would be right.
    pub fn new<T: fmt::Display>(problems: impl IntoIterator<Item = T>) -> Self {
        let mut all = Self { count: 0, list: String::new() };
        for problem in problems {
            all.count += 1;
            all.list.push('\n');
            all.list.push_str(&problem.to_string());
        }
        all
    }

    /// Why a module that was trimmed cannot serve what must be called for `needed`; `None` where nothing is missing.
    pub fn of_trimmed(needed: Callbacks, host: &impl Host) -> Option<Self> {
        let missing = needed.without(host.callbacks());
        if missing.is_empty() {
            return None;
        }
        let mut message =
            String::from("this module was trimmed (`weir trim`) of what this configuration needs:");
        for name in missing.exports() {
            message.push(' ');
            message.push_str(name);
        }
        Some(Self::new([message]))
    }

    /// How many problems there are.
    pub fn problems(&self) -> usize {
        self.count
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} problem(s):{}", self.count, self.list)
    }
}
