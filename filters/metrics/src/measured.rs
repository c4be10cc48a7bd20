//! The state of a request until its end.

// This crate is compiled for size. `#[inline]` here means: compiled with the pipeline, for speed.

use crate::bound::{NONE, Value};
use weir_host_api::MetricId;

/// The state of a request until its end: values as small numbers, and no text except the log line of some
/// requests. [`crate::Plan::end`] consumes it, so that no request ends twice.
#[derive(Debug, Default)]
pub struct Measured {
    pub(crate) values: Values,
    /// Which metrics wait for the end; a bit each.
    pub(crate) waiting: u64,
    /// When it started; 0 where no duration is asked.
    pub(crate) started: u64,
    /// Numbers of the request, by metric.
    pub(crate) numbers: Vec<(u32, u64)>,
    /// Gauges that went up.
    pub(crate) active: Vec<MetricId>,
    /// What most requests have nothing of.
    pub(crate) rare: Option<Box<Rare>>,
}

/// What is rare, so that it takes four bytes of each request.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    /// The beginning of the line that is logged.
    pub(crate) line: Option<String>,
    /// Which goals the request may reach with its response; a bit each.
    pub(crate) goals: u32,
}

impl Measured {
    /// Whether the response may show that the request has reached a goal ([`crate::Plan::respond`]).
    #[inline]
    pub fn awaits_response(&self) -> bool {
        self.goals() != 0
    }
}

impl Measured {
    /// Which goals it may reach with the response; a bit each.
    #[inline]
    pub(crate) fn goals(&self) -> u32 {
        self.rare.as_ref().map_or(0, |rare| rare.goals)
    }

    #[cold]
    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// How many values need no memory of their own.
const FEW: usize = 8;

/// Stands where nothing is read yet.
const UNREAD: Value = Value::MAX;

/// The values of labels, by position in the plan's readings.
#[derive(Debug)]
pub(crate) struct Values {
    few: [Value; FEW],
    more: Vec<Value>,
}

impl Default for Values {
    fn default() -> Self {
        Self { few: [UNREAD; FEW], more: Vec::new() }
    }
}

impl Values {
    /// Room for this many.
    #[inline]
    pub(crate) fn new(number: usize) -> Self {
        let mut values = Self::default();
        if number > FEW {
            values.more.resize(number - FEW, UNREAD);
        }
        values
    }

    /// The value, [`NONE`] when it was not read.
    #[inline]
    pub(crate) fn get(&self, position: u16) -> Value {
        self.read(position).unwrap_or(NONE)
    }

    /// The value, `None` when it was not read.
    #[inline]
    pub(crate) fn read(&self, position: u16) -> Option<Value> {
        let position = usize::from(position);
        let value = match self.few.get(position) {
            Some(value) => *value,
            None => *self.more.get(position - FEW)?,
        };
        (value != UNREAD).then_some(value)
    }

    #[inline]
    pub(crate) fn set(&mut self, position: u16, value: Value) {
        let position = usize::from(position);
        let place = match self.few.get_mut(position) {
            Some(place) => Some(place),
            None => self.more.get_mut(position.wrapping_sub(FEW)),
        };
        if let Some(place) = place {
            *place = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_room_however_many_they_are() {
        let mut values = Values::new(20);
        for position in 0..20 {
            assert_eq!((values.read(position), values.get(position)), (None, NONE));
            values.set(position, position + 5);
        }
        values.set(20, 1);
        assert!((0..20).all(|position| values.get(position) == position + 5));
        assert_eq!(values.read(20), None);
        assert_eq!(Values::new(3).read(7), None);
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<Measured>() <= 144, "{}", size_of::<Measured>());
    }
}
