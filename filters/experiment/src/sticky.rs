//! The cookie that remembers which variants a browser was given, and which goals it has reached since.
//!
//! Its value is `1~EXPIRY~ENTRIES~SIGNATURE`: the expiry in seconds since the Unix epoch (0 for a session), and
//! entries `KEY:VARIANT:VERSION` with `/` between them, in the order of the experiments, each followed by an entry
//! `KEY:GOAL:g` for each goal. The signature is of everything before it, and bound to the cookie's name.

use crate::decision::Decision;
use crate::plan::{Experiment, Memory, Plan};
use crate::stored::{MAX_COOKIE_LEN, StickyStore, StoredAssignments};
use weir_cookie::SIGNATURE;
use weir_core::ids::ExperimentId;
use weir_core::{Effects, HostServices, Remembered, ResponseHeader};

/// Maximum length in bytes of all entries to which a goal is added, so that assignments find room after them.
const MAX_WITH_GOALS: usize = 3000;

impl Experiment {
    /// What is remembered of a sticky experiment, as GrowthBook's SDKs read their sticky buckets: any assignment
    /// of a version that is too old excludes the unit, otherwise that of the current version counts.
    pub(crate) fn memo(&self, recalled: &StoredAssignments<'_>) -> StickyStore {
        let mut memo = StickyStore::Nothing;
        for entry in recalled.entries_of(&self.key) {
            if entry.version < self.min_bucket_version {
                return StickyStore::TooOld;
            }
            if entry.version == self.bucket_version
                && let Some(variant) = self.position(entry.variant)
            {
                memo = StickyStore::Variant(variant);
            }
        }
        memo
    }

    /// Whether exactly this assignment is remembered.
    fn is_remembered(&self, variant: usize, recalled: &StoredAssignments<'_>) -> bool {
        let mut entries = recalled.entries_of(&self.key);
        entries.any(|entry| {
            entry.version == self.bucket_version && self.position(entry.variant) == Some(variant)
        })
    }
}

/// Assignments that the cookie does not have yet: positions of experiments and of their variants.
#[derive(Default)]
pub(crate) struct NewAssignments(Vec<(usize, usize)>);

impl NewAssignments {
    /// Notes an assignment that a hash has made, unless it is remembered, or nobody's.
    #[cold]
    #[inline(never)]
    pub(crate) fn note<O: HostServices>(
        &mut self,
        decision: &Decision<'_, O>,
        experiment: usize,
        variant: u16,
    ) {
        let Some(known) = decision.plan.experiments.get(experiment) else { return };
        let variant = usize::from(variant);
        let remembered = decision.recalled().is_some_and(|recalled| known.is_remembered(variant, recalled));
        if !remembered && decision.is_visit() {
            self.0.push((experiment, variant));
        }
    }

    /// Rewrites the cookie, and counts new assignments.
    #[inline]
    pub(crate) fn finish<O: HostServices>(&self, decision: &Decision<'_, O>, effects: &mut Effects) {
        if !self.0.is_empty() {
            self.write(decision, effects);
            return;
        }
        if let Some(earlier) = decision.earlier {
            earlier.set_again(decision.plan, effects);
        }
        if decision.request.access_plan().remembers_goals
            && let Some(recalled) = decision.recalled_already()
        {
            effects.keep_memory(recalled.entries);
        }
    }

    #[cold]
    #[inline(never)]
    fn write<O: HostServices>(&self, decision: &Decision<'_, O>, effects: &mut Effects) {
        let Some(memory) = &decision.plan.memory else { return };
        let mut entries = Vec::new();
        self.write_entries(decision, decision.recalled(), &mut entries, effects);
        if !entries.is_empty() {
            let value = memory.signed(&entries, || decision.now());
            effects.response.push(memory.cookie.header(&value));
            // What waits for a response is begun again by the pass that has one.
            decision.sets(&memory.cookie);
            if !decision.provisional.get() {
                memory.cookie.carry(&value, effects);
            }
        }
        if decision.request.access_plan().remembers_goals {
            effects.keep_memory(&entries);
        }
    }

    fn write_entries<O: HostServices>(
        &self,
        decision: &Decision<'_, O>,
        recalled: Option<&StoredAssignments<'_>>,
        entries: &mut Vec<u8>,
        effects: &mut Effects,
    ) {
        let mut fresh = self.0.iter().peekable();
        for (position, experiment) in decision.plan.experiments.iter().enumerate() {
            let new = fresh.next_if(|(at, _)| *at == position).and_then(|(_, v)| experiment.variants.get(*v));
            let known = recalled.into_iter().flat_map(|recalled| recalled.entries_of(&experiment.key));
            for entry in known {
                if new.is_none() || entry.version != experiment.bucket_version {
                    add(entries, entry.whole);
                }
            }
            let Some(variant) = new else {
                // A unit that is counted again can reach its goals again.
                let goals = recalled.into_iter().flat_map(|recalled| recalled.goals_of(&experiment.key));
                for whole in goals {
                    add(entries, whole);
                }
                continue;
            };
            let version = experiment.bucket_version.to_string();
            let entry = [&experiment.key, ":", &variant.key, ":", &version].concat();
            let exposed = add(entries, entry.as_bytes()) && decision.expose(experiment, variant, effects);
            let counter = |c: crate::plan::Counters| if exposed { c.exposures } else { Some(c.assignments) };
            effects.counts.extend(variant.counters.and_then(counter));
        }
    }
}

impl Memory {
    /// The cookie's value.
    fn signed(&self, entries: &[u8], now: impl FnOnce() -> u64) -> Vec<u8> {
        let expiry = match self.cookie.ttl {
            0 => 0,
            ttl => (now() / 1_000_000_000).saturating_add(ttl),
        };
        let mut value = ["1~", &expiry.to_string(), "~"].concat().into_bytes();
        value.extend_from_slice(entries);
        let signature = self.signer.sign(self.cookie.purpose(), &value);
        value.push(b'~');
        value.extend_from_slice(&signature);
        value
    }
}

impl Plan {
    /// Adds a goal to what is remembered of a browser ([`Effects::memory`]), if its assignment is.
    pub fn remember(
        &self,
        entries: &mut Vec<u8>,
        experiment: ExperimentId,
        variant: u16,
        goal: &str,
    ) -> Remembered {
        let experiment = self.experiments.iter().find(|known| known.id == experiment);
        let Some(experiment) = experiment.filter(|_| self.memory.is_some()) else {
            return Remembered::Unable;
        };
        let stored = StoredAssignments::of(entries);
        if !experiment.is_remembered(usize::from(variant), &stored) {
            return Remembered::Unable;
        }
        let entry = [&experiment.key, ":", goal, ":g"].concat();
        if stored.goals_of(&experiment.key).any(|known| *known == *entry.as_bytes()) {
            return Remembered::Already;
        }
        if entries.len() + entry.len() > MAX_WITH_GOALS {
            return Remembered::Full;
        }
        let start = stored.position(experiment.key.as_bytes()).unwrap_or_default();
        let end =
            stored.all_of(&experiment.key).fold(start, |at, whole| at + whole.len() + 1).saturating_sub(1);
        let rest = entries.split_off(end.min(entries.len()));
        entries.push(b'/');
        entries.extend_from_slice(entry.as_bytes());
        entries.extend_from_slice(&rest);
        Remembered::New
    }

    /// Sets the cookie to what is remembered now, in place of what the request has meant to set.
    pub fn set_memory(&self, entries: &[u8], now: impl FnOnce() -> u64, response: &mut Vec<ResponseHeader>) {
        let Some(memory) = &self.memory else { return };
        let name = memory.cookie.purpose().as_bytes();
        response.retain(|header| *header.name != *"set-cookie" || !header.value.starts_with(name));
        response.push(memory.cookie.header(&memory.signed(entries, now)));
    }
}

/// What a cookie has around its entries: `1~`, an expiry of up to 20 digits, `~`, and a signature after another `~`.
const AROUND: usize = 2 + 20 + 2 + SIGNATURE;

/// Adds an entry where there is room for it.
fn add(entries: &mut Vec<u8>, entry: &[u8]) -> bool {
    if entries.len() + 1 + entry.len() + AROUND > MAX_COOKIE_LEN {
        return false;
    }
    if !entries.is_empty() {
        entries.push(b'/');
    }
    entries.extend_from_slice(entry);
    true
}
