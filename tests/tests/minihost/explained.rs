//! What is explained is what happens: requests by chance, decided without a proxy as `weir assign` does it, and by
//! the built module in the mini host, for the configurations in `envoy-configs/`.

use crate::chance::Chance;
use crate::tokens;
use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;
use weir_core::header::encode_pairs;
use weir_core::{Disposition, Effects, HostServices};
use weir_pipeline::{Outcome, Plans, Trace, experiments, faults, jwt, routing};
use weir_testkit::Services;
use weir_tests::driver::minihost::Modules;
use weir_tests::minihost::{Exchange, Options, Request, Response};

static MODULES: LazyLock<Modules> = LazyLock::new(Modules::default);

/// 2026-11-28, in nanoseconds since the Unix epoch.
const NOW: u64 = 1_795_824_000_000_000_000;

const FILES: [&str; 9] = [
    "all-filters.yaml",
    "front-proxy.yaml",
    "ab-routing.yaml",
    "experiment.yaml",
    "jwt-claims.yaml",
    "header-routing.yaml",
    "sticky-canary.yaml",
    "region.yaml",
    "faults.yaml",
];

/// Requests for each file: 500 and more in all.
const REQUESTS: usize = 80;

/// Faults that are explained in the place of being injected.
#[derive(Default)]
struct Faults(Vec<faults::Possible>);

impl jwt::Trace for Faults {
    fn token_step(&mut self, _: jwt::Note<'_>) {}
}

impl experiments::Trace for Faults {
    fn note(&mut self, _: experiments::Note<'_>) {}
}

impl routing::Trace for Faults {
    fn routing_step(&mut self, _: routing::Note<'_>) {}
}

impl Trace for Faults {
    fn faults<O: HostServices>(
        &mut self,
        plan: &faults::Plan,
        request: &weir_core::Request<'_, O>,
        effects: &mut Effects,
    ) {
        plan.explain(request, effects, &mut |explained| self.0.extend(explained.faults));
    }
}

/// The first Weir configuration in an Envoy file.
fn configuration(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(members) => {
            let ours = members.get("configuration").and_then(|it| it.get("value"));
            ours.or_else(|| members.values().find_map(configuration))
        }
        Value::Array(items) => items.iter().find_map(configuration),
        _ => None,
    }
}

/// Header names and texts that the configuration asks for, so that its rules are hit.
fn asked(value: &Value, found: &mut Vec<(String, String)>) {
    let Some(members) = value.as_object() else {
        return value.as_array().into_iter().flatten().for_each(|item| asked(item, found));
    };
    for (name, test) in members.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let text = test.get("exact").or_else(|| test.get("prefix")).and_then(Value::as_str);
        found.push((name.to_ascii_lowercase(), text.unwrap_or("1").to_owned()));
    }
    members.values().for_each(|value| asked(value, found));
}

fn request(chance: &mut Chance, asked: &[(String, String)], tokens: &[String]) -> Request {
    let method = chance.of(&["GET", "GET", "POST", "OPTIONS"]);
    let path =
        chance.of(&["/", "/", "/slow", "/slow?a=b", "/orders", "/orders/7", "/shop", "/account", "/api/v1"]);
    let mut request = Request::new(method, "shop.example.com", path);
    let user = format!("user-{}", chance.below(1000));
    for (name, value) in asked {
        if chance.below(3) == 0 {
            request = request.header(name, value);
        }
    }
    let has = |request: &Request, name: &str| request.headers.first(name.as_bytes()).is_some();
    if chance.below(2) == 0 && !has(&request, "x-user-id") {
        request = request.header("x-user-id", &user);
    }
    match chance.below(6) {
        0 => request = request.header("authorization", "Bearer of.no.token"),
        1 => request = request.header("authorization", "Basic YTpi"),
        2 => {}
        _ => {
            let token = &tokens[chance.below(tokens.len())];
            request = request.header("authorization", format!("Bearer {token}"));
        }
    }
    for (name, value) in [
        ("x-weir-route", "v2"),
        ("x-experiments", "checkout=fast"),
        ("x-auth-user-id", "root"),
        ("x-weir-experiment-checkout", "b"),
        ("x-weir-fault-off", "1"),
        ("x-region", "eu"),
    ] {
        if chance.below(4) == 0 && !has(&request, name) {
            request = request.header(name, value);
        }
    }
    if chance.below(2) == 0 {
        let id = format!("{:032x}", chance.below(1 << 30));
        request = request.header("cookie", format!("weir-id={id}; uid={user}; weir_id={id}; id={id}"));
    }
    request
}

fn sorted(headers: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut all: Vec<_> = headers.into_iter().map(|(name, value)| (text(name), text(value))).collect();
    all.sort();
    all
}

/// Holds what happened against what was explained; false where chance decided.
fn agree(
    outcome: &Outcome,
    faults: &[faults::Possible],
    sent: &Request,
    seen: &Exchange,
) -> Result<bool, String> {
    let pairs: Vec<(Vec<u8>, Vec<u8>)> =
        sent.headers.pairs().iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    if let Disposition::Reply(reply) = &outcome.disposition {
        let status = seen.response.as_ref().map(Response::code);
        let right = status == Some(reply.status) && seen.upstream.is_none();
        return if right { Ok(true) } else { Err(format!("explained {}, got {status:?}", reply.status)) };
    }
    if faults.iter().any(|fault| fault.hit.is_none()) {
        return Ok(false);
    }
    let abort = faults.iter().find(|fault| fault.kind == "abort" && fault.hit == Some(true));
    let delayed = faults.iter().any(|fault| fault.kind == "delay" && fault.hit == Some(true));
    let held = seen.elapsed > Duration::from_millis(1);
    if delayed != held {
        return Err(format!("explained a delay: {delayed}, it took {:?}", seen.elapsed));
    }
    match (abort, &seen.upstream) {
        (Some(abort), None) => {
            let status = seen.response.as_ref().map(Response::code).unwrap_or_default();
            let right = abort.what == status.to_string() || abort.what.starts_with("grpc-");
            if right { Ok(true) } else { Err(format!("explained {}, got {status}", abort.what)) }
        }
        (None, Some(upstream)) => {
            // A client that is new has an id by chance, and so the sides that it is put on.
            if outcome.response.iter().any(|(name, _)| name == "set-cookie") {
                let set = seen.response.as_ref().and_then(|it| it.headers.first(b"set-cookie"));
                return if set.is_some() { Ok(false) } else { Err("no cookie is set".to_owned()) };
            }
            let explained = sorted(outcome.upstream(&pairs));
            let got = upstream.headers.pairs().iter();
            let got = sorted(got.map(|(name, value)| (name.to_vec(), value.to_vec())));
            if explained == got {
                Ok(true)
            } else {
                Err(format!("explained {explained:?}\n     got {got:?}"))
            }
        }
        (abort, upstream) => Err(format!("explained {abort:?}, but upstream: {}", upstream.is_some())),
    }
}

#[test]
fn the_module_does_what_is_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy-configs");
    let text = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let mut tokens: Vec<String> = FILES.iter().flat_map(|file| tokens::of(&text(file))).collect();
    // One that is nobody's.
    tokens.extend(tokens.first().map(|token| token.replace("eyJpc3M", "eyJpc3N")));
    assert!(tokens.len() > 3, "{tokens:?}");
    let module = MODULES.get("weir").unwrap();
    let mut chance = Chance(7);
    let (mut agreed, mut by_chance, mut wrong) = (0, 0, Vec::new());
    for file in FILES {
        let whole: Value = serde_saphyr::from_str(&text(file)).unwrap();
        let config = configuration(&whole).unwrap_or_else(|| panic!("{file} has no configuration"));
        let env = |_: &str| Some("as long as a secret has to be, here too".to_owned());
        let environment = ["COOKIE_SECRET", "TESTER_SECRET", "LOG_SECRET"]
            .map(|name| (name.to_owned(), env(name).unwrap()));
        let options = Options { env: environment.into_iter().collect(), ..Options::default() };
        let vm = module.start(&options).unwrap();
        vm.set_clock(NOW);
        let plugin = vm.configure(&config.to_string()).unwrap_or_else(|error| panic!("{file}: {error:?}"));
        let known = |name: &str| environment_of(&options, name);
        let mut values = Vec::new();
        asked(config, &mut values);
        for _ in 0..REQUESTS {
            let sent = request(&mut chance, &values, &tokens);
            let raw = encode_pairs(sent.headers.pairs());
            // New plans each time: nothing is remembered of earlier tokens, as nothing is by `weir assign`.
            let plans = Plans::load(config.to_string().as_bytes(), &known).unwrap();
            let mut faults = Faults::default();
            // Signatures are verified by the module's own code.
            let services = Services::at(NOW);
            let outcome = plans.outcome(&raw, &services, &mut faults);
            vm.set_clock(NOW);
            let seen = plugin.exchange(sent.clone(), Response::status(200)).unwrap();
            match agree(&outcome, &faults.0, &sent, &seen) {
                Ok(true) => agreed += 1,
                Ok(false) => by_chance += 1,
                Err(message) => wrong.push(format!("{file}: {:?}: {message}", sent.headers.pairs())),
            }
        }
    }
    println!("{agreed} agree, {by_chance} are chance's, {} differ", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(agreed >= 500, "only {agreed} requests were compared");
}

fn environment_of(options: &Options, name: &str) -> Option<String> {
    options.env.get(name).cloned()
}
