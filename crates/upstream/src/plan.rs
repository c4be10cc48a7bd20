//! Answers prepared by other code of the process, and the requests that fetched them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::seen::Seen;

/// An answer as it is prepared: nothing is added to it but what HTTP demands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status; 200 where it is none that HTTP knows.
    pub status: u16,
    /// Headers; one that HTTP forbids is left out.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// Trailers. HTTP/1 clients get none.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// How long the answer takes.
    pub delay: Duration,
}

/// Prepared answers by the id in `x-answer-id`, shared by all services that were started with a clone.
#[derive(Clone, Debug, Default)]
pub struct Plans(Arc<Mutex<HashMap<String, Plan>>>);

#[derive(Debug)]
struct Plan {
    answer: Answer,
    seen: Vec<Seen>,
}

impl Plans {
    /// Prepares the answer to all requests with this id, until it is taken back.
    pub fn prepare(&self, id: &str, answer: Answer) {
        self.lock().insert(id.to_owned(), Plan { answer, seen: Vec::new() });
    }

    /// Takes the answer back; gives the requests that came for it, in order.
    pub fn take(&self, id: &str) -> Vec<Seen> {
        self.lock().remove(id).map(|plan| plan.seen).unwrap_or_default()
    }

    /// The answer to a request with this id, which is noted.
    pub(crate) fn answer(&self, id: &str, seen: &Seen) -> Option<Answer> {
        let mut plans = self.lock();
        let plan = plans.get_mut(id)?;
        plan.seen.push(seen.clone());
        Some(plan.answer.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Plan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
