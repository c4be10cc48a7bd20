//! The whole of a configuration, and a request that it decides about.

use crate::support::{World, env, halves, host, request, serve};
use serde_json::Value;
use weir::Pipeline;
use weir_core::header::{encode_pairs, is_safe_value};
use weir_core::{Problems, Disposition};
use weir_host::Plugin as _;
use weir_pipeline::{Document, Outcome, Plans, experiments, jwt, routing};

pub(crate) const PIECES: &[&str] = &[
    "\"attributes\":{\"a\":",
    "\"jwt\":{\"providers\":{\"c\":{\"jwks\":{\"env\":\"KEYS\"}}}",
    "\"rules\":[{",
    "\"requires\":\"c\"",
    "\"require\":{\"role\":\"admin\"}",
    "\"experiments\":{\"list\":[{\"key\":\"k\",\"variants\":[{\"key\":\"a\"},{\"key\":\"b\"}]}]}",
    "\"unit\":\"header:x-u\"",
    "\"unit\":\"claim:sub\"",
    "\"coverage\":\"50%\"",
    "\"layer\":",
    "\"layers\":",
    "\"holdouts\":",
    "\"sticky\":true",
    "\"secret\":{\"env\":\"SECRET\"}",
    "\"mintCookie\":{\"name\":\"id\"}",
    "\"assignmentCookie\":{\"name\":\"w\"}",
    "\"output\":{\"baggage\":true}",
    "\"combinedHeader\":\"x-e\"",
    "\"routing\":{\"rules\":[{",
    "\"setHeaders\":{\"x-r\":\"v\"}",
    "\"rewrite\":{\"uri\":\"/n\"}",
    "\"cluster\":\"c\"",
    "\"split\":{",
    "\"targets\":[{\"name\":\"a\",\"weight\":1}]",
    "\"match\":{\"uri\":{\"prefix\":\"/a\"}}",
    "\"headers\":{\"x-a\":{\"regex\":\"a+\"}}",
    "\"remoteIp\":\"10.0.0.0/8\"",
    "\"condition\":{\"header:x-a\":{\"$regex\":\"b\"}}",
    "\"variant\":{\"k\":\"a\"}",
    "\"faults\":[{",
    "\"abort\":{\"httpStatus\":503,\"percentage\":\"50%\"}",
    "\"delay\":{\"fixedDelay\":\"1s\"}",
    "\"response\":{",
    "\"killSwitch\":{",
    "\"headerControl\":{",
    "\"sampling\":{",
    "\"window\":{",
    "\"ramp\":{",
    "\"metrics\":{\"red\":{}}",
    "\"list\":[{\"name\":\"n_total\"}]",
    "\"accessLog\":{}",
    "\"labels\":{\"l\":\"method\"}",
    "\"allow\":{\"match\":{}}",
    "\"ownership\":{\"shared\":true}",
    "}",
    "]",
    ",",
    "\0",
    "\nx-a=b",
    "\ncookie=id=1",
    "\n/a?q=1",
    "true",
    "null",
    "1e99",
    "-1",
];

/// Up to the first zero byte it is a configuration, then a request in lines. It is taken twice in the same way, and
/// decides twice the same: with and without a trace, and as a plugin in a proxy.
pub(crate) fn configuration(data: &[u8]) {
    let (document, lines) = halves(data, 0);
    let plans = match Plans::load(document, &env) {
        Ok(plans) => plans,
        Err(problems) => {
            assert!(!problems.is_empty());
            assert!(!problems.to_string().replace('\n', "").contains(char::is_control), "{problems}");
            return;
        }
    };
    assert!(Plans::load_offline(document, &env).is_ok(), "what a proxy takes is right offline");
    let lines = request(lines);
    let raw = encode_pairs(&lines);
    let plain = plans.outcome(&raw, &World::default(), &mut ());
    let again = Plans::load(document, &env).expect("it was right before");
    let mut notes = Notes::default();
    let traced = again.outcome(&raw, &World::default(), &mut notes);
    assert_eq!(plain, traced);
    check(&plain);
    // What was read is the same when it is written.
    let read: Document = weir_core::load(document, &mut Problems::default());
    let written = serde_json::to_string(&read).expect("it is JSON");
    let rewritten = Plans::load(written.as_bytes(), &env);
    let rewritten = rewritten.unwrap_or_else(|problems| panic!("{problems}\n{written}"));
    assert_eq!(rewritten.outcome(&raw, &World::default(), &mut ()), plain, "{written}");
    let host = host();
    // Expressions in CEL are refused by this proxy, and variables are not set in it.
    let Ok(pipeline) = Pipeline::configure(&host, document) else { return };
    let served = serve(&pipeline, &host, &lines);
    let reloaded = Plans::load(document, &|_| None).expect("the plugin has taken it");
    let expected = reloaded.outcome(&raw, &World::default(), &mut ());
    assert_eq!(served.disposition, expected.disposition);
    if !matches!(served.disposition, Disposition::Hold(_)) {
        let mut upstream = expected.upstream(&lines);
        upstream.sort();
        assert_eq!(served.headers, upstream);
    }
    for line in host.lines.borrow().iter() {
        assert!(!line.contains(weir_core::escape::is_hidden), "{line:?}");
        if let Some(json) = line.find('{').filter(|_| line.contains("\"method\"")) {
            serde_json::from_str::<Value>(&line[json..]).expect("a line of the access log is JSON");
        }
    }
}

/// Nothing is written that a proxy could not send.
fn check(outcome: &Outcome) {
    for owned in outcome.owned.iter().filter(|owned| !owned.as_sent) {
        for line in owned.value.iter().flat_map(|value| value.split(|b| *b == b'\n')) {
            assert!(is_safe_value(line), "{}: {}", owned.name, line.escape_ascii());
        }
    }
    let others = outcome.states.iter().chain(&outcome.response).map(|(_, value)| value);
    for value in others.chain(&outcome.path).chain(&outcome.authority) {
        assert!(is_safe_value(value), "{}", value.escape_ascii());
    }
}

/// How many steps were taken.
#[derive(Default)]
struct Notes(usize);

impl jwt::Trace for Notes {
    fn token_step(&mut self, note: jwt::Note<'_>) {
        self.0 += format!("{note:?}").len();
    }
}

impl experiments::Trace for Notes {
    fn note(&mut self, note: experiments::Note<'_>) {
        self.0 += usize::from(note.explanation().is_some());
    }
}

impl routing::Trace for Notes {
    fn routing_step(&mut self, note: routing::Note<'_>) {
        self.0 += format!("{note:?}").len();
    }
}

impl weir_pipeline::Trace for Notes {}
