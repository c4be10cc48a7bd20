//! The W3C header `baggage`: <https://www.w3.org/TR/baggage/>.

use crate::decision::Decision;
use crate::plan::{Baggage, Experiment, Plan};
use weir_core::RequestView;
use weir_core::effect::HeaderValue;
use weir_core::request::decoded;
use weir_core::{Effects, HostServices};

/// What every implementation must carry at least (section 3.3.2 of the specification). Beyond it members may be
/// lost on their way, or, as in OpenTelemetry's propagators, all of them.
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8192;
/// What our keys begin with.
const PREFIX: &[u8] = b"weir.";

/// How much there is so far.
#[derive(Default)]
struct Room {
    members: usize,
    bytes: usize,
}

impl Room {
    /// Takes room for a member that is made of these; false when there is none.
    fn take(&mut self, parts: &[&[u8]]) -> bool {
        // Readers hold texts, and some count them as UTF-8: a byte that is not ASCII is two there.
        let size = |part: &&[u8]| part.len() + part.iter().filter(|b| !b.is_ascii()).count();
        let bytes = self.bytes + parts.iter().map(size).sum::<usize>() + usize::from(self.members > 0);
        let fits = self.members < MAX_MEMBERS && bytes <= MAX_BYTES;
        if fits {
            (self.members, self.bytes) = (self.members + 1, bytes);
        }
        fits
    }
}

impl Plan {
    /// Puts our members after those that the client sent, and removes what it sent in our namespace. Where
    /// there is not room for all, the client's last ones are left out, and so are those that are malformed:
    /// OpenTelemetry's propagator for Go then reads none at all, ours neither.
    #[cold]
    #[inline(never)]
    pub(crate) fn write_baggage<O: HostServices>(
        &self,
        baggage: &Baggage,
        trusted: bool,
        decision: &Decision<'_, O>,
        effects: &mut Effects,
    ) {
        let request = decision.request;
        let sent = request.sent(baggage.header).unwrap_or_default();
        let trusted = trusted || request.is_written_before(weir_core::ownership::BAGGAGE.as_bytes());
        // A trusted peer's members stay unless ours take their place.
        let is_taken = |key: Key<'_>| {
            let all = baggage.owns_namespace && !trusted;
            let decided = |e: &&Experiment| !trusted || request.variant(e.id).is_some();
            all || self.experiments.iter().filter(decided).any(|e| key.is(e.name().as_bytes()))
        };
        let pairs =
            || self.assigned(decision).map(|variant| variant.pair.as_bytes()).filter(|_| baggage.writes);
        let (mut room, mut cut, mut ours) = (Room::default(), false, 0usize);
        for pair in pairs() {
            if !room.take(&[PREFIX, pair]) {
                cut = true;
                break;
            }
            ours += 1;
        }
        let mut changed = ours > 0;
        let made = effects.make(|out| {
            let start = out.len();
            for member in sent.split(|b| *b == b',').filter(|member| !member.trim_ascii().is_empty()) {
                if Key::of(member).is_some_and(is_taken) {
                    changed = true;
                } else if ours == 0 || (is_well_formed(member) && room.take(&[member])) {
                    append(out, start, &[member]);
                } else {
                    cut = true;
                }
            }
            for pair in pairs().take(ours) {
                append(out, start, &[PREFIX, pair]);
            }
        });
        if cut {
            effects.counts.extend(baggage.dropped);
        }
        let is_empty = effects.bytes(made.into(), request.access_plan()).is_none_or(<[u8]>::is_empty);
        let given = match (changed, is_empty) {
            (false, _) => HeaderValue::AsSent,
            (true, true) => HeaderValue::Nothing,
            (true, false) => made.into(),
        };
        effects.set(baggage.header, given);
    }
}

/// Whether a member is what section 3.3.1 of the specification says: a key, a value, and properties.
fn is_well_formed(member: &[u8]) -> bool {
    let token = |name: &[u8]| {
        let other = b"!#$%&'*+-.^_`|~";
        !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || other.contains(b))
    };
    let value =
        |text: &[u8]| text.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'\\'));
    member.split(|b| *b == b';').enumerate().all(|(index, part)| {
        let mut halves = part.splitn(2, |b| *b == b'=').map(<[u8]>::trim_ascii);
        let name = halves.next().is_some_and(token);
        // A property may have no value, the member itself must.
        name && halves.next().map_or(index > 0, value)
    })
}

/// What follows `weir.` in a member's key, as it was sent.
#[derive(Clone, Copy)]
struct Key<'m>(&'m [u8]);

impl<'m> Key<'m> {
    /// The key of a member; `None` when it is outside of our namespace.
    fn of(member: &'m [u8]) -> Option<Self> {
        let name = member.split(|b| matches!(b, b'=' | b';')).next()?;
        let mut read = as_read(name);
        PREFIX.iter().all(|b| read.next() == Some(*b)).then_some(Self(name))
    }

    /// Whether it names an experiment.
    fn is(self, experiment: &[u8]) -> bool {
        let ours = PREFIX.iter().chain(experiment).map(u8::to_ascii_lowercase);
        as_read(self.0).take_while(u8::is_ascii_graphic).eq(ours)
    }
}

/// A key as services read it, or could: OpenTelemetry's propagators decode it, some before and some after
/// they trim it, by Unicode's idea of white space, and some lower it.
fn as_read(name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    decoded(name).skip_while(|b| !b.is_ascii_graphic()).map(|b| b.to_ascii_lowercase())
}

fn append(out: &mut Vec<u8>, start: usize, parts: &[&[u8]]) {
    if out.len() > start {
        out.push(b',');
    }
    for part in parts {
        out.extend_from_slice(part);
    }
}
