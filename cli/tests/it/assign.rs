//! `weir assign`.

use crate::support::{Folder, weir, weir_with};
use serde_json::Value;

const CONFIG: &str = "
attributes:
  country: header:x-country
  age: {cookie: age, type: number}
experiments:
  unit: header:x-user-id
  secret: {env: WEIR_TEST_SECRET}
  assignmentCookie: {name: weir}
  overrides: {query: try, allow: {match: {headers: {x-tester: {exact: \"yes\"}}}}}
  holdouts: [{name: control-group, share: 5%}]
  list:
  - key: checkout
    layer: {name: cart, ranges: [[0, 0.5]]}
    holdout: control-group
    condition: {country: {$in: [de, fr]}, age: {$gte: 18}}
    coverage: 80%
    sticky: true
    variants: [{key: control, weight: 50}, {key: b, weight: 50, payload: {colour: green}}]
  - key: upsell
    prerequisites: [{experiment: checkout, variants: b}]
    hash: unleash
    coverage: 50%
    variants: [{key: u, weight: 1000}]
  - key: old
    status: ended
    winner: b
    variants: [{key: a, weight: 1}, {key: b, weight: 1}]
  - key: later
    start: 2030-01-01T00:00:00Z
    variants: [{key: a, weight: 1}, {key: b, weight: 1}]
routing:
  rules:
  - name: beta
    match: {headers: {x-tester: {exact: \"yes\"}}}
    setHeaders: {x-weir-route: v2}
";

fn assign(arguments: &[&str]) -> Value {
    let run = weir_with(&[&["assign", "-", "--output", "json"], arguments].concat(), CONFIG);
    assert_eq!(run.code, 0, "{run:?}");
    run.json()
}

/// The steps of the first experiment: name, verdict.
fn steps(json: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let steps = json["experiments"][0]["steps"].as_array().unwrap();
    steps.iter().map(|step| (text(&step["step"]), text(&step["verdict"]))).collect()
}

fn checkout(more: &[&str]) -> Value {
    assign(&[&["--experiment", "checkout"], more].concat())
}

/// Units by where they end.
fn unit_that_ends_by(step: &str) -> String {
    let target = ["--attr", "country=de", "--attr", "age=30"];
    (0..300)
        .map(|number| format!("user-{number}"))
        .find(|unit| checkout(&[&["--unit", unit], &target[..]].concat())["experiments"][0]["by"] == step)
        .unwrap()
}

#[test]
fn every_step_is_told_until_one_decides() {
    let all = [
        ("status", "on"),
        ("override", "on"),
        ("sticky", "on"),
        ("holdout", "on"),
        ("layer", "on"),
        ("targeting", "on"),
        ("prerequisites", "on"),
        ("coverage", "on"),
        ("variant", "variant"),
    ];
    let target = ["--attr", "country=de", "--attr", "age=30"];
    for (position, step) in [(3, "holdout"), (4, "layer"), (7, "coverage"), (8, "variant")] {
        let unit = unit_that_ends_by(step);
        let json = checkout(&[&["--unit", &unit], &target[..]].concat());
        let mut expected: Vec<_> =
            all[..=position].iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        if step != "variant" {
            expected[position].1 = "out".into();
            assert_eq!(json["experiments"][0]["variant"], Value::Null);
        }
        assert_eq!(steps(&json), expected);
        let last = json["experiments"][0]["steps"][position].clone();
        assert_eq!((&last["unit"], &last["hash"]), (&unit.as_str().into(), &"weir-1".into()));
        assert_eq!(last["number"]["scale"], 1_000_000);
    }
    let unit = unit_that_ends_by("variant");
    for wrong in [["--attr", "country=us", "--attr", "age=30"], ["--attr", "country=de", "--attr", "age=17"]]
    {
        let json = checkout(&[&["--unit", &unit], &wrong[..]].concat());
        assert_eq!(json["experiments"][0]["by"], "targeting");
    }
}

#[test]
fn numbers_are_those_of_the_ranges() {
    let target = ["--attr", "country=de", "--attr", "age=30"];
    let unit = unit_that_ends_by("variant");
    let json = checkout(&[&["--unit", &unit], &target[..]].concat());
    let experiment = &json["experiments"][0];
    let number = experiment["steps"][8]["number"]["value"].as_u64().unwrap();
    // Two halves, each narrowed to 80 %.
    let expected = if number < 400_000 { "control" } else { "b" };
    assert_eq!(experiment["variant"], expected);
    assert!(number < 400_000 || (500_000..900_000).contains(&number), "{number}");
    let layer = experiment["steps"][4]["number"]["value"].as_u64().unwrap();
    assert!(layer < 500_000);
}

#[test]
fn status_time_override_and_missing_units_decide() {
    let by = |json: &Value| json["experiments"][0]["by"].as_str().unwrap().to_owned();
    let old = assign(&["--experiment", "old"]);
    assert_eq!((by(&old), &old["experiments"][0]["variant"]), ("status".into(), &"b".into()));
    assert_eq!(by(&assign(&["--experiment", "later", "--unit", "u"])), "status");
    assert_eq!(
        by(&assign(&["--experiment", "later", "--unit", "u", "--now", "2031-01-01T00:00:00Z"])),
        "variant"
    );
    let tried = ["--query", "try=checkout=b", "-H", "x-tester: yes"];
    let json = checkout(&tried);
    assert_eq!(
        (by(&json), &json["experiments"][0]["payload"]["colour"]),
        ("override".into(), &"green".into())
    );
    assert_ne!(by(&checkout(&tried[..2])), "override", "without leave nobody chooses");
    let none = steps(&checkout(&[]));
    assert!(none.contains(&("unit".into(), "on".into())), "{none:?}");
}

#[test]
fn all_tells_about_everything_and_the_headers() {
    let json = assign(&["--all", "--query", "try=checkout=b", "-H", "x-tester:yes", "--unit", "user-1"]);
    let keys: Vec<&str> =
        json["experiments"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["checkout", "upsell", "old", "later"]);
    assert_eq!(json["headers"]["x-weir-experiment-checkout"], "b");
    assert_eq!(json["headers"]["x-weir-route"], "v2");
    let gate =
        json["experiments"][1]["steps"].as_array().unwrap().iter().find(|step| step["step"] == "coverage");
    let gate = gate.unwrap();
    assert_eq!(
        (&gate["hash"], &gate["number"]["scale"], &gate["below"]),
        (&"unleash".into(), &100.into(), &51.into())
    );
    let run = weir_with(&["assign", "-", "--all", "--unit", "user-1"], CONFIG);
    assert!(run.out.contains("old: b (by status)\n  status         ended, with a winner: b\n"), "{run:?}");
    assert!(
        run.out.contains("headers:\n  x-weir-decided: old=winner\n  x-weir-experiment-old: b\n"),
        "{run:?}"
    );
}

#[test]
fn what_cannot_be_used_is_said() {
    for (arguments, message) in [
        (vec!["--experiment", "chekout"], "unknown experiment chekout, did you mean `checkout`?"),
        (vec!["--all", "--attr", "plan=x"], "--attr plan: the configuration's attributes are: age, country"),
        (vec!["--all", "--attr", "country"], "expected a `=`"),
        (vec!["--all", "-H", "x"], "expected a `:`"),
        (vec!["--all", "--at", "today"], "RFC 3339"),
        (vec![], "required"),
    ] {
        let run = weir_with(&[vec!["assign", "-"], arguments].concat(), CONFIG);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(message), "{message}: {run:?}");
    }
    let folder = Folder::new();
    let routing = folder.write("routing.yaml", "routing: {default: {setHeaders: {x-a: b}}}");
    assert!(weir(&["assign", &routing, "--experiment", "a"]).err.contains("no experiments"));
    let cel = CONFIG.replace("status: ended", "cel: 'true'");
    let run = weir_with(&["assign", "-", "--experiment", "checkout"], &cel.replace("    winner: b\n", ""));
    assert!(run.code == 0 && run.err.contains("CEL"), "{run:?}");
}

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy-configs/");

/// The tokens that the comments of the example have.
fn token(name: &str) -> String {
    let text = std::fs::read_to_string(format!("{EXAMPLES}all-filters.yaml")).unwrap();
    let start = format!("#   {name}='");
    let line = text.lines().find_map(|line| line.strip_prefix(start.as_str())).unwrap();
    line.trim_end_matches('\'').to_owned()
}

fn example(file: &str, arguments: &[&str]) -> Value {
    let file = format!("{EXAMPLES}{file}");
    let run = weir(&[&["assign", &file, "--all", "--output", "json"], arguments].concat());
    assert_eq!(run.code, 0, "{run:?}");
    run.json()
}

#[test]
fn tokens_are_verified_and_their_claims_are_units() {
    for file in ["all-filters.yaml", "front-proxy.yaml"] {
        for (user, variant, route) in [("ada", "fast", "v2".into()), ("bob", "safe", Value::Null)] {
            let [by_token, by_claim, by_unit] = [
                example(file, &["-H", &token(user)]),
                example(file, &["--claim", &format!("sub={user}")]),
                example(file, &["--unit", user]),
            ];
            for json in [&by_token, &by_claim, &by_unit] {
                assert_eq!(json["experiments"][0]["variant"], variant, "{file} {user}: {json}");
                assert_eq!(json["headers"]["x-experiments"], format!("checkout={variant}"));
                assert_eq!(json["headers"]["x-weir-route"], route, "{json}");
                assert_eq!(json["headers"]["x-auth-user-id"], user);
                let token =
                    json["tokens"].as_array().unwrap().iter().find(|it| it["step"] == "token").unwrap();
                assert_eq!((&token["provider"], &token["result"]), (&"example".into(), &"good".into()));
            }
        }
    }
    // Faults are explained, not suffered: who may meet one is told which.
    let slow = example("all-filters.yaml", &["-H", &token("ada"), "--path", "/slow"]);
    let fault = &slow["faults"][0];
    assert_eq!((&fault["name"], &fault["verdict"]), (&"slow-checkout".into(), &"meant".into()));
    assert_eq!(fault["faults"][0]["what"], "200ms");
    assert_eq!((&fault["faults"][1]["what"], &fault["faults"][1]["hit"]), (&"503".into(), &true.into()));
    assert_eq!(slow["answer"], Value::Null);
    assert_eq!(slow["headers"]["x-weir-route"], "v2");
    let spared = example("all-filters.yaml", &["-H", &token("bob"), "--path", "/slow"]);
    assert_eq!(spared["faults"][0]["verdict"], "notMeant");
}

#[test]
fn tokens_that_are_not_good_are_answered() {
    let none = example("all-filters.yaml", &[]);
    assert_eq!((&none["answer"]["status"], &none["experiments"][0]["by"]), (&401.into(), &Value::Null));
    let late = example("all-filters.yaml", &["-H", &token("ada"), "--at", "2200-01-01T00:00:00Z"]);
    assert_eq!(late["answer"]["status"], 401, "{late}");
    assert!(late["tokens"].as_array().unwrap().iter().any(|it| it["result"] == "expired"), "{late}");
    let forged = token("ada").replace("eyJpc3M", "eyJpc3N");
    assert_eq!(example("front-proxy.yaml", &["-H", &forged])["answer"]["status"], 401);
    // The token is optional there, but for /orders.
    let anonymous = example("front-proxy.yaml", &[]);
    assert_eq!((&anonymous["answer"], &anonymous["experiments"][0]["variant"]), (&Value::Null, &Value::Null));
    assert_eq!(example("front-proxy.yaml", &["--path", "/orders"])["answer"]["status"], 401);
    let both = weir(&[
        "assign",
        &format!("{EXAMPLES}all-filters.yaml"),
        "--all",
        "-H",
        &token("ada"),
        "--unit",
        "bob",
    ]);
    assert!(both.code == 2 && both.err.contains("only where there is no token"), "{both:?}");
}

#[test]
fn keys_that_a_proxy_would_fetch_come_from_a_file() {
    let inline = "inline: {keys: [{kty: OKP, crv: Ed25519, kid: example, x: cQmOmp7YyAtrHVSsB-m_WrjTJIQAkb313Gz_-TPEEAc}]}";
    let text = std::fs::read_to_string(format!("{EXAMPLES}all-filters.yaml")).unwrap();
    let folder = Folder::new();
    let remote = "remote: {cluster: id, uri: \"https://id.example.com/jwks.json\"}";
    let file = folder.write("remote.yaml", &text.replace(inline, remote));
    let keys = folder.write(
        "keys.json",
        r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "example", "x": "cQmOmp7YyAtrHVSsB-m_WrjTJIQAkb313Gz_-TPEEAc"}]}"#,
    );
    let ask = |more: &[&str]| {
        weir(&[&["assign", &file, "--all", "-H", &token("ada"), "--output", "json"], more].concat())
    };
    let waits = ask(&[]).json();
    assert_eq!((&waits["waits"], &waits["experiments"][0]["variant"]), (&true.into(), &Value::Null));
    for jwks in [keys.clone(), format!("example={keys}")] {
        assert_eq!(ask(&["--jwks", &jwks]).json()["experiments"][0]["variant"], "fast");
    }
    let assumed = weir(&["assign", &file, "--all", "--unit", "bob", "--output", "json"]).json();
    assert_eq!(assumed["experiments"][0]["variant"], "safe");
    let run = ask(&["--jwks", &format!("exmple={keys}")]);
    assert!(run.code == 2 && run.err.contains("the providers that fetch their keys are: example"), "{run:?}");
    let run = ask(&["--jwks", &folder.write("no.json", "{}")]);
    assert!(run.code == 2 && run.err.contains("a key set is"), "{run:?}");
}

#[test]
fn routing_alone_is_explained() {
    let config = "
routing:
  rules:
  - {name: beta, match: {headers: {x-group: {exact: beta}}}, setHeaders: {x-weir-route: v2}}
  - name: canary
    split:
      stickyBy: cookie:uid
      targets: [{name: stable, weight: 90}, {name: canary, weight: 10, setHeaders: {x-weir-route: v2}}]
";
    let ask = |more: &[&str]| {
        let run = weir_with(&[&["assign", "-", "--all", "--output", "json"], more].concat(), config);
        assert_eq!(run.code, 0, "{run:?}");
        run.json()["routing"].clone()
    };
    let split = ask(&["--cookie", "uid=42"]);
    assert_eq!(split, ask(&["--unit", "42"]));
    let bucket = split["split"]["bucket"].as_u64().unwrap();
    let side = if bucket < 100_000 { "canary" } else { "stable" };
    assert_eq!(split["target"], format!("canary/{side}"));
    assert_eq!((&split["rules"][0]["matches"], &split["split"]["unit"]), (&false.into(), &"42".into()));
    assert_eq!(ask(&["-H", "x-group: beta"])["target"], "beta");
    assert_eq!(ask(&[])["split"]["by"], "first");
    let run = weir_with(&["assign", "-", "--all", "--unit", "42"], config);
    assert!(
        run.out.starts_with(&format!("routing: canary/{side}\n  beta           does not match\n")),
        "{run:?}"
    );
}
