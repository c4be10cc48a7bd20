//! The common model of vendors' definitions: the step between reading one and writing a configuration.

use crate::attributes::Attributes;
use crate::report::Report;
use crate::value_test::ValueTest;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;
use weir_allocation::sdk::{Algorithm, Span};

/// Everything that was read from a vendor's file.
#[derive(Debug, Default)]
pub(crate) struct Import {
    pub(crate) flags: Vec<Flag>,
    /// What is read of the rest: flags that cannot be.
    pub(crate) report: Report,
    /// What a flag that is not in the file does to those that depend on it.
    pub(crate) missing: Missing,
}

/// What a flag that is not in the file is to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It has the value null, as GrowthBook's SDKs say.
    #[default]
    Null,
    /// Whatever depends on it is off, as in Unleash.
    Unsatisfied,
}

/// A feature or flag: the first branch that takes a unit decides. Where none does, the value is the default.
#[derive(Debug, Default)]
pub(crate) struct Flag {
    pub(crate) name: String,
    /// Where it is in the file, as a JSON pointer.
    pub(crate) at: String,
    /// What the application does with a unit that has no variant, for people.
    pub(crate) default: String,
    /// The variant that it is, where the vendor has one for it.
    pub(crate) default_key: Option<String>,
    /// The value of that, where the vendor has one.
    pub(crate) default_value: Value,
    /// Whether it is switched off altogether.
    pub(crate) is_off: bool,
    pub(crate) branches: Vec<Branch>,
    /// All flags that its rules ask for, also those of rules that never do anything.
    pub(crate) asks_for: Vec<String>,
    pub(crate) seen: Seen,
}

/// What was seen while reading a flag.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The attributes that its conditions and units name.
    pub(crate) attributes: Attributes,
    /// What its conditions mean, where that is hard to see.
    pub(crate) comments: Vec<String>,
    /// What one should know.
    pub(crate) notes: Vec<String>,
    /// Whether the vendor's SDK draws again each time where a request lacks an identity.
    pub(crate) by_chance: bool,
}

impl Seen {
    pub(crate) fn comment(&mut self, text: String) {
        if !self.comments.contains(&text) {
            self.comments.push(text);
        }
    }

    pub(crate) fn note(&mut self, text: &str) {
        if !self.notes.iter().any(|known| known == text) {
            self.notes.push(text.to_owned());
        }
    }
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
    /// From when and until when it takes units, as RFC 3339 has it.
    pub(crate) window: Window,
    pub(crate) assignment: Assignment,
}

impl Branch {
    /// A branch that asks for conditions only.
    pub(crate) fn new(conditions: Vec<Value>, assignment: Assignment) -> Self {
        Self {
            name: None,
            conditions,
            requires: Vec::new(),
            filters: Vec::new(),
            window: Window::default(),
            assignment,
        }
    }
}

/// A time from, but without, its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Window {
    pub(crate) start: Option<String>,
    pub(crate) end: Option<String>,
}

impl Window {
    /// Whether it is over before it starts.
    pub(crate) fn is_empty(&self) -> bool {
        let time =
            |text: &Option<String>| text.as_deref().and_then(|text| weir_core::timestamp::parse(text).ok());
        time(&self.start).zip(time(&self.end)).is_some_and(|(start, end)| start >= end)
    }
}

/// What another flag must have given.
#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    pub(crate) flag: String,
    pub(crate) takes: Takes,
    /// Turns it round.
    pub(crate) not: bool,
}

/// Which outcomes of a flag will do.
#[derive(Clone, Debug)]
pub(crate) enum Takes {
    /// That it is on: any variant.
    On,
    /// One of these variants, or that it is on without any.
    Variants(Vec<String>),
    /// Values that pass a test.
    Values(Rc<ValueTest>),
}

impl Takes {
    /// Whether it is known of an outcome.
    pub(crate) fn can_judge(&self, value: &Value) -> bool {
        match self {
            Self::On | Self::Variants(_) => true,
            Self::Values(test) => test.can_judge(value),
        }
    }

    /// Whether an outcome will do. Without a variant the flag has its default.
    pub(crate) fn accepts(&self, variant: Option<&Variant>, default: &Value) -> bool {
        match self {
            Self::On => variant.is_some(),
            Self::Variants(names) => variant.is_some_and(|it| it.is_implied || names.contains(&it.key)),
            Self::Values(test) => {
                test.passes(variant.map_or(default, |it| it.value.as_ref().unwrap_or(&Value::Null)))
            }
        }
    }
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
    /// The vendor's name for it.
    pub(crate) key: String,
    /// The value that the application's SDK would give.
    pub(crate) value: Option<Value>,
    /// Whether the vendor knows it as "on", without any variant.
    pub(crate) is_implied: bool,
    /// Whether the key is the vendor's name, so that another one must be told.
    pub(crate) is_named: bool,
}

impl Variant {
    /// One that the vendor has a name for.
    pub(crate) fn named(key: String, value: Option<Value>) -> Self {
        Self { key, value, is_implied: false, is_named: true }
    }
}

impl Assignment {
    pub(crate) fn variants(&self) -> &[Variant] {
        match self {
            Self::Everyone(variant) => std::slice::from_ref(variant),
            Self::Split(split) => &split.variants,
        }
    }
}

/// Flags by name.
pub(crate) type ByName<'f> = BTreeMap<&'f str, &'f Flag>;
