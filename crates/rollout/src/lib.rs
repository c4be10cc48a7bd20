//! Rollouts as a pure state machine.
//!
//! A rollout gives a release to more and more units, in steps, as long as its gates pass, and puts back what was
//! there before as soon as one fails. Here is all that decides: no I/O, no clock, no randomness.
//!
//! | module | content |
//! |---|---|
//! | [`spec`] | what users write: target, steps, gates, deadline |
//! | [`plan`] | the same, checked |
//! | [`state`] | where a rollout is: what is kept between two evaluations |
//! | [`machine`] | one evaluation: plan, state, observation and time in; state, what to write and events out |
//!
//! Configurations are *versions* here: 0 is what was there before, `n` is what step `n` makes of it. Whoever calls
//! [`machine::advance`] stores the new state before it writes the version that the machine asks for. Then a program
//! that ends at any point, and starts again, goes on as if it had not ended.

#![forbid(unsafe_code)]

pub mod machine;
pub mod plan;
pub mod spec;
pub mod state;

pub use machine::{
    Advance, Command, Content, GateResult, Observation, Refused, Running, Verdict, advance, command,
};
pub use plan::{Check, Gate, Kind, OnDeadline, Place, Plan, Resource, Share, Step, Subject};
pub use spec::Spec;
pub use state::{Event, EventKind, Held, Phase, Reason, State};
