//! The variant that a request has of an experiment, how that was decided, and whether it counts.

/// What decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecidedBy {
    /// The hash of the unit.
    #[default]
    Hash,
    /// What the browser's cookie remembers.
    Sticky,
    /// A tester's choice.
    Override,
    /// The experiment has ended: this is its winner.
    Winner,
    /// A trusted peer, which named no other reason.
    Trust,
}

/// A variant of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Its position among the experiment's variants.
    pub variant: u16,
    /// What decided.
    pub by: DecidedBy,
    /// Whether the request is part of the experiment's results. Testers, winners and visitors without consent are
    /// not.
    pub counts: bool,
}

/// What became of a goal that a unit has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// It is the first time.
    New,
    /// It was reached before.
    Already,
    /// Nobody can tell next time: there is no room for it.
    Full,
    /// Nobody can tell: the unit's assignment is not remembered.
    Unable,
}

/// Why a request does not count, where neither an override nor a winner is the reason.
const UNCOUNTED: &str = "uncounted";

impl Assigned {
    /// How filter state separates a variant from why it does not count.
    pub const SEPARATOR: u8 = b';';

    /// What a peer says of a variant that it has decided; `None` when it says nothing.
    #[must_use]
    pub fn by_peer(variant: u16, word: Option<&[u8]>) -> Self {
        let (by, counts) = match word {
            Some(b"override") => (DecidedBy::Override, false),
            Some(b"winner") => (DecidedBy::Winner, false),
            Some(_) => (DecidedBy::Trust, false),
            None => (DecidedBy::Trust, true),
        };
        Self { variant, by, counts }
    }

    /// How it was decided, in one word, as logs and peers read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self.by {
            DecidedBy::Override => "override",
            DecidedBy::Winner => "winner",
            _ if !self.counts => UNCOUNTED,
            DecidedBy::Hash => "hash",
            DecidedBy::Sticky => "sticky",
            DecidedBy::Trust => "trust",
        }
    }

    /// The texts that filter state has for a variant: alone where it counts, otherwise with the reason.
    pub fn states(variant: &str) -> impl Iterator<Item = String> + '_ {
        ["", ";override", ";winner", ";uncounted"].into_iter().map(move |reason| [variant, reason].concat())
    }
}

impl From<u16> for Assigned {
    /// By the hash, and it counts.
    fn from(variant: u16) -> Self {
        Self { variant, by: DecidedBy::Hash, counts: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [DecidedBy; 5] =
        [DecidedBy::Hash, DecidedBy::Sticky, DecidedBy::Override, DecidedBy::Winner, DecidedBy::Trust];

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn what_does_not_count_is_understood_by_peers_and_later_plugins() {
        for by in ALL {
            let uncounted = Assigned { variant: 3, by, counts: false };
            let word = uncounted.word();
            let heard = Assigned::by_peer(3, Some(word.as_bytes()));
            assert_eq!((heard.counts, heard.word()), (false, word));
            assert!(Assigned::states("b").any(|state| state == format!("b;{word}")), "{word}");
        }
        assert_eq!(Assigned::by_peer(3, None).word(), "trust");
        assert!(Assigned::by_peer(3, None).counts);
        assert!(!Assigned::by_peer(3, Some(b"a word of tomorrow")).counts);
        assert_eq!(Assigned::from(3).word(), "hash");
        assert_eq!(Assigned::states("b").next().as_deref(), Some("b"));
    }

    #[test]
    fn it_is_small() {
        assert_eq!(size_of::<Option<Assigned>>(), 4);
    }
}
