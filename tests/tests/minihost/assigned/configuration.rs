//! Configurations by chance, each with all five filters.

use crate::chance::Chance;
use serde_json::{Map, Value, json};

pub(super) const KEYS: [&str; 4] = ["checkout", "search", "upsell", "page"];
const HASHES: [&str; 3] = ["weir-1", "growthbook-2", "growthbook-1"];

fn optional(object: &mut Value, chance: &mut Chance, name: &str, values: &[Value]) {
    if chance.once_in(3) {
        object[name] = chance.of(values);
    }
}

/// What requests are asked for: `match` and `condition`.
fn targeting(object: &mut Value, chance: &mut Chance) {
    optional(
        object,
        chance,
        "match",
        &[
            json!({"uri": {"prefix": "/shop"}}),
            json!({"headers": {"x-country": {"exact": "de"}}}),
            json!({"method": {"exact": "POST"}}),
            json!([{"uri": {"exact": "/orders"}}, {"queryParams": {"beta": {"exact": "1"}}}]),
            json!({"withoutHeaders": {"x-country": {}}}),
            json!({"headers": {"x-plan": {"regex": "(pro|gold).*"}}}),
        ],
    );
    optional(
        object,
        chance,
        "condition",
        &[
            json!({"country": {"$in": ["de", "fr"]}}),
            json!({"age": {"$gt": 30}}),
            json!({"$or": [{"plan": "pro"}, {"country": "de"}]}),
            json!({"$not": {"plan": {"$regex": "^go"}}}),
        ],
    );
}

fn jwt(chance: &mut Chance) -> Value {
    let mut provider = json!({
        "issuer": "https://id.example.com",
        "jwks": {"inline": {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "example",
            "x": "cQmOmp7YyAtrHVSsB-m_WrjTJIQAkb313Gz_-TPEEAc"}]}},
    });
    optional(&mut provider, chance, "forward", &[json!(true)]);
    optional(&mut provider, chance, "payloadHeader", &[json!("x-payload")]);
    optional(
        &mut provider,
        chance,
        "require",
        &[json!({"role": "admin"}), json!({"role": {"$in": ["admin", "user"]}})],
    );
    optional(
        &mut provider,
        chance,
        "claimsToHeaders",
        &[
            json!([{"claim": "sub", "header": "x-sub"}, {"claim": "no", "header": "x-no", "default": "none"}]),
            json!([]),
        ],
    );
    optional(
        &mut provider,
        chance,
        "from",
        &[
            json!({"headers": [{"name": "x-token"}]}),
            json!({"cookies": ["token"]}),
            json!({"params": ["token"]}),
        ],
    );
    let mut section = json!({"providers": {"example": provider}});
    optional(&mut section, chance, "bypassCorsPreflight", &[json!(true)]);
    let orders = json!({"match": {"uri": {"prefix": "/orders"}}, "requires": "example"});
    let admins = json!({"match": {"uri": {"prefix": "/shop"}}, "requires": {"optional": "example"}, "require": {"role": "admin"}});
    let optional = json!({"requires": {"optional": "example"}});
    let failed = json!({"requires": {"optionalOrFailed": "example"}});
    section["rules"] = chance.of(&[
        json!([orders, optional]),
        json!([orders, failed]),
        json!([admins, orders, failed]),
        json!([orders, {"match": {"method": {"exact": "POST"}}, "requires": {"any": ["example", "none"]}}]),
        json!([failed]),
    ]);
    section
}

fn experiment(chance: &mut Chance, key: &str, earlier: &[&str]) -> Value {
    let variants: Vec<Value> = ["a", "b", "c"][..2 + chance.below(2)]
        .iter()
        .map(|name| {
            let mut variant = json!({"key": name, "weight": 1 + chance.below(9)});
            optional(&mut variant, chance, "payload", &[json!({"colour": "red"}), json!(7)]);
            optional(&mut variant, chance, "headers", &[json!({(format!("x-own-{key}")): name})]);
            variant
        })
        .collect();
    let mut it = json!({"key": key, "variants": variants});
    targeting(&mut it, chance);
    optional(&mut it, chance, "coverage", &[json!("50%"), json!(0.9)]);
    optional(&mut it, chance, "hash", &HASHES.map(Value::from));
    optional(&mut it, chance, "seed", &[json!("one"), json!("two")]);
    optional(&mut it, chance, "holdout", &[json!("few"), json!(["few", "some"])]);
    optional(&mut it, chance, "unit", &[json!("header:x-user-id"), json!(["cookie:uid", "claim:sub"])]);
    optional(&mut it, chance, "anonymous", &[json!(false)]);
    if chance.once_in(4) {
        it["layer"] = json!({"name": format!("of-{key}"), "ranges": [[0.1, 0.8]]});
    }
    match chance.below(12) {
        0 => it["status"] = json!("draft"),
        1 => (it["status"], it["winner"]) = (json!("ended"), json!("b")),
        2 => it["start"] = json!("2026-11-28T00:00:01Z"),
        3 => (it["end"], it["winner"]) = (json!("2026-11-28T00:00:00Z"), json!("a")),
        _ => {}
    }
    if !earlier.is_empty() && chance.once_in(3) {
        it["prerequisites"] =
            json!([{"experiment": chance.of(earlier), "variants": ["a", "b"], "not": chance.once_in(2)}]);
    }
    it
}

fn experiments(chance: &mut Chance) -> Value {
    let count = 1 + chance.below(KEYS.len());
    let list: Vec<Value> = (0..count).map(|index| experiment(chance, KEYS[index], &KEYS[..index])).collect();
    let mut section = json!({
        "unit": chance.of(&[json!("claim:sub"), json!(["claim:sub", "header:x-user-id"]), json!("cookie:uid")]),
        "holdouts": [{"name": "few", "share": "5%"}, {"name": "some", "share": "20%"}],
        "list": list,
    });
    optional(&mut section, chance, "mintCookie", &[json!({"name": "weir-id"})]);
    optional(&mut section, chance, "trust", &[json!({"match": {"headers": {"x-friend": {"exact": "1"}}}})]);
    optional(
        &mut section,
        chance,
        "overrides",
        &[
            json!({"header": "x-force", "query": "force", "allow": {"match": {"headers": {"x-friend": {"exact": "1"}}}}}),
        ],
    );
    let mut output = json!({});
    optional(&mut output, chance, "combinedHeader", &[json!("x-experiments")]);
    optional(&mut output, chance, "baggage", &[json!(true)]);
    optional(&mut output, chance, "responseHeader", &[json!("x-variants")]);
    section["output"] = output;
    section
}

fn target(chance: &mut Chance, name: &str) -> Value {
    let mut it = json!({"setHeaders": {"x-weir-route": name}});
    if chance.once_in(4) {
        it["rewrite"] = chance.of(&[json!({"uri": "/new"}), json!({"authority": "other.example.com"})]);
    }
    it
}

fn routing(chance: &mut Chance, experiments: &[Value]) -> Value {
    let mut rules = Vec::new();
    for index in 0..1 + chance.below(4) {
        let name = format!("rule-{index}");
        let mut rule = json!({"name": name});
        targeting(&mut rule, chance);
        if chance.once_in(3) {
            let key = experiments[chance.below(experiments.len())]["key"].as_str().unwrap();
            rule["variant"] = json!({ key: chance.of(&[json!("a"), json!(["a", "b"])]) });
        }
        if chance.once_in(2) {
            let targets: Vec<Value> = ["v1", "v2", "v3"]
                .iter()
                .map(|side| {
                    let mut it = target(chance, side);
                    (it["name"], it["weight"]) = (json!(side), json!(1 + chance.below(5)));
                    it
                })
                .collect();
            rule["split"] = json!({"targets": targets});
            rule["split"]["stickyBy"] =
                chance.of(&[json!("header:x-user-id"), json!(["claim:sub", "cookie:uid"])]);
            optional(&mut rule["split"], chance, "seed", &[json!("one")]);
            optional(&mut rule["split"], chance, "mintCookie", &[json!({"name": "weir-id"})]);
        } else {
            rule.as_object_mut().unwrap().extend(members(target(chance, &name)));
        }
        rules.push(rule);
    }
    let mut section = json!({"rules": rules});
    optional(&mut section, chance, "default", &[json!({"setHeaders": {"x-weir-route": "none"}})]);
    optional(
        &mut section,
        chance,
        "response",
        &[json!({"debugHeader": "x-rule", "vary": true}), json!({"vary": true})],
    );
    section
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn faults(chance: &mut Chance, experiments: &[Value]) -> Value {
    let list = (0..1 + chance.below(3)).map(|index| {
        let mut it = json!({"name": format!("fault-{index}")});
        targeting(&mut it, chance);
        // Most are certain: what chance decides cannot be compared.
        let part = |chance: &mut Chance| chance.of(&["0%", "100%", "100%", "100%", "100%", "50%"]);
        if chance.once_in(2) {
            it["delay"] = json!({"fixedDelay": "20ms", "percentage": part(chance)});
        }
        if it.get("delay").is_none() || chance.once_in(3) {
            it["abort"] = json!({"httpStatus": 500 + chance.below(5), "percentage": part(chance)});
        }
        if chance.once_in(3) {
            it["sampling"] = json!({"sticky": {"unit": ["header:x-user-id", "claim:sub"]}});
        }
        if it.get("match").is_none() && it.get("condition").is_none() {
            let key = experiments[chance.below(experiments.len())]["key"].as_str().unwrap();
            it["variant"] = json!({ key: "a" });
        }
        optional(
            &mut it,
            chance,
            "killSwitch",
            &[json!({"header": "x-calm", "allow": {"match": {"uri": {"prefix": "/"}}}})],
        );
        optional(
            &mut it,
            chance,
            "window",
            &[json!({"end": "2026-01-01T00:00:00Z"}), json!({"start": "2026-01-01T00:00:00Z"})],
        );
        it
    });
    Value::Array(list.collect())
}

/// One with all five sections.
pub(super) fn any(chance: &mut Chance) -> Value {
    let experiments = experiments(chance);
    let list = experiments["list"].as_array().unwrap().clone();
    let mut config = json!({
        "attributes": {
            "country": "header:x-country",
            "plan": {"header": "x-plan", "lower": true},
            "age": {"header": "x-age", "type": "number"},
        },
        "jwt": jwt(chance),
        "routing": routing(chance, &list),
        "faults": faults(chance, &list),
        "metrics": {"red": {"route": false}, "list": [{"name": "all_total", "type": "counter", "experiments": "*"}]},
    });
    config["experiments"] = experiments;
    optional(
        &mut config,
        chance,
        "ownership",
        &[json!({"reserved": ["x-old", "x-gone-*"]}), json!({"namespace": false})],
    );
    config
}
