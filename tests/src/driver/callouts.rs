//! What a case says about callouts, as an answerer in the mini host and as a server for Envoy.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::case::{Body, CalloutAnswer, Callouts, Headers};
use crate::minihost::{Answer, Callout, Response};
use crate::origin::{self, Defect, Origin};

/// The answer number `number`, counted from 0; the last one is given again and again.
fn pick(answers: &[CalloutAnswer], number: usize) -> Option<&CalloutAnswer> {
    answers.get(number).or(answers.last())
}

/// Whether the answer is for this path.
fn fits(answer: &CalloutAnswer, path: &str) -> bool {
    answer.path.as_ref().is_none_or(|expected| expected == path)
}

/// Answers the callouts of a VM.
pub(super) fn answerer(callouts: &Callouts) -> impl FnMut(&Callout) -> Answer + 'static {
    let callouts = callouts.clone();
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    move |callout| {
        let number = asked.entry(callout.cluster.clone()).or_default();
        let answers = callouts.get(&callout.cluster).map_or(&[][..], Vec::as_slice);
        let answer = pick(answers, *number);
        *number += 1;
        answer.map_or_else(Answer::unreachable, |answer| reply(answer, callout))
    }
}

fn reply(answer: &CalloutAnswer, callout: &Callout) -> Answer {
    let path = String::from_utf8_lossy(callout.headers.first(b":path").unwrap_or_default());
    let reply = match answer {
        _ if !fits(answer, &path) => Answer::now(Response::status(404)),
        _ if answer.fails => Answer::unreachable(),
        _ if answer.breaks => Answer::broken(),
        _ => Answer::now(response(answer.status, &answer.headers, body(answer))),
    };
    reply.after(Duration::from_millis(answer.delay_ms))
}

/// Starts a server that answers the same to an Envoy.
pub(super) fn serve(answers: &[CalloutAnswer]) -> io::Result<Origin> {
    let answers = answers.to_vec();
    let asked = AtomicUsize::new(0);
    Origin::start(move |request| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        match pick(&answers, number) {
            Some(answer) if fits(answer, &request.path) => served(answer),
            _ => origin::Answer::new(404, ""),
        }
    })
}

fn served(answer: &CalloutAnswer) -> origin::Answer {
    let defect = match answer {
        _ if answer.fails => Defect::NoAnswer,
        _ if answer.breaks => Defect::TooShort(1),
        _ => Defect::None,
    };
    let delay = Duration::from_millis(answer.delay_ms);
    let mut reply = origin::Answer::new(answer.status, body(answer)).after(delay).with(defect);
    reply.headers = answer.headers.pairs();
    reply
}

fn body(answer: &CalloutAnswer) -> Vec<u8> {
    answer.body.as_ref().map(Body::to_bytes).unwrap_or_default()
}

/// A response with its length, as real servers give it.
pub(super) fn response(status: u16, headers: &Headers, body: Vec<u8>) -> Response {
    let mut response = Response::status(status);
    for (name, value) in headers.pairs() {
        response.headers.add(name, value);
    }
    if !body.is_empty() && response.headers.first(b"content-length").is_none() {
        response.headers.add("content-length", body.len().to_string());
    }
    response.body = body;
    response
}
