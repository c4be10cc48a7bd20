#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::cast_possible_truncation))]

mod fraction;
mod hash;
mod layout;
mod movement;
mod number;
mod ranges;
mod replan;
#[cfg(feature = "sdk")]
pub mod sdk;
mod weights;

pub use fraction::{Fraction, InvalidFraction};
pub use hash::{Bucket, Salt, purpose};
pub use layout::{anchored, contiguous};
pub use movement::{Change, Movement, changes, moved, moved_share, total_variation};
pub use ranges::{Allocation, BucketRange, InvalidRange, InvalidRanges};
pub use replan::replan;
pub use weights::{InvalidWeight, InvalidWeights, Weights};

/// The number of buckets. A bucket is one millionth of all units.
pub const BUCKETS: u32 = 1_000_000;
