#![doc = include_str!("../README.md")]
//! ## Modules
//!
//! | module | question |
//! |---|---|
//! | [`srm`] | Do the counted units differ from the weights? Once (Pearson), and at any time (Lindon and Malek). |
//! | [`sample`] | What do counts or sums say of one arm: mean, variance, number of observations? |
//! | [`lift`] | How much do two arms differ? Fixed intervals, and confidence sequences that hold at any time. |
//! | [`multiple`] | What is significant among several comparisons? |
//! | [`guardrail`] | Is a metric worse than tolerated? |
//! | [`power`] | How many units does it take? |
//! | [`simulate`] | Made-up counts, to check all of it. |

#![forbid(unsafe_code)]

pub mod guardrail;
pub mod lift;
pub mod multiple;
pub mod power;
pub mod sample;
pub mod simulate;
mod special;
pub mod srm;
mod undefined;

pub use undefined::{Argument, Undefined};
