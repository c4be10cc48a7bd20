//! What several targets need: a world outside of a request, and requests in bytes.

use serde_json::Value;
use std::cell::Cell;
use weir::{Pipeline, Workspace};
use weir_core::header::{encode_pairs, is_safe_value};
use weir_core::{
    AccessPlan, At, AttrId, AttributeMap, Cel, Clock, Compiler, Disposition, Problems, Properties, Random,
    Request, RequestView as _, Scratch, Signatures, Truth,
};
use weir_definitions::{Options, Vendor};
use weir_host::{Body, FakeHost, Plugin};
use weir_pipeline::Plans;

/// The time of all targets: 2026-03-01T00:00:00Z, in nanoseconds.
pub(crate) const NOW: u64 = 1_772_323_200_000_000_000;

/// A shared secret as a key set that verifies tokens.
pub(crate) const KEYS: &str =
    r#"{"keys":[{"kty":"oct","kid":"one","k":"YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcywgb2s"}]}"#;

/// `{"sub":"ann"}`, signed with that key.
pub(crate) const ANN: &str =
    "eyJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9.eyJzdWIiOiJhbm4ifQ.hxH6Faob-HiP1fC7yAvce1IA08PN5-gDdy4SoDVCeuE";

/// The environment variables that configurations find.
pub(crate) fn env(name: &str) -> Option<String> {
    match name {
        "KEYS" => Some(KEYS.to_owned()),
        "SECRET" => Some("a secret of more than sixteen bytes".to_owned()),
        _ => None,
    }
}

/// What is outside of a request: one value for all properties, a clock that stands, numbers that count up.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) property: Option<Vec<u8>>,
    pub(crate) random: Cell<u64>,
}

impl Properties for World {
    type Bytes = Vec<u8>;

    fn property(&self, _: &[u8]) -> Option<Vec<u8>> {
        self.property.clone()
    }
}

impl Random for World {
    fn random(&self) -> u64 {
        self.random.replace(self.random.get().wrapping_add(1))
    }
}

impl Clock for World {
    fn now(&self) -> u64 {
        NOW
    }
}

impl Cel for World {}

impl Signatures for World {}

/// A header line.
pub(crate) type Line = (Vec<u8>, Vec<u8>);

/// A request in lines of `name=value`; a line without `=` is the path. What no proxy hands over (control
/// characters) is left out, names are in lower case, and each pseudo-header is there once.
pub(crate) fn request(data: &[u8]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for line in data.split(|b| *b == b'\n') {
        let (name, value) = match line.iter().position(|b| *b == b'=') {
            Some(at) => (line[..at].to_ascii_lowercase(), &line[at + 1..]),
            None => (b":path".to_vec(), line),
        };
        let token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
        let pseudo = PLAIN.iter().any(|(known, _)| known.as_bytes() == name);
        let is_name = pseudo || (!name.is_empty() && name.iter().all(token));
        let again = pseudo && lines.iter().any(|(known, _)| *known == name);
        if is_name && !again && is_safe_value(value) {
            lines.push((name, value.to_vec()));
        }
    }
    for (name, value) in PLAIN {
        if !lines.iter().any(|(known, _)| known == name.as_bytes()) {
            lines.push((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        }
    }
    lines
}

const PLAIN: [(&str, &str); 4] =
    [(":authority", "shop.example.com"), (":path", "/"), (":method", "GET"), (":scheme", "https")];

/// The two parts of an input, around its first byte `separator`.
pub(crate) fn halves(data: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match data.iter().position(|b| *b == separator) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}

/// An access plan that reads some sources, and the attributes in it.
pub(crate) struct Reader {
    access_plan: AccessPlan,
    ids: Vec<AttrId>,
}

impl Reader {
    pub(crate) fn new(sources: &[&str]) -> Self {
        let (named, env) = (AttributeMap::default(), |_: &str| None);
        let mut compiler = Compiler::new(&named, &env, Problems::default());
        let ids = sources.iter().map(|source| compiler.attribute(source, &At::root()).unwrap()).collect();
        Self { access_plan: compiler.finish().unwrap(), ids }
    }

    /// What each source has in the host's bytes.
    pub(crate) fn read(&self, raw: &[u8]) -> Vec<Option<Vec<u8>>> {
        let (mut scratch, world) = (Scratch::default(), World::default());
        scratch.read(&self.access_plan, raw);
        let request = Request::new(&self.access_plan, raw, &scratch, &world);
        self.ids.iter().map(|id| request.text(*id).map(<[u8]>::to_vec)).collect()
    }
}

/// A condition that can be asked about requests.
pub(crate) struct Asked {
    access_plan: AccessPlan,
    condition: weir_core::condition::Condition,
}

impl Asked {
    /// Compiles a condition over attributes, both as JSON; `None` where they are refused.
    pub(crate) fn new(attributes: &Value, condition: &Value) -> Option<Self> {
        let mut problems = Problems::default();
        let named: AttributeMap = weir_core::load::load_value(attributes, &mut problems);
        assert!(problems.is_empty(), "{problems}");
        let mut compiler = Compiler::new(&named, &env, Problems::default());
        let condition = weir_core::condition::compile(condition, &mut compiler, &At::root());
        Some(Self { access_plan: compiler.finish().ok()?, condition })
    }

    /// What it says of a request with these headers.
    pub(crate) fn judge(&self, headers: &[(&str, &[u8])]) -> Truth {
        let (raw, world) = (encode_pairs(headers), World::default());
        let mut scratch = Scratch::default();
        scratch.read(&self.access_plan, &raw);
        self.condition.judge(&Request::new(&self.access_plan, &raw, &scratch, &world))
    }
}

/// What was decided about a request by a plugin in a fake proxy.
#[derive(Debug)]
pub(crate) struct Served {
    /// The request's headers as they leave, sorted.
    pub(crate) headers: Vec<Line>,
    /// What becomes of it; `Hold` where it waits.
    pub disposition: Disposition,
}

/// Serves a request from its headers to the end of its response, with a body in three pieces.
pub(crate) fn serve(pipeline: &Pipeline, host: &FakeHost, lines: &[Line]) -> Served {
    *host.request.borrow_mut() = lines.to_vec();
    let mut workspace = Workspace::default();
    let served = pipeline.on_request_headers(host, &mut workspace, 0);
    match &served.disposition {
        Disposition::Delay(delay) => pipeline.delay_over(host, delay.mark),
        Disposition::Hold(hold) => <Pipeline as Plugin<FakeHost>>::hold_over(pipeline, host, hold.mark),
        Disposition::On | Disposition::Reply(_) => {}
    }
    if let Some(kept) = served.kept
        && let Some(mut kept) = pipeline.on_response_headers(host, kept, false)
    {
        for piece in [&b"{\"a\": "[..], b"[1, 2, ", b"3]}"] {
            host.body.borrow_mut().extend_from_slice(piece);
            let size = host.body.borrow().len();
            if <Pipeline as Plugin<FakeHost>>::wants_body(&kept)
                && pipeline.on_response_body(host, &mut kept, size, piece.ends_with(b"}")) != Body::Gathers
            {
                host.body.borrow_mut().clear();
            }
            let _ = pipeline.waits_on(host, &mut kept);
        }
        pipeline.on_end(host, kept);
    }
    <Pipeline as Plugin<FakeHost>>::on_request_trailers(pipeline, host);
    if <Pipeline as Plugin<FakeHost>>::wants_wake(pipeline) {
        let _ = pipeline.on_wake(host);
    }
    pipeline.retire(host);
    let mut headers = host.request.take();
    headers.sort();
    for (name, value) in host.take_response_headers() {
        assert!(is_safe_value(&value), "{}: {}", name.escape_ascii(), value.escape_ascii());
    }
    Served { headers, disposition: served.disposition }
}

/// A proxy that has the time of all targets.
pub(crate) fn host() -> FakeHost {
    let host = FakeHost::default();
    host.now.set(NOW);
    host
}

/// A plugin with a configuration that is right.
pub(crate) fn pipeline(configuration: &Value) -> Pipeline {
    let configured = Pipeline::configure(&host(), configuration.to_string().as_bytes());
    configured.unwrap_or_else(|problems| panic!("{problems}"))
}

/// Imports a vendor's definitions. What comes of them is a configuration that a module takes, and that decides the
/// same each time; a file of it is read back.
pub(crate) fn import(vendor: Vendor, data: &[u8]) {
    let Ok(definitions) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(imported) = weir_definitions::import(vendor, &definitions, &Options::default()) else { return };
    let (document, report) = (&imported.document, &imported.report);
    assert!(report.total() >= report.imported.len());
    if document.is_empty() {
        return;
    }
    let json = document.to_json();
    let plans = Plans::load(json.to_string().as_bytes(), &|_| None);
    let plans = plans.unwrap_or_else(|problems| panic!("{problems}\n{json}"));
    let (documents, broken) = weir_cli::fuzzed::documents(&weir_cli::fuzzed::written(&json));
    assert_eq!((documents.len(), broken.len()), (1, 0));
    for value in ["", "1", "ada", "true", "1.2.3", "a,b", "\u{e9}", "{\"a\":[1]}"] {
        let headers = document.attributes.iter().map(|attribute| {
            let header = attribute.source.get("header").and_then(Value::as_str);
            let header = header.or_else(|| attribute.source.as_str()?.strip_prefix("header:"));
            (header.unwrap_or_default().to_owned(), value)
        });
        let raw = encode_pairs(&headers.collect::<Vec<_>>());
        let outcome = || plans.outcome(&raw, &World::default(), &mut ());
        assert_eq!(outcome(), outcome());
    }
}
