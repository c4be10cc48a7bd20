//! The assignments and goals in a cookie, as [`crate::sticky`] writes it.

use crate::link::seconds;
use crate::plan::Memory;
use std::cell::Cell;
use weir_cookie::SIGNATURE;

/// Browsers drop cookies of more than 4096 bytes, name and attributes included (RFC 6265bis section 5.6). Longer
/// values are not read, and none is written of which this leaves too little for the rest.
pub(crate) const MAX_COOKIE_LEN: usize = 3800;

/// What ends the entry of a goal, where that of an assignment has its version.
const GOAL: &[u8] = b":g";

/// The content of the cookie.
#[derive(Debug)]
pub(crate) struct StoredAssignments<'a> {
    pub(crate) entries: &'a [u8],
    /// Where the last look-up ended. Entries are in the order of the experiments, so that the next one is near.
    cursor: Cell<usize>,
}

/// One remembered assignment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) whole: &'a [u8],
    pub(crate) variant: &'a [u8],
    pub(crate) version: u32,
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
    /// What these entries say.
    pub(crate) fn of(entries: &'a [u8]) -> Self {
        Self { entries, cursor: Cell::new(0) }
    }

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
        good.then_some(Self::of(entries))
    }

    /// Everything that is remembered of an experiment: its assignments, and then its goals.
    pub(crate) fn all_of(&self, key: &'a str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let key = key.as_bytes();
        let start = self.position(key);
        let rest = start.and_then(|start| self.entries.get(start..)).unwrap_or_default();
        let is_of =
            move |whole: &&[u8]| whole.strip_prefix(key).is_some_and(|rest| rest.first() == Some(&b':'));
        rest.split(|b| *b == b'/').take_while(is_of)
    }

    /// The assignments of an experiment.
    pub(crate) fn entries_of(&self, key: &'a str) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        self.all_of(key).map_while(move |whole| {
            let (variant, version) = split_last(whole.get(key.len() + 1..)?)?;
            Some(Entry { whole, variant, version: u32::try_from(seconds(version)?).ok()? })
        })
    }

    /// The goals that were reached since.
    pub(crate) fn goals_of(&self, key: &'a str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.all_of(key).filter(|whole| whole.ends_with(GOAL))
    }

    /// Where the entries of a key begin; looks from the last one on, and then from the start.
    pub(crate) fn position(&self, key: &[u8]) -> Option<usize> {
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

/// The texts before and after the last colon.
fn split_last(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = text.iter().rposition(|b| *b == b':')?;
    Some((text.get(..colon)?, text.get(colon + 1..)?))
}
