//! Strategies: the units for which a feature is on, and their variants.

use super::constraint::{identified, networks, one_of, quotable};
use super::list::{Feature, FeatureVariant, Strategy};
use crate::model::{Assignment, Layout, Seen, Split, Variant};
use crate::names;
use crate::unsupported::Unsupported;
use serde_json::Value;
use weir_allocation::sdk::Algorithm;

/// Who a strategy is on for.
pub(super) struct Rollout {
    /// From 0 to 1.
    coverage: f64,
    group: String,
    /// None where no identity is asked for.
    stickiness: Option<String>,
}

impl Rollout {
    /// Reads it; `None` where the strategy is never on.
    ///
    /// # Errors
    /// What has no equivalent, for people.
    pub(super) fn of(
        feature: &Feature,
        strategy: &Strategy,
        conditions: &mut Vec<Value>,
        seen: &mut Seen,
    ) -> Result<Option<Self>, Unsupported> {
        let text = |name: &str| strategy.parameters.get(name).map(names::of_value);
        let group = text("groupId");
        let drawn = strategy.name == "flexibleRollout" || strategy.name.starts_with("gradualRollout");
        let quoted = ["groupId", "stickiness"].map(text).into_iter().flatten().filter(|_| drawn);
        quoted
            .chain(text("IPs").filter(|_| strategy.name == "remoteAddress"))
            .try_for_each(|it| quotable(&it))?;
        let everyone = || Ok(Some(Self { coverage: 1.0, group: String::new(), stickiness: None }));
        let rollout = |percentage: Option<String>, stickiness: &str| {
            let coverage = percent(percentage)?;
            let group = group.clone().unwrap_or_else(|| feature.name.clone());
            let rollout = |it| Self { coverage: it, group, stickiness: Some(stickiness.to_owned()) };
            Ok(coverage.filter(|it| *it > 0.0).map(rollout))
        };
        match strategy.name.as_str() {
            "default" => everyone(),
            "flexibleRollout" => {
                let stickiness = text("stickiness").unwrap_or_else(|| "default".into());
                rollout(text("rollout"), &stickiness)
            }
            // Without a group these two are off.
            "gradualRolloutUserId" | "gradualRolloutSessionId" if group.is_none() => Ok(None),
            "gradualRolloutUserId" => rollout(text("percentage"), "userId"),
            "gradualRolloutSessionId" => rollout(text("percentage"), "sessionId"),
            // A number from 1 to 99 must be below the percentage.
            "gradualRolloutRandom" => match percent(text("percentage"))? {
                Some(share) if share >= 1.0 => everyone(),
                Some(share) if share > 0.015 => {
                    Err("random rollouts have no equivalent: a unit keeps its variant".into())
                }
                _ => Ok(None),
            },
            "userWithId" => {
                let Some(ids) = text("userIds") else { return Ok(None) };
                let ids: Vec<&str> = ids.split(',').map(str::trim).collect();
                conditions.push(one_of("userId", &ids));
                seen.attributes.note_text("userId");
                everyone()
            }
            "remoteAddress" => {
                let Some(addresses) = text("IPs") else { return Ok(None) };
                let addresses: Vec<String> = addresses.split(',').map(|it| it.trim().to_owned()).collect();
                conditions.push(networks("remoteAddress", &addresses)?);
                seen.attributes.note_text("remoteAddress");
                everyone()
            }
            "applicationHostname" => Err("it asks for the name of the application's host".into()),
            _ => Err("custom strategies have no equivalent".into()),
        }
    }

    /// What the units of a strategy get; `conditions` are those of the strategy.
    ///
    /// # Errors
    /// What has no equivalent, for people.
    pub(super) fn assignment(
        &self,
        feature: &Feature,
        strategy: &Strategy,
        variants: &[FeatureVariant],
        conditions: &mut Vec<Value>,
        seen: &mut Seen,
    ) -> Result<Assignment, Unsupported> {
        let of_strategy = !strategy.variants.is_empty();
        let of_variants =
            variants.first().and_then(|it| it.stickiness.clone()).unwrap_or_else(|| "default".into());
        // The variants of a strategy are drawn by the strategy's own stickiness.
        let own = strategy.parameters.get("stickiness").map(names::of_value);
        let variants_by = if of_strategy { own.unwrap_or_else(|| "default".into()) } else { of_variants };
        let named: Vec<Variant> = match variants {
            [] => vec![Variant { is_implied: true, ..Variant::named("on".into(), None) }],
            variants => variants.iter().map(variant).collect(),
        };
        let weights: Vec<f64> = match variants {
            [] => vec![1000.0],
            variants => variants.iter().map(|it| it.weight).collect(),
        };
        if weights.iter().sum::<f64>() <= 0.0 {
            return Err("its variants have no weights".into());
        }
        let drawn = weights.iter().filter(|weight| **weight > 0.0).count() > 1;
        if self.coverage >= 1.0 {
            if let Some(stickiness) = &self.stickiness {
                // All of those who have it; chance lets everybody in.
                let known = identified(stickiness);
                if known != crate::condition::always() {
                    seen.attributes.note_text(stickiness);
                    conditions.push(known);
                }
            }
            if !drawn {
                let only = named.into_iter().zip(weights).find(|(_, weight)| *weight > 0.0);
                return only
                    .map(|(it, _)| Assignment::Everyone(it))
                    .ok_or_else(|| "no variant has a weight".into());
            }
        }
        let stickiness = self.stickiness.as_ref().filter(|_| self.coverage < 1.0);
        let by = match (stickiness, drawn) {
            (Some(rollout), true) => joined(rollout, &variants_by)?,
            (Some(rollout), false) => rollout.clone(),
            (None, _) => variants_by,
        };
        let unit = unit(&by)?;
        let asked = self.stickiness.as_deref().filter(|it| *it != "default" && *it != "random");
        if asked.is_none_or(|asked| !unit.iter().any(|unit| unit == asked)) {
            let what = if self.coverage < 1.0 { "whether it is on" } else { "the variant" };
            let without = unit.join(" and ");
            seen.by_chance = true;
            seen.note(&format!(
                "requests without {without}: Unleash draws {what} again each time; here this strategy is off"
            ));
        }
        let seed = if of_strategy { self.strategy_group(feature, strategy) } else { feature.name.clone() };
        Ok(Assignment::Split(Split {
            hash: Algorithm::Unleash,
            unit,
            seed: Some(seed),
            coverage_seed: (self.coverage < 1.0).then(|| self.group.clone()),
            coverage: self.coverage,
            variants: named,
            layout: Layout::Weights(weights),
        }))
    }

    fn strategy_group(&self, feature: &Feature, strategy: &Strategy) -> String {
        strategy.parameters.get("groupId").map_or_else(|| feature.name.clone(), names::of_value)
    }
}

/// The stickiness of an experiment whose rollout and variants each have one. Who is in the rollout has what the
/// rollout asks for, so that it counts where the variants look at it first.
fn joined(rollout: &str, variants: &str) -> Result<String, Unsupported> {
    match (rollout, variants) {
        (rollout, variants) if rollout == variants => Ok(rollout.to_owned()),
        ("userId", "default") => Ok("userId".into()),
        _ => Err(format!(
            "the rollout is by {rollout} and the variants by {variants}: one experiment has one unit"
        )
        .into()),
    }
}

/// A whole percentage as a share; `None` where the engine takes it for none, and the strategy is off.
fn percent(text: Option<String>) -> Result<Option<f64>, Unsupported> {
    let Some(percent) = text.and_then(|text| text.parse::<u64>().ok()) else { return Ok(None) };
    if percent > 100 {
        return Err(
            format!("{percent} is not a percentage, which switches the feature off in Unleash").into()
        );
    }
    Ok(Some(percent as f64 / 100.0))
}

fn unit(stickiness: &str) -> Result<Vec<String>, Unsupported> {
    match stickiness {
        "default" => Ok(vec!["userId".into(), "sessionId".into()]),
        // A rollout takes the request's own time for it, and variants a property of this name.
        "currentTime" => Err("stickiness by currentTime has no equivalent".into()),
        "random" => Err("random stickiness has no equivalent: a unit keeps its variant".into()),
        name => Ok(vec![name.to_owned()]),
    }
}

fn variant(it: &FeatureVariant) -> Variant {
    let value = it.payload.as_ref().map(|payload| Value::String(payload.value.clone()));
    Variant::named(it.name.clone(), value)
}
