//! Valid settings that are probably not intended.

use super::warning::{Warning, warn};
use super::{unmet, unreached};
use crate::pools;
use weir_core::{At, Problems};
use weir_experiment::Status;
use weir_jose::KeySet;
use weir_pipeline::Document;

/// All warnings about a configuration that has no problems.
pub(super) fn of(json: &serde_json::Value) -> Vec<Warning> {
    let document: Document = weir_core::load::load_value(json, &mut Problems::default());
    let mut all = Vec::new();
    shared_draws(&document, &mut all);
    experiments(&document, &mut all);
    followed(&document, &mut all);
    unmet::tests(json, &mut all);
    unusable_keys(&document, &mut all);
    unreached::rules(json, &mut all);
    unreached::weights(json, &mut all);
    all
}

/// W01: two pools give a unit the same place.
fn shared_draws(document: &Document, all: &mut Vec<Warning>) {
    let pools = pools::of(document);
    for (i, later) in pools.iter().enumerate() {
        if let Some(earlier) = pools.iter().take(i).find(|earlier| earlier.is_tied_to(later)) {
            let message = format!(
                "{} and {} divide the same units by one draw (salt {:?}), so they are not independent: give one of \
                 them another name or seed, or both of them this seed if it is meant",
                later.name, earlier.name, later.salt
            );
            warn(all, "W01", later.at.clone(), message);
        }
    }
}

fn experiments(document: &Document, all: &mut Vec<Warning>) {
    let Some(section) = &document.experiments else { return };
    let at = At::root().field("experiments");
    for (i, holdout) in section.holdouts.iter().enumerate() {
        if !section.list.iter().any(|experiment| experiment.holdout.contains(&holdout.name)) {
            let message = format!("no experiment names the holdout {:?}: it has no effect", holdout.name);
            warn(all, "W02", at.field("holdouts").index(i).field("name"), message);
        }
    }
    for (i, experiment) in section.list.iter().enumerate() {
        let at = at.field("list").index(i);
        let status = experiment.status.unwrap_or_default();
        if status == Status::Paused && !experiment.sticky {
            let message = "a paused experiment keeps its variants for units with a stored assignment only: without \
                           `sticky: true` no unit has one";
            warn(all, "W03", at.field("status"), message.to_owned());
        }
        if experiment.winner.is_some() && status != Status::Ended && experiment.end.is_none() {
            let message = "has no effect before the experiment has ended (`status: ended`)";
            warn(all, "W04", at.field("winner"), message.to_owned());
        }
    }
}

/// W05: something follows an experiment that gives nobody a variant any more.
fn followed(document: &Document, all: &mut Vec<Warning>) {
    let list = document.experiments.iter().flat_map(|section| &section.list);
    let over: Vec<&str> = list
        .filter(|it| it.status == Some(Status::Ended) && it.winner.is_none())
        .map(|it| it.key.as_str())
        .collect();
    let rules = document.routing.iter().flat_map(|routing| &routing.rules).enumerate();
    let rules = rules.map(|(i, rule)| (At::root().field("routing").field("rules").index(i), &rule.variant.0));
    for (at, variant) in rules {
        for (key, _) in variant.iter().filter(|(key, _)| over.contains(&key.as_str())) {
            let message =
                format!("the experiment {key:?} has ended without a winner: this rule matches nothing");
            warn(all, "W05", at.field("variant").field(key), message);
        }
    }
}

/// W07: a key of a local key set that verifies nothing, so that its tokens are refused. A key for another purpose is
/// meant to.
fn unusable_keys(document: &Document, all: &mut Vec<Warning>) {
    let at = At::root().field("jwt").field("providers");
    for (name, provider) in document.jwt.iter().flat_map(|jwt| jwt.providers.iter()) {
        let text = match &provider.jwks.inline {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(set) => set.to_string(),
            None => continue,
        };
        let skipped = KeySet::parse(text.as_bytes()).map(|(_, skipped)| skipped).unwrap_or_default();
        for reason in skipped.iter().filter(|reason| !reason.ends_with(": use is not sig")) {
            let message = format!("{reason}: tokens of this key are refused");
            warn(all, "W07", at.field(name).field("jwks").field("inline"), message);
        }
    }
}
