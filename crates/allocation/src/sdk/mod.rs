//! Assignment as the SDKs of feature-flag and experimentation vendors do it, and `weir-1` beside them under one
//! roof.
//!
//! ```
//! use weir_allocation::sdk::{Algorithm, Assigner, Assignment, Definition, Layout};
//!
//! // At configure time. All mistakes are found here.
//! let assigner = Assigner::new(
//!     Algorithm::GrowthBook2,
//!     &Definition {
//!         key: "checkout-button",
//!         seed: None,
//!         coverage_seed: None,
//!         coverage: 1.0,
//!         layout: Layout::Weights(&[0.5, 0.5]),
//!     },
//! )?;
//!
//! // For each request: integers only, nothing allocated.
//! assert_eq!(assigner.assign(b"user-42"), Assignment::Variant(1));
//!
//! // For people: the number behind the decision.
//! let explained = assigner.explain(b"user-42");
//! assert_eq!(explained.assignment, Assignment::Variant(1));
//! assert_eq!(explained.draw.map(|draw| draw.scale), Some(10_000));
//! # Ok::<(), weir_allocation::sdk::Refused>(())
//! ```
//!
//! # How it works
//!
//! Every algorithm has the same shape: a unit is hashed to a number below a *scale*, and ranges of numbers belong
//! to variants. What differs is how the number is made, how large the scale is, and where exactly the ranges end.
//! The last is the vendor's own arithmetic, often with floating point; it is done once, here, at configure time,
//! and leaves exact integers for the requests. Some algorithms ask a second, independent number first: whether
//! the unit takes part at all.
//!
//! # Layers
//!
//! A vendor's layer, group or namespace is an assigner with one variant, which owns the experiment's ranges:
//! units with `Variant(0)` are inside. For GrowthBook's namespaces that is [`Algorithm::GrowthBook1`] with
//! the seed `__<namespace>`.
//!
//! # What an SDK sees of a unit
//!
//! SDKs take text. A unit that is not UTF-8 is hashed as the text that a lossy decoder makes of it, with U+FFFD for
//! each maximal invalid part (as `String::from_utf8_lossy`, WHATWG's decoder and Python's `errors="replace"` do).
//! `weir-1` and `envoy-xxh64` hash the bytes as they are.
//!
//! `docs/sdk-compatibility.md` says what seeds, weights and coverage mean for each algorithm, and with which
//! versions of which SDKs each was verified.

mod algorithm;
mod assigner;
mod boundaries;
mod definition;
mod digest;
mod draw;
mod envoy;
mod grid;
mod growthbook;
mod hash;
mod murmur;
mod pieces;
mod rule;
mod weir;

pub use algorithm::Algorithm;
pub use assigner::{Assigner, Explanation, Number};
pub use boundaries::Segment;
pub use definition::{Definition, DefinitionPart, Layout, Reason, Refusal, Refused, Span};
pub use growthbook::growthbook_rollout;
pub use rule::Assignment;
