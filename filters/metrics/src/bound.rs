//! Bounds of a label's values, for any traffic.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::encoding::{self, MAX_VALUE_LEN};
use crate::template::Template;
use std::cell::RefCell;
use std::hint::cold_path;
use weir_core::Truth;
use weir_core::http_match::TextRequirement;

/// A value of a label, by its number.
pub(crate) type Value = u16;

/// The request has no such value.
pub(crate) const NONE: Value = 0;
/// It has one that the bound does not let through.
pub(crate) const OTHER: Value = 1;
/// The number of the first value that is a label's own.
pub(crate) const FIRST: Value = 2;

/// The values that a label can have, and the way from a text to one of them.
#[derive(Debug)]
pub(crate) enum Bound {
    /// The values are in the configuration; texts are found by comparison.
    Listed(Names),
    /// The first different ones that come.
    Capped {
        /// What has come so far.
        names: RefCell<Names>,
        /// How many there may be.
        most: Value,
    },
    /// Paths by their form.
    Templates(Box<[(Template, Box<str>)]>),
    /// Classes of texts.
    Classes {
        /// The tests, in order, with the value of each.
        tests: Box<[(TextRequirement, Value)]>,
        /// The values.
        names: Box<[Box<str>]>,
    },
}

/// Texts with numbers.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Sorted, each with its number. A search takes the same time whatever was put in, unlike one by
    /// hashes, which a client could make collide.
    sorted: Vec<(Box<[u8]>, Value)>,
    /// As labels, by number.
    names: Vec<Box<str>>,
}

impl Names {
    pub(crate) fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut names = Self::default();
        for text in texts {
            if let Err(place) = names.place(text.as_bytes()) {
                names.insert(place, text.as_bytes());
            }
        }
        names
    }

    #[inline]
    fn place(&self, text: &[u8]) -> Result<Value, usize> {
        let found = self.sorted.binary_search_by(|(known, _)| (**known).cmp(text));
        found.map(|at| self.sorted.get(at).map_or(OTHER, |(_, value)| *value))
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, place: usize, text: &[u8]) -> Value {
        #[allow(clippy::cast_possible_truncation, reason = "bounded by `most`, which is a Value")]
        let value = FIRST + self.names.len() as Value;
        self.names.push(encoding::text(text).into());
        self.sorted.insert(place.min(self.sorted.len()), (text.into(), value));
        value
    }
}

impl Bound {
    /// How many different values there can be, [`NONE`] and [`OTHER`] included.
    pub(crate) fn size(&self) -> usize {
        usize::from(FIRST)
            + match self {
                Self::Listed(names) => names.names.len(),
                Self::Capped { most, .. } => usize::from(*most),
                Self::Templates(templates) => templates.len(),
                Self::Classes { names, .. } => names.len(),
            }
    }

    /// The value that a text is.
    #[inline]
    pub(crate) fn of(&self, text: Option<&[u8]>) -> Value {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return NONE };
        match self {
            Self::Listed(names) => names.place(text).unwrap_or(OTHER),
            Self::Capped { names, most } => Self::capped(names, *most, text),
            Self::Templates(templates) => {
                let found = templates.iter().position(|(template, _)| template.fits(text));
                #[allow(
                    clippy::cast_possible_truncation,
                    reason = "there are fewer templates than Values, see compile"
                )]
                found.map_or(OTHER, |position| FIRST + position as Value)
            }
            Self::Classes { tests, .. } => {
                // A text that cannot be judged is in none of the classes behind either.
                let found = tests.iter().find_map(|(asks, value)| match asks.judge(Some(text)) {
                    Truth::True => Some(*value),
                    Truth::False => None,
                    Truth::Unknown => Some(OTHER),
                });
                found.unwrap_or(OTHER)
            }
        }
    }

    #[inline]
    fn capped(names: &RefCell<Names>, most: Value, text: &[u8]) -> Value {
        // What is kept of a value is bounded as well as how many there are.
        let text = text.get(..MAX_VALUE_LEN).unwrap_or(text);
        let Ok(mut names) = names.try_borrow_mut() else { return OTHER };
        match names.place(text) {
            Ok(value) => value,
            Err(place) => {
                cold_path();
                if names.names.len() < usize::from(most) { names.insert(place, text) } else { OTHER }
            }
        }
    }

    /// Hands over a value as a text.
    #[cold]
    pub(crate) fn name<T>(&self, value: Value, with: impl FnOnce(&str) -> T) -> T {
        let Some(index) = value.checked_sub(FIRST).map(usize::from) else {
            return with(if value == NONE { "none" } else { "other" });
        };
        match self {
            Self::Listed(names) => with(names.names.get(index).map_or("other", |name| name)),
            Self::Capped { names, .. } => match names.try_borrow() {
                Ok(names) => with(names.names.get(index).map_or("other", |name| name)),
                Err(_) => with("other"),
            },
            Self::Templates(templates) => with(templates.get(index).map_or("other", |(_, name)| name)),
            Self::Classes { names, .. } => with(names.get(index).map_or("other", |name| name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bound: &Bound, text: &[u8]) -> String {
        bound.name(bound.of(Some(text)), str::to_owned)
    }

    #[test]
    fn listed_values_are_themselves_and_all_others_are_one() {
        let bound = Bound::Listed(Names::new(["gold", "free", "gold"].into_iter()));
        assert_eq!(bound.size(), 4);
        for (text, expected) in [("gold", "gold"), ("free", "free"), ("x", "other"), ("", "none")] {
            assert_eq!(name(&bound, text.as_bytes()), expected);
        }
        assert_eq!(bound.of(None), NONE);
    }

    #[test]
    fn a_cap_lets_the_first_ones_through() {
        let bound = Bound::Capped { names: RefCell::default(), most: 2 };
        assert_eq!(name(&bound, b"b"), "b");
        assert_eq!(name(&bound, b"a"), "a");
        assert_eq!(name(&bound, b"c"), "other");
        assert_eq!(name(&bound, b"b"), "b");
        assert_eq!(bound.size(), 4);
    }

    #[test]
    fn what_is_kept_is_short() {
        let bound = Bound::Capped { names: RefCell::default(), most: 2 };
        let long = vec![b'x'; 10_000];
        assert_eq!(name(&bound, &long).len(), MAX_VALUE_LEN);
        assert_eq!(bound.of(Some(&long[..MAX_VALUE_LEN])), bound.of(Some(&long)));
        let Bound::Capped { names, .. } = bound else { panic!() };
        assert_eq!(names.borrow().sorted[0].0.len(), MAX_VALUE_LEN);
    }
}
