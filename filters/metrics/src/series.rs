//! The series of a metric: for each combination of label values the id by which the proxy knows it.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::bound::{OTHER, Value};
use std::cell::{Cell, RefCell};
use std::hint::cold_path;
use weir_host_api::MetricId;

/// The state of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Id {
    /// Nothing yet.
    #[default]
    Unknown,
    /// The proxy would not define it.
    Refused,
    /// Its id.
    Known(MetricId),
}

impl Id {
    pub(crate) fn of(defined: Option<MetricId>) -> Self {
        defined.map_or(Self::Refused, Self::Known)
    }
}

/// A label's part in the number of a series: mixed radix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digit {
    /// Which label, by its position in the plan.
    pub(crate) label: u16,
    /// What one step of its value is worth.
    pub(crate) stride: u64,
}

/// The ids of all series of a metric, by number.
#[derive(Debug)]
pub(crate) enum Ids {
    /// One for each combination there can be, because they are few.
    Dense(Box<[Cell<Id>]>),
    /// Those that were met, sorted; never more than `most`.
    Sparse {
        /// The ids by number.
        met: RefCell<Vec<(u64, Id)>>,
        /// How many there may be.
        most: usize,
    },
}

/// Where the id of a series is.
pub(crate) enum Found {
    /// Here.
    Id(Id),
    /// Not found, and the limit is reached.
    Full,
}

impl Ids {
    /// Room for `combinations` of label values (`None`: more than can be counted), but for `most` series.
    pub(crate) fn new(combinations: Option<u64>, most: u32) -> Self {
        match combinations.filter(|combinations| *combinations <= u64::from(most)) {
            Some(few) => Self::Dense((0..few).map(|_| Cell::default()).collect()),
            None => Self::Sparse { met: RefCell::default(), most: most as usize },
        }
    }

    /// The state of a series.
    #[inline]
    pub(crate) fn find(&self, number: u64) -> Found {
        match self {
            Self::Dense(all) => {
                let id = usize::try_from(number).ok().and_then(|position| all.get(position));
                Found::Id(id.map_or(Id::Refused, |id| id.get()))
            }
            Self::Sparse { met, most } => {
                let Ok(met) = met.try_borrow() else { return Found::Full };
                match met.binary_search_by(|(known, _)| known.cmp(&number)) {
                    Ok(at) => Found::Id(met.get(at).map_or(Id::Unknown, |(_, id)| *id)),
                    Err(_) => {
                        cold_path();
                        if met.len() < *most { Found::Id(Id::Unknown) } else { Found::Full }
                    }
                }
            }
        }
    }

    /// Keeps an id, also one more than there is room for: that of the series in which the rest is.
    #[cold]
    pub(crate) fn keep(&self, number: u64, id: Id) {
        match self {
            Self::Dense(all) => {
                if let Some(cell) = usize::try_from(number).ok().and_then(|position| all.get(position)) {
                    cell.set(id);
                }
            }
            Self::Sparse { met, .. } => {
                if let Ok(mut met) = met.try_borrow_mut()
                    && let Err(place) = met.binary_search_by(|(known, _)| known.cmp(&number))
                {
                    met.insert(place, (number, id));
                }
            }
        }
    }

    /// How many ids there is memory for.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        match self {
            Self::Dense(all) => all.len(),
            Self::Sparse { met, .. } => met.borrow().len(),
        }
    }
}

/// The number of a series from the values of its labels.
#[inline]
pub(crate) fn number(digits: &[Digit], mut value: impl FnMut(u16) -> Value) -> u64 {
    let part = |digit: &Digit| u64::from(value(digit.label)).wrapping_mul(digit.stride);
    digits.iter().map(part).fold(0, u64::wrapping_add)
}

/// The number of the series in which every label is `other`.
pub(crate) fn number_of_the_rest(digits: &[Digit]) -> u64 {
    number(digits, |_| OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_combinations_have_a_place_each() {
        let ids = Ids::new(Some(6), 10);
        assert_eq!(ids.kept(), 6);
        ids.keep(5, Id::Known(MetricId(7)));
        assert!(matches!(ids.find(5), Found::Id(Id::Known(MetricId(7)))));
        assert!(matches!(ids.find(4), Found::Id(Id::Unknown)));
        assert!(matches!(ids.find(6), Found::Id(Id::Refused)), "there is no such combination");
    }

    #[test]
    fn many_combinations_are_kept_up_to_a_bound() {
        let ids = Ids::new(None, 2);
        for number in [9, 3] {
            assert!(matches!(ids.find(number), Found::Id(Id::Unknown)));
            ids.keep(number, Id::Known(MetricId(number as u32)));
        }
        assert!(matches!(ids.find(1), Found::Full));
        assert!(matches!(ids.find(9), Found::Id(Id::Known(MetricId(9)))));
        ids.keep(1, Id::Known(MetricId(1)));
        ids.keep(1, Id::Known(MetricId(1)));
        assert_eq!(ids.kept(), 3, "and the one in which the rest is");
    }

    #[test]
    fn numbers_are_of_mixed_radix() {
        let digits = [Digit { label: 0, stride: 1 }, Digit { label: 1, stride: 10 }];
        assert_eq!(number(&digits, |label| 3 + label), 43);
        assert_eq!(number_of_the_rest(&digits), 11);
    }
}
