//! The W3C header `baggage`: <https://www.w3.org/TR/baggage/>.

use crate::plan::{Baggage, Plan};
use weir_core::effect::Given;
use weir_core::predicate::Facts;
use weir_core::{Effects, Outside, Request};

/// What every implementation must carry at least (section 3.3.2 of the specification): beyond it, members may
/// be lost on their way, and ours are not worth those of others.
const MOST_MEMBERS: usize = 64;
const MOST_BYTES: usize = 8192;
/// What our keys begin with.
const PREFIX: &[u8] = b"weir.";

impl Plan {
    /// Puts our members behind those that the client sent, and removes what it sent under their names.
    #[cold]
    #[inline(never)]
    pub(crate) fn write_baggage<O: Outside>(
        &self,
        baggage: &Baggage,
        trusted: bool,
        request: &Request<'_, O>,
        effects: &mut Effects,
    ) {
        let sent = request.sent(baggage.header).unwrap_or_default();
        let assigned = |key: &[u8]| {
            let found = self.experiments.iter().find(|e| *e.key.as_bytes() == *key);
            found.is_some_and(|e| request.variant(e.id).is_some())
        };
        // A trusted peer's members stay unless ours take their place.
        let ours = |member: &[u8]| baggage.key(member).is_some_and(|key| !trusted || assigned(key));
        let (mut members, mut dropped, mut changed) = (0usize, 0usize, false);
        let made = effects.make(|out| {
            let start = out.len();
            for member in sent.split(|b| *b == b',') {
                if ours(member) {
                    changed = true;
                } else if !member.trim_ascii().is_empty() {
                    append(out, start, &[member]);
                    members += 1;
                }
            }
            for experiment in &self.experiments {
                let variant = request.variant(experiment.id);
                let Some(variant) = variant.and_then(|v| experiment.variants.get(usize::from(v))) else {
                    continue;
                };
                let parts = [PREFIX, variant.pair.as_bytes()];
                let len = out.len() - start + 1 + PREFIX.len() + variant.pair.as_bytes().len();
                if members >= MOST_MEMBERS || len > MOST_BYTES {
                    dropped += 1;
                    continue;
                }
                append(out, start, &parts);
                (members, changed) = (members + 1, true);
            }
        });
        if dropped > 0 {
            effects.counts.push(baggage.dropped);
        }
        let given = match (changed, members) {
            (false, _) => Given::AsSent,
            (true, 0) => Given::Nothing,
            (true, _) => made.into(),
        };
        effects.set(baggage.header, given);
    }
}

impl Baggage {
    /// The key of the experiment that a member is about; `None` when it is none of ours.
    fn key<'m>(&self, member: &'m [u8]) -> Option<&'m [u8]> {
        let name = member.split(|b| matches!(b, b'=' | b';')).next()?;
        let key = name.trim_ascii().strip_prefix(PREFIX)?;
        self.keys.binary_search_by(|known| (**known).cmp(key)).ok().map(|_| key)
    }
}

fn append(out: &mut Vec<u8>, start: usize, parts: &[&[u8]]) {
    if out.len() > start {
        out.push(b',');
    }
    for part in parts {
        out.extend_from_slice(part);
    }
}
