//! The cookie that remembers which variants a browser was given.
//!
//! Its value is `1~EXPIRY~ENTRIES~SIGNATURE`: the expiry in seconds since the Unix epoch (0 for a session), and
//! entries `KEY:VARIANT:VERSION` with `/` between them, in the order of the experiments. The signature is of
//! everything before it, and bound to the cookie's name.

use crate::decision::Decision;
use crate::link::seconds;
use crate::plan::{Experiment, Memory, Plan};
use std::cell::Cell;
use weir_cookie::SIGNATURE;
use weir_core::{Effects, HostServices};

/// Browsers drop cookies of more than 4096 bytes, name and attributes included (RFC 6265bis section 5.6). Longer
/// values are not read, and none is written of which this leaves too little for the rest.
const MAX_COOKIE_LEN: usize = 3800;

/// The content of the cookie.
#[derive(Debug)]
pub(crate) struct StoredAssignments<'a> {
    entries: &'a [u8],
    /// Where the last look-up ended. Entries are in the order of the experiments, so that the next one is near.
    cursor: Cell<usize>,
}

/// One remembered assignment.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    whole: &'a [u8],
    variant: &'a [u8],
    version: u32,
}

/// The sticky assignment of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StickyStore {
    /// Nothing that counts.
    Nothing,
    /// Only an assignment that is too old: the unit does not take part.
    TooOld,
    /// This variant.
    Variant(usize),
}

impl<'a> StoredAssignments<'a> {
    /// Reads a cookie; `None` unless we have signed it and it is still good.
    pub(crate) fn read(text: &'a [u8], memory: &Memory, now: impl FnOnce() -> u64) -> Option<Self> {
        if text.len() > MAX_COOKIE_LEN {
            return None;
        }
        let (signed, signature) = text.split_at_checked(text.len().checked_sub(SIGNATURE + 1)?)?;
        let signature = signature.strip_prefix(b"~")?;
        if !memory.signer.accepts(memory.cookie.purpose(), signed, signature) {
            return None;
        }
        let rest = signed.strip_prefix(b"1~")?;
        let expiry = rest.split(|b| *b == b'~').next()?;
        let entries = rest.get(expiry.len() + 1..)?;
        let expiry = seconds(expiry)?;
        let good = expiry == 0 || expiry > now() / 1_000_000_000;
        good.then_some(Self { entries, cursor: Cell::new(0) })
    }

    /// The entries of an experiment; they stand next to each other.
    fn entries_of(&self, key: &'a str) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let key = key.as_bytes();
        let start = self.position(key);
        let rest = start.and_then(|start| self.entries.get(start..)).unwrap_or_default();
        rest.split(|b| *b == b'/').map_while(move |whole| {
            let (variant, version) = split_last(whole.strip_prefix(key)?.strip_prefix(b":")?)?;
            Some(Entry { whole, variant, version: u32::try_from(seconds(version)?).ok()? })
        })
    }

    /// Where the entries of a key begin; looks from the last one on, and then from the start.
    fn position(&self, key: &[u8]) -> Option<usize> {
        let from = self.cursor.get();
        let found = self.search(key, from, self.entries.len()).or_else(|| self.search(key, 0, from))?;
        self.cursor.set(found);
        Some(found)
    }

    fn search(&self, key: &[u8], from: usize, to: usize) -> Option<usize> {
        let mut at = from;
        for part in self.entries.get(from..)?.split(|b| *b == b'/') {
            if at >= to && at > 0 {
                return None;
            }
            if part.strip_prefix(key).is_some_and(|rest| rest.first() == Some(&b':')) {
                return Some(at);
            }
            at += part.len() + 1;
        }
        None
    }
}

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
    /// Notes an assignment that a hash has made, and counts it where it cannot be remembered.
    #[cold]
    #[inline(never)]
    pub(crate) fn note<O: HostServices>(
        &mut self,
        turn: &Decision<'_, O>,
        experiment: usize,
        variant: usize,
        effects: &mut Effects,
    ) {
        let Some(known) = turn.plan.experiments.get(experiment) else { return };
        if !turn.consent() {
            let counters = known.variants.get(variant).and_then(|v| v.counters);
            effects.counts.extend(counters.map(|c| c.assignments));
        } else if !turn.recalled().is_some_and(|recalled| known.is_remembered(variant, recalled)) {
            self.0.push((experiment, variant));
        }
    }

    /// Rewrites the cookie, and counts new assignments.
    #[inline]
    pub(crate) fn finish<O: HostServices>(&self, turn: &Decision<'_, O>, effects: &mut Effects) {
        if !self.0.is_empty() {
            self.write(turn, effects);
        } else if let Some(earlier) = turn.earlier {
            earlier.set_again(turn.plan, effects);
        }
    }

    #[cold]
    #[inline(never)]
    fn write<O: HostServices>(&self, turn: &Decision<'_, O>, effects: &mut Effects) {
        let Some(memory) = &turn.plan.memory else { return };
        let mut value = b"1~".to_vec();
        let expiry = match memory.cookie.ttl {
            0 => 0,
            ttl => (turn.now() / 1_000_000_000).saturating_add(ttl),
        };
        value.extend_from_slice(expiry.to_string().as_bytes());
        value.push(b'~');
        let start = value.len();
        self.write_entries(turn.plan, turn.recalled(), start, &mut value, effects);
        if value.len() > start {
            let signature = memory.signer.sign(memory.cookie.purpose(), &value);
            value.push(b'~');
            value.extend_from_slice(&signature);
            effects.response.push(memory.cookie.header(&value));
            memory.cookie.carry(&value, effects);
        }
    }

    fn write_entries(
        &self,
        plan: &Plan,
        recalled: Option<&StoredAssignments<'_>>,
        start: usize,
        value: &mut Vec<u8>,
        effects: &mut Effects,
    ) {
        let mut fresh = self.0.iter().peekable();
        for (position, experiment) in plan.experiments.iter().enumerate() {
            let new = fresh.next_if(|(at, _)| *at == position).and_then(|(_, v)| experiment.variants.get(*v));
            let known = recalled.into_iter().flat_map(|recalled| recalled.entries_of(&experiment.key));
            for entry in known {
                if new.is_none() || entry.version != experiment.bucket_version {
                    add(value, start, entry.whole);
                }
            }
            let Some(variant) = new else { continue };
            let version = experiment.bucket_version.to_string();
            let entry = [&experiment.key, ":", &variant.key, ":", &version].concat();
            let remembered = add(value, start, entry.as_bytes());
            let counters = variant.counters;
            let counter =
                |c: crate::plan::Counters| if remembered { c.exposures } else { Some(c.assignments) };
            effects.counts.extend(counters.and_then(counter));
        }
    }
}

/// Adds an entry where there is room for it and a signature.
fn add(value: &mut Vec<u8>, start: usize, entry: &[u8]) -> bool {
    if value.len() + entry.len() + 2 + SIGNATURE > MAX_COOKIE_LEN {
        return false;
    }
    if value.len() > start {
        value.push(b'/');
    }
    value.extend_from_slice(entry);
    true
}

/// The texts before and after the last colon.
fn split_last(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = text.iter().rposition(|b| *b == b':')?;
    Some((text.get(..colon)?, text.get(colon + 1..)?))
}
