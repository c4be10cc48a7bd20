//! Several plugins in one VM, and streams that end in every way.

use super::*;
use crate::{Call, Callbacks, Edit, FakeHost, HeaderMap, Headers as _, Log as _, Refusal};

/// Answers with its configuration as a header, when it has one.
struct Echo(Vec<u8>);

impl Plugin<FakeHost> for Echo {
    const NAME: &'static str = "echo";
    type Kept = Vec<u8>;
    type Workspace = ();
    fn configure(_: &FakeHost, configuration: &[u8]) -> Result<Self, Refusal> {
        match configuration {
            b"bad" => Err(Refusal::new(["a: bad", "b: worse"])),
            _ => Ok(Self(configuration.to_vec())),
        }
    }
    fn on_request_headers(&self, _: &FakeHost, (): &mut (), _: u64) -> Served<Vec<u8>> {
        Served { kept: (!self.0.is_empty()).then(|| self.0.clone()), disposition: Disposition::On }
    }
    fn on_response_headers(&self, host: &FakeHost, kept: Vec<u8>, _: bool) -> Option<Vec<u8>> {
        host.edit(HeaderMap::Response, b"x-echo", Edit::Add(&kept));
        None
    }
    fn retire(&self, host: &FakeHost) {
        host.log(log::Level::Info, &String::from_utf8_lossy(&self.0));
    }
}

fn echoed(host: &FakeHost) -> Vec<String> {
    host.take_response_headers()
        .into_iter()
        .map(|(_, value)| String::from_utf8_lossy(&value).into_owned())
        .collect()
}

/// Keeps something of every request, and of those with a response's header more.
struct UntilEnd;

impl Plugin<FakeHost> for UntilEnd {
    const NAME: &'static str = "until-end";
    const KEEPS_UNTIL_END: bool = true;
    type Kept = Option<&'static [u8]>;
    type Workspace = ();
    fn configure(_: &FakeHost, _: &[u8]) -> Result<Self, Refusal> {
        Ok(Self)
    }
    fn on_request_headers(&self, host: &FakeHost, (): &mut (), _: u64) -> Served<Self::Kept> {
        let asks = host.header(HeaderMap::Request, b"x-ask").is_some();
        Served { kept: Some(asks.then_some(b"answer")), disposition: Disposition::On }
    }
    fn wants_response(kept: &Self::Kept) -> bool {
        kept.is_some()
    }
    fn on_response_headers(&self, host: &FakeHost, kept: Self::Kept, _: bool) -> Option<Self::Kept> {
        host.edit(HeaderMap::Response, b"x-answer", Edit::Add(kept.unwrap()));
        Some(None)
    }
    fn on_end(&self, host: &FakeHost, kept: Self::Kept) {
        host.log(log::Level::Info, &format!("ended with {kept:?}"));
    }
}

#[test]
fn a_plugin_that_does_not_say_what_it_needs_is_refused_by_a_trimmed_module() {
    let mut host = FakeHost::default();
    assert!(Dispatcher::<Echo, FakeHost>::default().on_configure(&host, 1, b""));
    host.trimmed = Callbacks::LOG;
    assert!(!Dispatcher::<Echo, FakeHost>::default().on_configure(&host, 1, b""));
    let line = host.lines.borrow().last().cloned().unwrap();
    assert!(line.ends_with("of what this configuration needs: proxy_on_log"), "{line}");
}

#[test]
fn what_has_nothing_to_do_with_the_response_stays_until_the_end() {
    for (header, answers) in [("x-other", 0), ("x-ask", 1)] {
        let host = FakeHost::with_request(&[(header, b"1")]);
        let dispatcher = Dispatcher::<UntilEnd, FakeHost>::default();
        assert!(dispatcher.on_configure(&host, 1, b""));
        dispatcher.on_request_headers(&host, 10);
        // Twice: what was told once is not told again.
        dispatcher.on_response_headers(&host, 10, false);
        dispatcher.on_response_headers(&host, 10, false);
        assert_eq!((host.take_response_headers().len(), dispatcher.pending()), (answers, 1));
        dispatcher.on_end(&host, 10);
        assert_eq!(host.lines.take(), ["ended with None"]);
        assert_eq!(dispatcher.pending(), 0);
    }
}

#[test]
fn each_stream_is_served_by_its_own_root() {
    let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo, FakeHost>::default());
    assert!(dispatcher.on_configure(&host, 1, b"one"));
    assert!(dispatcher.on_configure(&host, 2, b"two"));
    // Created in one order, served in another.
    for (stream, root) in [(10, 1), (11, 2), (12, 1)] {
        dispatcher.on_stream_create(stream, root);
    }
    for stream in [11, 10, 12] {
        dispatcher.on_request_headers(&host, stream);
    }
    assert_eq!(dispatcher.remembered(), 0);
    for (stream, expected) in [(12, "one"), (10, "one"), (11, "two")] {
        dispatcher.on_response_headers(&host, stream, false);
        assert_eq!(echoed(&host), [expected]);
        dispatcher.on_response_headers(&host, stream, false);
        assert!(echoed(&host).is_empty(), "only once");
    }
    assert_eq!(dispatcher.pending(), 0);
}

#[test]
fn streams_that_end_early_are_forgotten_in_time_and_counted() {
    let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo, FakeHost>::default());
    dispatcher.on_configure(&host, 1, b"one");
    // Across the point where the numbers of contexts start again.
    let first = u32::MAX - 100_000;
    let streams: u32 = 250_000;
    for i in 0..streams {
        dispatcher.on_request_headers(&host, first.wrapping_add(i));
        assert!(dispatcher.pending() <= MAX_PENDING);
    }
    let counters = host.counters.take();
    let forgotten = counters.iter().find(|(name, _)| name == "echo_responses_forgotten_total").unwrap().1;
    assert_eq!(forgotten as usize + dispatcher.pending(), streams as usize);
    // The newest ones are still served.
    dispatcher.on_response_headers(&host, first.wrapping_add(streams - 1), false);
    assert_eq!(echoed(&host), ["one"]);
    dispatcher.on_response_headers(&host, first, false);
    assert!(echoed(&host).is_empty());
}

#[test]
fn a_refused_configuration_leaves_the_old_plugin() {
    let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo, FakeHost>::default());
    assert!(dispatcher.on_configure(&host, 1, b"one"));
    assert!(!dispatcher.on_configure(&host, 1, b"bad"));
    let said = "echo: the configuration is refused, 2 problem(s):\na: bad\nb: worse";
    assert_eq!(host.lines.take(), [said], "all that is wrong, one a line");
    dispatcher.on_stream_create(10, 1);
    dispatcher.on_request_headers(&host, 10);
    dispatcher.on_response_headers(&host, 10, false);
    assert_eq!(echoed(&host), ["one"]);
}

#[test]
fn a_root_that_is_gone_is_dropped_but_its_streams_end_well() {
    let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo, FakeHost>::default());
    dispatcher.on_configure(&host, 1, b"one");
    dispatcher.on_stream_create(10, 1);
    dispatcher.on_request_headers(&host, 10);
    host.gone.borrow_mut().push(1);
    dispatcher.on_configure(&host, 2, b"two");
    dispatcher.on_response_headers(&host, 10, false);
    assert_eq!(echoed(&host), ["one"]);
    dispatcher.on_stream_create(11, 2);
    dispatcher.on_request_headers(&host, 11);
    dispatcher.on_response_headers(&host, 11, false);
    assert_eq!(echoed(&host), ["two"]);
}

#[test]
fn a_root_that_goes_while_there_are_several_is_noticed() {
    let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo, FakeHost>::default());
    dispatcher.on_configure(&host, 1, b"one");
    dispatcher.on_configure(&host, 2, b"two");
    host.gone.borrow_mut().push(1);
    for stream in 0..1000 {
        dispatcher.on_stream_create(stream, 2);
        dispatcher.on_request_headers(&host, stream);
        dispatcher.on_response_headers(&host, stream, false);
        assert_eq!(echoed(&host), ["two"]);
    }
    assert_eq!(host.lines.take(), ["one"], "what is dropped is told so");
    let looks = host.take_calls().iter().filter(|call| matches!(call, Call::IsAlive(_))).count();
    assert!(looks < 10, "one root was gone, and yet it was looked for {looks} times");
    assert_eq!(dispatcher.remembered(), 0);
}

#[test]
fn a_stream_that_is_older_than_the_second_plugin_belongs_to_the_first() {
    let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo, FakeHost>::default());
    dispatcher.on_configure(&host, 1, b"one");
    dispatcher.on_stream_create(10, 1);
    dispatcher.on_configure(&host, 2, b"two");
    dispatcher.on_request_headers(&host, 10);
    dispatcher.on_response_headers(&host, 10, false);
    assert_eq!(echoed(&host), ["one"]);
}

#[test]
fn streams_that_never_had_headers_are_bounded_too() {
    let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo, FakeHost>::default());
    dispatcher.on_configure(&host, 1, b"one");
    dispatcher.on_configure(&host, 2, b"two");
    for stream in 0..200_000 {
        dispatcher.on_stream_create(stream, 1);
    }
    assert!(dispatcher.remembered() <= MAX_PENDING);
}

#[test]
fn a_stream_of_no_known_root_is_left_alone() {
    let (host, dispatcher) = (FakeHost::default(), Dispatcher::<Echo, FakeHost>::default());
    dispatcher.on_request_headers(&host, 9);
    dispatcher.on_configure(&host, 1, b"one");
    dispatcher.on_configure(&host, 2, b"two");
    dispatcher.on_stream_create(10, 3);
    dispatcher.on_request_headers(&host, 10);
    dispatcher.on_response_headers(&host, 10, false);
    assert!(echoed(&host).is_empty());
}
