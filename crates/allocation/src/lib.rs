//! Assignment: from a unit (a user, a session, a device) to a bucket, and from a bucket to a variant.
//!
//! The way of a decision is short:
//!
//! ```
//! use weir_allocation::{Salt, Fraction, Weights, contiguous};
//!
//! // At configure time.
//! let salt = Salt::new("checkout-button");
//! let weights = Weights::from_relative(&[90.0, 10.0])?;
//! let allocation = contiguous(&weights, Fraction::ALL)?;
//!
//! // For each request: no allocation, no floating point, no state.
//! let variant = allocation.pick(salt.bucket(b"user-42"));
//! assert_eq!(variant, Some(0));
//! # Ok::<(), weir_allocation::InvalidWeights>(())
//! ```
//!
//! - [`Salt`] hashes a unit to a [`Bucket`] with the `weir-1` hash.
//! - [`Fraction`] is a part of all units, in millionths.
//! - [`Allocation`] says which ranges of buckets belong to whom.
//! - [`contiguous`] and [`anchored`] lay out an allocation from [`Weights`]; [`replan`] changes an existing
//!   one with the least possible movement.
//! - [`sdk`] assigns as the SDKs of experimentation vendors do (cargo feature `sdk`, on by default).
//! - [`changes`] and [`moved`] tell exactly which units a change of allocation moves.
//!
//! The crate does no I/O, reads no clock, and gives the same answers natively and in WebAssembly.

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
