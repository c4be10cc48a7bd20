//! What all metrics are made with.

use crate::label::LabelSpec;
use crate::plan::{Reading, ResponseSource};
use weir_core::table::TableId;
use weir_core::{At, Compiler, Predicate, Table, Targeting};

/// Makes metrics, labels and goals.
pub(super) struct Builder<'b, 'c> {
    pub(super) compiler: &'b mut Compiler<'c>,
    pub(super) readings: Vec<Reading>,
    /// What each reading was written as, so that the same is read once.
    pub(super) known: Vec<(LabelSpec, u16)>,
    /// The experiments whose variant is read because a metric has all of them, and where.
    pub(super) variants: Table<String>,
    pub(super) of_variants: Vec<u16>,
    pub(super) response_sources: Vec<ResponseSource>,
}

impl Builder<'_, '_> {
    /// Which requests; `None` for all.
    pub(super) fn requests(&mut self, targeting: &Targeting, at: &At) -> Option<Predicate> {
        (!targeting.is_empty()).then(|| targeting.compile(self.compiler, at))
    }

    /// Something that is asked at the end; the same is asked once.
    pub(super) fn late(&mut self, late: ResponseSource) -> u16 {
        let found = self.response_sources.iter().position(|known| *known == late);
        u16::of(found.unwrap_or_else(|| {
            self.response_sources.push(late);
            self.response_sources.len() - 1
        }))
    }
}
