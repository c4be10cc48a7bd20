//! Questions and answers as the page has them. Whether the answers are the command line's is tested under Node
//! (`playground/tests`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop where they fail")]

use serde_json::{Value, json};

const TEXT: &str = "\
experiments:
  unit: header:x-user-id
  list:
  - key: checkout
    variants:
    - {key: a, weight: 50}
    - {key: b, weight: 50}
";

fn asked(call: fn(&str) -> String, question: &Value) -> Value {
    serde_json::from_str(&call(&question.to_string())).unwrap()
}

#[test]
fn problems_have_places() {
    let answer = asked(weir_playground::check, &json!({"text": TEXT.replace("weight: 50}", "wieght: 50}")}));
    let findings = answer["ok"]["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{answer}");
    assert_eq!((&findings[0]["line"], &findings[0]["column"]), (&json!(6), &json!(16)));
    assert!(findings[0]["text"].as_str().unwrap().contains("weight"), "{answer}");
    let answer = asked(weir_playground::check, &json!({"text": TEXT}));
    assert_eq!(answer["ok"]["subjects"][0]["variants"], json!(["a", "b"]));
    assert_eq!(answer["ok"]["summary"], "ok");
}

#[test]
fn warnings_have_the_section_about_their_code() {
    let text = TEXT.replace("a, weight: 50", "a, weight: 60");
    let answer = asked(weir_playground::check, &json!({"text": text}));
    let finding = &answer["ok"]["findings"][0];
    assert_eq!((&finding["code"], &finding["page"]), (&json!("W10"), &json!("docs/warnings.md#w10")));
    let answer = asked(weir_playground::check, &json!({"text": "routing: {rule: []}"}));
    let finding = &answer["ok"]["findings"][0];
    assert!(finding["code"].is_null() && finding["page"].is_null(), "{answer}");
}

#[test]
fn decisions_have_steps_in_words() {
    let request = json!({"headers": ["x-user-id: ada"]});
    let answer = asked(weir_playground::assign, &json!({"text": TEXT, "now": 0, "request": request}));
    let report = &answer["ok"]["report"]["experiments"][0];
    let title = format!("checkout: {} (by variant)", report["variant"].as_str().unwrap());
    assert_eq!(answer["ok"]["sections"][0]["title"], title);
    assert_eq!(answer["ok"]["sections"][0]["kind"], "experiment");
    let answer = asked(weir_playground::assign, &json!({"text": TEXT, "now": 0, "experiment": "chekout"}));
    assert!(answer["error"].as_str().unwrap().contains("did you mean"), "{answer}");
}

#[test]
fn shares_are_counted_and_planned() {
    let of = json!({"text": TEXT, "experiment": "checkout", "units": 1000, "ids": "uuid", "now": 0});
    let answer = asked(weir_playground::simulate, &of);
    assert_eq!((&answer["ok"]["report"]["units"], &answer["ok"]["wrong"]), (&json!(1000), &json!(false)));
    let of = json!({"text": TEXT, "experiment": "checkout", "weights": ["a=80", "b=20"]});
    let answer = asked(weir_playground::plan, &of);
    assert!(answer["ok"]["text"].as_str().unwrap().contains("ranges: [[0, 0.5]"), "{answer}");
    let both = json!({"text": TEXT, "experiment": "checkout", "split": "x"});
    assert_eq!(asked(weir_playground::plan, &both)["error"], "expected an experiment or a split");
}

#[test]
fn ramps_are_simulated_at_a_time() {
    let ramp = "    ramp: {start: 2026-01-01T00:00:00Z, over: 10d, steps: 10}\n    variants:\n";
    let text = TEXT.replace("    variants:\n", ramp);
    let share = |more: Value| {
        let mut of = json!({"text": text, "experiment": "checkout", "units": 1000, "ids": "uuid", "now": 0});
        of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = asked(weir_playground::simulate, &of);
        assert_eq!(
            (&answer["ok"]["ramps"], &answer["ok"]["wrong"]),
            (&json!(true), &json!(false)),
            "{answer}"
        );
        answer["ok"]["report"]["variants"][0]["expected"].as_f64().unwrap()
    };
    assert_eq!(share(json!({})), 0.0);
    assert_eq!(share(json!({"at": "2027-01-01T00:00:00Z"})), 0.5);
    let middle = share(json!({"now": 1_767_225_600_000_u64 + 5 * 86_400_000}));
    assert!((middle - 0.25).abs() < 1e-9, "{middle}");
    let answer = asked(weir_playground::check, &json!({"text": text}));
    assert_eq!(answer["ok"]["subjects"][0]["ramp"], json!(true), "{answer}");
    let of =
        json!({"text": text, "experiment": "checkout", "units": 1, "ids": "uuid", "now": 0, "at": "soon"});
    assert!(asked(weir_playground::simulate, &of)["error"].as_str().unwrap().starts_with("time: "));
}

#[test]
fn aliases_are_not_written_over() {
    let text =
        TEXT.replace("a, weight: 50", "a, weight: &half 50").replace("b, weight: 50", "b, weight: *half");
    let of = json!({"text": text, "experiment": "checkout", "weights": ["a=80", "b=20"]});
    let answer = asked(weir_playground::plan, &of);
    assert!(answer["ok"]["report"].is_object(), "{answer}");
    assert!(answer["ok"]["text"].is_null() == answer["ok"]["by_hand"].is_string(), "{answer}");
}

#[test]
fn what_is_no_question_is_an_error() {
    for question in ["", "{}", "[1]", r#"{"text": 1}"#, r#"{"text": "", "more": 1}"#] {
        let answer: Value = serde_json::from_str(&weir_playground::check(question)).unwrap();
        assert!(answer["error"].as_str().unwrap().starts_with("not a question"), "{answer}");
    }
    let long = json!({"text": "a".repeat(5 << 20)}).to_string();
    assert!(weir_playground::check(&long).contains("longer than 4 MiB"));
}
