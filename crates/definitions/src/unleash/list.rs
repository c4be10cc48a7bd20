//! The feature list of Unleash's client API, as far as it is read.

use super::constraint::Constraint;
use super::nullable::nullable;
use crate::unsupported::Unsupported;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A segment that strategies name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Segment {
    pub(super) id: i64,
    #[serde(deserialize_with = "nullable")]
    pub(super) constraints: Vec<Constraint>,
}

/// Features by their names, each with its place in the definitions.
pub(super) type Features = BTreeMap<String, (String, Feature)>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Feature {
    pub(super) name: String,
    pub(super) enabled: bool,
    #[serde(deserialize_with = "nullable")]
    pub(super) strategies: Vec<Strategy>,
    #[serde(deserialize_with = "nullable")]
    pub(super) variants: Vec<FeatureVariant>,
    #[serde(deserialize_with = "nullable")]
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Strategy {
    pub(super) name: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) parameters: BTreeMap<String, Value>,
    #[serde(deserialize_with = "nullable")]
    pub(super) constraints: Vec<Constraint>,
    #[serde(deserialize_with = "nullable")]
    pub(super) segments: Vec<i64>,
    #[serde(deserialize_with = "nullable")]
    pub(super) variants: Vec<FeatureVariant>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FeatureVariant {
    pub(super) name: String,
    pub(super) weight: f64,
    pub(super) stickiness: Option<String>,
    pub(super) payload: Option<Payload>,
    #[serde(deserialize_with = "nullable")]
    pub(super) overrides: Vec<Override>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Override {
    pub(super) context_name: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) values: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Dependency {
    pub(super) feature: String,
    #[serde(default)]
    pub(super) enabled: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) variants: Vec<String>,
}

/// The features and segments of a list, each with its JSON pointer.
#[derive(Debug, Default)]
pub(super) struct List<'v> {
    pub(super) features: Vec<(String, &'v Value)>,
    pub(super) segments: Vec<&'v Value>,
}

impl<'v> List<'v> {
    /// Reads the answer of `/api/client/features`, or of its delta form.
    ///
    /// # Errors
    /// What it seems to be, when it is something else.
    pub(super) fn read(definitions: &'v Value) -> Result<Self, Unsupported> {
        const RIGHT: &str =
            "take the answer of the client API: GET /api/client/features, with a backend token";
        if let Some(events) = definitions.get("events").and_then(Value::as_array) {
            return Ok(Self::of_events(events));
        }
        if definitions.get("featureStrategies").is_some() || definitions.get("featureEnvironments").is_some()
        {
            return Err(format!(
                "this is an export of Unleash's user interface, which knows no environment: {RIGHT}"
            )
            .into());
        }
        if definitions.get("toggles").is_some() {
            return Err(format!(
                "this is an answer of Unleash's frontend API, decided for one context: {RIGHT}"
            )
            .into());
        }
        let features = definitions.get("features").and_then(Value::as_array);
        let Some(features) = features.filter(|features| !features.is_empty()) else {
            return Err(format!("no `features` in it: {RIGHT}").into());
        };
        // The client API gives each feature its strategies, and whether it is on in the token's environment.
        let of_client =
            |feature: &Value| feature.get("strategies").is_some() && feature.get("enabled").is_some();
        let of_admin = features.iter().any(|feature| feature.get("environments").is_some());
        if of_admin || !features.iter().any(of_client) {
            return Err(format!(
                "this is a list of Unleash's admin API, which does not include strategies: {RIGHT}"
            )
            .into());
        }
        let features = features.iter().enumerate().map(|(i, it)| (format!("/features/{i}"), it)).collect();
        let segments = definitions.get("segments").and_then(Value::as_array);
        Ok(Self { features, segments: segments.map(|all| all.iter().collect()).unwrap_or_default() })
    }

    /// What a sequence of events leaves.
    fn of_events(events: &'v [Value]) -> Self {
        let mut list = Self::default();
        let id = |segment: &Value| segment.get("id").cloned().unwrap_or_default();
        for (i, event) in events.iter().enumerate() {
            let all =
                |key: &str| event.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            match event.get("type").and_then(Value::as_str).unwrap_or_default() {
                "hydration" => {
                    let at = |(n, it)| (format!("/events/{i}/features/{n}"), it);
                    list.features = all("features").iter().enumerate().map(at).collect();
                    list.segments = all("segments").iter().collect();
                }
                "feature-updated" => {
                    if let Some(feature) = event.get("feature") {
                        list.features.retain(|(_, it)| it.get("name") != feature.get("name"));
                        list.features.push((format!("/events/{i}/feature"), feature));
                    }
                }
                "feature-removed" => {
                    list.features.retain(|(_, it)| it.get("name") != event.get("featureName"))
                }
                "segment-updated" => {
                    if let Some(segment) = event.get("segment") {
                        list.segments.retain(|it| id(it) != id(segment));
                        list.segments.push(segment);
                    }
                }
                "segment-removed" => list.segments.retain(|it| Some(&id(it)) != event.get("segmentId")),
                _ => {}
            }
        }
        list
    }
}
