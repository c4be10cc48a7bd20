//! What vendors' definitions have in common: the step between reading one and writing a configuration.

use crate::import::report::Report;
use serde_json::Value;
use std::collections::BTreeMap;
use weir_allocation::sdk::{Algorithm, Span};

/// Everything that was read from a vendor's file.
#[derive(Debug, Default)]
pub(crate) struct Import {
    pub(crate) flags: Vec<Flag>,
    /// The attributes that conditions and units name, with the type that their literals ask for.
    pub(crate) attributes: Attributes,
    pub(crate) report: Report,
}

/// The types of attributes by name.
#[derive(Debug, Default)]
pub(crate) struct Attributes(BTreeMap<String, Kind>);

/// How an attribute's text has to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    #[default]
    Text,
    Boolean,
    Number,
    List,
    /// Parts of it are named, as in `user.plan`.
    Json,
}

impl Attributes {
    /// Notes that an attribute is used. Of several types the last in [`Kind`]'s order stays.
    pub(crate) fn note(&mut self, name: &str, kind: Kind) {
        let known = self.0.entry(name.to_owned()).or_default();
        *known = kind.max(*known);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.0.iter().map(|(name, kind)| (name.as_str(), *kind))
    }
}

/// A feature or flag: the first branch that takes a unit decides. Where none does, the value is the default.
#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) name: String,
    /// What the application does with a unit that has no variant.
    pub(crate) default: String,
    /// Whether the branches' own conditions keep them apart already.
    pub(crate) disjoint: bool,
    pub(crate) branches: Vec<Branch>,
}

/// One rule of a flag.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    /// The rule's own name, if it has one.
    pub(crate) name: Option<String>,
    /// Conditions that must all hold.
    pub(crate) conditions: Vec<Value>,
    /// What other flags must have given.
    pub(crate) requires: Vec<Requirement>,
    /// Shares that a unit must be in before this branch looks at it.
    pub(crate) filters: Vec<Filter>,
    pub(crate) assignment: Assignment,
}

/// Another flag's variants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Requirement {
    pub(crate) flag: String,
    /// The variants; all of them when empty.
    pub(crate) variants: Vec<String>,
    /// Turns it round: the unit must have none of them.
    pub(crate) not: bool,
}

/// A namespace, group or layer: a share of a hash of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) hash: Algorithm,
    pub(crate) seed: String,
    pub(crate) unit: String,
    pub(crate) ranges: Vec<Span>,
}

/// What a branch does with a unit.
#[derive(Clone, Debug)]
pub(crate) enum Assignment {
    /// All get the same variant, with or without an identity.
    Everyone(Variant),
    /// A hash decides.
    Split(Split),
}

/// A hash over units, as the vendor's SDK computes it.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    pub(crate) hash: Algorithm,
    /// Attributes; the first that a unit has counts.
    pub(crate) unit: Vec<String>,
    pub(crate) seed: Option<String>,
    pub(crate) coverage_seed: Option<String>,
    /// From 0 to 1.
    pub(crate) coverage: f64,
    pub(crate) variants: Vec<Variant>,
    pub(crate) layout: Layout,
}

/// Who gets what; one entry for each variant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layout {
    Weights(Vec<f64>),
    Ranges(Vec<Vec<Span>>),
}

/// What a unit gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variant {
    pub(crate) key: String,
    /// The value that the application's SDK would give.
    pub(crate) value: Option<Value>,
}

impl Split {
    /// Whether some units that have an identity pass this branch by.
    pub(crate) fn leaves_some(&self) -> bool {
        self.coverage < 1.0 || matches!(self.layout, Layout::Ranges(_))
    }
}
