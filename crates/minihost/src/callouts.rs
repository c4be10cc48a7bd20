//! HTTP callouts of a VM: who answers them, when, and what happens if nobody does.

use std::collections::BTreeMap;
use std::time::Duration;

use super::state::{Callout, Response};

/// The answer to a callout.
///
/// ```
/// use std::time::Duration;
/// use weir_minihost::{Answer, Response};
///
/// // A key server that takes 40 ms.
/// let keys = Answer::now(Response::status(200).body(r#"{"keys": []}"#)).after(Duration::from_millis(40));
/// assert_eq!((keys.response.map(|keys| keys.code()), keys.after), (Some(200), Duration::from_millis(40)));
/// assert_eq!(Answer::unreachable().response.map(|envoys| envoys.code()), Some(503));
/// assert_eq!(Answer::broken().response, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What comes; `None` is a connection that broke inside the answer.
    pub response: Option<Response>,
    /// How long it takes. The callout's own timeout may come first.
    pub after: Duration,
}

impl Answer {
    /// This response, at once.
    pub fn now(response: Response) -> Self {
        Self { response: Some(response), after: Duration::ZERO }
    }

    /// What a module sees of a cluster that is down, or closes the connection before it answers: Envoy's own
    /// 503.
    pub fn unreachable() -> Self {
        let mut response = Response::status(503);
        response.body = b"upstream connect error or disconnect/reset before headers".to_vec();
        Self::now(response)
    }

    /// A connection that broke inside the answer: the module sees neither headers nor body.
    pub fn broken() -> Self {
        Self::default()
    }

    /// The same answer, so much later.
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }
}

/// Answers callouts.
pub type Answerer = Box<dyn FnMut(&Callout) -> Answer>;

/// What is under way, by the module's token.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) answerer: Option<Answerer>,
    pub(super) open: BTreeMap<u32, Open>,
}

pub(super) struct Open {
    pub(super) callout: Callout,
    /// When something happens, by the timers' clock. `None`: nothing ever does.
    pub(super) due: Option<u64>,
    pub(super) response: Option<Response>,
}

impl Open {
    pub(super) fn new(callout: Callout, answer: Option<Answer>, clock: u64) -> Self {
        // A timeout of 0 means none.
        let timeout = Some(callout.timeout).filter(|timeout| !timeout.is_zero());
        let at = |time: Duration| clock + time.as_nanos() as u64;
        match answer {
            Some(answer) if timeout.is_none_or(|timeout| answer.after < timeout) => {
                Self { callout, due: Some(at(answer.after)), response: answer.response }
            }
            _ => Self { callout, due: timeout.map(at), response: Some(timed_out()) },
        }
    }
}

fn timed_out() -> Response {
    let mut response = Response::status(504);
    response.body = b"upstream request timeout".to_vec();
    response
}
