//! What the counts of an experiment say: whether the split is as configured, how much better a variant is, how
//! many units it takes to find out.
//!
//! Everything is a pure function of numbers. Formulas are those of published tools, and tests hold them against
//! these tools to 1e-9 (`tests/vectors`). No function takes or returns NaN: where there is no answer, an
//! [`Undefined`] says why.
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

pub use undefined::Undefined;
