//! One pass over a request: read once, let every filter decide, apply everything at once.

use crate::counters::Counters;
use weir_core::predicate::CelId;
use weir_core::request::Signature;
use weir_core::{Outside, Problems, Request, ResponseHeader};
use weir_document::Plans;
use weir_host::{Host, MetricKind, Plugin, Served, Workspace, apply, respond};

/// A configured plugin: the filters that its document switches on.
pub struct Pipeline {
    plans: Plans,
    /// Tokens of the CEL expressions, in the order of the shape.
    cel: Box<[u32]>,
    counters: Counters,
}

/// What a request may ask of the host, with the names that the plan uses.
struct Asked<'p, H> {
    host: &'p H,
    cel: &'p [u32],
}

impl<H: Host> Outside for Asked<'_, H> {
    fn property(&self, path: &[u8]) -> Option<Box<[u8]>> {
        self.host.property(path).map(|bytes| Box::from(&*bytes))
    }

    fn cel(&self, id: CelId) -> Option<bool> {
        self.host.evaluate_cel(*self.cel.get(id.index())?)
    }

    fn random(&self) -> u64 {
        self.host.random()
    }

    fn now(&self) -> u64 {
        self.host.now()
    }

    fn verify_signature(&self, signature: &Signature<'_>) -> Option<bool> {
        self.host.verify_signature(signature)
    }
}

/// What is kept of a stream until it ends.
#[derive(Debug, Default)]
pub struct Kept {
    /// Headers for the response.
    response: Vec<ResponseHeader>,
}

impl Pipeline {
    /// The host's tokens for the plan's CEL expressions.
    fn compile_cel<H: Host>(plans: &Plans, host: &H) -> Result<Box<[u32]>, Problems> {
        let (mut tokens, mut problems) = (Vec::new(), Problems::default());
        for (expression, at) in plans.shape.cel.iter().zip(&plans.shape.cel_at) {
            match host.compile_cel(expression) {
                Ok(token) => tokens.push(token),
                Err(message) => problems.add(at, message),
            }
        }
        if problems.is_empty() { Ok(tokens.into()) } else { Err(problems) }
    }
}

impl<H: Host> Plugin<H> for Pipeline {
    const MAY_HOLD: bool = cfg!(any(feature = "jwt-claims", feature = "fault-injection"));

    type Kept = Kept;

    fn configure(host: &H, configuration: &[u8]) -> Result<Self, Problems> {
        let plans = Plans::load(configuration, &|name| std::env::var(name).ok())?;
        let cel = Self::compile_cel(&plans, host)?;
        let counters =
            plans.shape.counters.iter().map(|name| host.define_metric(MetricKind::Counter, name)).collect();
        Ok(Self { plans, cel, counters: Counters::new(counters) })
    }

    fn on_request_headers(&self, host: &H, workspace: &mut Workspace) -> Served<Kept> {
        let shape = &self.plans.shape;
        let Workspace { scratch, effects, held_for: _ } = workspace;
        let pairs;
        // Some configurations look at no header at all: then the dearest call of all is not made.
        let raw: &[u8] = if shape.headers.is_empty() {
            &[]
        } else {
            pairs = host.request_pairs();
            &pairs
        };
        scratch.read(shape, raw);
        let asked = Asked { host, cel: &self.cel };
        let request = Request::new(shape, raw, scratch, &asked);
        effects.reset(shape);
        // Variants first: routes can depend on them.
        #[cfg(feature = "experiment")]
        if let Some(experiments) = &self.plans.experiments {
            experiments.decide(&request, effects);
        }
        #[cfg(feature = "ab-routing")]
        if let Some(routing) = &self.plans.routing {
            routing.decide(&request, effects);
        }
        apply(shape, &request, effects, host);
        self.counters.count(&effects.counts, host);
        let kept =
            (!effects.response.is_empty()).then(|| Kept { response: std::mem::take(&mut effects.response) });
        Served { kept, way: std::mem::take(&mut effects.way) }
    }

    fn on_response_headers(&self, host: &H, kept: Kept, _ends: bool) -> Option<Kept> {
        respond(&kept.response, host);
        None
    }

    fn retire(&self, host: &H) {
        self.counters.flush(host);
    }
}

#[cfg(test)]
#[cfg(all(feature = "experiment", feature = "ab-routing"))]
mod tests {
    use super::*;
    use weir_host::FakeHost;

    /// Serves one request; what the upstream gets, and the cookie that the response sets.
    fn serve(pipeline: &Pipeline, cookie: &str, random: u64) -> (Vec<(String, String)>, Vec<String>) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let host = FakeHost::with_request(&[(":path", b"/"), ("cookie", cookie.as_bytes())]);
        host.random.set(random);
        if let Some(kept) = pipeline.on_request_headers(&host, &mut Workspace::default()).kept {
            pipeline.on_response_headers(&host, kept, false);
        }
        let sent = host.request.borrow();
        let ours = sent.iter().filter(|(name, _)| name.starts_with(b"x-"));
        let headers = ours.map(|(name, value)| (text(name), text(value))).collect();
        let set = host.take_response_headers();
        let pair = |value: &[u8]| text(value).split(';').next().unwrap().to_owned();
        (headers, set.iter().map(|(_, value)| pair(value)).collect())
    }

    #[test]
    fn who_is_new_has_one_id_for_all_filters() {
        let secrets = ["", r#""secret": {"value": "only for tests, and long"},"#];
        for secret in secrets {
            let configuration = format!(
                r#"{{"experiments": {{"mintCookie": {{"name": "id"}}, {secret}
                       "list": [{{"key": "checkout", "variants": [
                         {{"key": "a", "weight": 1}}, {{"key": "b", "weight": 1}}]}}]}},
                     "routing": {{"rules": [{{"name": "split", "split": {{"mintCookie": {{"name": "id"}},
                       "targets": [{{"name": "v1", "weight": 1, "setHeaders": {{"x-side": "v1"}}}},
                                   {{"name": "v2", "weight": 1, "setHeaders": {{"x-side": "v2"}}}}]}}}}]}}}}"#
            );
            let pipeline = Pipeline::configure(&FakeHost::default(), configuration.as_bytes()).unwrap();
            let mut sides = std::collections::BTreeSet::new();
            for random in 0..50 {
                let (first, cookies) = serve(&pipeline, "", random);
                let [cookie] = cookies.as_slice() else { panic!("{cookies:?}") };
                let (later, again) = serve(&pipeline, cookie, 1000);
                assert_eq!((&first, again.len()), (&later, 0), "{cookie}");
                sides.insert(first);
            }
            assert_eq!(sides.len(), 4, "both filters divide, each by its own salt");
        }
    }
}
