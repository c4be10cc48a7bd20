//! What assigns units in a configuration: experiments, and the splits of routing rules.

use crate::movement::Ranges;
use serde_json::json;
use weir_ab_routing::{Rule, Split};
use weir_allocation::sdk::Segment;
use weir_allocation::{Allocation, BUCKETS, Salt, Weights, anchored};
use weir_document::Document;

/// One experiment or split.
pub(crate) struct Subject {
    /// `experiment checkout`, `split canary`.
    pub(crate) name: String,
    pub(crate) ranges: Ranges,
    /// The hash and what salts it: ranges of one hash say nothing about those of another.
    pub(crate) hash: Vec<String>,
    /// What else decides about a unit, by name: whether it is asked at all, and what it is.
    others: Vec<(&'static str, serde_json::Value)>,
    assign: Box<dyn Fn(&[u8]) -> Option<usize>>,
}

impl Subject {
    /// The names of what else differs.
    pub(crate) fn also_changed(&self, other: &Self) -> Vec<String> {
        let pairs = self.others.iter().zip(&other.others);
        pairs.filter(|(a, b)| a.1 != b.1).map(|(a, _)| a.0.to_owned()).collect()
    }

    /// The index of the variant that a unit gets.
    pub(crate) fn assign_index(&self, unit: &[u8]) -> Option<usize> {
        (self.assign)(unit)
    }

    /// The name of the variant that a unit gets.
    pub(crate) fn assign(&self, unit: &[u8]) -> Option<&str> {
        let variant = self.assign_index(unit)?;
        self.ranges.variants.get(variant).map(String::as_str)
    }
}

/// The options that choose one of them.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// An experiment, by its key.
    #[arg(long, value_name = "KEY")]
    pub(crate) experiment: Option<String>,
    /// The split of a routing rule, by the rule's name.
    #[arg(long, value_name = "RULE")]
    split: Option<String>,
}

impl Which {
    /// The chosen one.
    ///
    /// # Errors
    /// That it is not there, and what is.
    pub(crate) fn find(&self, document: &Document) -> Result<Subject, String> {
        let name = match (&self.experiment, &self.split) {
            (Some(key), _) => format!("experiment {key}"),
            (None, rule) => format!("split {}", rule.as_deref().unwrap_or_default()),
        };
        let mut all = subjects(document);
        match all.iter().position(|it| it.name == name) {
            Some(index) => Ok(all.swap_remove(index)),
            None if all.is_empty() => Err(format!("there is no {name}, nor any other that assigns units")),
            None => {
                let names: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
                Err(format!("there is no {name}; there is: {}", names.join(", ")))
            }
        }
    }
}

/// All that assigns units, in the order of the document.
pub(crate) fn subjects(document: &Document) -> Vec<Subject> {
    let rules = document.routing.iter().flat_map(|routing| &routing.rules);
    let splits = rules.filter_map(|rule| rule.split.as_ref().and_then(|split| of_split(rule, split)));
    splits.collect()
}

/// `None` for weights that the check has refused.
fn of_split(rule: &Rule, split: &Split) -> Option<Subject> {
    let weights: Vec<f64> = split.targets.iter().map(|target| target.weight.unwrap_or_default()).collect();
    let allocation = anchored(&Weights::from_relative(&weights).ok()?);
    let seed = split.seed.clone().unwrap_or_else(|| rule.name.clone());
    let salt = Salt::new(&seed);
    let variants = split.targets.iter().map(|target| target.name.clone()).collect();
    Some(Subject {
        name: format!("split {}", rule.name),
        ranges: Ranges { variants, segments: segments(&allocation), scale: BUCKETS.into(), gate: 1.0 },
        hash: vec!["weir-1".into(), seed],
        others: vec![
            ("match", json!(rule.http_match)),
            ("condition", json!(rule.condition)),
            ("cel", json!(rule.cel)),
            ("stickyBy", json!([split.sticky_by, split.mint_cookie, split.without_key])),
        ],
        assign: Box::new(move |unit| allocation.pick(salt.bucket(unit))),
    })
}

fn segments(allocation: &Allocation) -> Vec<Segment> {
    let segment = |(range, variant): (weir_allocation::BucketRange, usize)| Segment {
        start: range.start.into(),
        end: range.end.into(),
        variant,
    };
    allocation.ranges().map(segment).collect()
}
