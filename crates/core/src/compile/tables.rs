//! The declarations of a configuration so far.

use crate::access_plan::{Attribute, Property};
use crate::attribute::AttrId;
use crate::claims::ClaimSource;
use crate::ids::{CelId, ExperimentId};
use crate::ids::{Counter, Gauge, OwnedHeader, State, TextId};
use crate::table::{Groups, Table, TableId};

/// More of anything that a request may be read for than this in one configuration is a mistake or an attack.
const MAX_ENTRIES: usize = 4096;

/// All tables.
pub(super) struct Tables {
    pub(super) attributes: Table<Attribute, AttrId>,
    pub(super) headers: Table<Box<[u8]>, u16>,
    pub(super) cookies: Table<Box<[u8]>, u16>,
    pub(super) queries: Table<Box<[u8]>, u16>,
    pub(super) raw_queries: Table<Box<[u8]>, u16>,
    pub(super) properties: Table<Property, u16>,
    pub(super) claims: Table<ClaimSource, u16>,
    pub(super) cel: Table<String, CelId>,
    /// The positions of the owned headers among the headers.
    pub(super) owned: Table<u16, OwnedHeader>,
    pub(super) texts: Table<Box<[u8]>, TextId>,
    pub(super) states: Table<String, State>,
    pub(super) counters: Table<String, Counter>,
    pub(super) gauges: Table<String, Gauge>,
    /// The keys of the experiments, each once, and which experiment had it first.
    pub(super) keys: Table<String>,
    pub(super) of_keys: Vec<ExperimentId>,
    /// The experiments of each flag, in their order.
    pub(super) flags: Groups<String, ExperimentId>,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self {
            attributes: Table::at_most(MAX_ENTRIES),
            headers: Table::at_most(MAX_ENTRIES),
            cookies: Table::at_most(MAX_ENTRIES),
            queries: Table::at_most(MAX_ENTRIES),
            raw_queries: Table::at_most(MAX_ENTRIES),
            properties: Table::at_most(MAX_ENTRIES),
            claims: Table::default(),
            cel: Table::default(),
            owned: Table::default(),
            texts: Table::at_most(MAX_ENTRIES),
            states: Table::default(),
            counters: Table::default(),
            gauges: Table::default(),
            keys: Table::at_most(ExperimentId::MAX),
            of_keys: Vec::new(),
            flags: Groups::default(),
        }
    }

    /// The names of the tables that would have had to take more than they can.
    pub(super) fn exceeded(&self) -> impl Iterator<Item = (usize, &'static str)> {
        [
            (self.attributes.exceeded(), MAX_ENTRIES, "attributes"),
            (self.headers.exceeded(), MAX_ENTRIES, "headers"),
            (self.cookies.exceeded(), MAX_ENTRIES, "cookies"),
            (self.queries.exceeded() || self.raw_queries.exceeded(), MAX_ENTRIES, "query parameters"),
            (self.properties.exceeded(), MAX_ENTRIES, "properties"),
            (self.claims.exceeded(), u16::MAX.into(), "claims"),
            (self.cel.exceeded(), CelId::MAX, "CEL expressions"),
            (self.texts.exceeded(), MAX_ENTRIES, "texts"),
            (self.states.exceeded(), State::MAX, "names of filter state"),
            (self.counters.exceeded(), Counter::MAX, "counters"),
            (self.gauges.exceeded(), Gauge::MAX, "gauges"),
            (self.keys.exceeded(), ExperimentId::MAX, "experiments"),
        ]
        .into_iter()
        .filter_map(|(exceeded, most, name)| exceeded.then_some((most, name)))
    }
}
