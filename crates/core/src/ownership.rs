//! Which request headers belong to a configuration beside those that it writes.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::Load;
use serde::Serialize;

/// `ownership`: names that clients must not send.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ownership {
    /// Whether names of Weir's own namespace that the configuration neither writes nor reads are removed from
    /// requests: with `experiments` the headers `x-weir-experiment-*`, `x-weir-payload-*` and `x-weir-decided`, and
    /// the members `weir.*` of `baggage`, with `routing` all other headers `x-weir-*`. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<bool>,
    /// Further request headers to remove, such as those of deleted rules: a name, or a prefix followed by `*`
    /// (`x-checkout-*`). Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reserved: Vec<String>,
    /// Whether this plugin shares header names with other Weir plugins of the same proxy that set this too:
    /// it records the headers that it writes in the filter state `wasm.weir-headers`, and keeps headers that
    /// an earlier plugin has recorded, unless it writes its own value.
    pub shared: bool,
}

impl Ownership {
    /// Whether nothing of it was written.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The filter state in which plugins record the headers that they wrote.
pub const SHARED_STATE: &str = "weir-headers";

/// The header that says of which experiments a request does not count, and why: `checkout=override`.
pub const DECIDED: &str = "x-weir-decided";

/// The header that services carry on as they got it.
pub const BAGGAGE: &str = "baggage";

const NAMESPACE: &[u8] = b"x-weir-";
const OF_EXPERIMENTS: [&[u8]; 3] = [b"experiment-", b"payload-", b"decided"];

/// Names of request headers that nothing reads or writes, and that clients must not send.
#[derive(Debug)]
pub struct Reserved {
    /// Whether those of experiments are.
    pub(crate) experiments: bool,
    /// Whether the rest of the namespace is.
    pub(crate) routing: bool,
    /// The beginnings of others.
    pub(crate) prefixes: Vec<Box<[u8]>>,
    /// What the first eight bytes of every such name have in common.
    start: Start,
}

/// Eight bytes of which some are fixed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// Shorter names are none of these.
    len: usize,
    mask: u64,
    bytes: u64,
}

impl Start {
    /// No bytes are like this.
    const NEVER: Self = Self { len: usize::MAX, mask: 0, bytes: 1 };

    /// Whether a name of so many bytes at a position may be like this. What follows it in the buffer does not matter: no
    /// name has a zero byte, which ends it there.
    #[inline]
    pub(crate) fn may_be(self, len: usize, data: &[u8], at: usize) -> bool {
        let eight = || data.get(at..).and_then(<[u8]>::first_chunk::<8>);
        let is_like = |eight: &[u8; 8]| u64::from_le_bytes(*eight) & self.mask == self.bytes;
        len >= self.len && eight().is_none_or(is_like)
    }
}

impl Default for Reserved {
    fn default() -> Self {
        Self { experiments: false, routing: false, prefixes: Vec::new(), start: Start::NEVER }
    }
}

impl Reserved {
    /// Whether there is no such name.
    pub fn is_empty(&self) -> bool {
        !self.experiments && !self.routing && self.prefixes.is_empty()
    }

    /// Whether a name is one.
    #[cold]
    pub fn has(&self, name: &[u8]) -> bool {
        let of_weir = name.strip_prefix(NAMESPACE).is_some_and(|rest| {
            let of_experiments = OF_EXPERIMENTS.iter().any(|prefix| rest.starts_with(prefix));
            if of_experiments { self.experiments } else { self.routing }
        });
        of_weir || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }

    /// What a name can be recognised by before it is looked at as a whole.
    #[inline]
    pub(crate) fn start(&self) -> Start {
        self.start
    }

    /// Once all is known.
    pub(crate) fn settle(&mut self) {
        let weir = (self.experiments || self.routing).then_some(NAMESPACE);
        let mut all = weir.into_iter().chain(self.prefixes.iter().map(|prefix| &**prefix));
        let Some(first) = all.next() else {
            self.start = Start::NEVER;
            return;
        };
        let common =
            |len: usize, other: &[u8]| first.iter().zip(other).take(len).take_while(|(a, b)| a == b).count();
        let len = all.fold(first.len().min(8), common);
        let mut mask = [0; 8];
        mask.iter_mut().take(len).for_each(|byte| *byte = 0xff);
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(first).take(len).for_each(|(to, from)| *to = *from);
        self.start = Start { len, mask: u64::from_le_bytes(mask), bytes: u64::from_le_bytes(bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved(experiments: bool, routing: bool, prefixes: &[&str]) -> Reserved {
        let prefixes = prefixes.iter().map(|prefix| prefix.as_bytes().into()).collect();
        let mut reserved = Reserved { experiments, routing, prefixes, ..Reserved::default() };
        reserved.settle();
        reserved
    }

    #[test]
    fn each_section_has_its_part_of_the_namespace() {
        let names =
            ["x-weir-experiment-a", "x-weir-payload-a", "x-weir-route", "x-weir-", "x-other", "x-weird"];
        let of = |reserved: Reserved| names.map(|name| reserved.has(name.as_bytes()));
        assert_eq!(of(reserved(false, false, &[])), [false; 6]);
        assert_eq!(of(reserved(true, false, &[])), [true, true, false, false, false, false]);
        assert_eq!(of(reserved(false, true, &[])), [false, false, true, true, false, false]);
        assert_eq!(of(reserved(true, true, &["x-oth"])), [true, true, true, true, true, false]);
    }

    #[test]
    fn no_reserved_name_is_passed_over() {
        for prefixes in
            [&[][..], &["x-weir-own-"], &["x-checkout-"], &["other-", "x-a-"], &["x-weir-b", "x-wei"]]
        {
            for (experiments, routing) in [(false, false), (true, false), (true, true)] {
                let reserved = reserved(experiments, routing, prefixes);
                let more = ["x-weir-route", "x-weir-experiment-one", "cookie", ":path", "x-request-id"];
                for name in prefixes.iter().map(|prefix| format!("{prefix}z")).chain(more.map(str::to_owned))
                {
                    let seen = reserved.start().may_be(name.len(), &[name.as_bytes(), &[0; 8]].concat(), 0);
                    assert!(seen || !reserved.has(name.as_bytes()), "{name} {reserved:?}");
                    assert!(!seen || !reserved.is_empty(), "{name}");
                }
            }
        }
    }
}
