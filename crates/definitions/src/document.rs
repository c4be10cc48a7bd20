//! The configuration that an import makes.

use serde_json::{Map, Value, json};

/// A configuration with what people should know beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The attributes that conditions and units name.
    pub attributes: Vec<Attribute>,
    /// The experiments, those of a flag next to each other.
    pub experiments: Vec<Experiment>,
}

/// An attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The vendor's name for it.
    pub name: String,
    /// Where requests have it, as configurations say it.
    pub source: Value,
    /// Whether the source is a guess.
    pub is_guess: bool,
}

/// A rule of a flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// The flag that it comes from, by the vendor's name.
    pub flag: String,
    /// What people should know of it, a line each.
    pub comments: Vec<String>,
    /// Its members in the order in which they are read best.
    pub members: Vec<(&'static str, Value)>,
}

impl Document {
    /// Whether there is nothing in it that a module could do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.experiments.is_empty()
    }

    /// The configuration as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let experiments: Vec<Value> = self.experiments.iter().map(Experiment::to_json).collect();
        let attributes: Map<String, Value> =
            self.attributes.iter().map(|it| (it.name.clone(), it.source.clone())).collect();
        json!({"attributes": attributes, "experiments": {"list": experiments}})
    }
}

impl Experiment {
    /// The experiment as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }
}
