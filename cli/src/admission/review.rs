//! An AdmissionReview and its answer. No input or output.

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_workbench::check;
use weir_workbench::variables::Variables;

/// The version of the API that is spoken.
const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";
/// API servers cut longer warnings, in bytes, …
const MAX_WARNING: usize = 256;
/// … and leave out what comes after so many bytes in all.
const MAX_WARNINGS: usize = 4096;
/// The longest message of a refusal, in bytes.
const MAX_MESSAGE: usize = 32 << 10;

/// How resources are judged.
pub(super) struct Rules {
    pub(super) variables: Variables,
    pub(super) all_plugins: bool,
    pub(super) deny_warnings: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    kind: String,
    request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    uid: String,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
}

/// What an API server gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    api_version: &'static str,
    kind: &'static str,
    response: Response,
}

#[derive(Debug, Serialize)]
struct Response {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Status {
    code: u16,
    reason: &'static str,
    message: String,
}

/// Answers a review; with a line for the log if the resource is refused.
///
/// # Errors
/// It is not a review of this API.
pub(super) fn answer(body: &[u8], rules: &Rules) -> anyhow::Result<(Answer, Option<String>)> {
    let expected = || format!("expected an {KIND} of {API_VERSION}");
    let review: Review = serde_json::from_slice(body).with_context(expected)?;
    ensure!(review.api_version == API_VERSION && review.kind == KIND, expected());
    let Request { uid, object, old_object } = review.request;
    let judged = judge(&object, &old_object, rules);
    let line = judged.refusal.as_ref().map(|_| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let metadata = &object["metadata"];
        format!(
            "refused: {} {}/{}",
            text(&object["kind"]),
            text(&metadata["namespace"]),
            text(&metadata["name"])
        )
    });
    let status = judged.refusal.map(|message| Status { code: 422, reason: "Invalid", message });
    let response = Response { uid, allowed: status.is_none(), status, warnings: judged.warnings };
    Ok((Answer { api_version: API_VERSION, kind: KIND, response }, line))
}

#[derive(Default)]
struct Judged {
    refusal: Option<String>,
    warnings: Vec<String>,
}

fn judge(object: &Value, old: &Value, rules: &Rules) -> Judged {
    // A resource that is deleted has no object. One that waits for finalizers is in force until it is gone.
    if !object.is_object() {
        return Judged::default();
    }
    let found = check::resource(object, rules.all_plugins, &rules.variables);
    let denied = rules.deny_warnings && !found.warnings.is_empty();
    // What was taken before is no worse for a new label: a controller must be able to write it.
    let is_same = old.is_object() && old["spec"] == object["spec"];
    if (found.problems.is_empty() && !denied) || is_same {
        return Judged { refusal: None, warnings: short([found.problems, found.warnings].concat()) };
    }
    let all = if denied { [found.problems, found.warnings].concat() } else { found.problems };
    let number = weir_workbench::text::count(all.len(), "problem");
    let message = format!("weir check: {number}:\n- {}", all.join("\n- "));
    Judged { refusal: Some(cut(&message, MAX_MESSAGE)), warnings: Vec::new() }
}

/// As many warnings as API servers pass on, each on a line.
fn short(warnings: Vec<String>) -> Vec<String> {
    let mut left = MAX_WARNINGS;
    let cut = warnings.iter().map(|warning| cut(&warning.replace('\n', " "), MAX_WARNING));
    cut.take_while(|warning| {
        let fits = warning.len() <= left;
        left = left.saturating_sub(warning.len());
        fits
    })
    .collect()
}

/// The beginning of a text, at the end of a character.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Refusal as _;
    use serde_json::json;

    fn rules() -> Rules {
        Rules { variables: Variables::default(), all_plugins: false, deny_warnings: false }
    }

    fn plugin(configuration: Value) -> Value {
        json!({"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin",
            "metadata": {"name": "weir", "namespace": "shop"},
            "spec": {"url": "oci://ghcr.io/acme/weir/weir:0.1.0", "failStrategy": "FAIL_OPEN",
                "selector": {"matchLabels": {"app": "web"}}, "match": [{"mode": "CLIENT"}],
                "phase": "AUTHZ", "priority": 1, "pluginConfig": configuration}})
    }

    fn ask(request: Value, rules: &Rules) -> Value {
        let review = json!({"apiVersion": API_VERSION, "kind": KIND, "request": request});
        serde_json::to_value(answer(review.to_string().as_bytes(), rules).unwrap().0).unwrap()
    }

    #[test]
    fn good_is_allowed_and_bad_refused_with_all_its_problems() {
        let good = plugin(json!({"routing": {"rules": [{"name": "a", "setHeaders": {"x-a": "b"}}]}}));
        let answer = ask(json!({"uid": "1", "operation": "CREATE", "object": good}), &rules());
        assert_eq!(answer["response"]["uid"], "1");
        assert_eq!(answer["response"]["allowed"], true, "{answer}");
        let bad =
            plugin(json!({"routing": {"rules": [{"name": "a b", "setHeaders": {"x-a": "b"}}]}, "metrix": 1}));
        let answer =
            ask(json!({"uid": "2", "operation": "UPDATE", "object": bad, "oldObject": good}), &rules());
        assert_eq!(answer["response"]["allowed"], false);
        assert_eq!(answer["response"]["status"]["code"], 422);
        let message = answer["response"]["status"]["message"].as_str().unwrap();
        assert!(message.starts_with("weir check: 3 problems:\n- "), "{message}");
        assert!(message.contains("routing.rules[0].name") && message.contains("metrix"), "{message}");
    }

    #[test]
    fn what_was_taken_before_may_be_labelled_and_deleted() {
        let bad = plugin(json!({"routing": {"rulez": []}}));
        let mut labelled = bad.clone();
        labelled["metadata"]["labels"] = json!({"a": "b"});
        let answer = ask(json!({"uid": "1", "object": labelled, "oldObject": bad}), &rules());
        assert_eq!(answer["response"]["allowed"], true);
        assert!(answer["response"]["warnings"][0].as_str().unwrap().contains("rulez"), "{answer}");
        let mut leaving = bad.clone();
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        leaving["spec"]["priority"] = json!(5);
        for (request, allowed) in [
            // It is in force as long as a finalizer keeps it.
            (json!({"uid": "1", "object": leaving, "oldObject": bad}), false),
            (json!({"uid": "1", "object": leaving, "oldObject": leaving}), true),
            (json!({"uid": "1", "object": null, "oldObject": bad}), true),
        ] {
            assert_eq!(ask(request.clone(), &rules())["response"]["allowed"], allowed, "{request}");
        }
    }

    #[test]
    fn plugins_of_others_are_theirs() {
        let mut other = plugin(json!({"some": "thing"}));
        other["metadata"]["name"] = json!("other");
        other["spec"]["url"] = json!("oci://ghcr.io/acme/other:1");
        let request = json!({"uid": "1", "object": other});
        assert_eq!(ask(request.clone(), &rules())["response"]["allowed"], true);
        let all = Rules { all_plugins: true, ..rules() };
        assert_eq!(ask(request, &all)["response"]["allowed"], false);
    }

    #[test]
    fn warnings_are_shown_or_refused() {
        let mut without_mode =
            plugin(json!({"routing": {"rules": [{"name": "a", "setHeaders": {"x-a": "b"}}]}}));
        without_mode["spec"].as_object_mut().unwrap().remove("match");
        let request = json!({"uid": "1", "object": without_mode});
        let answer = ask(request.clone(), &rules());
        assert_eq!(answer["response"]["allowed"], true);
        assert!(answer["response"]["warnings"][0].is_string(), "{answer}");
        let strict = Rules { deny_warnings: true, ..rules() };
        assert_eq!(ask(request, &strict)["response"]["allowed"], false);
        // A resource is no file: nobody who may write one decides which warnings count.
        let all: Vec<String> = (1..100).map(|number| format!("W{number:02}")).collect();
        for comment in [
            format!("# weir: allow({}) why", all.join(", ")),
            format!(" # weir: allow({}) why ", all.join(",")),
        ] {
            without_mode["metadata"]["annotations"] = json!({ "note": comment });
            assert_eq!(
                ask(json!({"uid": "1", "object": without_mode}), &strict)["response"]["allowed"],
                false
            );
        }
    }

    #[test]
    fn what_is_no_review_is_an_error() {
        let beta = json!({"apiVersion": "admission.k8s.io/v1beta1", "kind": KIND, "request": {"uid": "1"}});
        for body in [beta.to_string(), "{".to_owned(), String::new(), json!({"kind": KIND}).to_string()] {
            assert!(answer(body.as_bytes(), &rules()).refusal().contains(API_VERSION), "{body}");
        }
    }

    #[test]
    fn texts_have_the_lengths_that_api_servers_take() {
        let long = "ü".repeat(300);
        assert!(cut(&long, MAX_WARNING).len() <= MAX_WARNING && cut(&long, MAX_WARNING).ends_with('…'));
        assert_eq!(cut("a", 1), "a");
        let shown = short(vec![long; 100]);
        assert!(shown.iter().map(String::len).sum::<usize>() <= MAX_WARNINGS && shown.len() > 10);
    }
}
