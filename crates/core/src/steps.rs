//! Something that changes in equal steps of time.

use crate::load::Load;
use crate::problem::At;
use crate::{Compiler, duration, timestamp};
use serde::Serialize;

/// The most steps of a ramp. Each of them is laid out when a configuration is loaded, and takes memory in each worker.
const MAX_STEPS: u32 = 100;
/// How many there are where nothing is said.
const DEFAULT_STEPS: u32 = 10;

/// When the steps of a ramp are taken.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Ramp"))]
pub struct StepsSpec {
    /// When it starts, in RFC 3339 format (`2026-03-01T00:00:00Z`).
    pub start: String,
    /// Its duration, such as `10d`. The last step is taken at its end.
    pub over: String,
    /// The number of steps, at equal intervals, from 1 to 100. Default: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
}

/// Equal steps, the first of them one interval after the start, the last one at the end.
///
/// ```
/// use weir_core::Steps;
///
/// let steps = Steps::new(1_000, 100, 4);
/// assert_eq!([999, 1_024, 1_025, 1_099, 1_100].map(|now| steps.taken(now)), [0, 0, 1, 3, 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    start: u64,
    over: u64,
    number: u32,
}

impl Steps {
    /// `number` steps within `over` nanoseconds from `start` on, which counts nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn new(start: u64, over: u64, number: u32) -> Self {
        Self { start, over, number }
    }

    /// The steps that are meant. Problems go to the compiler.
    pub fn compile(spec: &StepsSpec, compiler: &mut Compiler<'_>, at: &At) -> Option<Self> {
        let start = compiler.problems.accept(timestamp::parse(&spec.start), &at.field("start"));
        let over = compiler.problems.accept(duration::parse(&spec.over), &at.field("over"));
        let number = spec.number();
        if !(1..=MAX_STEPS).contains(&number) {
            compiler.problems.add(&at.field("steps"), format!("{number}: expected 1 to {MAX_STEPS}"));
            return None;
        }
        if over.is_some_and(|over| over.is_zero()) {
            compiler.problems.add(&at.field("over"), format!("{:?} is not longer than 0s", spec.over));
        }
        Some(Self::new(start?, u64::try_from(over?.as_nanos()).unwrap_or(u64::MAX), number))
    }

    /// How many there are.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// How many have been taken at a time, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn taken(&self, now: u64) -> u32 {
        let passed = now.saturating_sub(self.start);
        if passed >= self.over {
            return self.number;
        }
        let taken = u128::from(passed) * u128::from(self.number) / u128::from(self.over);
        u32::try_from(taken).unwrap_or(self.number)
    }
}

impl StepsSpec {
    /// How many steps there are.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.steps.unwrap_or(DEFAULT_STEPS)
    }

    /// The steps, where they are valid.
    #[must_use]
    pub fn valid(&self) -> Option<Steps> {
        let over = duration::parse(&self.over).ok()?;
        let over = u64::try_from(over.as_nanos()).unwrap_or(u64::MAX);
        Some(Steps::new(timestamp::parse(&self.start).ok()?, over, self.number()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn steps_are_taken_in_order_and_once() {
        for (over, number) in [(1, 1), (7, 3), (3, 1000), (u64::MAX - 5, 1000), (86_400_000_000_000, 10)] {
            let steps = Steps::new(5, over, number);
            assert_eq!([0, 4, 5].map(|now| steps.taken(now)), [0; 3]);
            let mut before = 0;
            for part in 0..=2_000_u128 {
                let now = u64::try_from(5 + u128::from(over) * part / 2_000).unwrap_or(u64::MAX);
                let taken = steps.taken(now);
                assert!((before..=number).contains(&taken), "{over} {number} {now}");
                before = taken;
            }
            assert_eq!(steps.taken(u64::MAX), number);
        }
    }
}
