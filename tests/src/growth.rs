//! Long configurations of each kind, and what a request costs with them, in fuel: for the test that it stays nearly the
//! same, and for the benchmark that prints the curves.

use serde_json::{Value, json};

pub use crate::minihost::BROWSER;
use crate::minihost::{Module, Options, Properties, Request};

/// Configurations of one kind with any number of rules, experiments or faults.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What they are found by.
    pub name: &'static str,
    /// The name of the module that they are for.
    pub module: &'static str,
    /// The configuration with so many.
    pub configuration: fn(usize) -> Value,
    /// How much more a request may cost with a thousand than with one; `None` where each is asked.
    pub more: Option<u64>,
}

/// All kinds, in the order in which they are reported.
pub const KINDS: [Kind; 24] = [
    routing("rules, `headers` exact", |count| {
        rules(count, |i| json!({"match": {"headers": {"x-user": {"exact": format!("user-{i}")}}}}))
    }),
    routing("rules, `uri` exact", |count| {
        rules(count, |i| json!({"match": {"uri": {"exact": format!("/p/{i}")}}}))
    }),
    routing("rules, `uri` prefix", |count| {
        rules(
            count,
            |i| json!({"match": {"uri": {"prefix": format!("/p/{i}/")}, "method": {"exact": "GET"}}}),
        )
    }),
    routing("rules, `authority` exact", |count| {
        rules(count, |i| json!({"match": {"authority": {"exact": format!("h{i}.example")}}}))
    }),
    routing("rules, `condition`, equality", |count| {
        rules(count, |i| json!({"condition": {"header:x-user": format!("user-{i}")}}))
    }),
    routing("rules, `condition`, `$in`", |count| {
        rules(
            count,
            |i| json!({"condition": {"header:x-user": {"$in": [format!("a-{i}"), format!("b-{i}")]}}}),
        )
    }),
    routing("rules, `uri` regex with a literal start", |count| {
        rules(count, |i| json!({"match": {"uri": {"regex": format!("/p/{i}/[a-z]+(/.*)?")}}}))
    }),
    Kind {
        module: "weir",
        // Each pair of an experiment and a variant is looked at, of which there are a hundred.
        more: Some(4_500),
        ..routing("rules, `variant`, of ten experiments with ten other variants", |count| {
            with_experiments(rules(count, |i| json!({"variant": other_variant(i)})))
        })
    },
    Kind {
        more: None,
        ..routing("rules, `headers` suffix: no index", |count| {
            rules(count, |i| json!({"match": {"headers": {"x-user": {"suffix": format!("-{i}")}}}}))
        })
    },
    experiment("experiments, `headers` exact, one header for all", |count| {
        one_header(experiments(
            count,
            |i| json!({"match": {"headers": {"x-tenant": {"exact": format!("t-{i}")}}}}),
        ))
    }),
    Kind {
        // There is room for each header.
        more: Some(16_000),
        ..experiment("experiments, `headers` exact, a header each", |count| {
            experiments(count, |i| json!({"match": {"headers": {"x-tenant": {"exact": format!("t-{i}")}}}}))
        })
    },
    experiment("experiments, `uri` prefix", |count| {
        one_header(experiments(count, |i| json!({"match": {"uri": {"prefix": format!("/p/{i}/")}}})))
    }),
    experiment("experiments, `condition`, in layers", |count| {
        one_header(experiments(count, |i| {
            // A hundred share one.
            let part = |part: usize| format!("{part}%");
            let ranges = [[part(i % 100), part(i % 100 + 1)]];
            let layer = json!({"name": format!("layer-{}", i / 100), "ranges": ranges});
            json!({"condition": {"header:x-tenant": format!("t-{i}")}, "layer": layer})
        }))
    }),
    experiment("experiments, `condition`, sticky, a new visitor", |count| {
        let mut all = experiments(
            count,
            |i| json!({"condition": {"header:x-tenant": format!("t-{i}")}, "sticky": true}),
        );
        all["experiments"]["secret"] = json!({"value": "a secret for tests only"});
        all["experiments"]["assignmentCookie"] = json!({"name": "w"});
        one_header(all)
    }),
    experiment("experiments that have ended", |count| {
        one_header(experiments(count, |_| json!({"status": "ended"})))
    }),
    Kind {
        more: None,
        ..experiment("experiments for all requests, one header for all", |count| {
            one_header(experiments(count, |_| json!({})))
        })
    },
    fault("faults, `headers` exact", |count| {
        faults(count, |i| json!({"match": {"headers": {"x-tenant": {"exact": format!("t-{i}")}}}}))
    }),
    fault("faults, `uri` prefix", |count| {
        faults(count, |i| json!({"match": {"uri": {"prefix": format!("/p/{i}/")}}}))
    }),
    fault("faults, `condition`, equality", |count| {
        faults(count, |i| json!({"condition": {"header:x-tenant": format!("t-{i}")}}))
    }),
    fault("faults, `condition`, `$in`", |count| {
        faults(
            count,
            |i| json!({"condition": {"header:x-tenant": {"$in": [format!("a-{i}"), format!("b-{i}")]}}}),
        )
    }),
    fault("faults, `headers` exact, sticky", |count| {
        faults(count, |i| {
            let sticky = json!({"sticky": {"unit": "header:x-user"}});
            json!({"match": {"headers": {"x-tenant": {"exact": format!("t-{i}")}}}, "sampling": sticky})
        })
    }),
    fault("faults, `downstreamNodes`", |count| {
        faults(count, |i| json!({"downstreamNodes": format!("node-{i}")}))
    }),
    Kind {
        module: "weir",
        // Each pair of an experiment and a variant is looked at, of which there are a hundred.
        more: Some(4_500),
        ..fault("faults, `variant`, of ten experiments with ten other variants", |count| {
            with_experiments(faults(count, |i| json!({"variant": other_variant(i)})))
        })
    },
    Kind { more: None, ..fault("faults for all requests, 1 %", |count| faults(count, |_| json!({}))) },
];

const fn routing(name: &'static str, configuration: fn(usize) -> Value) -> Kind {
    Kind { name, module: "ab_routing", configuration, more: Some(3_000) }
}

const fn experiment(name: &'static str, configuration: fn(usize) -> Value) -> Kind {
    Kind { name, module: "experiment", configuration, more: Some(8_000) }
}

const fn fault(name: &'static str, configuration: fn(usize) -> Value) -> Kind {
    Kind { name, module: "fault_injection", configuration, more: Some(3_000) }
}

fn rules(count: usize, one: fn(usize) -> Value) -> Value {
    let rule = |i| {
        let mut rule = one(i);
        rule["name"] = json!(format!("rule-{i}"));
        rule["setHeaders"] = json!({"x-route": format!("v{}", i % 100)});
        rule
    };
    json!({"routing": {"rules": (0..count).map(rule).collect::<Value>()}})
}

fn experiments(count: usize, one: fn(usize) -> Value) -> Value {
    let experiment = |i| {
        let mut experiment = one(i);
        experiment["key"] = json!(format!("experiment-{i}"));
        experiment["variants"] = json!([{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]);
        experiment
    };
    json!({"experiments": {"unit": "header:x-user", "list": (0..count).map(experiment).collect::<Value>()}})
}

fn one_header(mut configuration: Value) -> Value {
    configuration["experiments"]["output"] = json!({"combinedHeader": "x-experiments"});
    configuration
}

fn faults(count: usize, one: fn(usize) -> Value) -> Value {
    let fault = |i| {
        let mut fault = one(i);
        fault["abort"] = json!({"httpStatus": 503, "percentage": "1%"});
        fault
    };
    json!({"faults": (0..count).map(fault).collect::<Value>()})
}

/// One of the variants that no request gets, of one of ten experiments.
fn other_variant(i: usize) -> Value {
    json!({format!("experiment-{}", i % 10): format!("other-{}", i / 10 % 10)})
}

/// Ten experiments that give all requests the same variant.
fn with_experiments(mut configuration: Value) -> Value {
    let mut all = one_header(experiments(10, |_| json!({})));
    let others = (0..10).map(|i| json!({"key": format!("other-{i}"), "weight": 0}));
    let variants: Value = [json!({"key": "a", "weight": 1})].into_iter().chain(others).collect();
    for experiment in all["experiments"]["list"].as_array_mut().into_iter().flatten() {
        experiment["variants"] = variants.clone();
    }
    configuration["experiments"] = all["experiments"].take();
    configuration
}

impl Kind {
    /// What the headers of a request that none of them is for cost with so many, in fuel.
    ///
    /// # Panics
    /// The module refuses the configuration, or traps.
    pub fn cost(&self, module: &Module, count: usize) -> u64 {
        let vm = module.start(&Options::default()).expect("it starts");
        let configuration = (self.configuration)(count).to_string();
        let plugin = vm.configure(&configuration).expect("the configuration is right");
        // What the first requests cost more is memory that later ones use again. A fault for all requests hits one
        // in a hundred, which costs something else: the least counts.
        let costs = (0..6).map(|_| {
            vm.take_calls();
            plugin.open(request(), Properties::new()).and_then(|stream| stream.finish()).expect("no trap");
            let calls = vm.take_calls();
            calls.iter().rfind(|call| call.callback == "proxy_on_request_headers").map(|call| call.fuel)
        });
        costs.skip(2).flatten().min().expect("there are headers")
    }
}

/// A request of 22 headers, pseudo-headers included.
fn request() -> Request {
    let own = [("x-user", "user-7000"), ("x-tenant", "acme-corp")];
    let last = [("x-b3-sampled", "0"), ("x-request-id", "7f8fe2b5-b8bd-4f21-9c0f-7c6a2f1f3f70")];
    let headers = own.into_iter().chain(BROWSER).chain(last);
    headers.fold(Request::get("/p/7000/x"), |request, (name, value)| request.header(name, value))
}
