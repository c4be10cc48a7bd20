//! The trace of a decision, step by step.

use crate::plan::Experiment;
use weir_allocation::sdk::{Assigner, Explanation};

/// The steps of a decision, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Whether an earlier experiment of its flag has decided already.
    Flag,
    /// Whether a trusted peer has decided already.
    Trust,
    /// Whether the experiment runs, or is paused, or has a winner.
    Status,
    /// Whether a tester has chosen.
    Override,
    /// Whether the unit has a variant that it keeps.
    Sticky,
    /// Whether there is a unit at all.
    Unit,
    /// Whether the unit is held out.
    Holdout,
    /// Whether the unit's place in the layer is this experiment's.
    Layer,
    /// Whether `match`, `condition` and `cel` hold.
    Targeting,
    /// Whether the unit meets the prerequisites.
    Prerequisites,
    /// Whether the unit is among those that the hash gives a variant.
    Coverage,
    /// Which variant the hash gives.
    Variant,
}

impl Step {
    /// The step's stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Trust => "trust",
            Self::Status => "status",
            Self::Override => "override",
            Self::Sticky => "sticky",
            Self::Unit => "unit",
            Self::Holdout => "holdout",
            Self::Layer => "layer",
            Self::Targeting => "targeting",
            Self::Prerequisites => "prerequisites",
            Self::Coverage => "coverage",
            Self::Variant => "variant",
        }
    }
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The next step decides.
    On,
    /// The unit does not take part.
    Out,
    /// Whether the unit takes part is unknown, so it does not.
    Unknown,
    /// The unit gets the variant with this index.
    Variant(usize),
}

/// One step of the decision about one experiment.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// Which step.
    pub step: Step,
    /// What came of it.
    pub verdict: Verdict,
    /// The unit that the step looked at.
    pub unit: Option<&'a [u8]>,
    /// The holdout or layer that the step looked at.
    pub pool: Option<&'a str>,
    /// What hashed the unit.
    pub assigner: Option<&'a Assigner>,
}

impl Note<'_> {
    /// The number that the unit was hashed to, and what came of it, for steps that hash.
    pub fn explanation(&self) -> Option<Explanation> {
        Some(self.assigner?.explain(self.unit?))
    }
}

/// Receives each step. Requests are decided with `()`, which ignores the steps and costs nothing.
pub trait Trace {
    /// Whether it is told of each experiment. Otherwise, those that certainly give the request no variant may be left
    /// out.
    const EACH_EXPERIMENT: bool = true;

    /// A step was taken.
    fn note(&mut self, note: Note<'_>);
}

impl Trace for () {
    const EACH_EXPERIMENT: bool = false;

    #[inline(always)]
    fn note(&mut self, _: Note<'_>) {}
}

/// Anything that takes notes.
impl<F: FnMut(Note<'_>)> Trace for F {
    fn note(&mut self, note: Note<'_>) {
        self(note);
    }
}
