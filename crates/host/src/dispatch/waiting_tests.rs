//! Requests that are delayed, held and answered.

use super::*;
use crate::{Call, Delay, FakeHost, Hold, MAX_BATCH, Refusal, Reply};
use std::collections::BTreeMap;

const MILLISECOND: u64 = 1_000_000;

/// Does with each request what its configuration says: `delay N`, `abort N`, `hold`.
struct Slow {
    does: String,
    over: RefCell<Vec<u16>>,
    has_keys: Cell<bool>,
}

impl Plugin<FakeHost> for Slow {
    const NAME: &'static str = "slow";
    type Kept = ();
    type Workspace = ();

    fn configure(_: &FakeHost, configuration: &[u8]) -> Result<Self, Refusal> {
        let does = String::from_utf8(configuration.to_vec()).unwrap();
        Ok(Self { does, over: RefCell::default(), has_keys: Cell::new(false) })
    }

    fn on_request_headers(&self, _: &FakeHost, (): &mut (), held_for: u64) -> Served<()> {
        let (what, number) = self.does.split_once(' ').unwrap_or((&self.does, "0"));
        let nanoseconds = number.parse::<u64>().unwrap() * MILLISECOND;
        let reply = || Box::new(Reply::new(503, "slow"));
        let disposition = match what {
            "delay" => Disposition::Delay(Box::new(Delay { nanoseconds, mark: 3, then: None })),
            "abort" => Disposition::Delay(Box::new(Delay { nanoseconds, mark: 4, then: Some(reply()) })),
            "hold" if self.has_keys.get() => Disposition::On,
            "hold" if held_for >= nanoseconds.max(1) => Disposition::Reply(reply()),
            "hold" => Disposition::Hold(Hold { mark: 7, crowded: false }),
            _ => Disposition::On,
        };
        Served { kept: None, disposition }
    }

    fn delay_over(&self, _: &FakeHost, mark: u16) {
        self.over.borrow_mut().push(mark);
    }

    fn on_callout(&self, _: &FakeHost, _: u32, _: usize) -> bool {
        self.has_keys.set(true);
        true
    }
}

fn set_up(does: &str) -> (FakeHost, Dispatcher<Slow, FakeHost>) {
    let (host, dispatcher) = (FakeHost::default(), Dispatcher::default());
    assert!(dispatcher.on_configure(&host, 1, does.as_bytes()));
    (host, dispatcher)
}

/// Rings the timer at a time; what the streams did, and how many went on.
fn ring(host: &FakeHost, dispatcher: &Dispatcher<Slow, FakeHost>, at: u64) -> Vec<Call> {
    host.steady.set(at);
    host.take_calls();
    dispatcher.on_timer(host, 1);
    let calls = host.take_calls();
    calls.into_iter().filter(|call| matches!(call, Call::ResumeRequest | Call::Reply(..))).collect()
}

#[test]
fn a_delay_is_never_early_and_the_timer_rests_afterwards() {
    let (host, dispatcher) = set_up("delay 5");
    assert_eq!(host.timer.get(), 0, "nothing waits yet");
    assert_eq!(dispatcher.on_request_headers(&host, 10), Flow::Stop);
    assert_eq!(host.timer.get(), 5);
    assert_eq!(ring(&host, &dispatcher, 5 * MILLISECOND - 1), [], "the proxy's clock was early");
    assert_eq!((dispatcher.waiting(), host.timer.get()), (1, 1));
    assert_eq!(ring(&host, &dispatcher, 5 * MILLISECOND), [Call::ResumeRequest]);
    assert_eq!((dispatcher.waiting(), host.timer.get()), (0, 0));
}

#[test]
fn an_abort_after_a_delay_answers() {
    let (host, dispatcher) = set_up("abort 2");
    dispatcher.on_request_headers(&host, 10);
    assert_eq!(ring(&host, &dispatcher, 2 * MILLISECOND), [Call::Reply(503, vec![])]);
}

#[test]
fn what_is_due_first_goes_first_and_rings_first() {
    let (host, dispatcher) = set_up("delay 50");
    dispatcher.on_request_headers(&host, 10);
    dispatcher.on_configure(&host, 1, b"delay 5");
    dispatcher.on_request_headers(&host, 11);
    assert_eq!(host.timer.get(), 5);
    assert_eq!(ring(&host, &dispatcher, 5 * MILLISECOND), [Call::ResumeRequest]);
    assert_eq!(host.timer.get(), 45, "a request of the configuration before still waits");
    assert_eq!(ring(&host, &dispatcher, 50 * MILLISECOND), [Call::ResumeRequest]);
}

#[test]
fn thousands_at_once_go_on_a_few_at_a_time() {
    let (host, dispatcher) = set_up("delay 1");
    for stream in 10..10_010 {
        dispatcher.on_request_headers(&host, stream);
    }
    let mut went_on = BTreeMap::new();
    for at in 1.. {
        host.steady.set(at * MILLISECOND);
        host.take_calls();
        dispatcher.on_timer(&host, 1);
        let mut current = 0;
        let mut now = 0;
        for call in host.take_calls() {
            match call {
                Call::ActFor(context) => current = context,
                Call::ResumeRequest => {
                    now += 1;
                    *went_on.entry(current).or_insert(0) += 1;
                }
                _ => {}
            }
        }
        assert!(now <= MAX_BATCH);
        assert_eq!(current, 1, "the timer belongs to the root");
        if dispatcher.waiting() == 0 {
            break;
        }
        assert_eq!(host.timer.get(), 1);
    }
    assert_eq!((went_on.len(), went_on.values().max()), (10_000, Some(&1)));
}

#[test]
fn who_leaves_is_forgotten_within_a_second_or_so() {
    let (host, dispatcher) = set_up("delay 60000");
    for stream in [10, 11] {
        dispatcher.on_request_headers(&host, stream);
    }
    assert_eq!(host.timer.get(), 1_000, "it rings to look, long before anything is due");
    host.gone.borrow_mut().push(10);
    assert_eq!(ring(&host, &dispatcher, 1_000 * MILLISECOND), []);
    assert_eq!(dispatcher.waiting(), 1);
    let plugin = dispatcher.plugin_at(1).unwrap();
    assert_eq!(*plugin.over.borrow(), [3]);
    host.gone.borrow_mut().push(11);
    assert_eq!(ring(&host, &dispatcher, 60_000 * MILLISECOND), []);
    assert_eq!((dispatcher.waiting(), plugin.over.borrow().len()), (0, 2));
}

#[test]
fn a_host_that_knows_who_left_has_them_forgotten_at_once() {
    let (host, dispatcher) = set_up("delay 60000");
    for stream in [10, 11] {
        dispatcher.on_request_headers(&host, stream);
    }
    host.gone.borrow_mut().push(10);
    dispatcher.forget_gone(&host);
    let plugin = dispatcher.plugin_at(1).unwrap();
    assert_eq!((dispatcher.waiting(), plugin.over.borrow().as_slice()), (1, &[3][..]));
    dispatcher.forget_gone(&host);
    assert_eq!((dispatcher.waiting(), plugin.over.borrow().len()), (1, 1));
}

#[test]
fn what_is_held_goes_on_when_there_is_news() {
    let (host, dispatcher) = set_up("hold");
    for stream in 10..18 + MAX_BATCH as u32 {
        assert_eq!(dispatcher.on_request_headers(&host, stream), Flow::Stop);
    }
    host.take_calls();
    dispatcher.on_callout(&host, 1, 7, 0);
    let went_on = host.take_calls().into_iter().filter(|call| *call == Call::ResumeRequest).count();
    assert_eq!(went_on, MAX_BATCH);
    assert_eq!(host.timer.get(), 1);
    assert_eq!(ring(&host, &dispatcher, MILLISECOND).len(), 8);
}

#[test]
fn what_is_held_is_asked_again_and_answered_in_the_end() {
    let (host, dispatcher) = set_up("hold 70000");
    dispatcher.on_request_headers(&host, 10);
    assert_eq!(ring(&host, &dispatcher, 1_000 * MILLISECOND), []);
    assert_eq!(ring(&host, &dispatcher, 60_000 * MILLISECOND), []);
    assert_eq!(ring(&host, &dispatcher, 120_000 * MILLISECOND), [Call::Reply(503, vec![])]);
    assert_eq!(dispatcher.waiting(), 0);
}
